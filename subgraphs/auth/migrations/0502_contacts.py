"""Each contact is one user at most."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0502", "auth_0501", None, None


def upgrade() -> None:
    """Let the index decide, and find the user of a contact."""
    migrate.run("CREATE UNIQUE INDEX user_contact ON user_account (tenant_id, contact_id) WHERE contact_id IS NOT NULL")
