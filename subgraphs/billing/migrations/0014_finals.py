"""Which partial invoice a line of a final one takes off."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0014", "billing_0013", None, None


def upgrade() -> None:
    """Add it."""
    migrate.run("""
        ALTER TABLE invoice_line ADD COLUMN deducts_invoice_id uuid;
        CREATE INDEX invoice_line_deducts ON invoice_line (tenant_id, deducts_invoice_id)
            WHERE deducts_invoice_id IS NOT NULL;
    """)
