"""What tickets tells the others: tickets, their SLA clocks, and the time booked on work."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.events.envelope import Event, Payload, catalogue


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


class TicketMerged(Event):
    """A ticket was merged into another: messages, time and watchers moved there."""

    type = "ticket.merged"
    subject_type = "Ticket"

    source_id: UUID
    """The ticket that ended."""
    target_id: UUID
    """The ticket that goes on."""


class TicketCustomerChanged(_TicketFact):
    """A ticket turned out to belong to another customer."""

    type = "ticket.customer_changed"

    from_: UUID = Field(alias="from")
    to: UUID


class _SlaFact(Event):
    subject_type = "Ticket"

    ticket_id: UUID
    metric: str
    """FIRST_RESPONSE, RESOLUTION or NEXT_UPDATE."""
    percent: int
    """How much of the agreed time is used up."""
    due_at: AwareDatetime
    assignee_id: UUID | None = None


class SlaWarning(_SlaFact):
    """An agreed time is about to run out."""

    type = "sla.warning"


class SlaBreached(_SlaFact):
    """An agreed time has run out."""

    type = "sla.breached"


class WorkItem(Payload):
    """What time was spent on."""

    type: str
    """TICKET, PROJECT_TASK, CUSTOMER or INTERNAL."""
    id: UUID | None = None


class TimeEntryBooked(Event):
    """Somebody wrote down how long they worked on something."""

    type = "time_entry.booked"
    subject_type = "TimeEntry"

    id: UUID
    user_id: UUID
    work_item: WorkItem
    customer_id: UUID | None = None
    work_type_id: UUID | None = None
    started_at: AwareDatetime
    ended_at: AwareDatetime
    actual_minutes: int


class TimeEntryApproved(TimeEntryBooked):
    """Booked time was checked and may be billed."""

    type = "time_entry.approved"

    billable_minutes: int
    after_hours_minutes: int = 0
    contract_id: UUID | None = None
    """The contract that covers it, if one does."""


CATALOGUE = catalogue(
    TicketCreated,
    TicketAssigned,
    TicketStatusChanged,
    TicketPriorityChanged,
    TicketReplied,
    TicketResolved,
    TicketClosed,
    TicketReopened,
    TicketCancelled,
    TicketMerged,
    TicketCustomerChanged,
    SlaWarning,
    SlaBreached,
    TimeEntryBooked,
    TimeEntryApproved,
)
"""Every event of tickets by its type."""
