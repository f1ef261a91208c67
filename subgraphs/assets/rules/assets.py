"""What is true about assets, with no I/O at all: their life, their dates, and when their end is told.

    PLANNED ──order──► ORDERED ──receive──► IN_STOCK ──deploy──► DEPLOYED ──retire──► RETIRED ──dispose──► DISPOSED
                                                          startMaintenance │ ▲              ▲
                                                                           ▼ │ endMaintenance
                                                                       MAINTENANCE ──retire─┘

Whatever is not yet retired can be reported LOST. The table `MOVES` is the whole truth; everything else asks it.

What is in use needs a customer: walls, contracts and the customer's own list rest on it. A site is welcome, not
demanded: devices that are found in use come without one, and many customers have a single office and record no site.

The end of an asset's life (`eolDate`) is told at thresholds, at 02:00 of the day where the tenant is:

    365 ────────── 180 ────── 90 ──── 30 ── 0        days before
     ●              ●         ○       ○     ○        `told = 180`: this one and all before it are done

One number per asset says how far the telling is: the threshold told last. What was passed without being told (nobody
ran the jobs, or the date was entered late) is caught up with the latest passed threshold alone. Another date keeps told
what is passed under it too, and arms what lies ahead of it again.
"""

from __future__ import annotations

import calendar
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from types import MappingProxyType

from subgraphs.assets.errors import Disposed, NobodysAsset, WrongStatus
from subgraphs.kit.errors import Invalid


class AssetStatus(Enum):
    """Where an asset is in its life."""

    PLANNED = "PLANNED"
    """It will be bought."""
    ORDERED = "ORDERED"
    """It was bought and has not arrived."""
    IN_STOCK = "IN_STOCK"
    """It is here and nobody uses it."""
    DEPLOYED = "DEPLOYED"
    """It is in use at a customer."""
    MAINTENANCE = "MAINTENANCE"
    """It belongs to a customer and is being worked on."""
    RETIRED = "RETIRED"
    """It is out of use."""
    DISPOSED = "DISPOSED"
    """It is gone for good."""
    LOST = "LOST"
    """Nobody knows where it is."""


class AssetCriticality(Enum):
    """How bad it is when an asset fails."""

    LOW = "LOW"
    """Hardly anybody notices."""
    MEDIUM = "MEDIUM"
    """Somebody cannot work properly."""
    HIGH = "HIGH"
    """Many cannot work properly."""
    CRITICAL = "CRITICAL"
    """Everything stands still."""


class Move(Enum):
    """The commands that move an asset through its life, by their GraphQL names."""

    ORDER = "orderAsset"
    RECEIVE = "receiveAsset"
    DEPLOY = "deployAsset"
    START_MAINTENANCE = "startMaintenance"
    END_MAINTENANCE = "endMaintenance"
    RETIRE = "retireAsset"
    DISPOSE = "disposeAsset"
    REPORT_LOST = "reportLost"


S = AssetStatus

ACTIVE = frozenset({S.PLANNED, S.ORDERED, S.IN_STOCK, S.DEPLOYED, S.MAINTENANCE})
"""The statuses of what we still count on; the end of anything else's life is nobody's concern."""
IN_USE = frozenset({S.DEPLOYED, S.MAINTENANCE})
STARTS = frozenset({S.PLANNED, S.ORDERED, S.IN_STOCK, S.DEPLOYED})


@dataclass(frozen=True, slots=True)
class Way:
    """Where a move may begin and where it ends."""

    sources: frozenset[AssetStatus]
    target: AssetStatus


MOVES: Mapping[Move, Way] = MappingProxyType(
    {
        Move.ORDER: Way(frozenset({S.PLANNED}), S.ORDERED),
        Move.RECEIVE: Way(frozenset({S.ORDERED}), S.IN_STOCK),
        Move.DEPLOY: Way(frozenset({S.IN_STOCK}), S.DEPLOYED),
        Move.START_MAINTENANCE: Way(frozenset({S.DEPLOYED}), S.MAINTENANCE),
        Move.END_MAINTENANCE: Way(frozenset({S.MAINTENANCE}), S.DEPLOYED),
        Move.RETIRE: Way(IN_USE, S.RETIRED),
        Move.DISPOSE: Way(frozenset({S.RETIRED}), S.DISPOSED),
        Move.REPORT_LOST: Way(ACTIVE, S.LOST),
    }
)


