"""A short copy of users: a customer, an opportunity or a task is given to nobody who is not there."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0006", "crm_0005", None, None


def upgrade() -> None:
    """Create the table. It has no wall of customers: who works here belongs to none, and may be named by those who see few."""
    migrate.run("""
        CREATE TABLE user_copy (
            tenant_id uuid NOT NULL,
            user_id uuid NOT NULL,
            kind text NOT NULL,
            status text NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, user_id)
        );
        CREATE INDEX opportunity_of_owner ON opportunity (tenant_id, owner_id, expected_close, id) WHERE outcome = 'OPEN';
    """)
    migrate.protect("user_copy", grants="SELECT, INSERT, UPDATE")
