"""From the supergraph to routes: which field of the graph is found at which address.

    Query.ticketsConnection, or Query.tickets            GET  /tickets               and POST /tickets/query
    Query.ticket(id)                                     GET  /tickets/{id}
    Query.me (one thing, no arguments)                   GET  /me
    Query.teams, when there is createTeam and no team    GET  /teams/{id}
    Customer.tickets, of a thing that has an address     GET  /customers/{id}/tickets
    Mutation.createTicket                                POST /tickets               and POST /tickets/bulk
    Mutation.updateTicket(input: {id})                   PATCH /tickets/{id}         and PATCH /tickets/bulk
    Mutation.deleteTicket(input: {id})                   DELETE /tickets/{id}
    Mutation.resolveTicket(input: {id})                  POST /tickets/{id}/actions/resolve
    Mutation.addNote(input: {id}), which answers Ticket  POST /tickets/{id}/actions/add-note
    Mutation.inviteUser, which names nobody yet          POST /users/actions/invite

Where a field says `@rest(path:, method:)` that is its address; parts in braces are arguments, or fields of the input, and
`{id}` is the only thing that has to be named, whatever it is called.
What fits no rule is listed with the reason, and is for GraphQL only: no address is better than an ugly one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from graphql import (
    FieldDefinitionNode,
    GraphQLField,
    GraphQLInputField,
    GraphQLObjectType,
    ObjectTypeDefinitionNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
    value_from_ast_untyped,
)

from codegen.rest.words import kebab, plural, singular, stripped, title
from router.rest import lifecycle
from router.rest.documents import Command
from router.rest.parameters import Listing
from router.rest.routes import Kind, Lock, Route
from router.rest.view import View

_ID: Final = "id"
_CONNECTION: Final = "Connection"
_VERBS: Final = MappingProxyType({"update": (Kind.UPDATE, "PATCH"), "delete": (Kind.DELETE, "DELETE")})
_WORD: Final = re.compile(r"[A-Z][a-z0-9]*")
_BRACES: Final = re.compile(r"\{(\w+)\}")

Asked = Mapping[str, Any]


class Contradiction(Exception):
    """Two fields want the same address, or a directive names what is not there."""


@dataclass(slots=True)
class Derived:
    """What the rules found."""

    routes: dict[str, Route] = field(default_factory=dict)
    graphql_only: dict[str, str] = field(default_factory=dict)

    def add(self, route: Route) -> None:
        """Take a route; raises `Contradiction` when its address is taken."""
        there = self.routes.get(route.address)
        if there is not None:
            raise Contradiction(f"{route.address} is wanted by {there.coordinate} and by {route.coordinate}.")
        self.routes[route.address] = route


class Rules:
    """The rules, over one view of the graph, for one version of the interface."""

    def __init__(self, view: View, frozen: Lock, scopes: Mapping[str, tuple[str, ...]], today: str) -> None:
        self._view = view
        self._frozen = {route.address: route for route in frozen.routes}
        self._scopes = scopes
        self._today = today
        self._asked = dict(_directives(view, frozen.version))
        self._found = Derived()
        self._lists: dict[str, dict[str, str]] = {}
        self._singles: dict[str, str] = {}

    def apply(self) -> Derived:
        """Find the address of every field of the roots, and of the lists below things that have one."""
        queries = self._view.root(writes=False)
        for name, one in queries.items():
            if self._is_open(f"Query.{name}"):
                self._read(name, one, queries)
        items = [route for route in self._found.routes.values() if route.kind is Kind.ITEM]
        for route in items:
            self._nested(route)
        for name, one in self._view.root(writes=True).items():
            if self._is_open(f"Mutation.{name}"):
                self._write(name, one)
        for route in tuple(self._found.routes.values()):
            if route.kind is Kind.CREATE:
                self._listed(route)
        found = dict(sorted(self._found.routes.items(), key=lambda item: (item[1].path, item[1].method)))
        return Derived(found, dict(sorted(self._found.graphql_only.items())))

    def _is_open(self, coordinate: str) -> bool:
        if self._asked.get(coordinate, {}).get("ignore"):
            self._only(coordinate, "Its module keeps it out.")
            return False
        return True

    def _only(self, coordinate: str, why: str) -> None:
        self._found.graphql_only[coordinate] = why

    # --- reading

    def _read(self, name: str, one: GraphQLField, queries: Mapping[str, GraphQLField]) -> None:
        coordinate = f"Query.{name}"
        listing = Listing.of(one)
        if listing is not None:
            if f"{name}{_CONNECTION}" in queries and listing.paging != "connection":
                self._only(coordinate, f"Query.{name}{_CONNECTION} answers the same with cursors.")
            else:
                self._list(name, one, listing)
        elif not isinstance(get_named_type(one.type), GraphQLObjectType) or is_list_type(one.type):
            self._only(coordinate, "It answers no things with fields.")
        else:
            self._single(name, one)

    def _list(self, name: str, one: GraphQLField, listing: Listing) -> None:
        own = name.removesuffix(_CONNECTION)
        path = self._path(f"Query.{name}", f"/{kebab(own)}")
        scopes = self._scopes.get(f"Query.{name}", ())
        self._lists.setdefault(listing.node.name, {})[own] = path
        self._add(Route("GET", path, Kind.LIST, f"list{title(own)}", name, scopes=scopes), one)
        if listing.filter is not None:
            self._add(Route("POST", f"{path}/query", Kind.QUERY, f"query{title(own)}", name, scopes=scopes), one)

    def _single(self, name: str, one: GraphQLField) -> None:
        coordinate = f"Query.{name}"
        kind = get_named_type(one.type)
        required = [argument for argument, given in one.args.items() if is_required_argument(given)]
        if not one.args:
            keys: dict[str, str] = {}
            default, what = f"/{kebab(name)}", Kind.SINGLETON
            self._singles[kind.name] = self._path(coordinate, default)
        elif required == list(one.args) == [_ID] and _has_id(kind):
            keys = {_ID: _ID}
            default, what = f"/{kebab(plural(_lowered(kind.name)))}/{{id}}", Kind.ITEM
        elif coordinate in self._asked and len(
            found := _placeholders(self._path(coordinate, ""), required, set(one.args))
        ) == len(one.args):
            default, what, keys = "", Kind.SINGLETON, found
        else:
            self._only(coordinate, "Its arguments have no place in a path.")
            return
        if what is Kind.ITEM and any(
            route.kind is Kind.ITEM and route.path == default for route in self._found.routes.values()
        ):
            self._only(coordinate, f"Another field answers {default}.")
            return
        path = self._path(coordinate, default)
        scopes = self._scopes.get(coordinate, ())
        called = f"get{title(name)}" if default else name
        self._add(Route("GET", path, what, called, name, None, MappingProxyType(keys), scopes), one)

    def _nested(self, above: Route) -> None:
        root = self._view.root(writes=False)[above.field]
        kind = get_named_type(root.type)
        members = kind.fields if isinstance(kind, GraphQLObjectType) else {}
        for name, one in members.items():
            coordinate = f"{kind.name}.{name}"
            listing = Listing.of(one)
            if listing is None or not _has_id(listing.node) or not self._is_open(coordinate):
                continue
            if f"{name}{_CONNECTION}" in members and listing.paging != "connection":
                continue
            own = name.removesuffix(_CONNECTION)
            path = self._path(coordinate, f"{above.path}/{kebab(own)}")
            scopes = (*above.scopes, *(s for s in self._scopes.get(coordinate, ()) if s not in above.scopes))
            called = f"list{title(kind.name)}{title(own)}"
            self._add(Route("GET", path, Kind.NESTED, called, above.field, name, above.keys, scopes), one)

    def _listed(self, made: Route) -> None:
        """What can be made has an address, also where the graph has it in a list only."""
        shown = self._found.routes.get(f"GET {made.path}")
        if shown is None or shown.kind is not Kind.LIST or f"GET {made.path}/{{id}}" in self._found.routes:
            return
        one = self._view.root(writes=False)[shown.field]
        listing = Listing.of(one)
        command = Command.of(self._view.root(writes=True)[made.field])
        if listing is None or command is None or listing.node is not command.thing or not _has_id(listing.node):
            return
        if listing.has_pages or any(parameter.required for parameter in listing.parameters.values()):
            return
        called = f"get{listing.node.name}"
        keys = MappingProxyType({_ID: _ID})
        self._add(Route("GET", f"{made.path}/{{id}}", Kind.LISTED, called, shown.field, None, keys, shown.scopes), one)

    # --- writing

    def _write(self, name: str, one: GraphQLField) -> None:
        coordinate = f"Mutation.{name}"
        command = Command.of(one)
        if command is None:
            self._only(coordinate, "It is no command with one input, and a payload that says why not.")
            return
        placed = self._placed(coordinate, name, command)
        if placed is None:
            self._only(coordinate, f"Nothing of the kind {command.thing.name} has an address.")
            return
        kind, method, path, keys = placed
        scopes = self._scopes.get(coordinate, ())
        self._add(Route(method, path, kind, name, name, None, MappingProxyType(keys), scopes), one)
        if kind is Kind.CREATE and not keys:
            bulk = Route("POST", f"{path}/bulk", Kind.BULK_CREATE, f"{name}Bulk", name, scopes=scopes)
            self._add(bulk, one)
        elif kind is Kind.UPDATE and keys == {_ID: _ID}:
            above = path.removesuffix("/{id}")
            self._add(Route("PATCH", f"{above}/bulk", Kind.BULK_UPDATE, f"{name}Bulk", name, scopes=scopes), one)

    def _placed(self, coordinate: str, name: str, command: Command) -> tuple[Kind, str, str, dict[str, str]] | None:
        thing = command.thing.name
        above, called = self._above(thing)
        if coordinate in self._asked and "path" in self._asked[coordinate]:
            return self._as_asked(coordinate, command)
        if command.entity is None or (above is None and thing not in self._singles):
            return None
        key = _key(command, thing)
        rest = stripped(name, thing, *called)
        if key is not None and above is not None:
            own = f"{above}/{{id}}"
            kind, method = _VERBS.get(rest, (Kind.ACTION, "POST"))
            return kind, method, own if rest in _VERBS else f"{own}/actions/{kebab(rest)}", {_ID: key}
        if rest == "update" and thing in self._singles:
            return Kind.UPDATE, "PATCH", self._singles[thing], {}
        if rest == "create" and above is not None:
            return Kind.CREATE, "POST", above, {}
        return Kind.ACTION, "POST", f"{above or self._singles[thing]}/actions/{kebab(rest)}", {}

    def _as_asked(self, coordinate: str, command: Command) -> tuple[Kind, str, str, dict[str, str]]:
        path = self._path(coordinate, "")
        method = self._asked[coordinate].get("method", "POST").upper()
        fields = command.input.fields
        named = [name for name, one in fields.items() if is_required_input_field(one) and _is_id(one)]
        keys = _placeholders(path, named, set(fields))
        unknown = [name for name in _BRACES.findall(path) if name not in keys]
        if unknown:
            raise Contradiction(f"{coordinate} says @rest(path: {path!r}), and its input has no {', '.join(unknown)}.")
        kind = {"PATCH": Kind.UPDATE, "DELETE": Kind.DELETE}.get(method, Kind.ACTION)
        if kind is Kind.ACTION and self._is_list(path):
            kind = Kind.CREATE
        return kind, method, path, keys

    def _is_list(self, path: str) -> bool:
        """Whether things are listed there, so that what is sent there is a new one."""
        return any(path in own.values() for own in self._lists.values())

    def _above(self, thing: str) -> tuple[str | None, tuple[str, ...]]:
        """Where things of this kind are listed, and what else they are called there."""
        lists = self._lists.get(thing, {})
        usual = plural(_lowered(thing))
        if usual in lists:
            return lists[usual], ()
        item = self._of_items(thing)
        if item is None and len(lists) == 1:
            ((own, path),) = lists.items()
            return path, (title(singular(own)),)
        return item, ()

    def _of_items(self, thing: str) -> str | None:
        for route in self._found.routes.values():
            if route.kind is Kind.ITEM:
                root = self._view.root(writes=False)[route.field]
                if get_named_type(root.type).name == thing:
                    return route.path.removesuffix("/{id}")
        return None

    # --- what all of them need

    def _path(self, coordinate: str, default: str) -> str:
        path: str = self._asked.get(coordinate, {}).get("path", default)
        if path and not path.startswith("/"):
            raise Contradiction(f"{coordinate} says @rest(path: {path!r}), and a path begins with a slash.")
        return path

    def _add(self, route: Route, one: GraphQLField) -> None:
        reason = one.deprecation_reason
        known = self._frozen.get(route.address)
        gone = lifecycle.read(reason, known.deprecated if known else None, self._today) if reason else None
        self._found.add(_with(route, gone))


def _with(route: Route, gone: Any) -> Route:
    written = {**route.to_json(), "deprecated": None}
    if gone is not None:
        written["deprecated"] = {"since": gone.since, "sunset": gone.sunset, "reason": gone.reason}
    return Route.from_json(written)


def _key(command: Command, thing: str) -> str | None:
    """The field of the input that names the thing which is there already."""
    last = _WORD.findall(thing)[-1:]
    for name in (_ID, *(f"{_lowered(called)}Id" for called in (thing, *last))):
        one = command.input.fields.get(name)
        if one is not None and is_required_input_field(one) and _is_id(one):
            return name
    return None


def _placeholders(path: str, required: list[str], known: set[str]) -> dict[str, str]:
    """What stands for the braces of a path: what is called so; for `{id}` also the only thing that must be named."""
    found = {name: name for name in _BRACES.findall(path) if name in known}
    if _ID in _BRACES.findall(path) and _ID not in known and len(required) == 1:
        found[_ID] = required[0]
    return found


def _is_id(one: GraphQLInputField) -> bool:
    return str(get_named_type(one.type)) == "ID"


def _has_id(kind: Any) -> bool:
    return (
        isinstance(kind, GraphQLObjectType)
        and _ID in kind.fields
        and is_leaf_type(get_named_type(kind.fields[_ID].type))
    )


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]


def _directives(view: View, version: int) -> Iterator[tuple[str, Asked]]:
    """Every `@rest` that is meant for this version, by the coordinate of its field."""
    for definition in view.supergraph.document.definitions:
        if isinstance(definition, ObjectTypeDefinitionNode):
            for member in definition.fields or ():
                for said in _said(member):
                    if said.get("version") in (None, version):
                        yield f"{definition.name.value}.{member.name.value}", said


def _said(member: FieldDefinitionNode) -> Iterator[Asked]:
    for directive in member.directives or ():
        if directive.name.value == "rest":
            yield {one.name.value: value_from_ast_untyped(one.value) for one in directive.arguments or ()}
