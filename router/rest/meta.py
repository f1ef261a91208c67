"""What there is, for programs that ask: of each resource its fields with the words that they may have, its filters and commands.

    GET /meta             every resource that the caller may use
    GET /meta/tickets     its fields, what is given to make or change one, its filters, what else can be done

The OpenAPI document says the same and more; this is for whoever builds a form, or maps the fields of two systems. What comes
from rows of the tenant (queues, work types) is named as a reference, with the address where its values are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)

from router.rest.api import SAID_ELSEWHERE, Api
from router.rest.documents import Command
from router.rest.parameters import Listing
from router.rest.problems import Problem
from router.rest.routes import Kind, Route
from router.rest.values import is_required

_WORDS: Final = {
    "ID": "id",
    "String": "string",
    "Int": "integer",
    "Float": "number",
    "Boolean": "boolean",
    "DateTime": "date-time",
    "Date": "date",
    "Decimal": "decimal",
    "JSON": "any",
}

May = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Meta:
    """Tells about one version to somebody who may use what `may` says."""

    api: Api
    may: May

    def index(self) -> dict[str, Any]:
        """Every resource, with the address of what there is to know about it."""
        base = self.api.lock.base
        told = [
            {"resource": name, "href": self._href(name), "meta": f"{base}/meta/{name}"}
            for name in dict.fromkeys(_resource(route) for route in self._routes())
        ]
        return {"data": told}

    def resource(self, name: str) -> dict[str, Any]:
        """Everything about one resource; raises `Problem` when there is none of that name for the caller."""
        routes = [route for route in self._routes() if _resource(route) == name]
        if not routes:
            known = [one["resource"] for one in self.index()["data"]]
            raise Problem("NOT_FOUND", f"There is no such resource; there are {', '.join(known)}.")
        kind = self._kind(routes)
        told: dict[str, Any] = {"resource": name, "href": self._href(name)}
        if kind is not None:
            told |= {"type": kind.name, "description": kind.description, "fields": list(self._fields(kind))}
            told["expand"] = list(self.api.representations.references(kind))
        told["filters"] = [one for route in routes if route.kind is Kind.LIST for one in self._filters(route)]
        told["commands"] = [self._command(route) for route in routes if route.kind.writes and not route.kind.is_bulk]
        told["lists"] = [self._address(route) for route in routes if route.kind is Kind.NESTED]
        return told

    def _routes(self) -> Iterator[Route]:
        return (route for route in self.api.table if self.may(route.scopes) and self.api.is_served(route))

    def _href(self, name: str) -> str | None:
        """Where the resource is read; nowhere, where there are only parts of it, or things that can be done."""
        is_read = any(route.method == "GET" and route.path == f"/{name}" for route in self._routes())
        return f"{self.api.lock.base}/{name}" if is_read else None

    def _kind(self, routes: Iterable[Route]) -> GraphQLObjectType | None:
        """What the resource consists of: what its item is, else what its list has, else what its commands answer."""
        found = {route.kind: self.api.answered(route) for route in reversed(list(routes)) if not route.nested}
        ordered = (Kind.ITEM, Kind.LISTED, Kind.LIST, Kind.SINGLETON, *found)
        return next((found[kind] for kind in ordered if kind in found), None)

    def _fields(self, kind: GraphQLObjectType) -> Iterator[dict[str, Any]]:
        guarded = self.api.view.guarded()
        known = self.api.representations.fields_of(kind)
        for name, one in known.items():
            scopes = guarded.get(f"{kind.name}.{name}")
            if scopes is None or self.may(scopes):
                target = known.get(name.removesuffix("Id"))
                yield {**self._described(name, one), **self._reference(target)}

    def _described(self, name: str, member: Any) -> dict[str, Any]:
        inner = get_named_type(member.type)
        told: dict[str, Any] = {
            "name": name,
            "type": _word(inner),
            "list": is_list_type(get_nullable_type(member.type)),
            "nullable": not is_non_null_type(member.type),
            "description": member.description,
        }
        if isinstance(inner, GraphQLEnumType):
            told["allowed"] = [{"value": value, "label": one.description} for value, one in inner.values.items()]
        if member.deprecation_reason is not None:
            told["deprecated"] = member.deprecation_reason
        return told

    def _reference(self, member: Any) -> dict[str, Any]:
        """Where the values of a field are listed that names something else."""
        kind = get_named_type(member.type).name if member is not None else ""
        path = self.api.lists.get(kind)
        return {} if path is None else {"reference": f"{self.api.lock.base}{path}"}

    def _filters(self, route: Route) -> Iterator[dict[str, Any]]:
        root = self.api.view.root(writes=False)[route.field]
        for one in cast("Listing", Listing.of(root)).parameters.values():
            told = {"name": one.name, "type": _word(one.kind), "list": one.many, "required": one.required}
            if isinstance(one.kind, GraphQLEnumType):
                told["allowed"] = [{"value": value, "label": own.description} for value, own in one.kind.values.items()]
            yield {**told, "description": one.description}

    def _command(self, route: Route) -> dict[str, Any]:
        command = cast("Command", Command.of(self.api.view.root(writes=True)[route.field]))
        return {**self._address(route), "fields": list(self._taken(command, frozenset(route.keys.values())))}

    def _address(self, route: Route) -> dict[str, Any]:
        return {"name": route.name, "method": route.method, "href": f"{self.api.lock.base}{route.path}"}

    def _taken(self, command: Command, said: frozenset[str]) -> Iterator[dict[str, Any]]:
        shown: Mapping[str, Any] = self.api.representations.fields_of(command.thing)
        for name, one in command.input.fields.items():
            if name not in SAID_ELSEWHERE | said:
                target = shown.get(name.removesuffix("Id"))
                yield {**self._described(name, one), "required": is_required(one), **self._reference(target)}


def _resource(route: Route) -> str:
    """`tickets`, of `/tickets/{id}`."""
    return route.path.split("/")[1]


def _word(kind: Any) -> str:
    match kind:
        case GraphQLEnumType():
            return "enum"
        case GraphQLObjectType() | GraphQLInputObjectType():
            return "object"
        case _:
            return _WORDS.get(kind.name, "string")
