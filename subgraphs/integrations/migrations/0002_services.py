"""Which modules were there when we looked last, so that it can be told when one comes or goes."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "integrations_0002", "integrations_0001", None, None


def upgrade() -> None:
    """Create the table behind its wall: each tenant is told for itself."""
    migrate.run("""
        CREATE TABLE known_service (
            tenant_id uuid NOT NULL,
            module text NOT NULL,
            version text NOT NULL,
            url text NOT NULL,
            status text NOT NULL CHECK (status IN ('UP', 'DEGRADED', 'DOWN')),
            heartbeat_at timestamptz,
            since timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, module)
        );
    """)
    migrate.protect("known_service", grants="SELECT, INSERT, UPDATE")
