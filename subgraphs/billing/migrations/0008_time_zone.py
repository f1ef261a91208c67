"""Where a company sits, as far as its days depend on it: a document of midnight carries the date of the place."""

from subgraphs.kit import migrate

revision, down_revision, depends_on, branch_labels = "billing_0008", "billing_0007", None, None


def upgrade() -> None:
    """Add the column."""
    migrate.run("ALTER TABLE legal_entity ADD COLUMN time_zone text NOT NULL DEFAULT 'Europe/Berlin';")
