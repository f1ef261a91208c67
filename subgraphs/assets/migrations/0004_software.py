"""Software: which products there are, when their makers drop them, and on which devices they are installed."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "assets_0004", "assets_0003", None, None

_ENTITY = """
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id)
"""

FOR_STAFF = "current_setting('psa.kind', true) NOT IN ('CUSTOMER', 'COMANAGED')"


def upgrade() -> None:
    """Create the tables and their walls; of products, customers' people see what is installed with them."""
    migrate.run(f"""
        CREATE TABLE software_product (
            name text NOT NULL CHECK (name <> ''),
            vendor text,
            release text,
            eol_date date,
            {_ENTITY}
        );
        CREATE INDEX software_product_by_name ON software_product (tenant_id, name, id);
        CREATE TABLE software_install (
            customer_id uuid,
            asset_id uuid NOT NULL,
            product_id uuid NOT NULL,
            source text NOT NULL,
            detected_at timestamptz NOT NULL,
            removed_at timestamptz,
            {_ENTITY},
            FOREIGN KEY (tenant_id, asset_id) REFERENCES asset (tenant_id, id),
            FOREIGN KEY (tenant_id, product_id) REFERENCES software_product (tenant_id, id)
        );
        CREATE UNIQUE INDEX software_installed ON software_install (tenant_id, asset_id, product_id)
            WHERE removed_at IS NULL;
        CREATE INDEX asset_of_site ON asset (tenant_id, site_id, name, id) WHERE site_id IS NOT NULL;
        CREATE INDEX asset_of_contact ON asset (tenant_id, contact_id, name, id) WHERE contact_id IS NOT NULL;
        CREATE INDEX software_install_of_product ON software_install (tenant_id, product_id) WHERE removed_at IS NULL;
    """)
    migrate.protect("software_product", grants="SELECT, INSERT, UPDATE")
    migrate.protect("software_install", customer="customer_id", grants="SELECT, INSERT, UPDATE")
    with_them = "SELECT FROM software_install i WHERE i.tenant_id = software_product.tenant_id"
    migrate.run(f"""
        CREATE POLICY installed_only ON software_product AS RESTRICTIVE FOR SELECT
            USING ({FOR_STAFF} OR EXISTS ({with_them} AND i.product_id = software_product.id));
    """)
    seen = "EXISTS (SELECT FROM asset a WHERE a.tenant_id = software_install.tenant_id AND a.id = software_install.asset_id)"
    migrate.narrow("software_install", read="assets:read", write="assets:write", own=seen)
