"""Files for imports that come in parts, because no request takes them whole."""

from subgraphs.kit import migrate, tenancy

revision, down_revision, depends_on, branch_labels = "crm_0011", "crm_0010", None, None

RANDOM = "replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')"


def upgrade() -> None:
    """Create the tables; a part is gone with its file, and a file is for whoever brings it and for the platform."""
    migrate.run(f"""
        CREATE TABLE csv_upload (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            filename text NOT NULL CHECK (filename <> ''),
            size_bytes integer NOT NULL CHECK (size_bytes > 0),
            expires_at timestamptz NOT NULL,
            secret text NOT NULL DEFAULT {RANDOM},
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id)
        );
        CREATE INDEX csv_upload_old ON csv_upload (tenant_id, expires_at);
        CREATE TABLE csv_upload_part (
            tenant_id uuid NOT NULL,
            upload_id uuid NOT NULL,
            position integer NOT NULL CHECK (position >= 0),
            content bytea NOT NULL,
            PRIMARY KEY (tenant_id, upload_id, position),
            FOREIGN KEY (tenant_id, upload_id) REFERENCES csv_upload (tenant_id, id) ON DELETE CASCADE
        );
        ALTER TABLE csv_import ADD COLUMN rehearsed boolean NOT NULL DEFAULT false;
    """)
    migrate.protect("csv_upload")
    migrate.protect("csv_upload_part")
    migrate.run(f"""
        CREATE POLICY bringers ON csv_upload AS RESTRICTIVE USING (
            current_setting('psa.kind', true) = 'SYSTEM'
            OR created_by = {tenancy.SUBJECT}
        )
    """)
