"""What tickets tells the others: what happens to tickets, and what is said about them."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.events.envelope import Event, catalogue


class _TicketFact(Event):
    subject_type = "Ticket"

    id: UUID


class TicketCreated(_TicketFact):
    """A ticket was opened, by a person, a mail, an alert or a schedule."""

    type = "ticket.created"

    number: str
    """The number that people use for the ticket: `T-2026-000123`."""
    title: str
    ticket_type: str = Field(alias="type")
    """INCIDENT, SERVICE_REQUEST, PROBLEM, CHANGE, TASK or ALERT."""
    priority: str
    """P1 (most urgent) to P4."""
    customer_id: UUID
    contact_id: UUID | None = None
    asset_id: UUID | None = None
    queue_id: UUID | None = None
    source: str
    """EMAIL, PORTAL, PHONE, API, ALERT, CHAT, RECURRING or MANUAL."""


class TicketUpdated(_TicketFact):
    """What describes a ticket was changed: its title, description, type, contact, asset or due date."""

    type = "ticket.updated"

    changed: tuple[str, ...]
    """The fields that were given, by their names in GraphQL."""


class TicketAssigned(_TicketFact):
    """A ticket was given to a person or a team, or taken from them."""

    type = "ticket.assigned"

    assignee_id: UUID | None = None
    team_id: UUID | None = None


class TicketStatusChanged(_TicketFact):
    """A ticket moved from one status to another."""

    type = "ticket.status_changed"

    from_: str = Field(alias="from")
    """The status before: NEW, OPEN, IN_PROGRESS, SCHEDULED, WAITING_CUSTOMER, WAITING_VENDOR, RESOLVED, …"""
    to: str
    reason: str | None = None
    at: AwareDatetime


class TicketPriorityChanged(_TicketFact):
    """A ticket became more or less urgent."""

    type = "ticket.priority_changed"

    from_: str = Field(alias="from")
    to: str


class TicketReplied(_TicketFact):
    """A message was added to a ticket."""

    type = "ticket.replied"

    message_id: UUID
    kind: str
    """PUBLIC_REPLY, INTERNAL_NOTE, SYSTEM or CUSTOMER_MESSAGE; customers may not learn of an INTERNAL_NOTE."""


class _TicketDone(_TicketFact):
    resolution_code: str | None = None
    documentable: bool = False
    """Whether the solution is worth an entry in the documentation."""


class TicketResolved(_TicketDone):
    """The work on a ticket is done; the customer may still object."""

    type = "ticket.resolved"


class TicketClosed(_TicketDone):
    """A resolved ticket was closed for good."""

    type = "ticket.closed"


class TicketReopened(_TicketFact):
    """A resolved ticket came back."""

    type = "ticket.reopened"

    reopen_count: int
    """How often this ticket came back so far."""


class TicketCancelled(_TicketFact):
    """A ticket was given up without a resolution."""

    type = "ticket.cancelled"

    reason: str | None = None


CATALOGUE = catalogue(
    TicketCreated,
    TicketUpdated,
    TicketAssigned,
    TicketStatusChanged,
    TicketPriorityChanged,
    TicketReplied,
    TicketResolved,
    TicketClosed,
    TicketReopened,
    TicketCancelled,
)
"""Every event of tickets by its type."""
