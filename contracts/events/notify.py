"""What notify tells the others: that people were told, and what became of the messages that left us."""

from __future__ import annotations

from uuid import UUID

from contracts.events.envelope import Event, catalogue


class NotificationCreated(Event):
    """Somebody has a new notification in the app."""

    type = "notification.created"
    subject_type = "Notification"

    id: UUID
    recipient_id: UUID
    """Whose it is; nobody else can read it."""
    event_type: str
    """What it tells of: `ticket.assigned`."""


class _DeliveryFact(Event):
    """Something that became of a message."""

    subject_type = "Delivery"

    id: UUID
    channel: str
    """EMAIL, TEAMS or SMS."""
    recipient_id: UUID | None
    """The user who was told; null for contacts and channels."""
    event_type: str
    """What it tells of."""
    attempts: int
    related_type: str = ""
    """The GraphQL type of the thing that it is about: `Ticket`."""
    related_id: str | None = None
    """The thing that it is about."""


class NotificationSent(_DeliveryFact):
    """A message was taken by the other side."""

    type = "notification.sent"


class NotificationFailed(_DeliveryFact):
    """A message was given up; it can be sent again by hand."""

    type = "notification.failed"

    error: str


class NotificationBounced(_DeliveryFact):
    """A message came back; where nobody is behind the address, it is written to no more."""

    type = "notification.bounced"

    error: str


class _PageFact(Event):
    """Something that became of a page: somebody on call is called."""

    subject_type = "Page"

    id: UUID
    policy_id: UUID
    title: str
    incident_ref: str | None = None
    """What it is about: `Ticket/…`, or whatever the one who triggered it calls it."""


class PageTriggered(_PageFact):
    """Somebody on call is called."""

    type = "page.triggered"


class PageAcknowledged(_PageFact):
    """Somebody took over; nobody else is called."""

    type = "page.acknowledged"

    acknowledged_by: UUID


class PageEscalated(_PageFact):
    """Nobody took over in time: the next step was taken."""

    type = "page.escalated"

    step: int
    """Which step, counted from 0."""


CATALOGUE = catalogue(
    NotificationCreated,
    NotificationSent,
    NotificationFailed,
    NotificationBounced,
    PageTriggered,
    PageAcknowledged,
    PageEscalated,
)
"""Every event of notify by its type."""
