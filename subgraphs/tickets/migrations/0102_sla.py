"""Service levels: calendars, what is promised to whom, and what happened to a ticket that clocks are derived from."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "tickets_0102", "tickets_0101", None, None

ENTITY = """
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id)
"""


def upgrade() -> None:
    """Create the tables; facts and terms are only ever appended, and a calendar's past stays readable."""
    migrate.run(f"""
        CREATE TABLE business_calendar (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            time_zone text NOT NULL,
            weekly jsonb NOT NULL,
            holidays jsonb NOT NULL,
            holiday_region text,
            is24x7 boolean NOT NULL,
            revision_id uuid NOT NULL,
            {ENTITY}
        );
        CREATE UNIQUE INDEX business_calendar_name ON business_calendar (tenant_id, lower(name)) WHERE archived_at IS NULL;
        CREATE TABLE calendar_revision (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            calendar_id uuid NOT NULL,
            since timestamptz NOT NULL,
            definition jsonb NOT NULL,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE TABLE sla_policy (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            calendar_id uuid NOT NULL,
            targets jsonb NOT NULL,
            update_target_minutes integer CHECK (update_target_minutes > 0),
            pause_on_vendor boolean NOT NULL,
            warn_at jsonb NOT NULL,
            is_default boolean NOT NULL,
            {ENTITY},
            FOREIGN KEY (tenant_id, calendar_id) REFERENCES business_calendar (tenant_id, id)
        );
        CREATE UNIQUE INDEX sla_policy_name ON sla_policy (tenant_id, lower(name)) WHERE archived_at IS NULL;
        CREATE UNIQUE INDEX sla_policy_default ON sla_policy (tenant_id) WHERE is_default;
        CREATE TABLE sla_assignment (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            policy_id uuid NOT NULL,
            scope text NOT NULL CHECK (scope IN ('CONTRACT', 'CUSTOMER', 'QUEUE')),
            target_id uuid NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, scope, target_id),
            FOREIGN KEY (tenant_id, policy_id) REFERENCES sla_policy (tenant_id, id)
        );
        CREATE TABLE sla_fact (
            tenant_id uuid NOT NULL,
            ticket_id uuid NOT NULL,
            position integer NOT NULL,
            customer_id uuid NOT NULL,
            at timestamptz NOT NULL,
            condition text CHECK (condition IN ('ACTIVE', 'WAITING_CUSTOMER', 'WAITING_VENDOR', 'ON_HOLD', 'RESOLVED', 'ENDED')),
            PRIMARY KEY (tenant_id, ticket_id, position),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id)
        );
        CREATE TABLE sla_terms (
            tenant_id uuid NOT NULL,
            ticket_id uuid NOT NULL,
            position integer NOT NULL,
            customer_id uuid NOT NULL,
            since timestamptz NOT NULL,
            policy_id uuid,
            because text NOT NULL,
            terms jsonb NOT NULL,
            PRIMARY KEY (tenant_id, ticket_id, position),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id)
        );
        CREATE TABLE sla_clock (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            ticket_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            metric text NOT NULL CHECK (metric IN ('FIRST_RESPONSE', 'RESOLUTION', 'NEXT_UPDATE')),
            ordinal integer NOT NULL,
            state text NOT NULL
                CHECK (state IN ('RUNNING', 'PAUSED', 'MET', 'BREACHED', 'BREACHED_MET', 'CANCELLED')),
            target_minutes integer NOT NULL,
            started_at timestamptz NOT NULL,
            due_at timestamptz,
            met_at timestamptz,
            breached_at timestamptz,
            breach_reason text CHECK (breach_reason IN ('DEADLINE', 'POLICY_CHANGE')),
            told jsonb NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, ticket_id, metric, ordinal),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id)
        );
        CREATE INDEX sla_clock_due ON sla_clock (tenant_id, due_at, id) WHERE state = 'RUNNING';
        CREATE INDEX sla_clock_broken ON sla_clock (tenant_id, breached_at, id) WHERE breached_at IS NOT NULL;
    """)
    for table in ("business_calendar", "sla_policy", "sla_assignment"):
        migrate.protect(table)
    migrate.protect("calendar_revision", grants="SELECT, INSERT")
    for table, grants in (("sla_fact", "SELECT, INSERT"), ("sla_terms", "SELECT, INSERT"), ("sla_clock", "SELECT, INSERT, UPDATE")):  # fmt: skip
        visible = f"EXISTS (SELECT FROM ticket t WHERE t.tenant_id = {table}.tenant_id AND t.id = ticket_id)"
        migrate.protect(table, customer="customer_id", grants=grants)
        migrate.narrow(table, read="tickets:read", write="tickets:write", own=visible)
