"""Which operations clients really send, and who they are: what a change of the schema has to answer for.

A bounded memory. What was not sent for the longest time is forgotten first, and of each operation only so many clients are
told apart.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

_MOST_CLIENTS: Final = 20
_OTHERS: Final = "(others)"
_NAMELESS: Final = "(unnamed)"


@dataclass(slots=True)
class Seen:
    """One operation, and when which client sent it last (seconds since 1970)."""

    digest: str
    name: str | None
    kind: str
    text: str
    count: int = 0
    last_seen: float = 0.0
    clients: dict[str, float] = field(default_factory=dict)

    def sent_by(self, client: str, now: float) -> None:
        """Note that it was sent once more."""
        self.count += 1
        self.last_seen = now
        if client not in self.clients and len(self.clients) >= _MOST_CLIENTS:
            client = _OTHERS
        self.clients[client] = now


class SeenOperations:
    """The operations of the last days, the most recent at the end."""

    def __init__(self, entries: int, text_bytes: int = 8_000_000, clock: Callable[[], float] = time.time) -> None:
        self._entries = entries
        self._text_bytes = text_bytes
        self._held_bytes = 0
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str | None], Seen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def record(self, digest: str, name: str | None, kind: str, text: str, client: str | None) -> None:
        """Note that a client sent an operation."""
        seen = self._kept.get((digest, name))
        if seen is None:
            seen = Seen(digest, name, kind, text)
            self._add(seen)
        else:
            self._kept.move_to_end((digest, name))
        seen.sent_by(client or _NAMELESS, self._clock())

    def since(self, seconds: float, ignored: Iterable[str] = ()) -> list[Seen]:
        """List what was sent within so many seconds by anybody whom we don't ignore, the most recent first."""
        begin, without = self._clock() - seconds, frozenset(ignored)
        return [seen for seen in reversed(list(self._kept.values())) if _counts(seen, begin, without)]

    def kept(self) -> list[dict[str, Any]]:
        """Return everything as JSON has it."""
        return [asdict(seen) for seen in self._kept.values()]

    def take_up(self, kept: Iterable[Mapping[str, Any]]) -> None:
        """Take up what an earlier process kept; raises TypeError or KeyError when it's something else."""
        for one in kept:
            self._add(Seen(**one))

    def _add(self, seen: Seen) -> None:
        self._kept[seen.digest, seen.name] = seen
        self._held_bytes += len(seen.text)
        while len(self._kept) > self._entries or self._held_bytes > self._text_bytes:
            _, gone = self._kept.popitem(last=False)
            self._held_bytes -= len(gone.text)


def _counts(seen: Seen, begin: float, ignored: frozenset[str]) -> bool:
    return any(last >= begin for client, last in seen.clients.items() if client not in ignored)
