"""What is kept, and where: an entry, and what a store of entries promises.

A fetch that began before something was invalidated may bring what was true before, and come to be stored afterwards. So a store
gives a *mark* with every look, which stands for the moment, and takes entries only with the mark of a look before their fetch:

    look ── mark 7 ──► fetch ........ old value ........► put(mark 7): refused, `ticket-1` was invalidated at 8
                          │
                 invalidate ticket-1 (8)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import orjson

from router.executor.caching.cache_control import Lifetime

EVERYTHING: Final = "all"
"""The tag of every entry."""
LONGEST_FETCH_SECONDS: Final = 1800
"""What took longer than this isn't kept: a store need not know for longer what was invalidated."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer, or one entity of one; `made_at` and `seconds` are in seconds of the clock on the wall."""

    data: bytes
    made_at: float
    seconds: float
    private: bool
    tags: frozenset[str]

    @property
    def ends_at(self) -> float:
        """When it's no longer good."""
        return self.made_at + self.seconds

    def lifetime(self, now: float) -> Lifetime:
        """How long it is good for, as it stands now."""
        return Lifetime(self.seconds, max(0.0, now - self.made_at), self.private)

    def encoded(self) -> bytes:
        """Write it for others; the tags stay where it's kept."""
        return orjson.dumps([self.made_at, self.seconds, self.private, self.data.decode()])

    @staticmethod
    def decoded(text: bytes) -> Entry | None:
        """Read it back; None when that isn't one."""
        try:
            made_at, seconds, private, data = orjson.loads(text)
            return Entry(data.encode(), float(made_at), float(seconds), bool(private), frozenset())
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Look:
    """What was found, by key, and when it was looked; without a mark nothing may be put."""

    found: Mapping[str, Entry]
    mark: int | None


class StoreAway(Exception):
    """What keeps the entries can't be reached."""


class Store(Protocol):
    """Keeps entries."""

    async def look(self, keys: Sequence[str]) -> Look:
        """Return what there is; a store that is away has nothing."""

    async def put(self, mark: int, entries: Mapping[str, Entry]) -> int:
        """Keep what nobody has invalidated since the mark; returns how many that are."""

    async def invalidate(self, tags: Collection[str]) -> int:
        """Drop every entry with one of these tags, and no other; returns how many. Raises `StoreAway`."""

    async def close(self) -> None:
        """Close connections."""
