"""Whoever may see only their own assets sees those that are assigned to the contact that they are."""

from subgraphs.kit import migrate
from subgraphs.kit.tenancy import CONTACT

revision, down_revision, depends_on, branch_labels = "assets_0002", "assets_0001", None, None


def upgrade() -> None:
    """Narrow assets; types of assets are everybody's."""
    migrate.narrow("asset", read="assets:read", write="assets:write", own=f"contact_id = {CONTACT}")
