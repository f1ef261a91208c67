"""The files of issued documents as they were on the day: kept byte for byte, never changed, never deleted."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0005", "billing_0004", None, None


def upgrade() -> None:
    """Create the table; whoever sees a document sees its files, and nobody may touch them."""
    migrate.run("""
        CREATE TABLE invoice_file (
            tenant_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            invoice_id uuid NOT NULL,
            format text NOT NULL CHECK (format IN ('NONE_PDF', 'ZUGFERD_EN16931', 'XRECHNUNG_UBL', 'XRECHNUNG_CII')),
            pdf bytea NOT NULL,
            pdf_sha256 text NOT NULL,
            xml bytea,
            xml_sha256 text,
            findings jsonb NOT NULL,
            archived_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, invoice_id),
            CHECK ((xml IS NULL) = (xml_sha256 IS NULL))
        );
    """)
    migrate.protect("invoice_file", customer="customer_id", grants="SELECT, INSERT")
