"""How much there is of everything, and how it is spread: few customers have a lot, most have little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import accumulate, pairwise
from random import Random
from uuid import UUID

MONTHS = 36
"""How far back everything goes."""

_VERSION_7 = 0x7 << 76
_VARIANT_RFC = 0b10 << 62


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many there are of each kind."""

    customers: int = 2_000
    tickets: int = 200_000
    time_entries: int = 2_000_000
    assets: int = 50_000

    @property
    def rows(self) -> int:
        """What a bar of progress counts."""
        return self.customers + self.tickets + self.time_entries + self.assets


SMALL = Sizes(customers=20, tickets=2_000, time_entries=20_000, assets=500)


def shares(total: int, weights: Sequence[float]) -> list[int]:
    """Deal out `total` by weight, to the last one: what rounding takes from one the next one gets."""
    if not weights:
        return []
    whole = sum(weights)
    ends = [round(total * so_far / whole) for so_far in accumulate(weights)]
    return [end - begin for begin, end in pairwise([0, *ends])]


def weights(count: int, chance: Random) -> list[float]:
    """How big each of so many customers is, beside the others."""
    return [0.3 + chance.expovariate(1.0) for _ in range(count)]


def identity(kind: str, at: datetime | date, number: int) -> UUID:
    """A UUIDv7 that is the same each time: it sorts by time, and says of what kind and which one it is."""
    moment = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)
    kind_bits = int.from_bytes(kind.encode()[:3].ljust(3), "big")
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | _VERSION_7 | kind_bits % 4093 << 64 | _VARIANT_RFC | kind_bits << 38 | number)


def first_of_month(day: date, back: int = 0) -> date:
    """The first day of a month so many months before that of `day`."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)
