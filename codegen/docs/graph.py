"""The reference of the graph: a page for each module with its part of Query, Mutation and Subscription, and the types it is the home of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
    print_ast,
)

from codegen.docs.words import code, contents, heading, plain, table
from router.explorer import schema_map
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph

_ROOTS = ("Query", "Mutation", "Subscription")
_SHARED = "shared"


def pages(sdl: str, permissions: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Iterator[tuple[str, str]]:
    """Give each page's path and text; `permissions` is what modules ask for before they answer a field, by coordinate."""
    supergraph = Supergraph.parse(sdl)
    schema = api_schema(supergraph)
    drawn = schema_map.of(supergraph, schema)
    _ask(drawn, permissions)
    homes = {name: _home(name, drawn) for name in drawn["types"]}
    by_home: dict[str, list[GraphQLNamedType]] = defaultdict(list)
    for name, kind in sorted(schema.type_map.items()):
        if name in homes and name not in _ROOTS and not is_introspection_type(kind):
            by_home[homes[name]].append(kind)
    modules = sorted({*by_home, *drawn["subgraphs"]} - {_SHARED}) + ([_SHARED] if by_home[_SHARED] else [])
    for module in modules:
        roots = [schema.type_map[name] for name in _ROOTS if name in schema.type_map]
        yield f"graph/{module}", _page(module, roots, by_home[module], drawn, homes)
    said = "One graph; each module answers its part of it. Types that several modules define alike are shared."
    yield "graph/index", contents("The graph", said, modules)


def _ask(drawn: Mapping[str, Any], permissions: Mapping[str, Sequence[str]]) -> None:
    """Let the fields ask for what their modules do, unless the graph says it itself."""
    for coordinate, scopes in permissions.items():
        parent, _, name = coordinate.partition(".")
        told = drawn["types"].get(parent, {}).get("fields", {}).get(name)
        if told is not None:
            asked = told.setdefault("asks", [])
            asked += [{"scopes": [[scope]]} for scope in scopes if {"scopes": [[scope]]} not in asked]


def _home(name: str, drawn: Mapping[str, Any]) -> str:
    """The module that answers most of a type; one that several define alike belongs to none."""
    told = drawn["types"][name]
    counted = Counter(owner for one in told.get("fields", {}).values() for owner in one["owners"])
    if told.get("keys") and counted:
        return str(max(sorted(counted), key=lambda owner: counted[owner]))
    owners: list[str] = told["owners"]
    return owners[0] if len(owners) == 1 else _SHARED


def _page(
    module: str,
    roots: Iterable[GraphQLNamedType],
    types: Iterable[GraphQLNamedType],
    drawn: Mapping[str, Any],
    homes: Mapping[str, str],
) -> str:
    parts = [f"# {module}\n"]
    for root in roots:
        own = _owned(root, module, drawn)
        if own:
            parts += [heading(2, root.name), _fields(root.name, own, drawn)]
    parts += [_type(kind, drawn, homes) for kind in types]
    return "\n".join(parts)


def _owned(root: GraphQLNamedType, module: str, drawn: Mapping[str, Any]) -> dict[str, Any]:
    told = drawn["types"][root.name]["fields"]
    return {name: one for name, one in getattr(root, "fields", {}).items() if module in told[name]["owners"]}


def _type(kind: GraphQLNamedType, drawn: Mapping[str, Any], homes: Mapping[str, str]) -> str:
    parts = [heading(2, kind.name, f"type-{kind.name}"), plain(kind.description) + "\n"]
    match kind:
        case GraphQLObjectType() | GraphQLInterfaceType():
            keys = sorted(
                {key["fields"] for given in drawn["types"][kind.name].get("keys", {}).values() for key in given}
            )
            if keys:
                parts.append(f"An entity, by {', '.join(map(code, keys))}.\n")
            parts.append(_fields(kind.name, kind.fields, drawn, homes[kind.name]))
        case GraphQLInputObjectType():
            rows = ((code(name), _valued(one), plain(_said(one))) for name, one in kind.fields.items())
            parts.append(table(("Field", "Type", "What it says"), rows))
        case GraphQLEnumType():
            parts.append(table(("Value", "Meaning"), ((code(n), plain(_said(v))) for n, v in kind.values.items())))
        case GraphQLUnionType():
            parts.append("One of " + ", ".join(_linked(one) for one in kind.types) + ".\n")
        case GraphQLScalarType():
            parts.append("A scalar.\n")
    return "\n".join(parts)


def _fields(parent: str, fields: Mapping[str, Any], drawn: Mapping[str, Any], home: str | None = None) -> str:
    told = drawn["types"][parent]["fields"]
    rows = []
    for name, one in fields.items():
        given = "".join(f"<br>{code(called)} {_valued(argument)}" for called, argument in one.args.items())
        others = [owner for owner in told[name]["owners"] if home is not None and owner != home]
        added = f" *(from {', '.join(others)})*" if others and home not in told[name]["owners"] else ""
        rows.append((code(name) + given, _linked(one.type), plain(_said(one)) + _needs(told[name]) + added))
    return table(("Field", "Type", "What it is"), rows)


def _needs(told: Mapping[str, Any]) -> str:
    """All conditions have to be met, each of them by any of its clauses."""
    clauses = (
        [" and ".join(map(code, clause)) for clause in one["scopes"]] for one in told.get("asks", ()) if "scopes" in one
    )
    conditions = [" or ".join(any_of) for any_of in clauses]
    return f" Needs {' and '.join(conditions)}." if conditions else ""


def _valued(one: GraphQLArgument | GraphQLInputField) -> str:
    """The type of something that can be said, and what holds when it isn't."""
    default = one.ast_node.default_value if one.ast_node else None
    return f"{_linked(one.type)} = {code(print_ast(default))}" if default else _linked(one.type)


def _linked(kind: Any) -> str:
    """A type as text; its name leads to where it is explained."""
    named = get_named_type(kind)
    if is_specified_scalar_type(named):
        return code(str(kind))
    return f"[{code(str(kind))}](#type-{named.name})"


def _said(one: Any) -> str:
    gone = f" Deprecated: {one.deprecation_reason}" if one.deprecation_reason else ""
    return f"{one.description or ''}{gone}"
