"""The inbox is swept: by the relay's role, which learns when an event was handled, and nothing else about it."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "kit_0003", "kit_0002", None, None


def upgrade() -> None:
    """Let the relay's role delete entries by their age."""
    relay = f'"{migrate.schema()}_relay"'
    migrate.run(f"""
        CREATE INDEX inbox_age ON inbox (handled_at);
        CREATE POLICY drain ON inbox TO {relay} USING (true) WITH CHECK (false);
        GRANT SELECT (handled_at), DELETE ON inbox TO {relay};
    """)
