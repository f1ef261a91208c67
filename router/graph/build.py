"""A supergraph as a graph of moves, for one set of active `@override` labels.

The graph is not laid out beforehand: every question about a node is answered from the joins and remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property

from graphql import (
    GraphQLCompositeType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLUnionType,
    is_abstract_type,
    is_composite_type,
)

from router.federation.joins import ContextArgument, FieldJoin
from router.federation.supergraph import Supergraph
from router.graph.edges import EntryMove, FieldMove, KeyMove, RootMove
from router.graph.nodes import Node
from router.graph.selections import TYPENAME, Field, Fragment, Selections, field_set, merged

CONTEXTUAL = "contextualArgument"
"""How the variables begin that hand over what comes from a context."""


def _coordinate(graph: str, type_name: str, field: str, argument: str) -> str:
    return f"{graph}/{type_name}.{field}({argument}:)"


class QueryGraph:
    """Who can answer what, and how to get there."""

    def __init__(
        self, supergraph: Supergraph, labels: frozenset[str] = frozenset(), contextual: str = CONTEXTUAL
    ) -> None:
        self.supergraph = supergraph
        self.schema = supergraph.schema
        self.labels = labels
        self.contextual = contextual
        self.graphs = tuple(sorted(endpoint.graph for endpoint in supergraph.subgraphs.values()))
        # Every answer depends on the supergraph alone, so it can be kept for as long as this graph lives.
        self.field = cache(self._field)
        self.entries = cache(self._entries)
        self.possible = cache(self._possible)
        self.runtime_types = cache(self._runtime_types)
        self.all_possible = cache(self._all_possible)
        self.field_set = cache(self._field_set)
        self.shared_entries = cache(self._shared_entries)
        self.field_with_contexts = cache(self._field_with_contexts)

    @cached_property
    def query(self) -> str:
        """The name of the query type."""
        return self.schema.query_type.name if self.schema.query_type else ""

    @cached_property
    def root_types(self) -> frozenset[str]:
        """The names of the query, mutation and subscription types."""
        roots = (self.schema.query_type, self.schema.mutation_type, self.schema.subscription_type)
        return frozenset(root.name for root in roots if root)

    @cached_property
    def context_variables(self) -> Mapping[str, str]:
        """The variables that hand over what comes from a context, by the coordinates of the arguments (`A/Type.field(x:)`)."""
        found: dict[str, str] = {}
        for number, graph in enumerate(self.graphs, start=1):
            for index, coordinate in enumerate(sorted(self._contextual(graph))):
                found[coordinate] = f"{self.contextual}_{number}_{index}"
        return found

    def _contextual(self, graph: str) -> Iterator[str]:
        for joined in self.supergraph.types.values():
            for name, joins in joined.fields.items():
                for argument in joins[graph].context_arguments if graph in joins else ():
                    yield _coordinate(graph, joined.name, name, argument.name)

    def context_variable(self, node: Node, field: str, argument: ContextArgument) -> str:
        """The variable that hands over an argument."""
        return self.context_variables[_coordinate(node.graph, node.type_name, field, argument.name)]

    def sets_context(self, type_name: str, context: str) -> bool:
        """Whether a type, or one that it is of, sets a context."""
        return any(
            context in joined.contexts and self.all_possible(type_name) <= self.all_possible(joined.name)
            for joined in self.supergraph.types.values()
        )

    def _field_with_contexts(self, node: Node, item: Field) -> Field:
        """The field with the arguments that the client does not know of."""
        move = self.field(node, item.name)
        if move is None or not move.contexts:
            return item
        handed = {argument.name: self.context_variable(node, item.name, argument) for argument in move.contexts}
        added = ", ".join(f"{name}: ${variable}" for name, variable in handed.items())
        own = f"{item.arguments[1:-1]}, " if item.arguments else ""
        return replace(item, arguments=f"({own}{added})", variables=item.variables | set(handed.values()))

    def type(self, name: str) -> GraphQLNamedType | None:
        """The supergraph's type of that name."""
        return self.schema.type_map.get(name)

    def is_abstract(self, type_name: str) -> bool:
        """Whether the supergraph knows the type as an interface or a union."""
        return is_abstract_type(self.type(type_name))

    def is_interface_object(self, node: Node) -> bool:
        """Whether the subgraph knows an interface only as an object (`@interfaceObject`)."""
        join = self.supergraph.types[node.type_name].graphs.get(node.graph)
        return join is not None and join.is_interface_object

    def has(self, type_name: str, graph: str) -> bool:
        """Whether a subgraph has a type."""
        joined = self.supergraph.types.get(type_name)
        return joined is not None and graph in joined.graphs

    def resolving(self, type_name: str, field_name: str) -> Iterator[FieldJoin]:
        """The joins of all subgraphs that answer a field."""
        for join in self.supergraph.field_joins(type_name, field_name).values():
            if join.is_resolved(self.labels):
                yield join

    def _all_possible(self, type_name: str) -> frozenset[str]:
        """The object types that a type stands for, anywhere."""
        found = self.type(type_name)
        if isinstance(found, GraphQLInterfaceType | GraphQLUnionType):
            return frozenset(possible.name for possible in self.schema.get_possible_types(found))
        return frozenset({type_name})

    def _possible(self, type_name: str, graph: str) -> frozenset[str]:
        """The object types that a type stands for in one subgraph; with `@interfaceObject` it may be any."""
        joined = self.supergraph.types[type_name]
        match self.type(type_name):
            case GraphQLUnionType():
                return joined.members.get(graph, frozenset())
            case GraphQLInterfaceType() if not self.is_interface_object(Node(type_name, graph)):
                return frozenset(
                    name
                    for name in self.all_possible(type_name)
                    if type_name in self.supergraph.types[name].implements.get(graph, ())
                )
            case _:
                return self.all_possible(type_name)

    def _runtime_types(self, type_name: str, field_name: str) -> frozenset[str]:
        """The object types that all subgraphs answering a field agree it can return.

        Where a shareable field returns a union whose members differ between subgraphs, its value is the same
        everywhere by contract, so it can only be of a type that all of them know.
        """
        if self.is_abstract(type_name):
            each = [self.runtime_types(name, field_name) for name in self.all_possible(type_name)]
            return frozenset[str]().union(*each)
        named = [
            self.possible(self._named(join.type), join.graph) for join in self.resolving(type_name, field_name)
        ] or [self.possible(self._named(join.type), join.graph) for join in self._contributed(type_name, field_name)]
        if not named:
            return self._declared_types(type_name, field_name)
        return named[0].intersection(*named[1:]) or frozenset[str]().union(*named)

    def _declared_types(self, type_name: str, field_name: str) -> frozenset[str]:
        parent = self.type(type_name)
        definition = self.schema.get_field(parent, field_name) if is_composite_type(parent) else None
        return self.all_possible(self._named(str(definition.type))) if definition else frozenset()

    def _contributed(self, type_name: str, field_name: str) -> Iterator[FieldJoin]:
        """A field that an object type has from an interface object."""
        for interface in self._interfaces(type_name):
            yield from (
                join
                for join in self.resolving(interface, field_name)
                if self.is_interface_object(Node(interface, join.graph))
            )

    def _interfaces(self, type_name: str) -> list[str]:
        found = self.type(type_name)
        return [interface.name for interface in getattr(found, "interfaces", ())]

    @staticmethod
    def _named(type_text: str) -> str:
        return type_text.strip("[]! ")

    def _field_set(self, text: str, type_name: str) -> Selections:
        parent = self.type(type_name)
        return field_set(text, parent, self.schema) if is_composite_type(parent) else ()

    def _field(self, node: Node, name: str) -> FieldMove | None:
        """The move along a field, if the subgraph of the node can answer it there."""
        if name == TYPENAME:
            is_known = not self.is_interface_object(node)
            return FieldMove(TYPENAME, "String!", None, 0) if is_known else None
        join = self.supergraph.field_joins(node.type_name, name).get(node.graph)
        view = self._opened(node.provided, name)
        if join is not None and view is None and join.is_resolved(self.labels):
            return self._move(node, name, join, ())
        if view is None:
            # A subgraph can always give out the keys of its own entities, even those it calls external.
            view = self._opened(self._own_keys(node.type_name, node.graph), name)
        if view is None:
            return None
        if join is None:  # supergraphs of join v0.1 don't say which fields a subgraph calls external
            definition = self.schema.get_field(self.composite(node.type_name), name)
            return self._move(node, name, FieldJoin(node.graph, str(definition.type)), view) if definition else None
        # What is provided needs nothing more, whatever the subgraph would require of it elsewhere.
        return self._move(node, name, FieldJoin(node.graph, join.type, provides=join.provides), view)

    @staticmethod
    def _opened(view: Selections, name: str) -> Selections | None:
        """What a view opens below a field; None when it does not mention the field."""
        found = [item for item in view if isinstance(item, Field) and item.name == name]
        return merged(inner for item in found for inner in item.selections) if found else None

    def _own_keys(self, type_name: str, graph: str) -> Selections:
        join = self.supergraph.types[type_name].graphs.get(graph)
        return merged(item for key in (join.keys if join else ()) for item in self.field_set(key.fields, type_name))

    def is_entity(self, type_name: str) -> bool:
        """Whether a type can be found by a key, somewhere."""
        joined = self.supergraph.types.get(type_name)
        return joined is not None and any(key.resolvable for join in joined.graphs.values() for key in join.keys)

    def is_key(self, node: Node, name: str) -> bool:
        """Whether a field is part of a key that the subgraph of a node has for its type, or for all that this stands for."""
        if self.is_abstract(node.type_name) and not self.is_interface_object(node):
            types = self.possible(node.type_name, node.graph)
            return bool(types) and all(self.is_key(Node(one, node.graph), name) for one in types)
        return node.type_name in self.supergraph.types and any(
            isinstance(item, Field) and item.name == name for item in self._own_keys(node.type_name, node.graph)
        )

    def _move(self, node: Node, name: str, join: FieldJoin, view: Selections) -> FieldMove:
        named = self._named(join.type)
        target: Node | None = None
        if is_composite_type(self.type(named)):
            provided = self.field_set(join.provides, named) if join.provides else ()
            target = Node(named, node.graph, merged((*provided, *view)))
        return FieldMove(
            name=name,
            type=join.type,
            target=target,
            list_depth=join.type.count("["),
            requires=self.field_set(join.requires, node.type_name) if join.requires else (),
            contexts=join.context_arguments,
        )

    def narrowed(self, node: Node, type_name: str) -> Node:
        """The node after a type condition: only what the view opens for that type stays open."""
        own: list[Field | Fragment] = []
        for item in node.provided:
            if isinstance(item, Field):
                own.append(item)
            elif self.all_possible(type_name) <= self.all_possible(item.on):
                own.extend(item.selections)
            elif self.is_abstract(type_name):
                own.append(item)
        return Node(type_name, node.graph, merged(own))

    def _entries(self, type_name: str, graph: str) -> tuple[EntryMove, ...]:
        """All ways into a subgraph for an object of a type, by its keys there."""
        if type_name in self.root_types:
            return (RootMove(Node(type_name, graph)),) if self.has(type_name, graph) else ()
        own = self._keys(type_name, graph, None)
        through = (
            move
            for interface in self._interfaces(type_name)
            if self.has(interface, graph) and self.is_interface_object(Node(interface, graph))
            for move in self._keys(interface, graph, interface)
        )
        return (*own, *through)

    def _keys(self, type_name: str, graph: str, typename: str | None) -> Iterator[KeyMove]:
        joined = self.supergraph.types.get(type_name)
        join = joined.graphs.get(graph) if joined else None
        for key in join.keys if join else ():
            if key.resolvable:
                called = type_name if self.is_abstract(type_name) else typename
                yield KeyMove(Node(type_name, graph), self.field_set(key.fields, type_name), called)

    def _shared_entries(self, type_name: str, graph: str, types: frozenset[str]) -> tuple[KeyMove, ...]:
        """Ways into a subgraph for all objects behind an interface that is no entity, by a key that all have there."""
        target = Node(type_name, graph)
        if not isinstance(self.type(type_name), GraphQLInterfaceType) or not self.has(type_name, graph):
            return ()
        if self.is_interface_object(target) or not types <= self.possible(type_name, graph):
            return ()
        each = [{move.key: None for move in self._keys(name, graph, None)} for name in sorted(types)]
        shared = [key for key in each[0] if all(key in keys for keys in each)] if each else []
        return tuple(KeyMove(target, key, None, tuple(sorted(types))) for key in shared)

    def composite(self, type_name: str) -> GraphQLCompositeType:
        """The supergraph's type of that name, which must have fields or members."""
        found = self.type(type_name)
        if not is_composite_type(found):
            raise KeyError(type_name)
        return found
