"""Is what comes in a device that we know? Keys that tell devices apart, how sure each is, and what follows.

    serial number and maker    1.00    makers count their own
    asset tag                  0.95    somebody stuck it on
    hardware address           0.90    can be spoofed, docked, or moved with its card
    serial number alone        0.80    "To be filled by O.E.M."
    host name, same customer   0.70    names are given again

Sure enough (0.9) and only one: it is that device. Likely (0.7), or more than one that is sure: somebody decides. Otherwise new.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

_SURE = 90
_LIKELY = 70

# What makers write where nobody wrote anything.
_NO_SERIALS = frozenset(
    {"", "0", "00000000", "123456789", "default string", "none", "n/a", "not specified", "system serial number",
     "to be filled by o.e.m.", "unknown", "invalid"}
)  # fmt: skip


class Decision(Enum):
    """What becomes of something that came in."""

    CREATE = "CREATE"
    """It is new."""
    UPDATE = "UPDATE"
    """It is a device that we know."""
    REVIEW = "REVIEW"
    """Somebody has to decide."""
    IGNORE = "IGNORE"
    """It is not wanted."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What tells a device from others."""

    customer: UUID | None = None
    serial: str | None = None
    manufacturer: str | None = None
    tag: str | None = None
    hostname: str | None = None
    macs: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that it could be; the score in hundredths."""

    asset: UUID
    score: int


@dataclass(frozen=True, slots=True)
class Match:
    """What to do, and with which device."""

    decision: Decision
    candidates: tuple[Candidate, ...] = ()

    @property
    def best(self) -> Candidate | None:
        """The likeliest."""
        return self.candidates[0] if self.candidates else None


def score(incoming: Traits, known: Traits) -> int:
    """How sure it is that both are one device, in hundredths; devices of different customers never are."""
    if incoming.customer != known.customer:
        return 0
    serial, theirs = _serial(incoming.serial), _serial(known.serial)
    if serial and theirs and serial != theirs and _same(incoming.manufacturer, known.manufacturer):
        return 0  # two numbers of one maker are two devices, whatever else they share
    rungs = (
        (100, serial is not None and serial == theirs and _same(incoming.manufacturer, known.manufacturer)),
        (95, _same(incoming.tag, known.tag)),
        (90, bool(incoming.macs & known.macs)),
        (80, serial is not None and serial == theirs),
        (70, _same(incoming.hostname, known.hostname)),
    )
    return next((points for points, holds in rungs if holds), 0)


def match(incoming: Traits, known: Iterable[tuple[UUID, Traits]]) -> Match:
    """What to do with something that came in, given the devices that share a key with it."""
    scored = [Candidate(asset, score(incoming, traits)) for asset, traits in known]
    likely = sorted((one for one in scored if one.score >= _LIKELY), key=lambda one: (-one.score, one.asset))
    if not likely:
        return Match(Decision.CREATE)
    sure = [one for one in likely if one.score == likely[0].score]
    clear = likely[0].score >= _SURE and len(sure) == 1
    return Match(Decision.UPDATE if clear else Decision.REVIEW, tuple(likely))


def twins(rows: Sequence[Traits]) -> dict[int, int]:
    """Rows of one import that are the same device as an earlier row: later place → earlier place."""
    found: dict[int, int] = {}
    for place, row in enumerate(rows):
        earlier = next((at for at in range(place) if at not in found and score(row, rows[at]) >= _SURE), None)
        if earlier is not None:
            found[place] = earlier
    return found


def _serial(text: str | None) -> str | None:
    plain = (text or "").strip().casefold()
    return None if plain in _NO_SERIALS or set(plain) <= {"0", "x", "-", "."} else plain


def _same(one: str | None, other: str | None) -> bool:
    return bool(one and other) and str(one).strip().casefold() == str(other).strip().casefold()
