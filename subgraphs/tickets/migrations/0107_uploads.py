"""Files that come in parts."""

from subgraphs.kit import migrate, tenancy

revision, down_revision, depends_on, branch_labels = "tickets_0107", "tickets_0106", None, None


def upgrade() -> None:
    """Create the tables; a part is gone with its upload."""
    migrate.run("""
        CREATE TABLE ticket_upload (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            ticket_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            message_id uuid,
            filename text NOT NULL CHECK (filename <> ''),
            size_bytes integer NOT NULL CHECK (size_bytes > 0),
            is_internal boolean NOT NULL,
            expires_at timestamptz NOT NULL,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            FOREIGN KEY (tenant_id, ticket_id) REFERENCES ticket (tenant_id, id)
        );
        CREATE INDEX ticket_upload_old ON ticket_upload (tenant_id, expires_at);
        CREATE TABLE upload_part (
            tenant_id uuid NOT NULL,
            upload_id uuid NOT NULL,
            position integer NOT NULL CHECK (position >= 0),
            content bytea NOT NULL,
            PRIMARY KEY (tenant_id, upload_id, position),
            FOREIGN KEY (tenant_id, upload_id) REFERENCES ticket_upload (tenant_id, id) ON DELETE CASCADE
        );
    """)
    migrate.protect("ticket_upload", customer="customer_id")
    migrate.protect("upload_part")
    # Whoever brings a file finishes it; the platform itself takes the parts.
    migrate.run(f"""
        CREATE POLICY bringers ON ticket_upload AS RESTRICTIVE USING (
            current_setting('psa.kind', true) = 'SYSTEM'
            OR created_by = {tenancy.SUBJECT}
        )
    """)
