"""The OpenAPI document as its reader may use it: without routes and fields for which they have no permission.

    document ─ taken apart once, into bytes that know what they refer to ─┐
    permissions ─ which routes and fields they let somebody see: a shape ─┴─► put together once for each shape

What is left hangs together: schemas that nothing refers to any more are gone, and so are links to routes that are. Many sets of
permissions have one shape, and a document of megabytes is neither copied nor walked through for anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from contracts.scopes import QUALIFIERS, covers

_SCOPES: Final = "x-required-scopes"
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_REFERENCE: Final = re.compile(rb'"\$ref":"#/components/(\w+)/([^"]+)"')
_ALWAYS: Final = "securitySchemes"

Document = dict[str, Any]
Component = tuple[str, str]
"""Its kind and its name."""
May = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """What somebody sees: the routes by name, and the fields that they don't, as `Ticket.margin`."""

    routes: frozenset[str]
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the document as it is written, and what it refers to."""

    written: bytes
    refers: frozenset[Component]

    @classmethod
    def of(cls, value: Any) -> _Piece:
        written = orjson.dumps(value)
        return cls(written, frozenset((kind.decode(), name.decode()) for kind, name in _REFERENCE.findall(written)))


@dataclass(frozen=True, slots=True)
class _Operation:
    """A route, with what decides about it."""

    method: str
    name: str
    scopes: Any
    tags: tuple[str, ...]
    links: frozenset[str]
    """The routes to which its answers lead."""
    piece: _Piece


@dataclass(frozen=True, slots=True)
class _Path:
    """The routes at one address, and what they have in common."""

    common: Mapping[str, _Piece]
    operations: tuple[_Operation, ...]


class Description:
    """One document, and everything that can be made of it."""

    def __init__(self, document: Document, is_served: Callable[[str, str], bool]) -> None:
        self._head = {name: one for name, one in document.items() if name not in ("paths", "components", "tags")}
        self._tags: list[Document] = document["tags"]
        self._told = document.get("webhooks", {})
        self._paths = dict(_paths(document["paths"], is_served))
        self._components = {
            kind: {name: _Piece.of(one) for name, one in members.items()}
            for kind, members in document["components"].items()
        }
        self._guarded = dict(_guarded(document["components"].get("schemas", {})))

    def shape(self, may: May) -> Shape:
        """What somebody sees who may use what `may` says."""
        routes = (one.name for path in self._paths.values() for one in path.operations if may(one.scopes))
        return Shape(frozenset(routes), frozenset(name for name, scopes in self._guarded.items() if not may(scopes)))

    def written(self, shape: Shape) -> bytes:
        """The document for everybody who sees this."""
        paths = {address: path for address, path in self._paths.items() if _seen(path, shape)}
        kept = [one for path in paths.values() for one in _seen(path, shape)]
        hidden: dict[str, set[str]] = {}
        for coordinate in shape.hidden:
            schema, _, name = coordinate.partition(".")
            hidden.setdefault(schema, set()).add(name)
        narrowed = {name: _without(self._components["schemas"][name], gone) for name, gone in hidden.items()}
        told = _Piece.of(self._told)
        pieces = (*(one.piece for one in kept), *(one for path in paths.values() for one in path.common.values()), told)
        return orjson.dumps(
            {
                **self._head,
                "tags": [tag for tag in self._tags if tag["name"] in self._used(kept)],
                "paths": {address: self._path(path, shape) for address, path in paths.items()},
                "components": self._needed(pieces, narrowed),
            }
        )

    def _used(self, kept: Iterable[_Operation]) -> set[str]:
        events = (one for item in self._told.values() for name, one in item.items() if name in _METHODS)
        return {tag for one in kept for tag in one.tags} | {tag for one in events for tag in one["tags"]}

    def _path(self, path: _Path, shape: Shape) -> dict[str, orjson.Fragment]:
        common = {name: orjson.Fragment(one.written) for name, one in path.common.items()}
        return common | {one.method: orjson.Fragment(_linked(one, shape)) for one in _seen(path, shape)}

    def _needed(
        self, pieces: Iterable[_Piece], narrowed: Mapping[str, _Piece]
    ) -> dict[str, dict[str, orjson.Fragment]]:
        """The components that something refers to."""
        wanted: set[Component] = set()
        pending = [one.refers for one in pieces]
        while pending:
            for component in pending.pop() - wanted:
                wanted.add(component)
                pending.append(self._component(component, narrowed).refers)
        return {
            kind: {
                name: orjson.Fragment(self._component((kind, name), narrowed).written)
                for name in members
                if kind == _ALWAYS or (kind, name) in wanted
            }
            for kind, members in self._components.items()
        }

    def _component(self, component: Component, narrowed: Mapping[str, _Piece]) -> _Piece:
        kind, name = component
        return narrowed[name] if kind == "schemas" and name in narrowed else self._components[kind][name]


def allowed(held: Collection[str] | None) -> May:
    """Whether somebody who holds these permissions may use what needs those; None for whoever may do everything."""
    return _everything if held is None else _holder(held)


def _everything(_scopes: Any) -> bool:
    return True


def _holder(held: Collection[str]) -> May:
    known: dict[str, bool] = {}

    def holds(scope: str) -> bool:
        if scope not in known:
            # Who holds it for less may ask, and gets less.
            known[scope] = covers(held, scope) or any(covers(held, f"{scope}.{narrower}") for narrower in QUALIFIERS)
        return known[scope]

    def may(scopes: Any) -> bool:
        if scopes and isinstance(scopes[0], list):
            return any(all(holds(one) for one in together) for together in scopes)
        return all(holds(one) for one in scopes)

    return may


def _paths(paths: Document, is_served: Callable[[str, str], bool]) -> Iterator[tuple[str, _Path]]:
    for address, item in paths.items():
        operations = tuple(
            _operation(name, one) for name, one in item.items() if name in _METHODS and is_served(name.upper(), address)
        )
        if operations:
            common = {name: _Piece.of(one) for name, one in item.items() if name not in _METHODS}
            yield address, _Path(common, operations)


def _operation(method: str, one: Document) -> _Operation:
    links = frozenset(name for answer in one["responses"].values() for name in answer.get("links", ()))
    return _Operation(method, one["operationId"], one[_SCOPES], tuple(one["tags"]), links, _Piece.of(one))


def _guarded(schemas: Document) -> Iterator[tuple[str, Any]]:
    """The fields that need permissions of their own."""
    for name, schema in schemas.items():
        for member, one in (schema.get("properties") or {}).items():
            if _SCOPES in one:
                yield f"{name}.{member}", one[_SCOPES]


def _seen(path: _Path, shape: Shape) -> list[_Operation]:
    return [one for one in path.operations if one.name in shape.routes]


def _linked(one: _Operation, shape: Shape) -> bytes:
    """A route as it is written, without links to what its reader doesn't see."""
    if one.links <= shape.routes:
        return one.piece.written
    told = orjson.loads(one.piece.written)
    for answer in told["responses"].values():
        if "links" in answer:
            answer["links"] = {name: link for name, link in answer["links"].items() if name in shape.routes}
    return orjson.dumps(told)


def _without(schema: _Piece, members: Collection[str]) -> _Piece:
    told = orjson.loads(schema.written)
    told["properties"] = {name: one for name, one in told["properties"].items() if name not in members}
    return _Piece.of(told)
