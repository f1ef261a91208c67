"""The headers of a request, decoded once: a request is looked at in a dozen places, each for a header or two."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import Scope

_KEPT: Final = "psa.head"
_numbers = count(1)


class Head(Headers):
    """Starlette's headers, with a dictionary instead of a search through all of them; the first line of a name counts."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__(raw=raw)
        self._first: dict[str, str] = {}
        self.number = next(_numbers)
        """Tells it from all others."""
        self.notes: dict[str, Any] = {}
        """What follows from these headers, and was worked out before."""
        for name, value in raw:
            self._first.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def beside(self, raw: list[tuple[bytes, bytes]]) -> Head:
        """Return a head that has these headers, too; names of which there is none yet."""
        more = Head(raw)
        more._list = [*self._list, *raw]
        more._first = {**self._first, **more._first}
        return more

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower()]

    def __contains__(self, key: Any) -> bool:
        return key.lower() in self._first

    def get(self, key: str, default: Any = None) -> Any:
        """Return the first value of this name."""
        return self._first.get(key.lower(), default)


def head_of(scope: Scope) -> Head:
    """Return the headers of the request or handshake that is at work."""
    head: Head | None = scope.get(_KEPT)
    if head is None:
        head = scope[_KEPT] = Head(scope["headers"])
    return head
