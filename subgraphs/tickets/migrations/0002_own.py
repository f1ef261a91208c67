"""Whoever may see only their own tickets sees those that they opened, that are about them, or that they work on."""

from subgraphs.kit import migrate
from subgraphs.kit.tenancy import CONTACT, SUBJECT

revision, down_revision, depends_on, branch_labels = "tickets_0002", "tickets_0001", None, None


def upgrade() -> None:
    """Narrow tickets, and with each ticket what was said about it."""
    mine = f"created_by = {SUBJECT} OR assignee_id = {SUBJECT} OR contact_id = {CONTACT}"
    visible = "EXISTS (SELECT FROM ticket t WHERE t.tenant_id = ticket_message.tenant_id AND t.id = ticket_id)"
    migrate.narrow("ticket", read="tickets:read", write="tickets:write", own=mine)
    migrate.narrow("ticket_message", read="tickets:read", write="tickets:write", own=visible)
