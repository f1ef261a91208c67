"""Which fields a thing is shown with, as a GraphQL selection.

    standard      every value that the thing's own module knows; what it consists of, whole (addresses, amounts); of other
                  things to which it points, the id and where they are found (`href`)
    fields=       only these, and the id: `fields=number,customer.name`
    expand=       these too, in their standard representation: `expand=customer,asset.assetType`, to three levels

Lists of other things have addresses of their own, so they're shown only when they're expanded, and then as far as their
field goes by itself. What was expanded, and what another module adds, may be missing: then a warning says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from router.rest.problems import Fault, Problem
from router.rest.view import View, is_askable

LEVELS: Final = 3
_DEEPEST_VALUE: Final = 4
_MOST: Final = 200
"""Paths in one `fields` or `expand`."""

VERSION: Final = "version"


@dataclass(slots=True)
class Node:
    """An object in a representation: its fields by name, None for those that are values."""

    kind: GraphQLObjectType
    members: dict[str, Node | None] = field(default_factory=dict)
    linked: bool = False
    """Whether only its id is known, and its address is put beside it."""


@dataclass(frozen=True, slots=True)
class Link:
    """A field below which addresses are put: at itself if a kind is named, and further down."""

    kind: str | None
    inner: Mapping[str, Link]


@dataclass(frozen=True, slots=True)
class Representation:
    """What is selected of a thing, and what becomes of it on its way out."""

    text: str
    links: Mapping[str, Link]
    """Where addresses are put, by field."""
    soft: frozenset[tuple[str, ...]]
    """What may fail without taking the rest along."""
    hidden: frozenset[str] = frozenset()
    """What is selected for us, and nobody asked for."""
    standard: bool = True
    versioned: bool = False
    deprecated: tuple[str, ...] = ()
    """What was asked for by name and should not be used any more."""

    def is_soft(self, path: Sequence[str]) -> bool:
        """Whether an error below the thing leaves the rest of it true."""
        return any(tuple(path[: len(one)]) == one for one in self.soft)


class Representations:
    """Makes representations, and keeps those that are asked for."""

    def __init__(self, view: View, addressed: Iterable[str], listed: Iterable[str] = ()) -> None:
        self._view = view
        self._things = frozenset(addressed)
        self._addressed = self._things | frozenset(listed)
        self._known: dict[tuple[str, tuple[str, ...] | None, tuple[str, ...], bool], Representation] = {}

    def of(
        self,
        kind: GraphQLObjectType,
        fields: tuple[str, ...] | None = None,
        expand: tuple[str, ...] = (),
        *,
        minimal: bool = False,
    ) -> Representation:
        """The representation of things of this kind; raises `Problem` for what they don't have."""
        key = (kind.name, fields, expand, minimal)
        known = self._known.get(key)
        if known is None:
            known = self._made(kind, fields, expand, minimal=minimal)
            if len(self._known) >= 1000:
                self._known.clear()
            self._known[key] = known
        return known

    def standard(self, kind: GraphQLObjectType) -> Node:
        """What the thing's own module knows of it."""
        return self._standard(kind, self._view.home(kind), ())

    def fields_of(self, kind: GraphQLObjectType) -> Mapping[str, GraphQLField]:
        """The fields that can be shown at all."""
        return {name: one for name, one in kind.fields.items() if is_askable(one) and _is_plain(one)}

    def references(self, kind: GraphQLObjectType) -> Mapping[str, GraphQLObjectType]:
        """The fields that can be expanded."""
        shown = self.standard(kind).members
        return {
            name: cast("GraphQLObjectType", get_named_type(one.type))
            for name, one in self.fields_of(kind).items()
            if not is_leaf_type(get_named_type(one.type)) and _is_reference(shown.get(name))
        }

    def is_addressed(self, kind: str) -> bool:
        """Whether things of this kind have an address."""
        return kind in self._addressed

    def _made(
        self, kind: GraphQLObjectType, fields: tuple[str, ...] | None, expand: tuple[str, ...], *, minimal: bool
    ) -> Representation:
        soft: set[tuple[str, ...]] = set()
        gone: list[str] = []
        root = Node(kind)
        if minimal:
            root.members = {name: None for name in ("id",) if name in kind.fields}
        elif fields is None:
            root = self.standard(kind)
        else:
            root.members = {name: None for name in ("id",) if name in kind.fields}
            for path in _paths(fields, "fields", LEVELS + 1):
                self._ask(root, path, (), soft, gone)
        for path in _paths(expand, "expand", LEVELS):
            self._expand(root, path, (), soft)
        hidden = {one for one in ("id", VERSION) if one in kind.fields and one not in root.members}
        for name in hidden:
            root.members[name] = None
        return Representation(
            _written(root),
            self._links(root),
            frozenset(soft),
            frozenset(hidden),
            standard=fields is None and not expand and not minimal,
            versioned=VERSION in kind.fields,
            deprecated=tuple(gone),
        )

    def _standard(self, kind: GraphQLObjectType, graph: str, above: tuple[str, ...]) -> Node:
        node = Node(kind)
        for name, one in self.fields_of(kind).items():
            if not self._view.is_at_home(kind, name, graph):
                continue
            inner = get_named_type(one.type)
            if is_leaf_type(inner):
                node.members[name] = None
            elif self._is_thing(inner):
                if not is_list_type(get_nullable_type(one.type)):
                    node.members[name] = self._reference(inner)
            elif not one.args and inner.name not in above and len(above) < _DEEPEST_VALUE:
                part = self._standard(cast("GraphQLObjectType", inner), graph, (*above, kind.name))
                if part.members:
                    node.members[name] = part
        return node

    def _is_thing(self, kind: object) -> bool:
        """Whether it exists by itself, and is not part of what it was found in."""
        return isinstance(kind, GraphQLObjectType) and (kind.name in self._things or self._view.is_entity(kind))

    def _reference(self, kind: object) -> Node:
        node = Node(cast("GraphQLObjectType", kind), linked=True)
        node.members["id" if "id" in node.kind.fields else "__typename"] = None
        return node

    def _ask(
        self, node: Node, path: tuple[str, ...], way: tuple[str, ...], soft: set[tuple[str, ...]], gone: list[str]
    ) -> None:
        name, *rest = path
        known = self.fields_of(node.kind)
        one = known.get(name)
        if one is None:
            raise _unknown("fields", (*way, name), way, known)
        here = (*way, name)
        if one.deprecation_reason is not None:
            gone.append(".".join(here))
        if not self._view.is_at_home(node.kind, name, self._view.home(node.kind)):
            soft.add(here)
        inner = get_named_type(one.type)
        if is_leaf_type(inner):
            if rest:
                raise _unknown("fields", (*here, *rest), here, {})
            node.members[name] = None
        elif rest:
            part = node.members.get(name)
            if part is None or part.linked:
                part = node.members[name] = Node(cast("GraphQLObjectType", inner))
                if "id" in part.kind.fields:
                    part.members["id"] = None
                soft.add(here)
            self._ask(part, tuple(rest), here, soft, gone)
        elif name not in node.members:
            node.members[name] = self._whole(inner)

    def _whole(self, kind: object) -> Node:
        """An object that was asked for without saying what of it."""
        return self._reference(kind) if self._is_thing(kind) else self.standard(cast("GraphQLObjectType", kind))

    def _expand(self, node: Node, path: tuple[str, ...], way: tuple[str, ...], soft: set[tuple[str, ...]]) -> None:
        name, *rest = path
        known = {n: one for n, one in self.fields_of(node.kind).items() if not is_leaf_type(get_named_type(one.type))}
        one = known.get(name)
        if one is None:
            raise _unknown("expand", (*way, name), way, known)
        here = (*way, name)
        part = node.members.get(name)
        if part is None or part.linked:
            part = node.members[name] = self.standard(cast("GraphQLObjectType", get_named_type(one.type)))
            soft.add(here)
        if rest:
            self._expand(part, tuple(rest), here, soft)

    def _links(self, node: Node) -> dict[str, Link]:
        found = {}
        for name, part in node.members.items():
            if part is not None:
                kind = part.kind.name if part.linked and part.kind.name in self._addressed else None
                inner = self._links(part)
                if kind or inner:
                    found[name] = Link(kind, inner)
        return found


