"""Which permissions a field needs: read from the resolvers, where they ask for them.

A command says its permission when it's declared. A query says it in its first line, `context.work(READ)`: the source is
read, and the name is looked up where the resolver was written. A permission that depends on the caller is none here.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import GraphQLObjectType

from contracts.scopes import known
from subgraphs import MODULES
from subgraphs.kit import graph
from subgraphs.kit.commands import COMMAND
from subgraphs.kit.module import load
from subgraphs.kit.partners import NEEDS

_ASKING: Final[Mapping[str, int]] = {"work": 0, "require": 0, "row": 2, "lists": 2, "changes": 2}
"""What asks for a permission, and the place of the permission among its arguments."""


def of_fields() -> dict[str, tuple[str, ...]]:
    """The permissions of every field of every module, by coordinate."""
    found: dict[str, tuple[str, ...]] = {}
    for name in MODULES:
        for kind in graph.schema(load(name))._schema.type_map.values():  # noqa: SLF001 - Strawberry has no public way to its types
            if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("_"):
                for field_name, field in kind.fields.items():
                    definition = (field.extensions or {}).get("strawberry-definition")
                    scopes = tuple(dict.fromkeys(_of(definition)))
                    if scopes:
                        found[f"{kind.name}.{field_name}"] = scopes
    return found


def _of(definition: Any) -> Iterator[str]:
    resolver = getattr(definition, "base_resolver", None)
    function = getattr(resolver, "wrapped_func", None)
    if function is None:
        return
    said = getattr(function, COMMAND, None) or getattr(function, NEEDS, None)
    if said is not None:
        yield said
    else:
        yield from _asked(function, steps=2)


def _asked(function: Any, *, steps: int) -> Iterator[str]:
    """What a function asks for in its source, and what those do that it calls by name."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return
    names = {**vars(inspect.getmodule(function)), **inspect.getclosurevars(function).nonlocals}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in _ASKING:
                scope = _value(node, _ASKING[name], names)
                if isinstance(scope, str) and known(scope):
                    yield scope
            case ast.Call(func=ast.Name(id=name)) if steps and inspect.isfunction(names.get(name)):
                yield from _asked(names[name], steps=steps - 1)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)) if steps:
                called: Any = getattr(names.get(owner), name, None)
                if inspect.ismodule(names.get(owner)) and inspect.isfunction(inspect.unwrap(called)):
                    yield from _asked(inspect.unwrap(called), steps=steps - 1)
            case _:
                pass


def _value(call: ast.Call, place: int, names: Mapping[str, Any]) -> Any:
    if len(call.args) <= place:
        return None
    match call.args[place]:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names.get(name)
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return getattr(names.get(owner), name, None)
        case _:
            return None
