"""What is installed on a device: two inventories compared, the one that we have and the one that comes in.

    known     Office 16.0 ──┬── 7-Zip 23 ── Chrome 120
    reported  Office 16.0 ──┘   7-Zip 24 ─────────────        7-Zip 24 appears; 7-Zip 23 and Chrome are gone

Names are compared without case and surplus blanks, because every agent writes them its own way. A product of another release is
another product: its maker drops it on another day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID, uuid5

from subgraphs.kit.errors import Invalid

MOST_REPORTED = 2_000
"""The longest inventory of one device that is taken in one piece."""


@dataclass(frozen=True, slots=True)
class Software:
    """A product in one release."""

    name: str
    vendor: str | None = None
    release: str | None = None

    def identity(self, tenant: UUID) -> UUID:
        """Its identifier: the same for everybody of the tenant who writes it the same way, whoever comes first."""
        words = (self.vendor or "", self.name, self.release or "")
        return uuid5(tenant, "\n".join(" ".join(one.split()).casefold() for one in words))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a report changes."""

    appeared: frozenset[UUID]
    gone: frozenset[UUID]


def changes(known: Iterable[UUID], reported: Iterable[UUID], *, complete: bool) -> Changes:
    """What appeared and what is gone; a report that is not complete takes nothing away."""
    before, after = frozenset(known), frozenset(reported)
    return Changes(after - before, before - after if complete else frozenset())


def checked(count: int) -> None:
    """Raise `Invalid` for an inventory that is too long for one piece."""
    if count > MOST_REPORTED:
        raise Invalid(f"At most {MOST_REPORTED} products are taken at once.", field="items")
