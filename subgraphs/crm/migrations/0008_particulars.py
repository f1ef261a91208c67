"""What offices, bookkeepers and other systems know a customer by, and how it stands with us."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0008", "crm_0007", None, None


def upgrade() -> None:
    """Add the columns; nobody has said anything yet."""
    migrate.run("""
        ALTER TABLE customer
            ADD COLUMN tax_number text,
            ADD COLUMN leitweg_id text,
            ADD COLUMN small_business boolean NOT NULL DEFAULT false,
            ADD COLUMN shipping_address jsonb NOT NULL DEFAULT '{}',
            ADD COLUMN employees integer CHECK (employees >= 0),
            ADD COLUMN holiday_region text,
            ADD COLUMN credit_limit numeric(14, 2) CHECK (credit_limit >= 0),
            ADD COLUMN health_score integer CHECK (health_score BETWEEN 0 AND 100),
            ADD COLUMN avv_signed_at timestamptz,
            ADD COLUMN source text,
            ADD COLUMN external_ids jsonb NOT NULL DEFAULT '[]';
    """)