def moved(move: Move, status: AssetStatus) -> AssetStatus:
    """The status after `move`; raises `WrongStatus` when it does not start from `status`."""
    way = MOVES[move]
    if status not in way.sources:
        raise WrongStatus(f"{move.value} works from {_listed(way.sources)}; this asset is {status.value}.", field="id")
    return way.target


def check_start(status: AssetStatus) -> None:
    """Raise `WrongStatus` when no asset may begin its life in this status."""
    if status not in STARTS:
        raise WrongStatus(f"An asset begins as {_listed(STARTS)}, not as {status.value}.", field="status")


def check_place(status: AssetStatus) -> None:
    """Raise `WrongStatus` when an asset in this status is no longer at any place it could move from."""
    if status not in ACTIVE:
        raise WrongStatus(f"moveAsset works from {_listed(ACTIVE)}; this asset is {status.value}.", field="id")


def check_changeable(status: AssetStatus) -> None:
    """Raise `Disposed` when nothing about the asset may change any more."""
    if status is S.DISPOSED:
        raise Disposed("This asset is disposed of; nothing about it changes any more.", field="id")


def check_owner(status: AssetStatus, *, has_customer: bool) -> None:
    """Raise `NobodysAsset` when an asset in use would belong to no customer."""
    if status in IN_USE and not has_customer:
        raise NobodysAsset(f"An asset that is {status.value} needs a customer.", field="customerId")


def _listed(statuses: frozenset[AssetStatus]) -> str:
    return ", ".join(status.value for status in S if status in statuses)


# --- types


@dataclass(frozen=True, slots=True)
class SystemType:
    """An asset type that every tenant knows from the start."""

    key: str
    name: str
    parent: str | None
    counts_as_device: bool
    icon: str


_DEVICES = (
    ("computer", "Computer", None, "computer"),
    ("server", "Server", "computer", "server"),
    ("workstation", "Workstation", "computer", "workstation"),
    ("notebook", "Notebook", "computer", "notebook"),
    ("virtual_machine", "Virtual machine", "computer", "virtual-machine"),
    ("mobile", "Mobile device", None, "mobile"),
)
_NO_DEVICES = (
    ("network_device", "Network device", None, "network"),
    ("router", "Router", "network_device", "router"),
    ("switch", "Switch", "network_device", "switch"),
    ("firewall", "Firewall", "network_device", "firewall"),
    ("access_point", "Access point", "network_device", "access-point"),
    ("printer", "Printer", None, "printer"),
    ("nas", "Network storage", None, "nas"),
    ("ups", "Uninterruptible power supply", None, "ups"),
    ("certificate", "Certificate", None, "certificate"),
    ("domain", "Domain", None, "domain"),
    ("other", "Other", None, "other"),
)


def _system_types(*, counts_as_device: bool, rows: Iterable[tuple[str, str, str | None, str]]) -> dict[str, SystemType]:
    return {key: SystemType(key, name, parent, counts_as_device, icon) for key, name, parent, icon in rows}


SYSTEM_TYPES: Mapping[str, SystemType] = MappingProxyType(
    _system_types(counts_as_device=True, rows=_DEVICES) | _system_types(counts_as_device=False, rows=_NO_DEVICES)
)

_HOLDERS = frozenset({"computer", "mobile", "nas", "printer", "network_device"})
"""Kinds that have a memory: printers and firewalls keep more than their owners think."""


def holds_data(key: str, own: Mapping[str, tuple[bool | None, str | None]]) -> bool:
    """Whether things of this type may hold data of people; `own` types say so themselves, or ask their parent."""
    seen: set[str] = set()
    at: str | None = key
    while at is not None and at not in seen:
        seen.add(at)
        said, parent = own.get(at, (None, None))
        if said is not None:
            return said
        if at in _HOLDERS:
            return True
        at = parent if at in own else SYSTEM_TYPES[at].parent if at in SYSTEM_TYPES else None
    return False


