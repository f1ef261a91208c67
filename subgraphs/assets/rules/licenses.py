"""Licences: who holds a seat, what was bought, and whether the two fit.

    entitled        what was bought and has not ended
    consumed        who holds a seat: each principal once, whatever gave it to them (a suite counts for what it includes)
    reclaimable     of those, whoever is disabled or was not active for 30 days
    effective need  consumed - reclaimable: what would be needed after tidying up

A principal is an account in a directory: the same address in two directories of one customer is two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from subgraphs.kit.errors import Invalid

INACTIVE_AFTER = timedelta(days=30)
_LEAST_SLACK = 1
_SLACK_PERCENT = 10

_CORES_LEAST = 16
_CORES_PER_SOCKET = 8
_MACHINES_PER_SET = 2


class LicenseMetric(Enum):
    """What a licence counts."""

    USER = "USER"
    """People."""
    DEVICE = "DEVICE"
    """Devices."""
    CORE = "CORE"
    """Cores of processors."""
    CONCURRENT = "CONCURRENT"
    """Sessions at the same time."""
    SITE = "SITE"
    """Sites."""
    CAPACITY = "CAPACITY"
    """An amount of something: storage, mails."""


class ComplianceStatus(Enum):
    """Whether what was bought fits what is used."""

    COMPLIANT = "COMPLIANT"
    """It fits."""
    UNDER_LICENSED = "UNDER_LICENSED"
    """More is used than was bought."""
    OVER_LICENSED = "OVER_LICENSED"
    """More was bought than is used, by more than a tenth and more than one."""
    EXPIRED = "EXPIRED"
    """It has ended."""
    UNKNOWN = "UNKNOWN"
    """Nobody counts what is used."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An account that can hold a seat."""

    name: str
    """A user principal name, an address, or the id of a device."""
    directory: str | None = None
    """Which directory it is in."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat that somebody holds."""

    principal: Principal
    product: str
    disabled: bool = False
    last_active: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What was bought against what is used."""

    entitled: int
    consumed: int
    reclaimable: int
    status: ComplianceStatus

    @property
    def effective_need(self) -> int:
        """What would be needed after tidying up."""
        return self.consumed - self.reclaimable

    @property
    def missing(self) -> int:
        """How many seats are used and not bought; negative: bought and not used."""
        return self.consumed - self.entitled

    @property
    def to_buy(self) -> int:
        """How many to buy when everything reclaimable was reclaimed."""
        return max(0, self.effective_need - self.entitled)


def standing(seats: Iterable[Seat], *, purchased: int, end: date | None, at: datetime) -> Standing:
    """Compare the seats of one product with what was bought of it; a principal counts once."""
    ended = end is not None and end < at.date()
    by_principal: dict[Principal, list[Seat]] = {}
    for seat in seats:
        by_principal.setdefault(seat.principal, []).append(seat)
    idle = sum(all(_is_idle(seat, at) for seat in held) for held in by_principal.values())
    entitled = 0 if ended else purchased
    return Standing(entitled, len(by_principal), idle, _status(entitled, len(by_principal), ended=ended))


def _status(entitled: int, consumed: int, *, ended: bool) -> ComplianceStatus:
    if ended:
        return ComplianceStatus.EXPIRED
    if consumed > entitled:
        return ComplianceStatus.UNDER_LICENSED
    # More than a tenth, in whole numbers: no float decides about money.
    slack = entitled - consumed
    if slack > _LEAST_SLACK and slack * 100 > entitled * _SLACK_PERCENT:
        return ComplianceStatus.OVER_LICENSED
    return ComplianceStatus.COMPLIANT


def _is_idle(seat: Seat, at: datetime) -> bool:
    return seat.disabled or (seat.last_active is not None and at - seat.last_active > INACTIVE_AFTER)


def holding(product: str, seats: Iterable[Seat], included: Iterable[str]) -> list[Seat]:
    """The seats that count for a product: its own, and those of the suites that include it."""
    counting = {product, *included}
    return [seat for seat in seats if seat.product in counting]


def cores_needed(processors: Sequence[int], machines: int = 0) -> int:
    """How many core licences a host needs; `processors` are the cores of each, `machines` the virtual ones on it.

    A full set covers all cores of the host, eight for each processor and sixteen at least, and two virtual machines.
    """
    cover = max(_CORES_LEAST, _CORES_PER_SOCKET * len(processors), sum(processors))
    return cover * max(1, math.ceil(machines / _MACHINES_PER_SET))


def peak(sessions: Iterable[tuple[datetime, datetime | None]]) -> int:
    """The most sessions that were open at one time; one that ends when another begins makes room for it."""
    known = list(sessions)
    edges = [(start, 1) for start, _ in known]
    edges += [(end, -1) for _, end in known if end is not None]
    most = now = 0
    for _, change in sorted(edges, key=lambda edge: (edge[0], edge[1])):
        now += change
        most = max(most, now)
    return most


def check_purchased(purchased: int | None) -> int:
    """The number of seats; raises `Invalid` for what can only be a typing error."""
    if purchased is None or not 0 <= purchased <= 1_000_000:
        raise Invalid("purchased must be between 0 and 1,000,000.", field="purchased")
    return purchased


def principal(name: str | None, directory: str | None) -> Principal | None:
    """A principal as it is stored and compared: addresses know no capitals."""
    return Principal(name.strip().casefold(), (directory or "").strip().casefold() or None) if name else None