def _is_plain(one: GraphQLField) -> bool:
    """Whether it's a value or an object; what may be one of several kinds has no place in a table of fields."""
    kind = get_named_type(one.type)
    return is_leaf_type(kind) or isinstance(kind, GraphQLObjectType)


def _is_reference(part: Node | None) -> bool:
    return part is None or part.linked


def _paths(given: Sequence[str], param: str, levels: int) -> Iterator[tuple[str, ...]]:
    if len(given) > _MOST:
        raise Problem(
            "INVALID_PARAMETER", f"{param} may have {_MOST} paths.", faults=[_fault(param, "Too many paths.")]
        )
    for one in given:
        path = tuple(one.split("."))
        if len(path) > levels:
            message = f"{one} goes deeper than {levels} levels."
            raise Problem("INVALID_PARAMETER", message, faults=[_fault(param, message)])
        yield path


def _unknown(param: str, path: tuple[str, ...], way: tuple[str, ...], known: Mapping[str, object]) -> Problem:
    message = f"There is no {'.'.join(path)} to show."
    allowed = [".".join((*way, name)) for name in known]
    return Problem("INVALID_PARAMETER", message, faults=[Fault("VALIDATION", message, param=param, allowed=allowed)])


def _fault(param: str, message: str) -> Fault:
    return Fault("VALIDATION", message, param=param)


def _written(node: Node) -> str:
    inner = " ".join(name if part is None else f"{name} {_written(part)}" for name, part in node.members.items())
    return f"{{ {inner} }}"
