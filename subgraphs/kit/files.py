"""Files that links give out or take in, without a word of HTTP.

┌────────── the file ──────────┐
│ part │ part │ part │ ░░░░░░░ │     each part begins where the one before ended, so what is there is always the beginning
└──────────────────────────────┘     of the file: whoever was interrupted asks how much there is, and goes on from there
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

PART: Final = 960 * 1024
"""How many bytes come at once: the platform's door takes no more than a million."""


@dataclass(frozen=True, slots=True)
class File:
    """What a link opens."""

    name: str
    mime_type: str
    content: bytes
    inline: bool = False
    """Whether a browser may show it; otherwise it is saved."""
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """How much of a file there is, and what became of the part that came."""

    received: int
    size: int
    status: HTTPStatus
    """OK: taken; CONFLICT: it does not begin where the file ends; REQUEST_ENTITY_TOO_LARGE: it goes beyond the file."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file, and where it begins."""

    offset: int
    content: bytes

    def after(self, there: int, size: int) -> Received:
        """What becomes of it where `there` bytes of `size` have come; a part that comes twice changes nothing."""
        if self.offset != there:
            return Received(there, size, HTTPStatus.CONFLICT)
        if there + len(self.content) > size:
            return Received(there, size, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return Received(there + len(self.content), size, HTTPStatus.OK)
