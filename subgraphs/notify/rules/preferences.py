"""Whether and when one person is told by one channel: what they prefer, and what they can't refuse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from subgraphs.notify.errors import Mandatory
from subgraphs.notify.rules import notices, quiet
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.notices import Category, Notice
from subgraphs.notify.rules.quiet import Digest, QuietHours

MANDATORY = frozenset({Category.ACCOUNT, Category.ON_CALL})


@dataclass(frozen=True, slots=True)
class Preference:
    """What somebody said about one category and one channel."""

    category: Category
    channel: ChannelKind
    enabled: bool
    digest: Digest = Digest.NONE


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything that somebody said about being told."""

    preferences: tuple[Preference, ...] = ()
    quiet_hours: QuietHours | None = None
    zone: str = "Europe/Berlin"

    def about(self, category: Category, channel: ChannelKind) -> Preference:
        """What they said about this, or what holds when they said nothing."""
        for one in self.preferences:
            if (one.category, one.channel) == (category, channel):
                return one
        return Preference(category, channel, enabled=channel is not ChannelKind.SMS)


@dataclass(frozen=True, slots=True)
class Timing:
    """That somebody is told: from when on, and what may be gathered with it."""

    at: datetime
    gather: str | None
    """What is told in one message: the thing, or everything (`digest`); None means: each by itself."""


def check(category: Category, *, enabled: bool, digest: Digest) -> None:
    """Raise `Mandatory` for a preference that would keep somebody from hearing what they must hear."""
    if category in MANDATORY and not (enabled and digest is Digest.NONE):
        raise Mandatory(
            "This can't be switched off or put off: it is about your own account, or calls you.", field="category"
        )


def timing(
    notice: Notice, channel: ChannelKind, wishes: Wishes, at: datetime, *, priority: str | None = None
) -> Timing | None:
    """When somebody is told by a channel; None: not at all."""
    if channel is ChannelKind.IN_APP:
        # A list disturbs nobody: it is filled at once, and may be left out.
        return Timing(at, None) if notice.mandatory or wishes.about(notice.category, channel).enabled else None
    if notice.mandatory:
        return Timing(at, None)
    said = wishes.about(notice.category, channel)
    if not said.enabled:
        return None
    if channel is ChannelKind.SMS and notices.is_critical(priority):
        return Timing(at, None)
    return _later(notice, said.digest, wishes, at)


def _later(notice: Notice, digest: Digest, wishes: Wishes, at: datetime) -> Timing:
    if digest is not Digest.NONE:
        moment, gather = quiet.due(digest, wishes.zone, at), "digest"
    elif notice.urgent:
        moment, gather = at, None
    else:
        moment, gather = at + timedelta(seconds=notices.COLLAPSE_SECONDS), "thing"
    return Timing(quiet.over(wishes.quiet_hours, moment) if wishes.quiet_hours else moment, gather)


def wishes(
    said: Iterable[Preference], *, begins: time | None = None, ends: time | None = None, zone: str = "Europe/Berlin"
) -> Wishes:
    """Everything that somebody said, from the pieces in which it is kept."""
    hours = QuietHours(begins, ends, zone) if begins is not None and ends is not None else None
    return Wishes(tuple(said), hours, zone)
