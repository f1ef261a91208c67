"""Customers, their sites, and the people who work there."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0001", None, "kit_0001", ("crm",)


def upgrade() -> None:
    """Create the three tables; indexes watch that a customer has one headquarters and one primary contact."""
    _customer()
    _site()
    _contact()
    for table in ("customer", "site", "contact"):
        migrate.protect(table, customer="customer_id")


def _customer() -> None:
    migrate.run("""
        CREATE TABLE customer (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid GENERATED ALWAYS AS (id) STORED,
            number text NOT NULL CHECK (number <> ''),
            name text NOT NULL CHECK (name <> ''),
            legal_name text,
            kind text NOT NULL
                CHECK (kind IN ('LEAD', 'PROSPECT', 'CUSTOMER', 'VENDOR', 'PARTNER', 'INTERNAL')),
            status text NOT NULL CHECK (status IN ('ACTIVE', 'ON_HOLD', 'INACTIVE', 'BLOCKED')),
            parent_id uuid CHECK (parent_id <> id),
            vat_id text,
            is_business boolean NOT NULL,
            currency text NOT NULL CHECK (length(currency) = 3),
            language text NOT NULL,
            time_zone text NOT NULL,
            website text,
            industry text,
            invoice_email text,
            billing_address jsonb NOT NULL CHECK (jsonb_typeof(billing_address) = 'object'),
            tags jsonb NOT NULL CHECK (jsonb_typeof(tags) = 'array'),
            account_manager_id uuid,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            CONSTRAINT customer_number UNIQUE (tenant_id, number),
            FOREIGN KEY (tenant_id, parent_id) REFERENCES customer (tenant_id, id)
        );
        CREATE INDEX customer_by_name ON customer (tenant_id, name, id);
        CREATE INDEX customer_of_parent ON customer (tenant_id, parent_id) WHERE parent_id IS NOT NULL;
        CREATE INDEX customer_of_manager ON customer (tenant_id, account_manager_id)
            WHERE account_manager_id IS NOT NULL;
    """)


def _site() -> None:
    migrate.run("""
        CREATE TABLE site (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            address jsonb NOT NULL CHECK (jsonb_typeof(address) = 'object'),
            time_zone text,
            is_headquarters boolean NOT NULL,
            access_notes text,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            UNIQUE (tenant_id, customer_id, id),
            FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id)
        );
        CREATE UNIQUE INDEX site_headquarters ON site (tenant_id, customer_id) WHERE is_headquarters;
        CREATE INDEX site_of_customer ON site (tenant_id, customer_id, is_headquarters DESC, name, id);
    """)


def _contact() -> None:
    migrate.run("""
        CREATE TABLE contact (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            site_id uuid,
            salutation text,
            first_name text,
            last_name text NOT NULL CHECK (last_name <> ''),
            email text,
            phone text,
            mobile text,
            position text,
            roles jsonb NOT NULL
                CHECK (roles <@ '["DECISION_MAKER", "BILLING", "TECHNICAL", "GDPR"]' AND jsonb_typeof(roles) = 'array'),
            is_primary boolean NOT NULL CHECK (active OR NOT is_primary),
            is_vip boolean NOT NULL,
            active boolean NOT NULL CHECK (active = (left_at IS NULL)),
            left_at timestamptz,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
            FOREIGN KEY (tenant_id, customer_id, site_id) REFERENCES site (tenant_id, customer_id, id)
        );
        CREATE UNIQUE INDEX contact_primary ON contact (tenant_id, customer_id) WHERE is_primary;
        CREATE INDEX contact_of_customer ON contact (tenant_id, customer_id, active DESC, last_name, id);
        CREATE INDEX contact_by_name ON contact (tenant_id, last_name, id);
        CREATE INDEX contact_by_email ON contact (tenant_id, lower(email)) WHERE email IS NOT NULL;
    """)
