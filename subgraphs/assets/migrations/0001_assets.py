"""Assets, and the asset types that tenants make for themselves."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "assets_0001", None, "kit_0002", ("assets",)


def upgrade() -> None:
    """Create the two tables; stock of our own has no customer, and is hidden from callers limited to some."""
    migrate.run("""
        CREATE TABLE asset (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            type text NOT NULL,
            customer_id uuid,
            site_id uuid,
            contact_id uuid,
            asset_tag text,
            serial_number text,
            manufacturer text,
            model text,
            hostname text,
            mac_addresses jsonb NOT NULL,
            ip_addresses jsonb NOT NULL,
            os text,
            os_version text,
            status text NOT NULL
                CHECK (status IN ('PLANNED', 'ORDERED', 'IN_STOCK', 'DEPLOYED', 'MAINTENANCE',
                                  'RETIRED', 'DISPOSED', 'LOST')),
            managed boolean NOT NULL,
            criticality text NOT NULL CHECK (criticality IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
            purchase_date date,
            warranty_until date,
            useful_life_months integer CHECK (useful_life_months > 0),
            eol_date date,
            eos_date date,
            eol_told integer CHECK (eol_told IN (365, 180, 90, 30, 0)),
            installed_at timestamptz,
            retired_at timestamptz,
            last_seen_at timestamptz,
            attributes jsonb NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            CHECK (status NOT IN ('DEPLOYED', 'MAINTENANCE') OR customer_id IS NOT NULL),
            CHECK (status NOT IN ('RETIRED', 'DISPOSED') OR retired_at IS NOT NULL)
        );
        CREATE INDEX asset_by_name ON asset (tenant_id, name, id);
        CREATE INDEX asset_of_customer ON asset (tenant_id, customer_id, name, id);
        CREATE INDEX asset_of_type ON asset (tenant_id, type, name, id);
        CREATE INDEX asset_serial_number ON asset (tenant_id, serial_number) WHERE serial_number IS NOT NULL;

        CREATE TABLE asset_type (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            key text NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            parent text,
            counts_as_device boolean NOT NULL,
            icon text,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            UNIQUE (tenant_id, key)
        );
    """)
    migrate.protect("asset", customer="customer_id")
    migrate.protect("asset_type")
