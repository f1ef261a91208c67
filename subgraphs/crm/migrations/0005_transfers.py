"""What comes in from files and goes out as a whole; and what is kept of a quote that was answered on its page."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "crm_0005", "crm_0004", None, None

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


def upgrade() -> None:
    """Create the tables; an export holds everything, and only those who see everything see it."""
    migrate.run(f"""
        CREATE TABLE csv_import (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            entity text NOT NULL CHECK (entity IN ('CUSTOMER', 'CONTACT', 'SITE')),
            filename text,
            sha256 text NOT NULL,
            encoding text NOT NULL,
            delimiter text NOT NULL,
            mapping jsonb NOT NULL,
            ignored jsonb NOT NULL,
            total integer NOT NULL,
            created integer NOT NULL,
            updated integer NOT NULL,
            unchanged integer NOT NULL,
            failed integer NOT NULL,
            rows jsonb NOT NULL,
            {ENTITY}
        );
        CREATE TABLE tenant_export (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            status text NOT NULL CHECK (status IN ('PENDING', 'READY', 'EXPIRED')),
            ready_at timestamptz CHECK (status <> 'READY' OR ready_at IS NOT NULL),
            expires_at timestamptz,
            size_bytes bigint,
            sha256 text,
            contents jsonb NOT NULL,
            {ENTITY}
        );
        CREATE TABLE tenant_export_file (
            tenant_id uuid NOT NULL,
            export_id uuid NOT NULL,
            secret text NOT NULL,
            content bytea,
            PRIMARY KEY (tenant_id, export_id),
            FOREIGN KEY (tenant_id, export_id) REFERENCES tenant_export (tenant_id, id)
        );
        ALTER TABLE quote ADD COLUMN rejected_by text, ADD COLUMN rejected_at timestamptz, ADD COLUMN rejected_ip text,
            ADD COLUMN sent_at timestamptz, ADD COLUMN viewed_at timestamptz;
        CREATE INDEX quote_by_token ON quote (tenant_id, token_hash) WHERE token_hash IS NOT NULL;
    """)
    for table in ("csv_import", "tenant_export", "tenant_export_file"):
        migrate.protect(table)
        everything = "current_setting('psa.customers', true) = '*'"
        migrate.run(f"CREATE POLICY internal ON {table} AS RESTRICTIVE USING ({INSIDE} AND {everything});")
