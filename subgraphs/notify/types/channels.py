"""How channels look to those who look after them: settings, templates, deliveries, suppressed addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError
from subgraphs.notify.models import channels as models
from subgraphs.notify.models import deliveries
from subgraphs.notify.models.channels import MailSecurity
from subgraphs.notify.rules.channels import ChannelKind, DeliveryStatus, SuppressionReason
from subgraphs.notify.rules.notices import Category

READ = "notifications:read"
ADMINISTER = "notifications:write"


@entity(keys=["id"])
class ChannelConfig:
    """How people are reached by a channel. Its secret (password, key, URL of a webhook) is never shown."""

    id: strawberry.ID
    """The identifier: a UUID."""
    kind: ChannelKind
    """Which way it is."""
    name: str
    """What people call it."""
    active: bool
    """Whether it is used."""
    host: str | None
    """The mail server."""
    port: int | None
    """Its port."""
    security: MailSecurity | None
    """How the way there is protected."""
    username: str | None
    """Who signs in to the mail server; null: nobody."""
    sender: str | None
    """From which address mails come, or what stands above a text message."""
    sender_name: str | None
    """Which name stands before the address."""
    url: str | None
    """Where the SMS gateway answers."""
    event_patterns: list[str]
    """The events that a Teams channel is told of."""
    fallback_address: str | None
    """To whom a mail goes when Teams takes nothing."""
    locale: str
    """The language of a Teams channel, and of tests."""
    daily_limit: int | None
    """How many text messages are sent in a day at most; null: any number."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    updated_at: datetime
    """When it was last changed."""

    @classmethod
    def of(cls, row: models.ChannelConfig) -> Self:
        """The channel in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The channel that another module points at."""
        row = await info.context.row(models.ChannelConfig, id, ADMINISTER)
        return cls.of(row) if row else None


@entity(keys=["id"])
class NotificationTemplate:
    """Your own words for one event, channel and language."""

    id: strawberry.ID
    """The identifier: a UUID."""
    event_type: str
    """The event: `ticket.assigned`."""
    channel: ChannelKind
    """The channel."""
    locale: str
    """The language: de-DE or en."""
    subject: str
    """The subject, with variables as `{{ number }}`."""
    body: str
    """The text, with variables and `{% if … %}`."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.NotificationTemplate) -> Self:
        """The template in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The template that another module points at."""
        row = await info.context.row(models.NotificationTemplate, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class TemplatePreview:
    """What a template would make of an example, or why it can't be used."""

    subject: str | None = None
    """The subject."""
    text: str | None = None
    """The text, as mail programs without HTML, the app and cards show it."""
    html: str | None = None
    """The page, as other mail programs show it; absent for what is no mail."""
    error: UserError | None = None
    """Why it can't be used; null when it can."""


@strawberry.type
class DeliveryAttempt:
    """One attempt to hand a message over, or a report of what became of it."""

    number: int
    """Which attempt it was, counted from 1."""
    at: datetime
    """When it was."""
    outcome: DeliveryStatus
    """What came of it."""
    said: str
    """The words of the other side, or of the network."""


@entity(keys=["id"])
class Delivery:
    """One message on its way to one person or channel. A FAILED one is a dead letter: it can be sent again."""

    id: strawberry.ID
    """The identifier: a UUID."""
    channel: ChannelKind
    """The way that it goes."""
    address: str
    """Where it goes: a mail address, a number, or the name of a channel."""
    recipient_id: strawberry.ID | None
    """The user who is told; null for contacts and channels."""
    category: Category
    """What it is about."""
    event_type: str
    """The first event that it tells of."""
    related_type: str
    """The GraphQL type of the thing that it is about."""
    related_id: strawberry.ID
    """The thing that it is about."""
    subject: str
    """Its subject."""
    message_id: str | None
    """The Message-ID of a mail, the same for every attempt."""
    status: DeliveryStatus
    """What became of it."""
    attempt: int
    """How often it was tried."""
    due_at: datetime
    """When it is sent, or tried next."""
    finished_at: datetime | None
    """When it came to its end."""
    provider_reference: str | None
    """What the other side calls it."""
    error: str | None
    """Why it has not arrived."""
    created_at: datetime
    """When it was written down."""
    version: int
    """Counts changes."""
    items: strawberry.Private[list[dict[str, Any]]]
    log: strawberry.Private[list[dict[str, Any]]]

    @strawberry.field
    def event_count(self) -> int:
        """How many events it tells of."""
        return len(self.items)

    @strawberry.field
    def attempts(self, limit: Limit = DEFAULT_LIMIT) -> list[DeliveryAttempt]:
        """The attempts, in their order."""
        return [
            DeliveryAttempt(
                number=one["number"],
                at=datetime.fromisoformat(one["at"]),
                outcome=DeliveryStatus(one["outcome"]),
                said=one["said"],
            )
            for one in self.log[: bounded(limit)]
        ]

    @classmethod
    def of(cls, row: deliveries.Delivery) -> Self:
        """The delivery in this row."""
        return shape(cls, row, related_id=strawberry.ID(row.related_id))

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The delivery that another module points at."""
        row = await info.context.row(deliveries.Delivery, id, ADMINISTER)
        return cls.of(row) if row else None


@entity(keys=["id"])
class SuppressedAddress:
    """An address that is written to no more."""

    id: strawberry.ID
    """The identifier: a UUID."""
    address: str
    """The mail address."""
    reason: SuppressionReason
    """Why."""
    detail: str | None
    """What was said."""
    created_at: datetime
    """Since when."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: deliveries.SuppressedAddress) -> Self:
        """The address in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The address that another module points at."""
        row = await info.context.row(deliveries.SuppressedAddress, id, ADMINISTER)
        return cls.of(row) if row else None


@strawberry.type
class ChannelConfigPayload:
    """What became of a command on a channel."""

    channel_config: ChannelConfig | None = None
    """The channel as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class NotificationTemplatePayload:
    """What became of a command on a template."""

    notification_template: NotificationTemplate | None = None
    """The template as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class DeliveryPayload:
    """What became of a command on a delivery."""

    delivery: Delivery | None = None
    """The delivery as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class SuppressedAddressPayload:
    """What became of a command on an address."""

    suppressed_address: SuppressedAddress | None = None
    """The address as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
