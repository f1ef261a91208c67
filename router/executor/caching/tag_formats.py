"""The formats of `@cacheTag`: `customer-{$key.id}`, `posts-{$args.userId}`, and whatever text stands around.

A format has values put in, and becomes the tag of one entry. Where the values aren't known, the format itself stands for
every tag that it could have become: what may be meant goes along, rather than stay and be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

_PLACE: Final = re.compile(r"\{\s*\$(key|args)((?:\.\w+)+)\s*\}")

Source = Literal["key", "args"]


class Unknown(Exception):
    """A value that the tag needs isn't there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes: `{$key.organization.id}`."""

    source: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Format:
    """One format; text and places in their order."""

    text: str

    @cached_property
    def parts(self) -> Sequence[str | Place]:
        """Its texts and places; every second one is a place."""
        found: list[str | Place] = []
        end = 0
        for match in _PLACE.finditer(self.text):
            found += [self.text[end : match.start()], Place(match.group(1), tuple(match.group(2)[1:].split(".")))]
            end = match.end()
        return [*found, self.text[end:]]

    @cached_property
    def _shape(self) -> re.Pattern[str]:
        return re.compile("".join(re.escape(part) if isinstance(part, str) else ".*" for part in self.parts), re.DOTALL)

    @property
    def is_constant(self) -> bool:
        """Whether the tag is always the same."""
        return len(self.parts) == 1

    def tag(self, source: Source, values: Mapping[str, Any]) -> str:
        """Put the values in; raises `Unknown`."""
        return "".join(part if isinstance(part, str) else _written(part, source, values) for part in self.parts)

    def may_be(self, tag: str) -> bool:
        """Whether a tag could have come from this format."""
        return self._shape.fullmatch(tag) is not None


def _written(place: Place, source: Source, values: Mapping[str, Any]) -> str:
    if place.source != source:
        raise Unknown(place.source)
    value: Any = values
    for step in place.path:
        if not isinstance(value, Mapping) or step not in value:
            raise Unknown(".".join(place.path))
        value = value[step]
    return written(value)


def written(value: Any) -> str:
    """Write a value as it stands in a tag: text as it is, everything else as JSON has it; raises `Unknown`."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case _:
            raise Unknown(type(value).__name__)
