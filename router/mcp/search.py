"""Search over everything of a schema that a caller may see: types, fields, arguments, values, by words of names and texts.

Names are cut where their words begin (`dueAt` is due, at). Each word that is looked for counts once, at the best place
where it stands: the name itself, the beginning of a word in it, the name of its type, the description. What has more of the
words comes first, among equals what has the shorter name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLArgument, GraphQLEnumType, GraphQLField, GraphQLInputObjectType, GraphQLUnionType

from router.mcp.sight import Sight

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_WHOLE, _ALIKE, _BEGINNING, _TYPE, _TEXT = 8, 7, 5, 3, 1
_MOST_WORDS: Final = 16
_SHORTEST_BEGINNING: Final = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be found."""

    coordinate: str
    kind: str
    signature: str
    description: str
    name: frozenset[str]
    of_type: frozenset[str]
    text: frozenset[str]

    def told(self) -> dict[str, Any]:
        """As an assistant reads it."""
        said = {"coordinate": self.coordinate, "kind": self.kind, "signature": self.signature}
        return {**said, "description": self.description} if self.description else said


class Index:
    """Everything that one kind of caller may find."""

    def __init__(self, sight: Sight) -> None:
        self._entries = list(_entries(sight))

    def find(self, query: str, most: int) -> list[dict[str, Any]]:
        """Return the best entries, the best first."""
        words = list(dict.fromkeys(_words(query)))[:_MOST_WORDS]
        scored = ((_score(entry, words), entry) for entry in self._entries)
        good = [(score, entry) for score, entry in scored if score]
        good.sort(key=lambda one: (-one[0], len(one[1].coordinate), one[1].coordinate))
        return [entry.told() for _, entry in good[:most]]


def _score(entry: Entry, words: Iterable[str]) -> int:
    found = [_weight(entry, word) for word in words]
    met = sum(map(bool, found))
    return sum(found) + 10 * (met - 1) if met else 0


def _weight(entry: Entry, word: str) -> int:
    if word in entry.name:
        return _WHOLE
    alike = _alike(word)
    if alike & entry.name:
        return _ALIKE
    if len(word) >= _SHORTEST_BEGINNING and any(one.startswith(word) for one in entry.name):
        return _BEGINNING
    if alike & entry.of_type:
        return _TYPE
    return _TEXT if alike & entry.text else 0


def _alike(word: str) -> set[str]:
    """One and many are the same to whoever is looking."""
    return {word, f"{word}s", word.removesuffix("s")} if len(word) >= _SHORTEST_BEGINNING else {word}


def _words(text: str) -> Iterator[str]:
    return (word.lower() for word in _WORD.findall(text))


def _entries(sight: Sight) -> Iterator[Entry]:
    for name, kind in sight.types.items():
        yield _entry(name, type(kind).__name__.removeprefix("GraphQL").removesuffix("Type"), name, kind.description)
        for called, field in sight.fields.get(name, {}).items():
            yield _entry(f"{name}.{called}", "Field", _signature(called, field), field.description)
        match kind:
            case GraphQLInputObjectType():
                for called, one in kind.fields.items():
                    yield _entry(f"{name}.{called}", "InputField", f"{called}: {one.type}", one.description)
            case GraphQLEnumType():
                for called, value in kind.values.items():
                    yield _entry(f"{name}.{called}", "EnumValue", called, value.description)
            case GraphQLUnionType():
                pass


def _entry(coordinate: str, kind: str, signature: str, description: str | None) -> Entry:
    of_type, _, name = coordinate.rpartition(".")
    words = frozenset(_words(name)), frozenset(_words(of_type)), frozenset(_words(description or ""))
    return Entry(coordinate, kind, signature, description or "", *words)


def _signature(name: str, field: GraphQLField) -> str:
    given = ", ".join(f"{called}: {_argument(one)}" for called, one in field.args.items())
    return f"{name}({given}): {field.type}" if given else f"{name}: {field.type}"


def _argument(one: GraphQLArgument) -> str:
    return str(one.type)
