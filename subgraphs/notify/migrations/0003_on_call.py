"""Being on call: schedules, who stands in, policies and pages; and a category for what they tell."""

from subgraphs.kit import migrate, tenancy

revision, down_revision, depends_on, branch_labels = "notify_0003", "notify_0002", None, None

_ENTITY = """
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
"""
_CATEGORIES = "'TICKETS','SLA','INVOICES','ASSETS','INTEGRATIONS','ACCOUNT','ON_CALL'"


def upgrade() -> None:
    """Create the tables."""
    migrate.run(f"""
        CREATE TABLE on_call_schedule (
            {_ENTITY}
            name text NOT NULL CHECK (name <> ''),
            time_zone text NOT NULL,
            user_ids jsonb NOT NULL,
            shift text NOT NULL CHECK (shift IN ('DAILY', 'WEEKLY')),
            handover time NOT NULL,
            starts_on date NOT NULL
        );
        CREATE TABLE on_call_override (
            {_ENTITY}
            schedule_id uuid NOT NULL,
            user_id uuid NOT NULL,
            starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL,
            CHECK (starts_at < ends_at),
            FOREIGN KEY (tenant_id, schedule_id) REFERENCES on_call_schedule (tenant_id, id)
        );
        CREATE INDEX on_call_override_of ON on_call_override (tenant_id, schedule_id, ends_at);
        CREATE TABLE escalation_policy (
            {_ENTITY}
            name text NOT NULL CHECK (name <> ''),
            steps jsonb NOT NULL,
            event_types jsonb NOT NULL
        );
        CREATE TABLE page (
            {_ENTITY}
            policy_id uuid NOT NULL,
            title text NOT NULL,
            incident_ref text,
            about_customer uuid,
            status text NOT NULL CHECK (status IN ('TRIGGERED', 'ESCALATED', 'ACKNOWLEDGED', 'RESOLVED')),
            steps jsonb NOT NULL,
            step integer NOT NULL,
            log jsonb NOT NULL,
            acknowledged_by uuid,
            acknowledged_at timestamptz,
            resolved_at timestamptz,
            CHECK ((status = 'RESOLVED') = (resolved_at IS NOT NULL)),
            FOREIGN KEY (tenant_id, policy_id) REFERENCES escalation_policy (tenant_id, id)
        );
        CREATE UNIQUE INDEX page_once ON page (tenant_id, policy_id, incident_ref) WHERE status <> 'RESOLVED';
        CREATE INDEX page_newest ON page (tenant_id, created_at DESC, id DESC);
    """)
    for table in ("on_call_schedule", "on_call_override", "escalation_policy", "page"):
        migrate.protect(table)
    about = tenancy.customer_wall("about_customer")
    migrate.run(f"CREATE POLICY about ON page AS RESTRICTIVE USING (about_customer IS NULL OR {about})")
    for table in ("notification", "notification_preference", "delivery"):
        migrate.run(f"""
            ALTER TABLE {table} DROP CONSTRAINT {table}_category_check;
            ALTER TABLE {table} ADD CONSTRAINT {table}_category_check CHECK (category IN ({_CATEGORIES}));
        """)
