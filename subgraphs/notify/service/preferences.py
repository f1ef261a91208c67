"""What people say about being told: by category and channel, in which language, and when not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select

from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.work import Work
from subgraphs.notify.models.notifications import NotificationPreference, NotificationSettings
from subgraphs.notify.rules import preferences as rules
from subgraphs.notify.rules import quiet, sms, words
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.notices import Category
from subgraphs.notify.rules.preferences import Preference, Wishes
from subgraphs.notify.rules.quiet import Digest

LOCALE: Final = "de-DE"
ZONE: Final = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Reader:
    """How one person wants to be told."""

    wishes: Wishes
    language: str
    zone: str
    phone: str | None


def selected(user: UUID) -> Select[NotificationPreference]:
    """What a person said about categories and channels."""
    return select(NotificationPreference).where(NotificationPreference.user_id == user)


async def settings(work: Work) -> NotificationSettings | None:
    """What the caller said about being told at all."""
    return await work.find(NotificationSettings, work.caller.subject)


async def readers(work: Work, users: Collection[UUID]) -> Mapping[UUID, Reader]:
    """How these people want to be told."""
    said: dict[UUID, list[Preference]] = defaultdict(list)
    rows = await work.session.scalars(select(NotificationPreference).where(NotificationPreference.user_id.in_(users)))
    for row in rows:
        said[row.user_id].append(Preference(row.category, row.channel, row.enabled, row.digest))
    known = await work.those(NotificationSettings, list(users))
    return {one: _reader(known.get(one), said[one]) for one in users}


async def set_preference(
    work: Work, *, category: Category, channel: ChannelKind, enabled: bool, digest: Digest = Digest.NONE
) -> NotificationPreference:
    """Say whether and how one wants to be told of a category by a channel."""
    _check_own(work)
    if channel is ChannelKind.TEAMS:
        raise Invalid("Teams tells channels, not people.", field="channel")
    if channel is ChannelKind.IN_APP and digest is not Digest.NONE:
        raise Invalid("What is shown in the app is not put together.", field="digest")
    if channel is not ChannelKind.SMS:
        rules.check(category, enabled=enabled, digest=digest)
    mine = selected(work.caller.subject).where(
        NotificationPreference.category == category, NotificationPreference.channel == channel
    )
    row = (await work.session.scalars(mine.with_for_update())).one_or_none()
    if row is None:
        row = NotificationPreference(user_id=work.caller.subject, category=category, channel=channel)
        work.add(row)
    row.enabled, row.digest = enabled, digest
    return row


async def set_settings(work: Work, **changes: Any) -> NotificationSettings:
    """Say in which language one reads, in which zone one lives, and when one sleeps."""
    _check_own(work)
    row = await work.find(NotificationSettings, work.caller.subject)
    if row is None:
        row = NotificationSettings(id=work.caller.subject, locale=LOCALE, time_zone=ZONE)
        work.add(row)
    for name, value in changes.items():
        setattr(row, name, _CLEAN[name](value))
    if (row.quiet_from is None) != (row.quiet_until is None):
        raise Invalid("Quiet hours have a beginning and an end, or neither.", field="quietUntil")
    return row


async def refuse(work: Work, user: UUID, category: Category) -> None:
    """Switch the mails of one category off, because their reader followed the link in one."""
    mine = selected(user).where(
        NotificationPreference.category == category, NotificationPreference.channel == ChannelKind.EMAIL
    )
    row = (await work.session.scalars(mine.with_for_update())).one_or_none()
    if row is None:
        row = NotificationPreference(user_id=user, category=category, channel=ChannelKind.EMAIL, digest=Digest.NONE)
        work.add(row)
    row.enabled = False


def _time(value: time | None) -> time | None:
    return None if value is None else value.replace(second=0, microsecond=0, tzinfo=None)


_CLEAN: Final[Mapping[str, Any]] = {
    "locale": lambda value: words.exact_locale(value or LOCALE),
    "time_zone": lambda value: quiet.zone(value or ZONE),
    "quiet_from": _time,
    "quiet_until": _time,
    "phone": lambda value: sms.number(value) if value else None,
}


def _reader(row: NotificationSettings | None, said: list[Preference]) -> Reader:
    if row is None:
        return Reader(rules.wishes(said, zone=ZONE), LOCALE, ZONE, None)
    wishes = rules.wishes(said, begins=row.quiet_from, ends=row.quiet_until, zone=row.time_zone)
    return Reader(wishes, row.locale, row.time_zone, row.phone)


def _check_own(work: Work) -> None:
    if work.caller.kind == "SERVICE":
        raise Forbidden("Only people have preferences.")
