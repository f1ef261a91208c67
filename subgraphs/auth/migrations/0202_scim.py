"""Provisioning from outside (SCIM): the tokens that allow it, and the ids by which others know our users and teams."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0202", "auth_0201", None, None


def upgrade() -> None:
    """Create the two tables behind their walls."""
    migrate.run("""
        CREATE TABLE scim_token (
            tenant_id uuid NOT NULL,
            token_hash text NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, token_hash)
        );
        CREATE TABLE scim_resource (
            tenant_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('User', 'Group')),
            id uuid NOT NULL,
            external_id text,
            PRIMARY KEY (tenant_id, kind, id)
        );
        CREATE INDEX scim_resource_external ON scim_resource (tenant_id, kind, external_id);
    """)
    for table in ("scim_token", "scim_resource"):
        migrate.protect(table)
