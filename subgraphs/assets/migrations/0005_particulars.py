"""What else is known of an asset: what is in it, what was paid for it, by what others know it; and where the tenant is."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "assets_0005", "assets_0004", None, None


def upgrade() -> None:
    """Add the columns, and the copy of who sells where, which belongs to no customer."""
    migrate.run("""
        ALTER TABLE asset
            ADD COLUMN cpu text,
            ADD COLUMN ram_mb integer CHECK (ram_mb >= 0),
            ADD COLUMN disk_gb integer CHECK (disk_gb >= 0),
            ADD COLUMN purchase_price numeric(14, 2) CHECK (purchase_price >= 0),
            ADD COLUMN supplier text,
            ADD COLUMN invoice_ref text,
            ADD COLUMN last_seen_source text,
            ADD COLUMN rmm_ref text,
            ADD COLUMN secrets_ref text;
        CREATE INDEX asset_by_rmm_ref ON asset (tenant_id, rmm_ref) WHERE rmm_ref IS NOT NULL;
        CREATE INDEX software_product_by_eol ON software_product (tenant_id, eol_date) WHERE eol_date IS NOT NULL;
        CREATE TABLE tenant_zone (
            tenant_id uuid NOT NULL,
            legal_entity_id uuid NOT NULL,
            time_zone text NOT NULL,
            at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, legal_entity_id)
        );
    """)
    migrate.protect("tenant_zone", grants="SELECT, INSERT, UPDATE")
