"""Quotes on paper: the file as it was sent, what signs links to it, and a short copy of who sells."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0007", "crm_0006", None, None

RANDOM = "replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')"


def upgrade() -> None:
    """Add them. Who sells belongs to no customer; a default that is random gives every quote that is there a secret of its own."""
    migrate.run(f"""
        ALTER TABLE quote ADD COLUMN legal_entity_id uuid, ADD COLUMN pdf_sha256 text, ADD COLUMN pdf_size_bytes integer,
            ADD COLUMN accepted_pdf_hash text, ADD COLUMN file_secret text NOT NULL DEFAULT {RANDOM};
        CREATE TABLE quote_file (
            tenant_id uuid NOT NULL,
            quote_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            content bytea NOT NULL,
            PRIMARY KEY (tenant_id, quote_id),
            FOREIGN KEY (tenant_id, quote_id) REFERENCES quote (tenant_id, id)
        );
        CREATE TABLE seller_copy (
            tenant_id uuid NOT NULL,
            legal_entity_id uuid NOT NULL,
            told jsonb NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, legal_entity_id)
        );
    """)
    migrate.protect("quote_file", customer="customer_id", grants="SELECT, INSERT, UPDATE")
    migrate.protect("seller_copy", grants="SELECT, INSERT, UPDATE")
