"""Draw up the map of a supergraph: which module owns which type and field, how entities connect, and what a field asks for.

It names only what clients may see: what is inaccessible stands neither here nor in introspection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, assert_never

from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)

from router.federation.joins import JoinedType
from router.federation.supergraph import Supergraph
from router.planner.access import Access, Authenticated, Demand, Policies, Scopes

_NOBODY: frozenset[str] = frozenset()

Json = dict[str, Any]


def of(supergraph: Supergraph, schema: GraphQLSchema) -> Json:
    """Return the map as JSON; `schema` is what clients see of the supergraph."""
    names = {endpoint.graph: endpoint.name for endpoint in supergraph.subgraphs.values()}
    access = Access.of(supergraph)
    shown = {
        name: kind
        for name, kind in schema.type_map.items()
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
    }
    entities = {name for name in shown if _is_entity(supergraph.types.get(name))}
    return {
        "subgraphs": sorted(names.values()),
        "types": {name: _type(kind, supergraph.types.get(name), names, access) for name, kind in shown.items()},
        "connections": list(_connections(shown, entities, supergraph.types, names)),
    }


def _is_entity(joined: JoinedType | None) -> bool:
    return joined is not None and any(part.keys for part in joined.graphs.values())


def _type(kind: GraphQLNamedType, joined: JoinedType | None, names: Mapping[str, str], access: Access) -> Json:
    parts = joined.graphs if joined else {}
    keys = {
        names[graph]: [{"fields": key.fields, "resolvable": key.resolvable} for key in part.keys]
        for graph, part in parts.items()
        if part.keys
    }
    found: Json = {"owners": sorted(names[graph] for graph in parts)}
    if keys:
        found["keys"] = keys
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        found["fields"] = {name: _field(kind.name, name, joined, names, access) for name in kind.fields}
    elif isinstance(kind, GraphQLInputObjectType):
        found["fields"] = {name: {"owners": sorted(_resolvers(joined, name, names))} for name in kind.fields}
    return found


def _field(of_type: str, name: str, joined: JoinedType | None, names: Mapping[str, str], access: Access) -> Json:
    joins = joined.fields.get(name, {}) if joined else {}
    found: Json = {"owners": sorted(_resolvers(joined, name, names))}
    needs = {names[graph]: join.requires for graph, join in joins.items() if join.requires}
    gives = {names[graph]: join.provides for graph, join in joins.items() if join.provides}
    moved = {names[graph]: join.overrides for graph, join in joins.items() if join.overrides}
    asks = _asks(access.field(of_type, name))
    known = {"requires": needs, "provides": gives, "overrides": moved, "asks": asks}
    return {**found, **{word: value for word, value in known.items() if value}}


def _resolvers(joined: JoinedType | None, name: str, names: Mapping[str, str]) -> Iterator[str]:
    """Who answers a field: without a join of its own, everybody who has the type."""
    if joined is None:
        return
    joins = joined.fields.get(name)
    if not joins:
        yield from (names[graph] for graph in joined.graphs)
        return
    yield from (names[graph] for graph, join in joins.items() if join.is_resolved(_NOBODY))


def _asks(demand: Demand) -> list[Json]:
    """Return the conditions of a field, all of which have to be met."""
    return sorted(map(_asked, demand), key=str)


def _asked(condition: Authenticated | Scopes | Policies) -> Json:
    match condition:
        case Authenticated():
            return {"authenticated": True}
        case Scopes():
            return {"scopes": _clauses(condition.any_of)}
        case Policies():
            return {"policies": _clauses(condition.any_of)}
        case _:
            assert_never(condition)


def _clauses(any_of: Iterable[Iterable[str]]) -> list[list[str]]:
    return sorted(sorted(clause) for clause in any_of)


def _connections(
    shown: Mapping[str, GraphQLNamedType],
    entities: set[str],
    joined: Mapping[str, JoinedType],
    names: Mapping[str, str],
) -> Iterator[Json]:
    """Yield each field that leads from an entity to an entity, also by way of lists and pages."""
    for name in sorted(entities):
        kind = shown[name]
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        for called, field in kind.fields.items():
            target = _entity_behind(get_named_type(field.type), entities)
            if target is not None:
                by = sorted(_resolvers(joined.get(name), called, names))
                yield {"from": name, "field": called, "to": target, "by": by}


def _entity_behind(kind: GraphQLNamedType, entities: set[str]) -> str | None:
    """Return the entity itself, or that of a page's nodes (Relay's connections)."""
    if kind.name in entities:
        return kind.name
    if isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection"):
        edges = kind.fields.get("edges")
        edge = get_named_type(edges.type) if edges else None
        node = edge.fields.get("node") if isinstance(edge, GraphQLObjectType) else None
        found = get_named_type(node.type).name if node else None
        return found if found in entities else None
    return None
