"""OpenAPI 3.1 of one version: every route with its parameters, bodies, answers, examples, permissions and links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import GraphQLField, GraphQLObjectType, get_named_type

from codegen.artifact import NOTICE
from codegen.rest import about, examples, parts, shapes, webhooks
from codegen.rest.parts import header, problem, query
from codegen.rest.schemas import Schema, Schemas
from router.rest import long_jobs
from router.rest.api import Api
from router.rest.bodies import JSON_PATCH, MERGE_PATCH
from router.rest.parameters import DEFAULT_LIMIT, LONGEST_PAGE, Listing, Parameter
from router.rest.routes import Kind, Route
from router.rest.values import is_required

_MOST_PATHS: Final = 150


def document(api: Api, events: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The whole document, as it is for somebody who may do everything."""
    return _Writer(api).document(events)


class _Writer:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._schemas = Schemas(api)
        self._addresses = dict(api.shaper.addresses)
        self._parameters: dict[str, Any] = {}
        self._by_path: dict[str, list[Route]] = {}
        for route in api.table:
            self._by_path.setdefault(route.path, []).append(route)

    def document(self, events: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        paths: dict[str, Any] = {}
        for path, routes in self._by_path.items():
            written: dict[str, Any] = {}
            keys = {name: argument for route in routes for name, argument in route.keys.items()}
            if keys:
                written["parameters"] = [parts.path_parameter(name, path) for name in keys]
            for route in routes:
                written[route.method.lower()] = self._operation(route)
            paths[path] = written
        paths |= about.paths(self._api.lock.base)
        told, kinds = webhooks.of(events)
        tags = sorted({"meta", *({"webhooks"} if told else ()), *(_tag(route) for route in self._api.table)})
        return {
            "openapi": "3.1.0",
            "info": parts.info(self._api.lock.version, NOTICE, dict(self._api.lock.graphql_only)),
            "servers": [{"url": self._api.lock.base}],
            "tags": [{"name": tag, "description": self._about(tag)} for tag in tags],
            "paths": paths,
            "webhooks": told,
            "components": {
                "schemas": dict(sorted({**self._schemas.named, **parts.SCHEMAS, **about.SCHEMAS, **kinds}.items())),
                "parameters": {**parts.PARAMETERS, **self._parameters},
                "headers": parts.HEADERS,
                "responses": parts.responses(self._api.lock.base),
                "securitySchemes": parts.security_schemes({one for route in self._api.table for one in route.scopes}),
            },
        }

    def _about(self, tag: str) -> str:
        """What a group of routes is about: what the shortest of them says about itself."""
        if tag in _TAGS:
            return _TAGS[tag]
        route = min((one for one in self._api.table if _tag(one) == tag), key=lambda one: (len(one.path), one.method))
        return _summary(route, self._held(route).description)

    def _held(self, route: Route) -> GraphQLField:
        root = self._api.view.root(writes=route.kind.writes)[route.field]
        outer = get_named_type(root.type) if route.nested else None
        return outer.fields[route.nested] if route.nested and isinstance(outer, GraphQLObjectType) else root

    def _operation(self, route: Route) -> dict[str, Any]:
        held = self._held(route)
        written: dict[str, Any] = {
            "operationId": route.name,
            "summary": _summary(route, held.description),
            "description": _description(route, held.description),
            "tags": [_tag(route)],
            "security": [{"oauth2": list(route.scopes)}, {"apiKey": []}],
            "x-required-scopes": list(route.scopes),
            "x-graphql-field": route.coordinate,
        }
        if route.deprecated:
            written["deprecated"] = True
        match route.kind:
            case Kind.LIST | Kind.NESTED | Kind.QUERY:
                self._list(route, written)
            case Kind.ITEM | Kind.LISTED | Kind.SINGLETON:
                self._single(route, written)
            case Kind.BULK_CREATE | Kind.BULK_UPDATE:
                self._bulk(route, written)
            case _:
                self._command(route, written)
        return written

    # --- reading

    def _list(self, route: Route, written: dict[str, Any]) -> None:
        listing = shapes.listing_of(self._api, route)
        page = self._page(listing)
        answer = {**parts.answered(page, self._page_example(listing)), "headers": parts.head("Link", "ETag")}
        if route.kind is Kind.QUERY:
            written["requestBody"] = parts.body(self._query_body(route, listing), {"limit": 20})
            answer["headers"] = parts.head()
        else:
            own = [_parameter(one, self._schemas) for one in listing.parameters.values()]
            places = [parts.ref("parameters", name) for name in _places(listing)]
            written["parameters"] = [*places, *own, *self._shown(listing.node), header("If-None-Match")]
        links = self._links(listing.node.name, "$response.body#/data/0/id", route)
        if links:
            answer["links"] = links
        expires = {"410": problem("410")} if listing.paging == "feed" else {}
        written["responses"] = {"200": answer, **parts.refusals(route.kind, keyed=bool(route.keys)), **expires}

    def _single(self, route: Route, written: dict[str, Any]) -> None:
        node = self._api.answered(route)
        written["parameters"] = [*self._shown(node), header("If-None-Match")]
        answer = {
            **parts.answered(self._schemas.thing(node), self._example(node)),
            "headers": parts.head("ETag"),
        }
        links = self._links(node.name, "$response.body#/id", route)
        if links:
            answer["links"] = links
        written["responses"] = {"200": answer, **parts.refusals(route.kind, keyed=bool(route.keys))}

    # --- writing

    def _command(self, route: Route, written: dict[str, Any]) -> None:
        command = shapes.command_of(self._api, route)
        members = shapes.body_of(self._api, route)
        guarded = "version" in command.input.fields and bool(route.keys)
        own = [header("Idempotency-Key"), header("Prefer")]
        written["parameters"] = [*self._shown(command.thing), *own, *([header("If-Match")] if guarded else [])]
        changes = [name for name in members if name != "version"]
        if members:
            schema = self._schemas.body(_named(route), members, command.input.description)
            required = any(is_required(one) for one in members.values())
            needed = required or route.kind in (Kind.CREATE, Kind.UPDATE)
            only = [name for name in changes if is_required(members[name])] or changes[:1]
            given = examples.body(route.name, members, only=only)
            written["requestBody"] = self._request(route, schema, given, required=needed)
        thing = self._schemas.thing(command.thing)
        extras = {
            name: self._schemas.leaf(get_named_type(command.payload.fields[name].type)) for name in command.extras
        }
        schema = {"allOf": [thing, {"type": "object", "properties": extras}]} if extras else thing
        answer = {
            **parts.answered(schema, self._example(command.thing)),
            "headers": parts.head("ETag", "Preference-Applied", "Idempotent-Replayed"),
        }
        links = self._links(command.thing.name, "$response.body#/id", route)
        responses: dict[str, Any] = {}
        if route.kind is Kind.CREATE:
            created = {
                **answer,
                "description": "It was made.",
                "headers": parts.head("ETag", "Location", "Preference-Applied", "Idempotent-Replayed"),
            }
            responses["201"] = {**created, "links": links} if links else created
            responses["200"] = {**answer, "description": "It was only tried (`Prefer: dry-run`); nothing was made."}
        elif command.thing.name == long_jobs.JOB:
            begun = parts.head("Location", "Preference-Applied", "Idempotent-Replayed")
            responses["202"] = {
                **answer,
                "description": "It was begun; `Location` says how far it is.",
                "headers": begun,
            }
            responses["200"] = {**answer, "description": "It was only tried (`Prefer: dry-run`); nothing was begun."}
        else:
            responses["200"] = answer
            responses["204"] = {
                "description": "It was done.",
                "headers": parts.head("ETag", "Preference-Applied", "Idempotent-Replayed"),
            }
        refusals = parts.refusals(route.kind, keyed=bool(route.keys))
        if guarded:
            refusals["412"] = problem("412")
        written["responses"] = {**responses, **refusals}

    def _request(self, route: Route, schema: Schema, given: dict[str, Any], *, required: bool) -> dict[str, Any]:
        if route.kind is not Kind.UPDATE:
            return parts.body(schema, given, required=required)
        body = parts.body(schema, given, required=required, media_type=MERGE_PATCH)
        body["content"]["application/json"] = {"schema": schema}
        body["content"][JSON_PATCH] = {"schema": parts.ref("schemas", "JsonPatch")}
        return body

    def _bulk(self, route: Route, written: dict[str, Any]) -> None:
        command = shapes.command_of(self._api, route)
        members = shapes.body_of(self._api, route)
        item = self._schemas.body(f"{_named(route)}Item", members, command.input.description)
        schema = self._schemas.body(_named(route), {}, "Up to 50 items; each is answered by itself.")
        own = self._schemas.named[_named(route)]
        own["properties"]["items"] = {"type": "array", "items": item, "minItems": 1, "maxItems": 50}
        own["required"] = ["items"]
        only = [name for name in members if is_required(members[name])] or list(members)[:1]
        written["parameters"] = [*self._shown(command.thing), header("Idempotency-Key"), header("Prefer")]
        written["requestBody"] = parts.body(
            schema, {"items": [examples.body(route.name.removesuffix("Bulk"), members, only=only)]}
        )
        results = self._schemas.thing(command.thing)
        answer = parts.answered(parts.bulk_results(results), parts.bulk_example(self._example(command.thing)))
        answer["headers"] = parts.head("Preference-Applied", "Idempotent-Replayed")
        answer["description"] = "What became of each item, in their order."
        written["responses"] = {"207": answer, **parts.refusals(route.kind, keyed=False)}

    # --- pieces

    def _page(self, listing: Listing) -> Schema:
        name = f"{listing.node.name}Page"
        self._schemas.named.setdefault(name, parts.page(self._schemas.thing(listing.node)))
        return parts.ref("schemas", name)

    def _page_example(self, listing: Listing) -> dict[str, Any]:
        return {
            "data": [self._example(listing.node)],
            "page": {"hasMore": False, "nextCursor": None, "limit": DEFAULT_LIMIT},
            "links": {"next": None, "prev": None},
        }

    def _example(self, kind: GraphQLObjectType) -> dict[str, Any]:
        base = self._api.lock.base
        addresses = {name: f"{base}{path}" for name, path in self._addresses.items()}
        shown = examples.thing(
            self._api.representations.standard(kind), addresses, kind.name[:1].lower() + kind.name[1:]
        )
        return {**({"id": examples.identity(kind.name)} if "id" in kind.fields else {}), **shown}

    def _query_body(self, route: Route, listing: Listing) -> Schema:
        name = _named(route)
        if name not in self._schemas.named:
            schema: Schema = {"type": "object", "additionalProperties": False, "properties": {}}
            plain = {one.target[0]: one for one in listing.parameters.values() if len(one.target) == 1}
            for argument, one in plain.items():
                schema["properties"][one.name] = self._schemas.taken(listing.field.args[argument].type)
            if listing.filter is not None:
                schema["properties"]["filter"] = self._schemas.taken(listing.field.args["filter"].type)
            schema["properties"]["limit"] = {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE}
            schema["properties"]["cursor"] = {"type": "string"}
            if listing.paging == "connection":
                schema["properties"]["before"] = {"type": "string"}
            if listing.counts:
                schema["properties"]["count"] = {"enum": ["none", "exact"]}
            for shown in ("fields", "expand"):
                words = self._words(listing.node, shown)
                if words:
                    called = f"{listing.node.name}{shown.title()}"
                    self._schemas.named.setdefault(called, {"type": "string", "enum": words})
                    schema["properties"][shown] = {"type": "array", "items": parts.ref("schemas", called)}
            self._schemas.named[name] = schema
        return parts.ref("schemas", name)

    def _shown(self, kind: GraphQLObjectType) -> Iterator[dict[str, Any]]:
        for name in ("fields", "expand"):
            words = self._words(kind, name)
            if words:
                called = f"{kind.name}{name.title()}"
                items = {"type": "string", "enum": words}
                self._schemas.named.setdefault(called, items)
                schema = {"type": "array", "items": parts.ref("schemas", called), "minItems": 1}
                self._parameters.setdefault(
                    called, query(name, schema, parts.MEANING[name], style="form", explode=False)
                )
                yield parts.ref("parameters", called)

    def _words(self, kind: GraphQLObjectType, param: str) -> list[str]:
        """The paths that can be named, from the shortest on, as many as a reader can bear."""
        representations = self._api.representations
        found: list[str] = list(representations.fields_of(kind)) if param == "fields" else []
        level: list[tuple[str, GraphQLObjectType]] = [("", kind)]
        for _ in range(1 if param == "fields" else 3):
            level = [
                (f"{way}{name}.", inner)
                for way, one in level
                for name, inner in representations.references(one).items()
            ]
            if param == "fields":
                found += [f"{way}{name}" for way, one in level for name in representations.fields_of(one)]
            else:
                found += [way.removesuffix(".") for way, _ in level]
        return found[:_MOST_PATHS]

    def _links(self, kind: str, identity: str, here: Route) -> dict[str, Any]:
        listed = self._api.lists.get(kind)
        above = self._addresses.get(kind) or (f"{listed}/{{id}}" if listed else None)
        links = {}
        for route in self._api.table:
            if above is not None and route is not here and list(route.keys) == ["id"] and route.path.startswith(above):
                links[route.name] = {"operationId": route.name, "parameters": {"id": identity}}
        return links


def _named(route: Route) -> str:
    return f"{route.name[:1].upper()}{route.name[1:]}Body"


_TAGS: Final = {
    "meta": "What there is, for programs that ask",
    "webhooks": "What is posted to those who subscribed to it",
}


def _tag(route: Route) -> str:
    return route.path.split("/")[1]


_TITLES: Final = {
    Kind.QUERY: "The same list, for questions that are too long for a URL.",
    Kind.BULK_CREATE: "Many at once, each with a result of its own.",
    Kind.BULK_UPDATE: "Many at once, each with a result of its own.",
}


def _summary(route: Route, description: str | None) -> str:
    first = (description or route.name).split("\n\n")[0].split(". ")[0].split("; ")[0]
    return _TITLES.get(route.kind) or " ".join(first.split()).rstrip(".")


def _description(route: Route, description: str | None) -> str:
    told = [" ".join((description or "").split()), _TITLES.get(route.kind, "")]
    if route.scopes:
        told.append(f"Needs {', '.join(f'`{scope}`' for scope in route.scopes)}.")
    if route.deprecated:
        told.append(f"Deprecated: {route.deprecated.reason}")
    return "\n\n".join(one for one in told if one)


def _parameter(one: Parameter, schemas: Schemas) -> dict[str, Any]:
    schema = schemas.leaf(one.kind)
    if one.many:
        schema = {"type": "array", "items": schema, "minItems": 1}
    written = query(one.name, schema, one.description)
    if one.many:
        written |= {"style": "form", "explode": False}
    if one.required:
        written["required"] = True
    if one.deprecated is not None:
        written["deprecated"] = True
    return written


def _places(listing: Listing) -> list[str]:
    names = ["limit"] if listing.paging == "limit" else ["limit", "cursor"]
    names += ["before"] if listing.paging == "connection" else []
    return [*names, *(["count"] if listing.counts else [])]
