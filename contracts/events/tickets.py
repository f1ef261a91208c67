"""What tickets tells the others: what happens to tickets, what is said about them, what was promised, and what was worked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
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
    reply_to: str | None = None
    """The mail address of the ticket's queue; answers to it become messages of the ticket."""


class TicketUpdated(_TicketFact):
    """What describes a ticket was changed: its title, description, type, contact, asset or due date."""

    type = "ticket.updated"

    changed: tuple[str, ...]
    """The fields that were given, by their names in GraphQL."""


class TicketApprovalRequested(_TicketFact):
    """People of the customer, or of a team, were asked whether a change may be done."""

    type = "ticket.approval_requested"

    approval_id: UUID
    number: str
    title: str
    by: str
    """CUSTOMER or TEAM."""
    team_id: UUID | None = None
    quorum: int
    """How many of them have to say yes."""
    question: str | None = None
    contact_ids: tuple[UUID, ...] = ()
    """The contacts of the customer who may decide."""
    approver_ids: tuple[UUID, ...] = ()
    """The users of the team who may decide."""
    requested_by: UUID


class TicketApprovalDecided(_TicketFact):
    """A change was approved or rejected, or its approval came to another end."""

    type = "ticket.approval_decided"

    approval_id: UUID
    number: str
    title: str
    by: str
    """CUSTOMER or TEAM."""
    team_id: UUID | None = None
    status: str
    """APPROVED, REJECTED, WITHDRAWN or LAPSED."""
    comment: str | None = None
    """What the one said whose decision was the last that was needed."""
    requested_by: UUID
    assignee_id: UUID | None = None


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


class TicketMail(Payload):
    """A mail about a ticket, with everything that keeps its thread together."""

    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    reply_to: str | None = None
    """The mail address of the ticket's queue; answers to it become messages of the ticket."""
    subject: str
    """With the ticket's number in brackets: `[T-2026-000123] Printer`."""
    message_id: str
    """The Message-ID that the mail has to have (RFC 5322), with its angle brackets."""
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


class TicketReplied(_TicketFact):
    """A message was added to a ticket."""

    type = "ticket.replied"

    message_id: UUID
    kind: str
    """PUBLIC_REPLY, INTERNAL_NOTE, SYSTEM or CUSTOMER_MESSAGE; customers may not learn of an INTERNAL_NOTE."""
    number: str = ""
    """The number that people use for the ticket."""
    title: str = ""
    channel: str = "PORTAL"
    """PORTAL or EMAIL: how the message came."""
    body_text: str | None = None
    """What was said; absent for an INTERNAL_NOTE."""
    author_id: UUID | None = None
    assignee_id: UUID | None = None
    watcher_ids: tuple[UUID, ...] = ()
    """The users who want to hear of the ticket."""
    mail: TicketMail | None = None
    """The mail that has to go out; absent when there is nobody to write to, or nothing for them to read."""


class _TicketDone(_TicketFact):
    resolution_code: str | None = None
    documentable: bool = False
    """Whether the solution is worth an entry in the documentation."""
    reply_to: str | None = None
    """The mail address of the ticket's queue; answers to it become messages of the ticket."""


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


class TicketMerged(_TicketFact):
    """A ticket goes on in another one."""

    type = "ticket.merged"

    target_id: UUID


class CsatReceived(_TicketFact):
    """A customer said how satisfied they are with a ticket."""

    type = "csat.received"

    score: int
    """1 to 5."""
    comment: str | None = None


class _AppointmentFact(Event):
    subject_type = "Appointment"

    id: UUID
    user_id: UUID
    ticket_id: UUID | None = None
    customer_id: UUID | None = None
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    kind: str
    """ON_SITE, REMOTE, PHONE or INTERNAL."""
    state: str
    """PLANNED, CONFIRMED, DONE or CANCELLED."""


class AppointmentCreated(_AppointmentFact):
    """Somebody has an appointment."""

    type = "appointment.created"


class AppointmentChanged(_AppointmentFact):
    """An appointment was moved, or something became of it."""

    type = "appointment.changed"


class KbArticlePublished(Event):
    """An article of the knowledge base is shown to whom it is for."""

    type = "kb_article.published"
    subject_type = "KbArticle"

    id: UUID
    title: str
    visibility: str
    """INTERNAL, CUSTOMERS or PUBLIC."""


