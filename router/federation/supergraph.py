"""A supergraph SDL, read back into types and joins: the one value that planning and execution start from.

Whoever composed it (Apollo's composer, Hive's or ours, join v0.1 to v0.5), what counts is in the directives:
which subgraph has a type, under which keys, which of its fields it answers, and what it needs or gives on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    StringValueNode,
    TypeDefinitionNode,
    build_ast_schema,
    parse,
    validate_schema,
)
from graphql.language import visit

from router.federation import features as linked
from router.federation.features import Feature, Features
from router.federation.joins import FieldJoin, JoinedType, JoinReader
from router.federation.pruning import Pruning

_MACHINERY = ("link", "core", "join")
_JOIN_VERSIONS = frozenset({(0, minor) for minor in range(1, 6)})


class InvalidSupergraph(ValueError):
    """The text is no supergraph that this router can run; `code` and `message` say why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class SubgraphEndpoint:
    """A subgraph: its name, its value of `join__Graph`, and where it answers."""

    name: str
    graph: str
    url: str


@dataclass(frozen=True, slots=True)
class Supergraph:
    """All that a supergraph SDL says.

    `schema` has everything but the join and link machinery, inaccessible elements included: it's what keys and
    requirements are typed against. `subgraphs` is by name, `types` by type name.
    """

    sdl: str
    document: DocumentNode
    schema: GraphQLSchema
    features: Features
    subgraphs: Mapping[str, SubgraphEndpoint]
    types: Mapping[str, JoinedType]

    @classmethod
    def parse(cls, sdl: str) -> Self:
        """Read a supergraph SDL; raises `InvalidSupergraph` when it is none."""
        document = _parsed(sdl)
        features = linked.of(document)
        join = _join_feature(features)
        subgraphs = MappingProxyType(dict(sorted(_endpoints(document, join))))
        if not subgraphs:
            raise _invalid("The supergraph names no subgraphs.")
        reader = JoinReader(features, join, tuple(endpoint.graph for endpoint in subgraphs.values()))
        joined = {
            node.name.value: reader.read(node)
            for node in document.definitions
            if isinstance(node, TypeDefinitionNode) and not features.own_type(node.name.value)
        }
        _check_graphs(joined, reader.graphs)
        schema = _schema_without_machinery(document, features)
        return cls(sdl, document, schema, features, subgraphs, MappingProxyType(joined))

    def endpoint(self, graph: str) -> SubgraphEndpoint:
        """The subgraph behind a value of `join__Graph`."""
        return next(endpoint for endpoint in self.subgraphs.values() if endpoint.graph == graph)

    def field_joins(self, type_name: str, field_name: str) -> Mapping[str, FieldJoin]:
        """Who has a field, by graph."""
        joined = self.types.get(type_name)
        return joined.fields.get(field_name, _NOWHERE) if joined else _NOWHERE


_NOWHERE: Mapping[str, FieldJoin] = MappingProxyType({})


def _invalid(message: str) -> InvalidSupergraph:
    return InvalidSupergraph("INVALID_FEDERATION_SUPERGRAPH", message)


def _parsed(sdl: str) -> DocumentNode:
    try:
        return parse(sdl, no_location=True)
    except GraphQLError as error:
        raise _invalid(f"The supergraph is not valid GraphQL: {error.message}") from error


def _join_feature(features: Features) -> Feature:
    join = features.by_spec("join")
    if join is None:
        raise _invalid("The document links no join specification: it is a schema, but not a supergraph.")
    if join.version not in _JOIN_VERSIONS:
        major, minor = join.version
        raise _invalid(f"The supergraph is written in join v{major}.{minor}; v0.1 to v0.5 are understood.")
    for feature in features.not_understood():
        raise InvalidSupergraph(
            "UNSUPPORTED_LINKED_FEATURE", f"{feature.identity} is needed for {feature.purpose}, and is not understood."
        )
    return join


def _endpoints(document: DocumentNode, join: Feature) -> Iterator[tuple[str, SubgraphEndpoint]]:
    for node in document.definitions:
        if isinstance(node, EnumTypeDefinitionNode) and node.name.value == f"{join.name}__Graph":
            for value in node.values or ():
                arguments = _graph_arguments(value.directives or (), f"{join.name}__graph")
                name = arguments.get("name", value.name.value)
                yield name, SubgraphEndpoint(name, value.name.value, arguments.get("url", ""))


def _graph_arguments(
    directives: tuple[ConstDirectiveNode, ...] | list[ConstDirectiveNode], name: str
) -> dict[str, str]:
    return {
        argument.name.value: argument.value.value
        for directive in directives
        if directive.name.value == name
        for argument in directive.arguments or ()
        if isinstance(argument.value, StringValueNode)
    }


def _check_graphs(types: Mapping[str, JoinedType], graphs: tuple[str, ...]) -> None:
    for joined in types.values():
        for graph in joined.graphs:
            if graph not in graphs:
                raise _invalid(f'Type "{joined.name}" is joined to "{graph}", which is no subgraph.')


def _schema_without_machinery(document: DocumentNode, features: Features) -> GraphQLSchema:
    machinery = Features(tuple(feature for feature in features.all if feature.known_as in _MACHINERY))
    definitions = tuple(node for node in document.definitions if not is_owned(node, machinery))
    pruned = visit(DocumentNode(definitions=definitions), Pruning(drop_directive=machinery.own_directive))
    schema = build_ast_schema(pruned, assume_valid_sdl=True)
    if errors := validate_schema(schema):
        raise _invalid(f"The supergraph is not a valid schema: {errors[0].message}")
    return schema


def is_owned(node: DefinitionNode, features: Features) -> bool:
    """Whether a definition belongs to a specification and not to the graph."""
    match node:
        case DirectiveDefinitionNode():
            return features.own_directive(node.name.value)
        case TypeDefinitionNode():
            return features.own_type(node.name.value)
        case _:
            return False
