"""What partners see of the graph: the contract by tags, and which module answers which field.

The standard representation of a thing is what its own module knows of it. What other modules add has to be asked for by
name: so one module that is away takes nothing from the answers of the others, and a thing's version, which its module
counts, says everything about its standard representation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    get_named_type,
    is_required_argument,
    value_from_ast_untyped,
)

from router.federation.supergraph import Supergraph
from router.federation.variants import Contract, seen

PARTNERS: Final = Contract(include=frozenset({"partner"}), exclude=frozenset({"internal"}))


@dataclass(frozen=True, slots=True)
class View:
    """The schema for partners, and where its fields come from."""

    schema: GraphQLSchema
    supergraph: Supergraph

    @classmethod
    def of(cls, sdl: str) -> Self:
        """Read a supergraph; raises `InvalidContract` when nothing of it is for partners."""
        return cls.over(Supergraph.parse(sdl))

    @classmethod
    def over(cls, supergraph: Supergraph) -> Self:
        """The same for a supergraph that was read before."""
        return cls(seen(supergraph, PARTNERS), supergraph)

    def root(self, *, writes: bool) -> Mapping[str, GraphQLField]:
        """The fields of Query or of Mutation."""
        found = self.schema.mutation_type if writes else self.schema.query_type
        return found.fields if found else {}

    def is_entity(self, kind: GraphQLNamedType) -> bool:
        """Whether other modules can point at things of this kind."""
        joined = self.supergraph.types.get(kind.name)
        return joined is not None and any(one.keys for one in joined.graphs.values())

    def guarded(self) -> Mapping[str, Any]:
        """The permissions that single fields need, by coordinate: any one of the lists, all in it."""
        return dict(_guarded(self.supergraph.document))

    def home(self, kind: GraphQLNamedType) -> str:
        """The subgraph that knows most about things of this kind."""
        joined = self.supergraph.types.get(kind.name)
        counted = Counter(
            graph
            for joins in (joined.fields.values() if joined else ())
            for graph, join in joins.items()
            if join.is_resolved(frozenset())
        )
        return max(sorted(counted), key=lambda graph: counted[graph], default="")

    def is_at_home(self, kind: GraphQLNamedType, name: str, graph: str) -> bool:
        """Whether this subgraph answers the field by itself."""
        join = self.supergraph.field_joins(kind.name, name).get(graph)
        return join is not None and join.is_resolved(frozenset()) and join.requires is None


def _guarded(document: DocumentNode) -> Iterator[tuple[str, Any]]:
    for definition in document.definitions:
        if isinstance(definition, ObjectTypeDefinitionNode):
            for member in definition.fields or ():
                for wanted in _wanted(member):
                    yield f"{definition.name.value}.{member.name.value}", wanted


def _wanted(member: FieldDefinitionNode) -> Iterator[Any]:
    for directive in member.directives or ():
        if directive.name.value == "requiresScopes":
            for argument in directive.arguments or ():
                yield value_from_ast_untyped(argument.value)


def is_connection(kind: GraphQLNamedType) -> bool:
    """Whether it is a page of a list (the Relay specification), with the nodes beside the edges."""
    return isinstance(kind, GraphQLObjectType) and {"pageInfo", "nodes"} <= kind.fields.keys()


def is_askable(member: GraphQLField) -> bool:
    """Whether it can be selected without arguments, and is no page."""
    return not any(map(is_required_argument, member.args.values())) and not is_connection(get_named_type(member.type))
