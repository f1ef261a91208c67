"""Whose rows a person sees: nobody is told of a customer who is hidden from them."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "notify_0002", "notify_0001", None, None


def upgrade() -> None:
    """Add what identity tells of it; until it does, staff see everybody and others their own."""
    migrate.run("""
        ALTER TABLE person
            ADD COLUMN customers jsonb,
            ADD COLUMN denied jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN access_at timestamptz;
    """)
