"""Entries in this process: so many bytes, and what was not used for the longest time goes first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence

from router.executor.caching.entries import Entry, Look

_MOST_TAGS = 100_000
_OVERHEAD = 400
"""Bytes that an entry takes besides its data and tags, about."""


class MemoryStore:
    """Keeps entries by key, and knows for each tag whose it is."""

    def __init__(
        self, limit_bytes: int, clock: Callable[[], float] = time.time, evicted: Callable[[int], None] = lambda _: None
    ) -> None:
        self._limit = limit_bytes
        self._clock = clock
        self._evicted = evicted
        self._kept: OrderedDict[str, Entry] = OrderedDict()
        self._keys: dict[str, set[str]] = {}
        self.bytes = 0
        self._now = 0
        self._forgotten = 0
        self._invalidated: OrderedDict[str, int] = OrderedDict()
        """When each tag was; the longest ago first. What was put out of it counts as `_forgotten`, for all tags."""

    def __len__(self) -> int:
        return len(self._kept)

    async def look(self, keys: Sequence[str]) -> Look:
        """Return what there is and is still good."""
        now = self._clock()
        found: dict[str, Entry] = {}
        for key in keys:
            entry = self._kept.get(key)
            if entry is None:
                continue
            if entry.ends_at <= now:
                self._drop(key)
                continue
            self._kept.move_to_end(key)
            found[key] = entry
        return Look(found, self._now)

    async def put(self, mark: int, entries: Mapping[str, Entry]) -> int:
        """Keep what nobody has invalidated since the mark."""
        stored = 0
        for key, entry in entries.items():
            size = _size(key, entry)
            if size > self._limit or not self._holds(mark, entry):
                continue
            self._drop(key)
            self._kept[key] = entry
            self.bytes += size
            for tag in entry.tags:
                self._keys.setdefault(tag, set()).add(key)
            stored += 1
        self._shrink()
        return stored

    def _holds(self, mark: int, entry: Entry) -> bool:
        """Whether nothing in it was invalidated since; what is too long ago to be known counts as if it were."""
        return mark >= self._forgotten and all(self._invalidated.get(tag, 0) <= mark for tag in entry.tags)

    async def invalidate(self, tags: Collection[str]) -> int:
        """Drop every entry with one of these tags, and remember that it was done."""
        self._now += 1
        gone = {key for tag in tags for key in self._keys.get(tag, ())}
        for key in gone:
            self._drop(key)
        for tag in tags:
            self._invalidated[tag] = self._now
            self._invalidated.move_to_end(tag)
        while len(self._invalidated) > _MOST_TAGS:
            self._forgotten = self._invalidated.popitem(last=False)[1]
        return len(gone)

    def _shrink(self) -> None:
        evicted = 0
        while self.bytes > self._limit:
            self._drop(next(iter(self._kept)))
            evicted += 1
        if evicted:
            self._evicted(evicted)

    def _drop(self, key: str) -> None:
        entry = self._kept.pop(key, None)
        if entry is None:
            return
        self.bytes -= _size(key, entry)
        for tag in entry.tags:
            others = self._keys[tag]
            others.discard(key)
            if not others:
                del self._keys[tag]

    async def close(self) -> None:
        """Nothing is open."""


def _size(key: str, entry: Entry) -> int:
    return _OVERHEAD + len(key) + len(entry.data) + sum(map(len, entry.tags))
