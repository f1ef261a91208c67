"""What people know how to do, and how many hours a week they work: what a dispatcher plans with."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "auth_0507", "auth_0506", None, None


def upgrade() -> None:
    """Add both to users; the release before writes neither, and nothing is known of whom it writes down."""
    migrate.run("""
        ALTER TABLE user_account
            ADD COLUMN skills text[] NOT NULL DEFAULT '{}' CHECK (cardinality(skills) <= 50),
            ADD COLUMN weekly_hours numeric(5, 2) CHECK (weekly_hours BETWEEN 0 AND 168);
    """)
