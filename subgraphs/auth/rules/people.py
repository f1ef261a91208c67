"""What is true of users: their kinds, the table of moves between their statuses, and how their addresses are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from subgraphs.auth.errors import WrongStatus
from subgraphs.kit.errors import Invalid
from subgraphs.kit.shapes import line


class UserKind(Enum):
    """On which side of the counter a user stands."""

    STAFF = "STAFF"
    """Works for the service provider."""
    CUSTOMER = "CUSTOMER"
    """Works for a customer, and sees what is the customer's."""
    COMANAGED = "COMANAGED"
    """A technician of a customer who works along with the provider's."""
    SERVICE = "SERVICE"
    """No person, but a program."""


class UserStatus(Enum):
    """Whether a user may come in."""

    INVITED = "INVITED"
    """Was invited, and has not chosen a way to sign in yet."""
    ACTIVE = "ACTIVE"
    """May sign in."""
    LOCKED = "LOCKED"
    """May not sign in until somebody looks at it."""
    DISABLED = "DISABLED"
    """Is gone; nothing of theirs opens a door any more."""


class CustomerAccessMode(Enum):
    """What a line about a user and a customer says."""

    ALLOW = "ALLOW"
    """The user sees this customer; whoever has such a line sees no customer without one."""
    DENY = "DENY"
    """The user does not see this customer, whatever else is allowed."""


LANGUAGES = ("de", "en")
"""The languages that our pages and mails speak."""

_MOVES: Mapping[UserStatus, frozenset[UserStatus]] = MappingProxyType(
    {
        UserStatus.INVITED: frozenset({UserStatus.ACTIVE, UserStatus.DISABLED}),
        UserStatus.ACTIVE: frozenset({UserStatus.LOCKED, UserStatus.DISABLED}),
        UserStatus.LOCKED: frozenset({UserStatus.ACTIVE, UserStatus.DISABLED}),
        UserStatus.DISABLED: frozenset({UserStatus.ACTIVE}),
    }
)

_MOST_SKILLS = 50
_HOURS_OF_A_WEEK = 168
_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f<>()\[\],;:\\\"]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}")
_LOCALE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")


def moved(current: UserStatus, wanted: UserStatus) -> UserStatus:
    """The new status; raises `WrongStatus` when there is no way there."""
    if wanted not in _MOVES[current]:
        ways = ", ".join(sorted(one.value for one in _MOVES[current]))
        raise WrongStatus(f"The user is {current.value}, and can only become {ways}.", field="id")
    return wanted


def email(value: str, *, field: str = "email") -> str:
    """An address as it is stored: without blanks around it, and in small letters, so that it is found again."""
    address = value.strip().lower()
    if len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise Invalid(f"{field} is no e-mail address.", field=field)
    return address


def locale(value: str) -> str:
    """A language of ours, with or without a country: `de`, `de-DE`."""
    if not _LOCALE.fullmatch(value) or value[:2] not in LANGUAGES:
        raise Invalid(f"locale is one of {', '.join(LANGUAGES)}, with or without a country: de-DE.", field="locale")
    return value


def time_zone(value: str) -> str:
    """A name of the tz database."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("timeZone is a name of the tz database: Europe/Berlin.", field="timeZone") from None
    return value


def skills(values: Iterable[str]) -> list[str]:
    """What somebody knows how to do: each a short line, and once, however it is spelled; raises `Invalid`."""
    said = {line(one, field="skills", longest=60).casefold(): one for one in values}
    if len(said) > _MOST_SKILLS:
        raise Invalid(f"skills are at most {_MOST_SKILLS}.", field="skills")
    return sorted((line(one, field="skills", longest=60) for one in said.values()), key=str.casefold)


def weekly_hours(value: Decimal) -> Decimal:
    """Hours a week: no fewer than none, no more than a week has; raises `Invalid`."""
    if not value.is_finite() or not 0 <= value <= _HOURS_OF_A_WEEK:
        raise Invalid(f"weeklyHours is between 0 and {_HOURS_OF_A_WEEK}.", field="weeklyHours")
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)
