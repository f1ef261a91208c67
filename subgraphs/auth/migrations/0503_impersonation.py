"""Who acts in whose name, why, and until when."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0503", "auth_0502", None, None


def upgrade() -> None:
    """Create the table behind its walls: people of a customer see what was done in their own names."""
    migrate.run("""
        CREATE TABLE impersonation (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            customer_id uuid,
            user_id uuid NOT NULL,
            impersonator_id uuid NOT NULL CHECK (impersonator_id <> user_id),
            reason text NOT NULL CHECK (reason <> ''),
            expires_at timestamptz NOT NULL,
            ended_at timestamptz,
            version integer NOT NULL,
            created_at timestamptz NOT NULL,
            created_by uuid NOT NULL,
            updated_at timestamptz NOT NULL,
            updated_by uuid NOT NULL,
            archived_at timestamptz,
            PRIMARY KEY (tenant_id, id),
            FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, id),
            FOREIGN KEY (tenant_id, impersonator_id) REFERENCES user_account (tenant_id, id)
        );
        CREATE INDEX impersonation_by_time ON impersonation (tenant_id, created_at DESC, id);
    """)
    migrate.protect("impersonation", customer="customer_id", grants="SELECT, INSERT, UPDATE")