class _ClockFact(Event):
    subject_type = "SlaClock"

    ticket_id: UUID
    metric: str
    """FIRST_RESPONSE, RESOLUTION or NEXT_UPDATE."""
    percent: int
    """How much of the target is consumed; of a warning, the threshold that was reached."""
    due_at: AwareDatetime | None = None
    """The deadline; none while the clock is paused."""
    assignee_id: UUID | None = None


class SlaStarted(_ClockFact):
    """A clock began to run."""

    type = "sla.started"


class SlaPaused(_ClockFact):
    """A clock stopped, because somebody else has to act."""

    type = "sla.paused"


class SlaResumed(_ClockFact):
    """A clock runs again."""

    type = "sla.resumed"


class SlaRecalculated(_ClockFact):
    """A clock was replayed under new terms."""

    type = "sla.recalculated"


class SlaMet(_ClockFact):
    """What was promised was done."""

    type = "sla.met"

    late: bool = False
    """Whether it was done after the deadline."""


class SlaWarning(_ClockFact):
    """A share of the target is consumed; each threshold is told once."""

    type = "sla.warning"


class SlaBreached(_ClockFact):
    """A promise was broken; told once for each clock."""

    type = "sla.breached"

    breached_at: AwareDatetime | None = None
    reason: str | None = None
    """DEADLINE, or POLICY_CHANGE when new terms put the deadline into the past."""


class WorkItem(Payload):
    """What time was worked for."""

    type: str
    """TICKET, PROJECT_TASK, CUSTOMER or INTERNAL."""
    id: UUID | None = None
    """Absent for INTERNAL."""


class _TimeFact(Event):
    subject_type = "TimeEntry"

    id: UUID
    user_id: UUID
    work_item: WorkItem
    customer_id: UUID | None = None
    """Absent for work for ourselves."""
    work_type_id: UUID
    work_type_key: str
    """The kind of work by a word that stays: `remote`, `onsite`, `after_hours`, …"""
    started_at: AwareDatetime
    ended_at: AwareDatetime
    service_date: date
    """The local day on which the work began: the day that counts for contracts and periods."""
    actual_minutes: int
    billable_minutes: int
    """The minutes that are charged, after rounding; a preview until the entry is approved."""
    after_hours_minutes: int
    """Those of the worked minutes that lie after hours."""
    charged_after_hours_minutes: int
    """Those of the charged minutes that are charged as after hours."""
    multiplier: Decimal
    """The multiple of the rate for normal minutes."""
    after_hours_multiplier: Decimal | None = None
    """The multiple of the rate for minutes after hours."""
    is_billable: bool
    """Whether it is meant to be charged at all."""
    contract_id: UUID | None = None
    """The contract that was named for it: on the entry, or on its ticket."""
    asset_id: UUID | None = None
    """The asset that its ticket is about."""
    site_id: UUID | None = None
    ticket_number: str | None = None
    ticket_type: str | None = None
    """INCIDENT, SERVICE_REQUEST, PROBLEM, CHANGE, TASK or ALERT."""
    travel_km: Decimal | None = None
    note: str
    """What was done, in words for the invoice."""
    corrects_id: UUID | None = None
    """The billed entry that this one corrects."""


class TimeEntryBooked(_TimeFact):
    """Somebody wrote down time that they worked, or changed it while it was a draft."""

    type = "time_entry.booked"


class TimeEntrySubmitted(_TimeFact):
    """Somebody gave their time for approval."""

    type = "time_entry.submitted"


class TimeEntryApproved(_TimeFact):
    """Time was approved, and may be billed."""

    type = "time_entry.approved"

    approved_by: UUID


class TimeEntryRejected(_TimeFact):
    """Time was sent back to whoever wrote it."""

    type = "time_entry.rejected"

    reason: str


CATALOGUE = catalogue(
    TicketCreated,
    TicketUpdated,
    TicketAssigned,
    TicketApprovalRequested,
    TicketApprovalDecided,
    TicketStatusChanged,
    TicketPriorityChanged,
    TicketReplied,
    TicketResolved,
    TicketClosed,
    TicketReopened,
    TicketCancelled,
    TicketMerged,
    CsatReceived,
    AppointmentCreated,
    AppointmentChanged,
    KbArticlePublished,
    SlaStarted,
    SlaPaused,
    SlaResumed,
    SlaRecalculated,
    SlaMet,
    SlaWarning,
    SlaBreached,
    TimeEntryBooked,
    TimeEntrySubmitted,
    TimeEntryApproved,
    TimeEntryRejected,
)
"""Every event of tickets by its type."""
