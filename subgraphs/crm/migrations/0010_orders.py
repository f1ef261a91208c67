"""The second paper of a quote: what was chosen of it."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0010", "crm_0009", None, None


def upgrade() -> None:
    """Add it; quotes that were accepted before have none, and it is set when somebody asks for it."""
    migrate.run("""
        ALTER TABLE quote_file ADD COLUMN order_content bytea;
        ALTER TABLE quote ADD COLUMN order_pdf_sha256 text, ADD COLUMN order_pdf_size_bytes integer;
    """)
