"""Which address means which field of the graph: the lock file, read and written, and the search for a route.

A route says nothing of arguments and fields: those are read from the schema that is served, so that a new argument is
there at once. What it says is frozen: method, path, the field behind it, and the name by which clients know it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

NOTICE: Final = (
    "written by codegen; a route that stands here does not move: router/rest/README.md says how to change it"
)


class Kind(StrEnum):
    """What a route does with its field."""

    LIST = "list"
    QUERY = "query"
    ITEM = "item"
    LISTED = "listed"
    """One thing, which the graph only has in a list."""
    SINGLETON = "singleton"
    NESTED = "nested"
    CREATE = "create"
    BULK_CREATE = "bulk-create"
    UPDATE = "update"
    BULK_UPDATE = "bulk-update"
    DELETE = "delete"
    ACTION = "action"

    @property
    def is_list(self) -> bool:
        """Whether it answers pages."""
        return self in (Kind.LIST, Kind.QUERY, Kind.NESTED)

    @property
    def is_bulk(self) -> bool:
        """Whether it does one command many times."""
        return self in (Kind.BULK_CREATE, Kind.BULK_UPDATE)

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return not self.is_list and self not in (Kind.ITEM, Kind.LISTED, Kind.SINGLETON)


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when a route should not be used any more, and until when it can be."""

    since: str
    sunset: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One method at one path, and the field of a root type that answers it."""

    method: str
    path: str
    kind: Kind
    name: str
    """What OpenAPI calls the operation, and the name of the GraphQL operation."""
    field: str
    """The root field."""
    nested: str | None = None
    """The field of what the root field returns, for a list that belongs to something."""
    keys: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Which argument or input field each part of the path in braces is."""
    scopes: tuple[str, ...] = ()
    """The permissions without which there is no answer."""
    deprecated: Deprecation | None = None

    @property
    def address(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    @property
    def coordinate(self) -> str:
        """The field in the schema."""
        return f"{'Mutation' if self.kind.writes else 'Query'}.{self.field}" + (
            f".{self.nested}" if self.nested else ""
        )

    def to_json(self) -> dict[str, Any]:
        """As the lock file has it."""
        written: dict[str, Any] = {
            "method": self.method,
            "path": self.path,
            "kind": self.kind.value,
            "name": self.name,
            "field": self.field,
        }
        if self.nested:
            written["nested"] = self.nested
        if self.keys:
            written["keys"] = dict(self.keys)
        written["scopes"] = list(self.scopes)
        if self.deprecated:
            gone = self.deprecated
            written["deprecated"] = {"since": gone.since, "sunset": gone.sunset, "reason": gone.reason}
        return written

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        gone = written.get("deprecated")
        return cls(
            method=written["method"],
            path=written["path"],
            kind=Kind(written["kind"]),
            name=written["name"],
            field=written["field"],
            nested=written.get("nested"),
            keys=MappingProxyType(dict(written.get("keys", {}))),
            scopes=tuple(written.get("scopes", ())),
            deprecated=Deprecation(**gone) if gone else None,
        )


@dataclass(frozen=True, slots=True)
class Code:
    """What a refusal's code means, and the HTTP status that goes with it."""

    status: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Lock:
    """Everything that is frozen about one version of the interface."""

    version: int
    routes: tuple[Route, ...] = ()
    shapes: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    """What each route takes, and what each kind of thing has: names with their types."""
    graphql_only: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    """Fields without an address, each with the reason."""
    codes: Mapping[str, Code] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    """The codes of the modules' refusals."""

    @property
    def base(self) -> str:
        """The path below which all routes lie."""
        return f"/api/v{self.version}"

    def dumps(self) -> str:
        """The text of the lock file: a line for each route, so that a difference can be read."""
        codes = {name: {"status": one.status, "meaning": one.meaning} for name, one in self.codes.items()}
        parts = (
            f'  "$comment": {json.dumps(NOTICE)}',
            f'  "version": {self.version}',
            f'  "routes": {_lines("[]", [json.dumps(route.to_json()) for route in self.routes])}',
            f'  "shapes": {_lines("{}", _members(self.shapes))}',
            f'  "graphqlOnly": {_lines("{}", _members(self.graphql_only))}',
            f'  "codes": {_lines("{}", _members(codes))}',
        )
        return "{\n" + ",\n".join(parts) + "\n}\n"

    @classmethod
    def loads(cls, text: str) -> Self:
        """Read a lock file."""
        written = json.loads(text)
        return cls(
            version=written["version"],
            routes=tuple(Route.from_json(one) for one in written.get("routes", ())),
            shapes=MappingProxyType(written.get("shapes", {})),
            graphql_only=MappingProxyType(written.get("graphqlOnly", {})),
            codes=MappingProxyType({name: Code(**one) for name, one in written.get("codes", {}).items()}),
        )


def _members(of: Mapping[str, Any]) -> list[str]:
    return [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in of.items()]


def _lines(brackets: str, lines: list[str]) -> str:
    inner = ",\n".join(f"    {line}" for line in lines)
    return f"{brackets[0]}\n{inner}\n  {brackets[1]}" if lines else brackets


class Table:
    """Finds the route of a request; a path that is written out goes before one with a parameter in its place."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._paths: dict[str, dict[str, Route]] = {}
        for route in routes:
            self._paths.setdefault(route.path, {})[route.method] = route
        ordered = sorted(self._paths, key=lambda path: [part.startswith("{") for part in path.split("/")])
        self._patterns: dict[tuple[int, str], list[tuple[tuple[str, ...], str]]] = {}
        for path in ordered:
            pattern = tuple(path.split("/"))
            self._patterns.setdefault(_drawer(pattern), []).append((pattern, path))

    def __iter__(self) -> Iterator[Route]:
        for methods in self._paths.values():
            yield from methods.values()

    def find(self, path: str) -> tuple[Mapping[str, Route], Mapping[str, str]] | None:
        """The routes at a path by method, and what stands in the place of its parameters."""
        segments = path.split("/")
        length, first = _drawer(segments)
        for drawer in ((length, first), (length, _ANY)):
            for pattern, name in self._patterns.get(drawer, ()):
                found = _matched(pattern, segments)
                if found is not None:
                    return self._paths[name], found
        return None


_ANY: Final = "{}"


def _drawer(segments: Sequence[str]) -> tuple[int, str]:
    """Where a path is looked up: hundreds of them differ in how long they are, and in how they begin."""
    first = segments[1] if len(segments) > 1 else ""
    return len(segments), _ANY if first.startswith("{") else first


def _matched(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    found: dict[str, str] = {}
    for wanted, given in zip(pattern, segments, strict=True):
        if wanted.startswith("{") and given:
            found[wanted[1:-1]] = given
        elif wanted != given:
            return None
    return found
