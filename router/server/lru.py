"""A bounded memory: what was not used for the longest time goes first, by number and by weight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping of bounded size; `weight` is whatever the owner wants to bound besides the number of entries."""

    def __init__(self, entries: int, *, weight: int | None = None) -> None:
        self._entries = entries
        self._limit = weight
        self._weight = 0
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """Return the value and note that it was used."""
        entry = self._kept.get(key)
        if entry is None:
            return None
        self._kept.move_to_end(key)
        return entry[0]

    def recent(self) -> Iterator[tuple[K, V]]:
        """Give what is kept, the most recently used first; that is no use by itself."""
        return ((key, value) for key, (value, _) in reversed(list(self._kept.items())))

    def put(self, key: K, value: V, weight: int = 0) -> None:
        """Keep a value; what is too heavy alone is not kept at all."""
        self.drop(key)
        if self._limit is not None and weight > self._limit:
            return
        self._kept[key] = (value, weight)
        self._weight += weight
        while len(self._kept) > self._entries or (self._limit is not None and self._weight > self._limit):
            _, (_, gone) = self._kept.popitem(last=False)
            self._weight -= gone

    def drop(self, key: K) -> None:
        """Forget a value."""
        if key in self._kept:
            self._weight -= self._kept.pop(key)[1]
