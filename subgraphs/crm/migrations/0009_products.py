"""A short copy of products: nothing is agreed or offered that is not there."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0009", "crm_0008", None, None


def upgrade() -> None:
    """Create the table. It has no wall of customers: what is sold belongs to none, and may be named by those who see few."""
    migrate.run("""
        CREATE TABLE product_copy (
            tenant_id uuid NOT NULL,
            product_id uuid NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, product_id)
        );
    """)
    migrate.protect("product_copy", grants="SELECT, INSERT, UPDATE")
