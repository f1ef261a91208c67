"""Groups, activities, consents and fields of one's own; and what two customers or contacts leave behind who become one."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0004", "crm_0003", None, None

ENTITY = """
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id)
"""
INSIDE = "current_setting('psa.kind', true) IN ('STAFF', 'SERVICE', 'SYSTEM')"
CUSTOM = "custom jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(custom) = 'object')"


def upgrade() -> None:
    """Create the tables; what we say among us about customers is seen by nobody outside of the house."""
    _groups()
    _activities()
    _consents()
    _custom_fields()
    _merged()
    migrate.protect("customer_group")
    migrate.protect("custom_field")
    for table in ("activity", "consent_record"):
        migrate.protect(table, customer="customer_id")
    for table in ("customer_group", "activity", "consent_record"):
        migrate.run(f"CREATE POLICY internal ON {table} AS RESTRICTIVE USING ({INSIDE});")


def _groups() -> None:
    migrate.run(f"""
        CREATE TABLE customer_group (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            name text NOT NULL CHECK (name <> ''),
            count_users_once_per_group boolean NOT NULL,
            {ENTITY}
        );
        CREATE UNIQUE INDEX customer_group_name ON customer_group (tenant_id, lower(name));
        ALTER TABLE customer ADD COLUMN group_id uuid,
            ADD FOREIGN KEY (tenant_id, group_id) REFERENCES customer_group (tenant_id, id);
        CREATE INDEX customer_of_group ON customer (tenant_id, group_id) WHERE group_id IS NOT NULL;
    """)


def _activities() -> None:
    migrate.run(f"""
        CREATE TABLE activity (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            contact_id uuid,
            opportunity_id uuid,
            kind text NOT NULL CHECK (kind IN ('CALL', 'EMAIL', 'MEETING', 'NOTE', 'TASK')),
            subject text NOT NULL CHECK (subject <> ''),
            body text,
            happened_at timestamptz NOT NULL,
            due_at timestamptz,
            done_at timestamptz,
            owner_id uuid,
            {ENTITY},
            CHECK (kind <> 'NOTE' OR due_at IS NULL),
            FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
            FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id),
            FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunity (tenant_id, id)
        );
        CREATE INDEX activity_of_customer ON activity (tenant_id, customer_id, happened_at DESC, id);
        CREATE INDEX activity_of_contact ON activity (tenant_id, contact_id, happened_at DESC, id)
            WHERE contact_id IS NOT NULL;
        CREATE INDEX activity_of_opportunity ON activity (tenant_id, opportunity_id, happened_at DESC, id)
            WHERE opportunity_id IS NOT NULL;
        CREATE INDEX activity_open ON activity (tenant_id, due_at, id) WHERE due_at IS NOT NULL AND done_at IS NULL;
    """)


def _consents() -> None:
    migrate.run(f"""
        CREATE TABLE consent_record (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid NOT NULL,
            contact_id uuid NOT NULL,
            purpose text NOT NULL CHECK (purpose <> ''),
            basis text NOT NULL CHECK (basis IN ('CONSENT', 'CONTRACT', 'LEGAL_OBLIGATION', 'VITAL_INTERESTS',
                'PUBLIC_TASK', 'LEGITIMATE_INTERESTS')),
            given_at timestamptz NOT NULL,
            proof text CHECK (basis <> 'CONSENT' OR proof IS NOT NULL),
            withdrawn_at timestamptz CHECK (withdrawn_at >= given_at),
            withdrawal_proof text,
            {ENTITY},
            FOREIGN KEY (tenant_id, customer_id) REFERENCES customer (tenant_id, id),
            FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id)
        );
        CREATE UNIQUE INDEX consent_in_force ON consent_record (tenant_id, contact_id, purpose)
            WHERE withdrawn_at IS NULL;
        CREATE INDEX consent_of_contact ON consent_record (tenant_id, contact_id, given_at DESC, id);
    """)


def _custom_fields() -> None:
    migrate.run(f"""
        CREATE TABLE custom_field (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            entity text NOT NULL CHECK (entity IN ('CUSTOMER', 'CONTACT', 'SITE', 'CONTRACT', 'OPPORTUNITY')),
            key text NOT NULL CHECK (key ~ '^[a-z][a-zA-Z0-9]*$'),
            label text NOT NULL CHECK (label <> ''),
            type text NOT NULL CHECK (type IN ('TEXT', 'NUMBER', 'BOOLEAN', 'DATE', 'CHOICE', 'CHOICES', 'LINK')),
            options jsonb NOT NULL CHECK (jsonb_typeof(options) = 'array'),
            required boolean NOT NULL,
            shared boolean NOT NULL,
            position integer NOT NULL,
            {ENTITY},
            CONSTRAINT custom_field_key UNIQUE (tenant_id, entity, key)
        );
    """)
    for table in ("customer", "contact", "site", "contract", "opportunity"):
        migrate.run(f"""
            ALTER TABLE {table} ADD COLUMN {CUSTOM};
            CREATE INDEX {table}_custom ON {table} USING gin (custom jsonb_path_ops) WHERE custom <> '{{}}';
        """)


def _merged() -> None:
    for table in ("customer", "contact"):
        migrate.run(f"""
            ALTER TABLE {table} ADD COLUMN merged_into_id uuid CHECK (merged_into_id <> id),
                ADD FOREIGN KEY (tenant_id, merged_into_id) REFERENCES {table} (tenant_id, id);
            CREATE INDEX {table}_merged ON {table} (tenant_id, merged_into_id) WHERE merged_into_id IS NOT NULL;
        """)
    migrate.run("ALTER TABLE contact ADD COLUMN erased_at timestamptz;")
