"""What each route takes and what each kind of thing has, as names with types: enough to see what a change would break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, get_named_type, get_nullable_type

from router.rest.api import SAID_ELSEWHERE, Api
from router.rest.documents import Command
from router.rest.parameters import Listing
from router.rest.routes import Kind, Route
from router.rest.values import is_required

Shapes = dict[str, dict[str, str]]


def of(api: Api) -> Shapes:
    """The shapes of all routes, and of all kinds of things and values that they answer and take."""
    found: Shapes = {}
    for route in api.table:
        found[route.address] = dict(_taken(api, route))
        _answered(api, api.answered(route), found)
    for kind in _inputs(api):
        _input(kind, found)
    return dict(sorted(found.items()))


def listing_of(api: Api, route: Route) -> Listing:
    """The list behind a route."""
    root = api.view.root(writes=False)[route.field]
    if route.nested is not None:
        root = cast("GraphQLObjectType", get_named_type(root.type)).fields[route.nested]
    return cast("Listing", Listing.of(root))


def command_of(api: Api, route: Route) -> Command:
    """The command behind a route."""
    return cast("Command", Command.of(api.view.root(writes=True)[route.field]))


def body_of(api: Api, route: Route) -> dict[str, Any]:
    """The fields of the input that stand in the body."""
    hidden = SAID_ELSEWHERE if route.kind.is_bulk else SAID_ELSEWHERE | frozenset(route.keys.values())
    return {name: one for name, one in command_of(api, route).input.fields.items() if name not in hidden}


def _taken(api: Api, route: Route) -> Iterator[tuple[str, str]]:
    if route.kind.is_list:
        for name, one in listing_of(api, route).parameters.items():
            yield (
                name,
                f"{'[' if one.many else ''}{one.kind.name}{']' if one.many else ''}{'!' if one.required else ''}",
            )
    elif route.kind.writes:
        for name, member in body_of(api, route).items():
            yield name, str(member.type if is_required(member) else get_nullable_type(member.type))


def _answered(api: Api, kind: GraphQLObjectType, found: Shapes) -> None:
    if kind.name in found:
        return
    fields = api.representations.fields_of(kind)
    found[kind.name] = {name: str(one.type) for name, one in fields.items()}
    for one in fields.values():
        inner = get_named_type(one.type)
        if isinstance(inner, GraphQLObjectType):
            _answered(api, inner, found)
        elif isinstance(inner, GraphQLEnumType):
            found[inner.name] = dict.fromkeys(inner.values, "")


def _inputs(api: Api) -> Iterator[GraphQLInputObjectType]:
    for route in api.table:
        if route.kind.writes:
            members: Any = body_of(api, route).values()
        elif route.kind is Kind.QUERY:
            members = [listing_of(api, route).field.args["filter"]]
        else:
            continue
        for member in members:
            kind = get_named_type(member.type)
            if isinstance(kind, GraphQLInputObjectType):
                yield kind


def _input(kind: GraphQLInputObjectType, found: Shapes) -> None:
    if kind.name in found:
        return
    found[kind.name] = {
        name: str(one.type if is_required(one) else get_nullable_type(one.type)) for name, one in kind.fields.items()
    }
    for one in kind.fields.values():
        inner = get_named_type(one.type)
        if isinstance(inner, GraphQLInputObjectType):
            _input(inner, found)
        elif isinstance(inner, GraphQLEnumType):
            found[inner.name] = dict.fromkeys(inner.values, "")