MOST_OWN_TYPES = 200
"""So many that nobody misses one, so few that a request can know them all."""

_KEY = re.compile(r"[a-z][a-z0-9_]{0,49}")


def type_key(key: str) -> str:
    """The key of a new asset type as it was entered; raises `Invalid` for what is no key."""
    if not _KEY.fullmatch(key):
        raise Invalid("A key has up to 50 lowercase letters, digits and underscores, a letter first.", field="key")
    return key


# --- addresses

MOST_ADDRESSES = 100

_MAC = re.compile(r"[0-9a-f]{12}")


def mac_addresses(entered: Iterable[str]) -> list[str]:
    """Hardware addresses in one spelling, `00:1a:2b:3c:4d:5e`; raises `Invalid` for what is none."""
    return _addresses(entered, _mac_address, field="macAddresses")


def ip_addresses(entered: Iterable[str]) -> list[str]:
    """IPv4 and IPv6 addresses in their canonical spelling; raises `Invalid` for what is none."""
    return _addresses(entered, _ip_address, field="ipAddresses")


def _addresses(entered: Iterable[str], spelled: Callable[[str], str | None], *, field: str) -> list[str]:
    found: dict[str, None] = {}
    for one in entered:
        address = spelled(one.strip())
        if address is None:
            raise Invalid(f"{one[:50]!r} is no address of this kind.", field=field)
        found[address] = None
    if len(found) > MOST_ADDRESSES:
        raise Invalid(f"An asset has at most {MOST_ADDRESSES} addresses of one kind.", field=field)
    return list(found)


def _mac_address(text: str) -> str | None:
    digits = re.sub(r"[-:.]", "", text.lower())
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)) if _MAC.fullmatch(digits) else None


def _ip_address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


# --- dates

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
LONGEST_LIFE_MONTHS = 600
LARGEST_SIZE = 2_000_000_000
DEAREST = Decimal("999999999999.99")


def check_day(day: date | None, *, field: str) -> date | None:
    """The day, or nothing; raises `Invalid` for days that can only be typing errors."""
    if day is not None and not FIRST_DAY <= day <= LAST_DAY:
        raise Invalid(f"{field} must be between {FIRST_DAY} and {LAST_DAY}, not {day}.", field=field)
    return day


def check_moment(moment: datetime | None, *, field: str) -> datetime | None:
    """The moment, or nothing; raises `Invalid` for one of a day that can only be a typing error."""
    if moment is not None:
        check_day(moment.date(), field=field)
    return moment


def check_size(size: int | None, *, field: str) -> int | None:
    """How much of something it has, or nothing; raises `Invalid` for what no machine has."""
    if size is not None and not 0 <= size <= LARGEST_SIZE:
        raise Invalid(f"{field} must be between 0 and {LARGEST_SIZE}.", field=field)
    return size


def check_price(price: Decimal | None, *, field: str) -> Decimal | None:
    """What was paid, to the cent, or nothing; raises `Invalid` for what is less than nothing or beyond reason."""
    if price is not None and not (price.is_finite() and 0 <= price <= DEAREST):
        raise Invalid(f"{field} must be an amount between 0 and {DEAREST}.", field=field)
    return None if price is None else price.quantize(Decimal("0.01"), ROUND_HALF_UP)


def check_life(months: int | None) -> int | None:
    """The useful life, or nothing; raises `Invalid` when it is not 1 to 600 months."""
    if months is not None and not 1 <= months <= LONGEST_LIFE_MONTHS:
        raise Invalid(f"usefulLifeMonths must be between 1 and {LONGEST_LIFE_MONTHS}.", field="usefulLifeMonths")
    return months


