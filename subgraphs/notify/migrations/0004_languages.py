"""In which language a customer is written to: its people hear from us in theirs, not in ours."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "notify_0004", "notify_0003", None, None


def upgrade() -> None:
    """Create the table; until crm tells of a customer again, it is written to as before."""
    migrate.run("""
        CREATE TABLE customer_copy (
            tenant_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            language text NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, customer_id)
        );
    """)
    migrate.protect("customer_copy", customer="customer_id")
