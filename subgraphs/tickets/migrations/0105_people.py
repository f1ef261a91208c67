"""A short copy of users: a ticket, an appointment or time is given to nobody who is not there."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "tickets_0105", "tickets_0104", None, None


def upgrade() -> None:
    """Create the table. It has no wall of customers: staff belongs to none, and may be assigned by those who see few."""
    migrate.run("""
        CREATE TABLE user_copy (
            tenant_id uuid NOT NULL,
            user_id uuid NOT NULL,
            works_for uuid,
            kind text NOT NULL,
            status text NOT NULL,
            sees jsonb NOT NULL DEFAULT '[]',
            sees_at timestamptz,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, user_id)
        );
    """)
    migrate.protect("user_copy")
