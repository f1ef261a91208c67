"""Time: kinds of work, rules of rounding, entries on their way to the invoice, and running timers."""

from subgraphs.kit import migrate
from subgraphs.kit.tenancy import SUBJECT

revision, down_revision, depends_on, branch_labels = "tickets_0103", "tickets_0102", None, None

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
    """Create the tables; whoever may see only their own time sees what they worked."""
    migrate.run(f"""
        CREATE TABLE work_type (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            key text NOT NULL CHECK (key <> ''),
            name text NOT NULL CHECK (name <> ''),
            multiplier numeric(6, 3) NOT NULL CHECK (multiplier >= 0),
            default_billable boolean NOT NULL,
            includes_travel boolean NOT NULL,
            after_hours_calendar_id uuid,
            after_hours_multiplier numeric(6, 3) CHECK (after_hours_multiplier >= 0),
            {ENTITY},
            CHECK ((after_hours_calendar_id IS NULL) = (after_hours_multiplier IS NULL)),
            FOREIGN KEY (tenant_id, after_hours_calendar_id) REFERENCES business_calendar (tenant_id, id)
        );
        CREATE UNIQUE INDEX work_type_key ON work_type (tenant_id, key) WHERE archived_at IS NULL;
        CREATE TABLE rounding_rule (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            increment_min integer NOT NULL CHECK (increment_min > 0),
            minimum_min integer NOT NULL CHECK (minimum_min >= 0),
            mode text NOT NULL CHECK (mode IN ('UP', 'NEAREST', 'DOWN')),
            grace_min integer NOT NULL CHECK (grace_min >= 0),
            scope text NOT NULL CHECK (scope IN ('PER_ENTRY', 'PER_TICKET_DAY')),
            is_default boolean NOT NULL,
            {ENTITY}
        );
        CREATE UNIQUE INDEX rounding_rule_default ON rounding_rule (tenant_id) WHERE is_default;
        CREATE TABLE time_entry (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            user_id uuid NOT NULL,
            work_item_type text NOT NULL CHECK (work_item_type IN ('TICKET', 'PROJECT_TASK', 'CUSTOMER', 'INTERNAL')),
            work_item_id uuid,
            ticket_id uuid,
            customer_id uuid,
            contract_id uuid,
            work_type_id uuid NOT NULL,
            started_at timestamptz NOT NULL,
            ended_at timestamptz NOT NULL,
            local_date date NOT NULL,
            actual_minutes integer NOT NULL CHECK (actual_minutes > 0),
            billable_minutes integer NOT NULL CHECK (billable_minutes >= 0),
            after_hours_minutes integer NOT NULL CHECK (after_hours_minutes >= 0),
            charged_after_hours_minutes integer NOT NULL CHECK (charged_after_hours_minutes >= 0),
            is_billable boolean NOT NULL,
            rounding_rule_id uuid,
            travel_km numeric(8, 1) CHECK (travel_km >= 0),
            note text NOT NULL CHECK (note <> ''),
            internal_note text,
            status text NOT NULL CHECK (status IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'REJECTED', 'LOCKED', 'BILLED')),
            submitted_at timestamptz,
            decided_at timestamptz,
            decided_by uuid,
            rejection text,
            billed_in uuid,
            corrects_id uuid,
            {ENTITY},
            CHECK (ended_at > started_at),
            CHECK (work_item_type <> 'TICKET' OR (ticket_id IS NOT NULL AND customer_id IS NOT NULL)),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id),
            FOREIGN KEY (tenant_id, work_type_id) REFERENCES work_type (tenant_id, id),
            FOREIGN KEY (tenant_id, rounding_rule_id) REFERENCES rounding_rule (tenant_id, id),
            FOREIGN KEY (tenant_id, corrects_id) REFERENCES time_entry (tenant_id, id)
        );
        CREATE INDEX time_entry_newest ON time_entry (tenant_id, started_at DESC, id DESC);
        CREATE INDEX time_entry_of_ticket ON time_entry (tenant_id, ticket_id, started_at) WHERE ticket_id IS NOT NULL;
        CREATE INDEX time_entry_of_user ON time_entry (tenant_id, user_id, started_at DESC, id DESC);
        CREATE INDEX time_entry_of_customer ON time_entry (tenant_id, customer_id, started_at DESC, id DESC)
            WHERE customer_id IS NOT NULL;
        CREATE INDEX time_entry_of_contract ON time_entry (tenant_id, contract_id, started_at DESC)
            WHERE contract_id IS NOT NULL;
        CREATE TABLE timer (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            user_id uuid NOT NULL,
            ticket_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            started_at timestamptz NOT NULL,
            {ENTITY},
            UNIQUE (tenant_id, user_id, ticket_id),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id)
        );
        CREATE INDEX timer_of_ticket ON timer (tenant_id, ticket_id);
    """)
    migrate.protect("work_type")
    migrate.protect("rounding_rule")
    for table in ("time_entry", "timer"):
        migrate.protect(table, customer="customer_id")
    # A timer shows who works on a ticket, so that nobody resolves it meanwhile: it is seen with the ticket.
    migrate.narrow("time_entry", read="time:read", write="time:write", own=f"user_id = {SUBJECT}")
