"""What partners may see of a module: everything, except what its manifest keeps inside.

The contract for partners (Apollo's contract variants) includes what is tagged `partner` and excludes what is tagged
`internal`. Everything is tagged `partner` here, so that nobody has to remember it: what a partner may do is decided by
permissions, as for everybody, and a new module is in the REST interface from its first day. What must stay out is named
in the manifest (`internal_graph`), where it can be seen and discussed: `Query.sessions` or the name of a type.

`Rest` is the word with which a field says its address when the rules of `codegen/rest` would find another one:

    @command("users:write", UserPayload, rest=Rest(method="POST", path="/users"))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType
from strawberry.federation import Schema
from strawberry.federation.schema_directive import schema_directive
from strawberry.federation.schema_directives import Tag
from strawberry.schema_directive import Location
from strawberry.types.base import get_object_definition

from subgraphs.kit.module import Module

PARTNER: Final = "partner"
INTERNAL: Final = "internal"

NEEDS: Final = "psa_needs"
"""The attribute by which a resolver says its permission, where that can't be read from its source."""

_ROOTS: Final = ("Query", "Mutation", "Subscription")


@schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="rest",
    compose=True,
    import_url="https://specs.psa-platform.org/rest/v1.0",
)
class Rest:
    """Where this field is found in the REST interface, when the rules would find another place or none."""

    path: str | None = strawberry.UNSET
    method: str | None = strawberry.UNSET
    ignore: bool | None = strawberry.UNSET
    version: int | None = strawberry.UNSET


class NothingOfThatName(Exception):
    """The manifest keeps something inside that is not there."""


def tag(module: Module, built: Schema) -> None:
    """Write the tags at the definitions of everything in `built`; a schema that is built from them later has them.

    The roots are shared by all modules, so their fields are tagged one by one; other types as a whole.
    """
    left = set(module.internal_graph)
    for kind in built._schema.type_map.values():  # noqa: SLF001 - Strawberry has no public way to its types
        definition = (kind.extensions or {}).get("strawberry-definition")
        match kind:
            case GraphQLObjectType(name=name) if name in _ROOTS:
                pass
            case GraphQLObjectType() | GraphQLInterfaceType() if definition is not None:
                own = get_object_definition(definition.origin, strict=True)
                _put(own, PARTNER if kind.name not in left else INTERNAL)
            case GraphQLUnionType() if definition is not None:
                _put(definition, PARTNER if kind.name not in left else INTERNAL)
            case _:
                continue
        for coordinate, field in _fields(kind):
            if coordinate in left:
                _put(field, INTERNAL)
            elif kind.name in _ROOTS:
                _put(field, PARTNER)
            left.discard(coordinate)
        left.discard(kind.name)
    if left:
        raise NothingOfThatName(f"{module.name}: {', '.join(sorted(left))}")


def _fields(kind: Any) -> Iterator[tuple[str, Any]]:
    for name, field in getattr(kind, "fields", {}).items():
        definition = (field.extensions or {}).get("strawberry-definition")
        if definition is not None and not name.startswith("_"):
            yield f"{kind.name}.{name}", definition


def _put(definition: Any, name: str) -> None:
    given = list(definition.directives or ())
    if not any(isinstance(one, Tag) and one.name in (PARTNER, INTERNAL) for one in given):
        definition.directives = [*given, Tag(name=name)]
