"""Letters about late payment on paper, links to files, the last day on which a payment is in time, and which line a credit is of."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0013", "billing_0012", None, None

RANDOM = "replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')"


def upgrade() -> None:
    """Add them; a default that is random gives every row that is there a secret of its own."""
    migrate.run(f"""
        ALTER TABLE dunning_notice ADD COLUMN legal_entity_id uuid, ADD COLUMN paper jsonb,
            ADD COLUMN file_secret text NOT NULL DEFAULT {RANDOM};
        ALTER TABLE invoice ADD COLUMN in_time_until date, ADD COLUMN file_secret text NOT NULL DEFAULT {RANDOM};
        ALTER TABLE invoice_line ADD COLUMN credits_line_id uuid;
        CREATE INDEX invoice_line_credits ON invoice_line (tenant_id, credits_line_id) WHERE credits_line_id IS NOT NULL;
        ALTER TABLE dunning_policy ADD COLUMN rest_days boolean NOT NULL DEFAULT false;
        ALTER TABLE billing_account ADD COLUMN holiday_region text;
        CREATE TABLE dunning_file (
            tenant_id uuid NOT NULL,
            notice_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            content bytea NOT NULL,
            sha256 text NOT NULL,
            made_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, notice_id),
            FOREIGN KEY (tenant_id, notice_id) REFERENCES dunning_notice (tenant_id, id)
        );
    """)
    migrate.protect("dunning_file", customer="customer_id", grants="SELECT, INSERT, UPDATE")
