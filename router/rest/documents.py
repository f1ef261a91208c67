"""The GraphQL operation of a route: the same text for the same question, so that it's planned once and then found again.

Every argument is a variable, also those that are absent this time: what differs between two calls of a route is only
which fields they show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self, cast

from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from router.rest.parameters import FEED, Listing
from router.rest.routes import Route

ERRORS: Final = "errors"
INPUT: Final = "input"


@dataclass(frozen=True, slots=True)
class Command:
    """A mutation as the platform writes them: one input, and a payload with the thing and the reasons why not."""

    field: GraphQLField
    input: GraphQLInputObjectType
    payload: GraphQLObjectType
    entity: str | None
    """The field of the payload that has the thing; None when it has several or none."""

    @classmethod
    def of(cls, field: GraphQLField) -> Self | None:
        """Read a mutation; None when it is of another shape."""
        payload = get_named_type(field.type)
        given = field.args.get(INPUT)
        kind = get_named_type(given.type) if given else None
        shaped = isinstance(payload, GraphQLObjectType) and isinstance(kind, GraphQLInputObjectType)
        if not shaped or len(field.args) != 1 or ERRORS not in cast("GraphQLObjectType", payload).fields:
            return None
        payload, kind = cast("GraphQLObjectType", payload), cast("GraphQLInputObjectType", kind)
        things = [
            name
            for name, one in payload.fields.items()
            if name != ERRORS and isinstance(get_named_type(one.type), GraphQLObjectType)
        ]
        single = things[0] if len(things) == 1 and "[" not in str(payload.fields[things[0]].type) else None
        return cls(field, kind, payload, single)

    @property
    def thing(self) -> GraphQLObjectType:
        """What is answered: the thing, or the payload as it is."""
        if self.entity is None:
            return self.payload
        return cast("GraphQLObjectType", get_named_type(self.payload.fields[self.entity].type))

    @property
    def extras(self) -> tuple[str, ...]:
        """Values that the payload has beside the thing."""
        if self.entity is None:
            return ()
        return tuple(name for name in self.payload.fields if name not in (ERRORS, self.entity))

    def selection(self, shown: str) -> str:
        """What is selected of the payload, when this is shown of the thing."""
        told = get_named_type(self.payload.fields[ERRORS].type)
        known = [name for name in ("code", "message", "field") if name in cast("GraphQLObjectType", told).fields]
        refusals = f"{ERRORS} {{ {' '.join(known)} }}"
        if self.entity is None:
            return f"{{ {shown[1:-1].strip()} {refusals} }}"
        return f"{{ {' '.join(self.extras)} {self.entity} {shown} {refusals} }}"


def thing(route: Route, field: GraphQLField, shown: str) -> str:
    """The operation that answers one thing."""
    return _query(route.name, _keys(route, field), route.field, shown)


@lru_cache(maxsize=2000)
def _query(name: str, variables: tuple[tuple[str, str], ...], field: str, selection: str) -> str:
    return f"query {name}{_declared(variables)} {{ {field}{_given(variables)} {selection} }}"


def page(route: Route, root: GraphQLField, listing: Listing, shown: str, *, count: bool) -> str:
    """The operation that answers one page of a list."""
    selection = shown
    if listing.has_pages:
        total = " totalCount" if count else ""
        places = "hasNextPage hasPreviousPage startCursor endCursor"
        selection = f"{{ nodes {shown} pageInfo {{ {places} }}{total} }}"
    own = tuple(listing.declared())
    if route.nested is None:
        return _query(route.name, own, route.field, selection)
    return _nested(route.name, _keys(route, root), own, route.field, route.nested, selection)


@lru_cache(maxsize=2000)
def _nested(
    name: str,
    keys: tuple[tuple[str, str], ...],
    own: tuple[tuple[str, str], ...],
    field: str,
    nested: str,
    selection: str,
) -> str:
    outer = tuple((f"of_{key}", kind) for key, kind in keys)
    given = ", ".join(f"{key}: $of_{key}" for key, _ in keys)
    return f"query {name}{_declared((*outer, *own))} {{ {field}({given}) {{ {nested}{_given(own)} {selection} }} }}"


def command(route: Route, one: Command, shown: str, times: int | None = None) -> str:
    """The operation that does a command, or the same one several times."""
    return _command(route.name, route.field, str(one.field.args[INPUT].type), one.selection(shown), times)


@lru_cache(maxsize=2000)
def _command(name: str, field: str, kind: str, selection: str, times: int | None) -> str:
    if times is None:
        return f"mutation {name}($input: {kind}) {{ {field}(input: $input) {selection} }}"
    declared = ", ".join(f"$i{index}: {kind}" for index in range(times))
    fields = " ".join(f"i{index}: {field}(input: $i{index}) {selection}" for index in range(times))
    return f"mutation {name}({declared}) {{ {fields} }}"


def _keys(route: Route, field: GraphQLField) -> tuple[tuple[str, str], ...]:
    return tuple((argument, str(field.args[argument].type)) for argument in route.keys.values())


def _declared(variables: tuple[tuple[str, str], ...]) -> str:
    return f"({', '.join(f'${name}: {kind}' for name, kind in variables)})" if variables else ""


def _given(variables: tuple[tuple[str, str], ...]) -> str:
    return f"({', '.join(f'{name}: ${name}' for name, _ in variables)})" if variables else ""


def page_variables(
    listing: Listing, limit: int, cursor: str | None, before: str | None, offset: int
) -> Mapping[str, object]:
    """The arguments that say which page."""
    match listing.paging:
        case "connection" if before is not None:
            return {"last": limit, "before": before}
        case "connection":
            return {"first": limit} if cursor is None else {"first": limit, "after": cursor}
        case "feed":
            return {"first": limit} if cursor is None else {"first": limit, FEED: cursor}
        case "offset":
            return {"limit": limit, "offset": offset}
        case "limit":
            return {"limit": limit}
        case _:
            return {}
