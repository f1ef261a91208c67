"""What a supergraph says about keeping: the formats of `@cacheTag`, and the hints of `@cacheControl` where it has them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    ConstDirectiveNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    value_from_ast_untyped,
)

from router.executor.caching.tag_formats import Format
from router.federation.supergraph import Supergraph

_CACHE_TAG: Final = "cacheTag"
_CACHE_CONTROL: Final = "cacheControl"

Formats = tuple[Format, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """One `@cacheControl(maxAge:, scope:, inheritMaxAge:)`."""

    seconds: float | None = None
    private: bool = False
    inherits: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """All of it, by service and type, or service, root type and field; hints by type, or type and field."""

    schema: GraphQLSchema
    generation: str
    services: frozenset[str] = frozenset()
    of_types: Mapping[tuple[str, str], Formats] = field(default_factory=dict)
    of_fields: Mapping[tuple[str, str, str], Formats] = field(default_factory=dict)
    hints: Mapping[tuple[str, str | None], Hint] = field(default_factory=dict)

    @staticmethod
    def of(supergraph: Supergraph) -> Declared:
        """Read a supergraph."""
        names = {endpoint.graph: name for name, endpoint in supergraph.subgraphs.items()}
        of_types: dict[tuple[str, str], Formats] = {}
        of_fields: dict[tuple[str, str, str], Formats] = {}
        hints: dict[tuple[str, str | None], Hint] = {}
        for node in supergraph.document.definitions:
            if not isinstance(
                node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | UnionTypeDefinitionNode
            ) or supergraph.features.own_type(node.name.value):
                continue
            owner = node.name.value
            for service, found in _formats(node, names):
                of_types[service, owner] = (*of_types.get((service, owner), ()), found)
            for each in () if isinstance(node, UnionTypeDefinitionNode) else node.fields or ():
                for service, found in _formats(each, names):
                    at = (service, owner, each.name.value)
                    of_fields[at] = (*of_fields.get(at, ()), found)
            hints.update(_hints(node))
        generation = hashlib.sha256(supergraph.sdl.encode()).hexdigest()
        return Declared(supergraph.schema, generation, frozenset(names.values()), of_types, of_fields, hints)

    def formats(self, service: str) -> set[Format]:
        """All formats that tag the entries of one service."""
        found = {one for at, formats in self.of_types.items() if at[0] == service for one in formats}
        return found | {one for at, formats in self.of_fields.items() if at[0] == service for one in formats}


def _formats(node: TypeDefinitionNode | FieldDefinitionNode, names: Mapping[str, str]) -> Iterator[tuple[str, Format]]:
    for directive in node.directives or ():
        if not directive.name.value.endswith("__directive"):
            continue
        given = _arguments(directive)
        text = (given.get("args") or {}).get("format")
        if str(given.get("name", "")).endswith(_CACHE_TAG) and isinstance(text, str):
            for graph in given.get("graphs") or ():
                if graph in names:
                    yield names[graph], Format(text)


def _hints(
    node: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | UnionTypeDefinitionNode,
) -> Iterator[tuple[tuple[str, str | None], Hint]]:
    owner = node.name.value
    if (own := _hint(node)) is not None:
        yield (owner, None), own
    for each in () if isinstance(node, UnionTypeDefinitionNode) else node.fields or ():
        if (own := _hint(each)) is not None:
            yield (owner, each.name.value), own


def _hint(node: TypeDefinitionNode | FieldDefinitionNode) -> Hint | None:
    for directive in node.directives or ():
        if directive.name.value == _CACHE_CONTROL:
            given = _arguments(directive)
            seconds = given.get("maxAge")
            return Hint(
                float(seconds) if isinstance(seconds, int) else None,
                given.get("scope") == "PRIVATE",
                given.get("inheritMaxAge") is True,
            )
    return None


def _arguments(directive: ConstDirectiveNode) -> dict[str, Any]:
    return {argument.name.value: value_from_ast_untyped(argument.value) for argument in directive.arguments or ()}
