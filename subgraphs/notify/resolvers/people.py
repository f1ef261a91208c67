"""What whoever is told can ask and say: notifications, preferences, settings."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, time

import strawberry

from subgraphs.kit import live
from subgraphs.kit.commands import Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.shapes import given, in_time
from subgraphs.kit.work import Work
from subgraphs.notify.models import notifications as models
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.notices import Category
from subgraphs.notify.rules.quiet import Digest
from subgraphs.notify.service import notifications, preferences
from subgraphs.notify.types.people import (
    READ,
    WRITE,
    Notification,
    NotificationPayload,
    NotificationPreference,
    NotificationPreferencePayload,
    NotificationSettings,
    NotificationSettingsPayload,
)


@strawberry.type
class PersonQuery:
    """What can be asked about one's own notifications."""

    @strawberry.field
    async def notifications(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        unread: bool | None = None,  # noqa: FBT001 - GraphQL names its arguments
    ) -> Connection[Notification]:
        """What you were told, page by page, the newest first; `unread: true` leaves out what you have read."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = notifications.selected(info.context.caller.subject, unread=unread)
        count, order = counts(info), notifications.NEWEST_FIRST
        async with info.context.work(READ) as work:
            return await page(work, query, models.Notification, order, wanted, Notification.of, count=count)

    @strawberry.field
    async def unread_count(self, info: Info) -> int:
        """How many notifications you have not read."""
        async with info.context.work(READ) as work:
            return await notifications.unread_count(work)

    @strawberry.field
    async def notification_preferences(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[NotificationPreference]:
        """What you said about categories and channels; of the others you are told as we think right."""
        query = preferences.selected(info.context.caller.subject).order_by(models.NotificationPreference.id)
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = (await work.session.scalars(query.limit(most).offset(first))).all()
        return [NotificationPreference.of(row) for row in rows]

    @strawberry.field
    async def notification_settings(self, info: Info) -> NotificationSettings | None:
        """How you want to be told at all; null while you said nothing."""
        async with info.context.work(READ) as work:
            row = await preferences.settings(work)
        return NotificationSettings.of(row) if row else None


@strawberry.input
class MarkReadInput(Command):
    """A notification, and whether it was read."""

    id: strawberry.ID
    """The notification."""
    read: bool = True
    """False: as if you had not read it."""


@strawberry.input
class MarkAllReadInput(Command):
    """Up to when everything was read."""

    until: datetime | None = None
    """The last moment; null: now."""


@strawberry.input
class SetPreferenceInput(Command):
    """Whether and how you want to be told."""

    category: Category
    """What it is about."""
    channel: ChannelKind
    """The way to you."""
    enabled: bool
    """Whether you want to be told."""
    digest: Digest = Digest.NONE
    """How news are put together."""


@strawberry.input
class SetNotificationSettingsInput(Command):
    """How you want to be told at all."""

    locale: str | None = strawberry.UNSET
    """The language: de-DE or en; null: de-DE."""
    time_zone: str | None = strawberry.UNSET
    """Where you live; null: Europe/Berlin."""
    quiet_from: time | None = strawberry.UNSET
    """When your quiet hours begin; null removes them."""
    quiet_until: time | None = strawberry.UNSET
    """When they end; they may cross midnight."""
    phone: str | None = strawberry.UNSET
    """Where text messages go: +49…; null: nowhere."""


@strawberry.type
class PersonMutation:
    """What can be said about one's own notifications."""

    @command(WRITE, NotificationPayload)
    async def mark_read(work: Work, input: MarkReadInput) -> models.Notification:
        """Mark a notification as read, or as not read."""
        return await notifications.mark(work, **given(input))

    @command(WRITE, NotificationPayload)
    async def mark_all_read(work: Work, input: MarkAllReadInput) -> models.Notification:
        """Mark everything as read; the answer is the newest of it."""
        return await notifications.mark_all(work, in_time(input.until, "until"))

    @command(WRITE, NotificationPreferencePayload)
    async def set_preference(work: Work, input: SetPreferenceInput) -> models.NotificationPreference:
        """Say whether and how you want to be told of a category by a channel."""
        return await preferences.set_preference(work, **given(input))

    @command(WRITE, NotificationSettingsPayload)
    async def set_notification_settings(work: Work, input: SetNotificationSettingsInput) -> models.NotificationSettings:
        """Say in which language you read, where you live, and when you want to be left alone."""
        return await preferences.set_settings(work, **given(input))


@strawberry.type
class PersonSubscription:
    """What can be watched."""

    @strawberry.subscription
    async def notification_received(self, info: Info) -> AsyncGenerator[Notification, None]:
        """Your notifications, each at the moment when you are told."""
        me = info.context.caller.subject
        rows = live.changes(info.context, models.Notification, READ, where=lambda row: row.recipient_id == me)
        async with aclosing(rows):
            async for row in rows:
                yield Notification.of(row)
