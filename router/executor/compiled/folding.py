"""Reads an object once and writes it once, however often an answer holds it.

A graph that is answered as a tree repeats itself: eleven reviews of four products hold the text of each product some three times,
with its reviews, their authors, and what these wrote. So where the objects of a place have turned out to repeat, the decoder leaves
their text unread (finding its end takes a tenth of reading it), and only the first of each is read:

    owners     text              read             filled by later fetches        written
    review 1 ─ {"upc":"1",…} ─┐
    review 2 ─ {"upc":"2",…} ─┼─► product 1 ──┐
    review 3 ─ {"upc":"1",…} ─┘   product 2 ──┴─► as any other, but twice       ─► bytes of each, once;
                                                  where there were three            then put where it stands

Equal text at one place is one object in every respect: it was brought by one fetch, belongs to the same entity, and whatever other
services say about it is the same for all. What the texts hold inside may be folded again; writing begins with the innermost.
Text is told apart by its beginning and compared whole, so nothing is taken for another, and what merely begins alike is read on its own.

Where nothing repeats this costs a little more than reading at once. So a place begins unfolded, counts, is folded where its objects
stood at least twice on the average, and unfolded for good where that has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import MsgspecError, Raw, Struct

from router.executor.compiled.visitors import Column, Folded, Tables, Unfit

TOLD: Final = 96
"""Bytes by which texts are told apart: with type and key, with which objects begin, there is rarely more than one for each."""
ENOUGH: Final = 64
"""Objects after which is decided."""
FOLDS: Final = 2.0
"""So often objects stand on the average where a place is folded."""
UNFOLDS: Final = 1.5
"""Below that it is unfolded again."""

_encoder: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class Tally:
    """How often objects stood at a place, and how many there were."""

    seen: int = 0
    distinct: int = 0


@dataclass(slots=True)
class Folds:
    """Which places of a program are folded, by their index, and what is known of those that are or might be."""

    places: frozenset[int] = frozenset()
    unfolded: frozenset[int] = frozenset()
    """Those that were, and won't be again."""
    tallies: dict[int, Tally] = field(default_factory=dict)

    def better(self) -> Folds | None:
        """Return what would be better; None where nothing is, or it is too early to say."""
        places, unfolded = set(self.places), set(self.unfolded)
        for place, tally in self.tallies.items():
            if tally.seen < ENOUGH:
                continue
            if place in places and tally.seen < tally.distinct * UNFOLDS:
                places.remove(place)
                unfolded.add(place)
            elif place not in unfolded and tally.seen >= tally.distinct * FOLDS:
                places.add(place)
            tally.seen = tally.distinct = 0
        return None if places == self.places else Folds(frozenset(places), frozenset(unfolded))

    def tally(self, place: int) -> Tally:
        """Return that of a place."""
        return self.tallies.setdefault(place, Tally())


def unfolding(
    name: str, get: Callable[[Any], Any], record: type[Struct], tally: Tally, *, nullable: bool
) -> Callable[[Column, Tables], list[Any]]:
    """Return what reads the texts that owners hold under `name`, gives them what was read, and returns one of each."""
    decode = msgspec.json.Decoder(record).decode

    def unfold(owners: Column, tables: Tables) -> list[Any]:
        found: dict[bytes, tuple[bytes, Any, list[Any]]] = {}
        read: list[Any] = []
        for owner, raw in zip(owners, map(get, owners), strict=True):
            text = bytes(raw)
            known = found.get(text[:TOLD])
            if known is not None and known[0] == text:
                setattr(owner, name, known[1])
                known[2].append(owner)
            elif nullable and text == b"null":
                setattr(owner, name, None)
            else:
                one = _read(decode, text)
                setattr(owner, name, one)
                read.append(one)
                if known is None:
                    found[text[:TOLD]] = text, one, [owner]
        tables.folded += [Folded(name, one, same) for _, one, same in found.values() if len(same) > 1]
        tally.seen += len(owners)
        tally.distinct += len(read)
        return read

    return unfold


def _read(decode: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return decode(text)
    except (MsgspecError, ValueError, RecursionError):
        raise Unfit from None


class _Written(Struct, gc=False):
    data: Any


def written(data: Struct, folded: Sequence[Folded] = ()) -> bytes:
    """Write an answer without errors; what was folded becomes text again."""
    for each in reversed(folded):
        text = Raw(_encoder.encode(each.record))
        for owner in each.owners:
            setattr(owner, each.name, text)
    return _encoder.encode(_Written(data))
