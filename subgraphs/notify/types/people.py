"""How notifications look to whoever is told: the list in the app, preferences, settings."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError
from subgraphs.notify.models import notifications as models
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.notices import Category
from subgraphs.notify.rules.quiet import Digest
from subgraphs.notify.service import notifications, on_call

ON_CALL = "oncall:read"
READ = "notifications:read"
WRITE = "notifications:write"


@entity(keys=["id"])
class Notification:
    """One thing that you were told; nobody else sees it."""

    id: strawberry.ID
    """The identifier: a UUID."""
    event_id: strawberry.ID
    """The event that it tells of."""
    event_type: str
    """What happened: `ticket.assigned`."""
    category: Category
    """What it is about."""
    title: str
    """What happened, in one line."""
    body: str
    """What happened, in more words."""
    url: str | None
    """Where to look at it."""
    related_type: str
    """The GraphQL type of the thing that it is about: `Ticket`."""
    related_id: strawberry.ID
    """The thing that it is about."""
    read_at: datetime | None
    """When you read it; null while you have not."""
    version: int
    """Counts changes."""
    created_at: datetime
    """When you were told."""

    @strawberry.field
    def is_read(self) -> bool:
        """Whether you have read it."""
        return self.read_at is not None

    @classmethod
    def of(cls, row: models.Notification) -> Self:
        """The notification in this row."""
        return shape(cls, row, related_id=strawberry.ID(row.related_id))

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The notification that another module points at."""
        row = await info.context.row(models.Notification, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class NotificationPreference:
    """What you said about being told of a category by a channel."""

    id: strawberry.ID
    """The identifier: a UUID."""
    category: Category
    """What it is about."""
    channel: ChannelKind
    """The way to you."""
    enabled: bool
    """Whether you are told."""
    digest: Digest
    """How news are put together."""
    version: int
    """Counts changes."""

    @classmethod
    def of(cls, row: models.NotificationPreference) -> Self:
        """The preference in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The preference that another module points at."""
        row = await info.context.row(models.NotificationPreference, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class NotificationSettings:
    """How you want to be told at all; the id is yours."""

    id: strawberry.ID
    """Your own identifier: a UUID."""
    locale: str
    """The language of what you are told: de-DE or en."""
    time_zone: str
    """Where you live, as Europe/Berlin: your quiet hours and times are by this clock."""
    quiet_from: time | None
    """When your quiet hours begin; null: you have none."""
    quiet_until: time | None
    """When they end."""
    phone: str | None
    """Where text messages go: +49…; null: nowhere."""
    version: int
    """Counts changes."""

    @classmethod
    def of(cls, row: models.NotificationSettings) -> Self:
        """The settings in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The settings that another module points at."""
        row = await info.context.row(models.NotificationSettings, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class User:
    """What a user was told; the user itself is `auth`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def unread_notifications(self, info: Info) -> int | None:
        """How many notifications you have not read; null for everybody but yourself."""
        found = await info.context.lists(notifications.unread_of, self.id, READ)
        return found[0] if found else None

    @strawberry.field
    async def notifications(
        self,
        info: Info,
        unread: bool | None = None,  # noqa: FBT001 - GraphQL names its arguments
        limit: Limit = DEFAULT_LIMIT,
    ) -> list[Notification] | None:
        """What you were told, the newest first; null for everybody but yourself."""
        if parsed(self.id) != info.context.caller.subject:
            return None
        rows = await info.context.lists(notifications.newest_of, self.id, READ, unread=unread, limit=bounded(limit))
        return [Notification.of(row) for row in rows]

    @strawberry.field
    async def on_call_now(self, info: Info) -> bool | None:
        """Whether they are on call now, by any schedule."""
        found = await info.context.lists(on_call.on_call_now, self.id, ON_CALL)
        return found[0] if found else None

    @classmethod
    async def resolve_reference(cls, id: strawberry.ID) -> Any:
        """The user that another module points at."""
        return cls(id=id)


@strawberry.type
class NotificationPayload:
    """What became of a command on a notification."""

    notification: Notification | None = None
    """The notification as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class NotificationPreferencePayload:
    """What became of a command on a preference."""

    notification_preference: NotificationPreference | None = None
    """The preference as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class NotificationSettingsPayload:
    """What became of a command on your settings."""

    notification_settings: NotificationSettings | None = None
    """Your settings as they are now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