def after_months(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day when it is shorter."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return date(years, month + 1, min(day.day, last))


def replacement_date(
    *,
    eos: date | None,
    warranty_until: date | None,
    purchased: date | None,
    useful_life_months: int | None,
    at_warranty_end: bool = False,
) -> date | None:
    """When the asset should be replaced: at the first of the dates that are known, or None when none is.

    The end of the warranty counts only under the policy to replace `at_warranty_end`.
    """
    worn_out = after_months(purchased, useful_life_months) if purchased and useful_life_months else None
    known = (eos, warranty_until if at_warranty_end else None, worn_out)
    return min((day for day in known if day is not None), default=None)


# --- telling the end of life

THRESHOLDS = (365, 180, 90, 30, 0)
"""How many days before its end an asset's end of life is told, in the order in which they pass."""
WARRANTY_THRESHOLDS = (90, 30, 0)
"""The same for the end of its warranty."""

TOLD_AT = time(2, 0)
"""In the night, where the tenant is."""

CERTIFICATE = "certificate"
"""What has no life that ends, but runs out."""

UNSEEN = timedelta(days=30)
"""So long not seen, and an asset in use is stale: the same thirty days after which it is billed no more."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold and the moment at which it is to be told."""

    days: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Telling:
    """What a timer that fires brings about: the threshold to tell, if any, and the timer that comes after it, if any."""

    days: int | None
    then: Threshold | None


def next_threshold(
    eol: date, told: int | None, at: datetime, thresholds: Sequence[int] = THRESHOLDS, *, zone: tzinfo = UTC
) -> Threshold | None:
    """What is to be told next, and when; None when everything is told.

    A threshold that has passed untold is told in the next night, the latest one for all of them.
    """
    late = _late(eol, told, at, thresholds, zone)
    if late is not None:
        return Threshold(late, _next_night(at, zone))
    ahead = (days for days in thresholds if (told is None or days < told) and moment(eol, days, zone) > at)
    return next((Threshold(days, moment(eol, days, zone)) for days in ahead), None)


def fired(
    eol: date,
    told: int | None,
    days: int,
    at: datetime,
    thresholds: Sequence[int] = THRESHOLDS,
    *,
    zone: tzinfo = UTC,
) -> Telling:
    """What the timer that was set for the threshold `days` brings about at `at`.

    Timers may be late (then the latest passed threshold is told), early (then nothing is, and they are set again), or
    doubled (then the second finds its threshold told, and ends).
    """
    late = _late(eol, told, at, thresholds, zone)
    if late is None and told is not None and told <= days:
        return Telling(None, None)
    return Telling(late, next_threshold(eol, told if late is None else late, at, thresholds, zone=zone))


def stale_at(seen: datetime) -> datetime:
    """When an asset that was seen at this moment, and not since, is stale."""
    return seen + UNSEEN


def rearmed(
    told: int | None, eol: date | None, at: datetime, thresholds: Sequence[int] = THRESHOLDS, *, zone: tzinfo = UTC
) -> int | None:
    """What counts as told when the end of life becomes `eol`: of what was told, only what is passed under it too."""
    if told is None or eol is None:
        return told
    passed = _passed(eol, at, thresholds, zone)
    return None if passed is None else max(told, passed)


def _late(eol: date, told: int | None, at: datetime, thresholds: Sequence[int], zone: tzinfo) -> int | None:
    passed = _passed(eol, at, thresholds, zone)
    return passed if passed is not None and (told is None or passed < told) else None


def _passed(eol: date, at: datetime, thresholds: Sequence[int], zone: tzinfo) -> int | None:
    """The latest threshold that has passed."""
    return min((days for days in thresholds if moment(eol, days, zone) <= at), default=None)


def moment(end: date, days: int, zone: tzinfo) -> datetime:
    """When it is told that something ends in so many days."""
    return datetime.combine(end - timedelta(days=days), TOLD_AT, zone).astimezone(UTC)


def _next_night(at: datetime, zone: tzinfo) -> datetime:
    today = at.astimezone(zone).date()
    tonight = moment(today, 0, zone)
    return tonight if tonight > at else moment(today + timedelta(days=1), 0, zone)
