"""One version of the interface over one supergraph: finds the route of a request, and what to ask the graph for it.

    request ─ find ─► route ─ call ─► operation with variables ─ (the pipeline) ─► result ─ finish ─► reply

Everything here is computing: who runs the operation, and for whom, is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Final, cast
from urllib.parse import unquote

from graphql import GraphQLField, GraphQLObjectType, get_named_type

from router.rest import (
    asked,
    bodies,
    documents,
    gaps,
    lifecycle,
    long_jobs,
    preconditions,
    preferences,
    problems,
    replies,
    values,
)
from router.rest.asked import Asked
from router.rest.documents import Command
from router.rest.parameters import FARTHEST, LONGEST_PAGE, Listing
from router.rest.preferences import Preferences
from router.rest.problems import Fault, Problem
from router.rest.replies import Reply
from router.rest.representation import Representation, Representations
from router.rest.routes import Deprecation, Kind, Lock, Route, Table
from router.rest.view import View

SAFE: Final = frozenset({"GET", "HEAD"})
SAID_ELSEWHERE: Final = frozenset({"clientMutationId", "dryRun"})
"""What an input says that REST says in headers."""


@dataclass(frozen=True, slots=True)
class Request:
    """What came: the query string, the headers by lower-case name, the body."""

    query: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    path: str = ""
    trace_id: str = ""


Data = Mapping[str, Any] | None
Errors = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of the graph, and what becomes of its result."""

    document: str
    variables: Mapping[str, Any]
    finish: Callable[[Data, Errors], Reply | Call]
    """What is answered, or what has to be asked next."""
    headers: Mapping[str, str] = field(default_factory=dict)


class Api:
    """All routes of one version, over one supergraph."""

    def __init__(self, view: View, lock: Lock, *, bulk_items: int = 50) -> None:
        self.view = view
        self.lock = lock
        self.table = Table(lock.routes)
        self._bulk_items = bulk_items
        things = {name: route.path for route in lock.routes if (name := self._addressed(route, Kind.ITEM))}
        listed = {name: route.path for route in lock.routes if (name := self._addressed(route, Kind.LISTED))}
        self.representations = Representations(view, things, listed)
        self.shaper = replies.Shaper(lock.base, {**listed, **things})
        self.words = problems.Words(lock.base, lock.codes)
        self._listing = cache(self._read_listing)
        self._command = cache(self._read_command)

    def is_served(self, route: Route) -> bool:
        """Whether the graph has what the route needs at the moment."""
        root = self.view.root(writes=route.kind.writes).get(route.field)
        if root is None or route.nested is None:
            return root is not None
        inner = get_named_type(root.type)
        return isinstance(inner, GraphQLObjectType) and route.nested in inner.fields

    def answered(self, route: Route) -> GraphQLObjectType:
        """What kind of thing a route answers, one or many."""
        if route.kind.is_list or route.kind is Kind.LISTED:
            return self._listing(route).node
        if route.kind.writes:
            return self._command(route).thing
        return cast("GraphQLObjectType", get_named_type(self._root(route).type))

    @cached_property
    def lists(self) -> Mapping[str, str]:
        """The path at which things of a kind are listed, by the name of the kind."""
        found: dict[str, str] = {}
        for route in self.table:
            if route.kind is Kind.LIST and self.is_served(route):
                found.setdefault(self.answered(route).name, route.path)
        return found

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route of a request; raises `Problem`."""
        found = self.table.find(path)
        if found is None:
            raise Problem("ROUTE_NOT_FOUND", "There is nothing at this path.")
        methods, params = found
        route = methods.get("GET" if method == "HEAD" else method)
        if route is None:
            allow = ", ".join(allowed(methods))
            raise Problem("METHOD_NOT_ALLOWED", f"Here one can {allow}.", headers={"allow": allow})
        if not self.is_served(route):
            message = "The module that answers this is not there at the moment."
            raise Problem("MODULE_ABSENT", message, headers={"retry-after": "5"})
        return route, {name: unquote(value) for name, value in params.items()}

    def call(self, route: Route, params: Mapping[str, str], request: Request) -> Call | Reply:
        """What to ask the graph; a reply when there is nothing to ask. Raises `Problem`."""
        if any("\0" in value for value in params.values()):
            raise Problem("NOT_FOUND", _NOT_THERE)
        match route.kind:
            case Kind.ITEM | Kind.SINGLETON:
                return self._thing(route, params, request)
            case Kind.LISTED:
                return self._listed(route, params, request)
            case Kind.LIST | Kind.NESTED | Kind.QUERY:
                return self._page(route, params, request)
            case Kind.BULK_CREATE | Kind.BULK_UPDATE:
                return self._bulk(route, request)
            case _:
                return self._do(route, params, request)

    # --- one thing

    def _thing(self, route: Route, params: Mapping[str, str], request: Request) -> Call:
        wanted = asked.of_thing(asked.pairs_of(request.query))
        root = self._root(route)
        kind = cast("GraphQLObjectType", get_named_type(root.type))
        shown = self.representations.of(kind, wanted.fields, wanted.expand)

        def finish(data: Data, errors: Errors) -> Reply:
            value = (data or {}).get(route.field)
            if value is None:
                raise self._absent(route, errors)
            warnings = gaps.missing(errors, (route.field,), shown, self._failed)
            version = replies.version_of(value, shown)
            body = self.shaper.thing(value, shown)
            return self._fresh(body, warnings, version, shown, request)

        variables = {argument: params[name] for name, argument in route.keys.items()}
        return Call(documents.thing(route, root, shown.text), variables, finish, self._lifecycle(route, kind, shown))

    def _listed(self, route: Route, params: Mapping[str, str], request: Request) -> Call:
        """One thing of a list, which is walked until it comes: such lists are short, and mostly one page."""
        wanted = asked.of_thing(asked.pairs_of(request.query))
        listing = self._listing(route)
        shown = self.representations.of(listing.node, wanted.fields, wanted.expand)
        document = documents.page(route, self._root(route), listing, shown.text, count=False)
        lifecycle = self._lifecycle(route, listing.node, shown)

        def page(offset: int) -> Call:
            def finish(data: Data, errors: Errors) -> Reply | Call:
                rows: list[dict[str, Any]] | None = (data or {}).get(route.field)
                if rows is None:
                    raise self._failed(errors)
                found = next((at for at, row in enumerate(rows) if row["id"] == params["id"]), None)
                if found is not None:
                    own = gaps.of_row(errors, found)
                    warnings = gaps.missing(own, (route.field, found), shown, self._failed)
                    body = self.shaper.thing(rows[found], shown)
                    return self._fresh(body, warnings, replies.version_of(rows[found], shown), shown, request)
                following = offset + LONGEST_PAGE
                if listing.paging != "offset" or len(rows) < LONGEST_PAGE or following > FARTHEST:
                    raise Problem("NOT_FOUND", _NOT_THERE)
                return page(following)

            variables = documents.page_variables(listing, LONGEST_PAGE, None, None, offset)
            return Call(document, variables, finish, lifecycle)

        return page(0)

    def _fresh(
        self, value: dict[str, Any], warnings: list[Any], version: int | None, shown: Representation, request: Request
    ) -> Reply:
        body = replies.written({**value, "warnings": warnings} if warnings else value)
        if version is None or warnings:
            tag = preconditions.weak(body)
        else:
            tag = preconditions.strong(version, body, standard=shown.standard)
        preconditions.check(request.headers.get("if-match"), tag)
        if preconditions.is_known(request.headers.get("if-none-match"), tag):
            return Reply(304, b"", {"etag": tag})
        return Reply(200, body, {"etag": tag})

    # --- lists

    def _page(self, route: Route, params: Mapping[str, str], request: Request) -> Call:
        listing = self._listing(route)
        pairs = asked.pairs_of(request.query)
        if route.kind is Kind.QUERY:
            read = bodies.read(request.body, request.headers.get("content-type"), (bodies.JSON,))
            wanted = asked.of_document(bodies.members(read), listing, pairs)
        else:
            wanted = asked.of_list(pairs, listing)
        shown = self.representations.of(listing.node, wanted.fields, wanted.expand)
        page = wanted.page
        limit = page.limit + 1 if listing.paging in ("offset", "limit") and page.limit < LONGEST_PAGE else page.limit
        offset = page.offset if listing.paging == "offset" else 0
        variables = {
            **{f"of_{argument}": params[name] for name, argument in route.keys.items()},
            **wanted.variables,
            **documents.page_variables(listing, limit, page.cursor, page.before, offset),
        }
        document = documents.page(route, self._root(route), listing, shown.text, count=page.count)

        def finish(data: Data, errors: Errors) -> Reply:
            return self._paged(route, listing, wanted, shown, request, data, errors)

        return Call(document, variables, finish, self._lifecycle(route, listing.node, shown))

    def _paged(
        self,
        route: Route,
        listing: Listing,
        wanted: Asked,
        shown: Representation,
        request: Request,
        data: Data,
        errors: Errors,
    ) -> Reply:
        place: gaps.Path = (route.field,)
        value = (data or {}).get(route.field)
        if route.nested is not None:
            if value is None:
                raise self._absent(route, errors)
            place, value = (*place, route.nested), (value or {}).get(route.nested)
        if value is None and errors:
            raise self._failed(errors)
        if listing.has_pages:
            place = (*place, "nodes")
        warnings = gaps.missing(errors, place, shown, self._failed, within=gaps.LISTED)
        page = replies.paged([] if value is None else value, listing, wanted)
        links = {} if route.kind is Kind.QUERY else replies.links_of(page, listing, wanted, request.path)
        told: dict[str, Any] = {"hasMore": page.has_more, "nextCursor": page.following, "limit": wanted.page.limit}
        if wanted.page.count:
            told["totalCount"] = page.total
        answer: dict[str, Any] = {"data": [self.shaper.thing(one, shown) for one in page.nodes], "page": told}
        answer["links"] = {"next": links.get("next"), "prev": links.get("prev")}
        if warnings:
            answer["warnings"] = warnings
        body = replies.written(answer)
        if route.kind is Kind.QUERY:
            return Reply(200, body)
        tag = preconditions.weak(body)
        preconditions.check(request.headers.get("if-match"), tag)
        if preconditions.is_known(request.headers.get("if-none-match"), tag):
            return Reply(304, b"", {"etag": tag})
        return Reply(200, body, {"etag": tag, **replies.link_header(links)})

    # --- commands

    def _do(self, route: Route, params: Mapping[str, str], request: Request) -> Call:
        command = self._command(route)
        kind = command.thing
        wanted = asked.of_thing(asked.pairs_of(request.query))
        prefer = preferences.read(request.headers.get("prefer"), can_try="dryRun" in command.input.fields)
        preferences.check_key(request.headers.get("idempotency-key"))
        minimal = prefer.minimal and command.entity is not None
        shown = self.representations.of(kind, wanted.fields, wanted.expand, minimal=minimal)
        given = self._body(route, command, request)
        versions = self._versions(command, request)
        entered = {**given, **{field: params[name] for name, field in route.keys.items()}}
        if prefer.dry_run:
            entered["dryRun"] = True
        document = documents.command(route, command, shown.text)
        lifecycle = self._lifecycle(route, kind, shown)

        def attempt(place: int) -> Call:
            """One that expects the version at this place, of those that the client would accept."""

            def finish(data: Data, errors: Errors) -> Reply | Call:
                payload = (data or {}).get(route.field)
                if payload is None:
                    raise self._failed(errors)
                if payload[documents.ERRORS]:
                    problem = self._refused(route, payload[documents.ERRORS], guarded=bool(versions))
                    if problem.code in _OF_ANOTHER_VERSION and place + 1 < len(versions):
                        return attempt(place + 1)
                    raise problem
                return self._done(route, command, shown, prefer, payload, errors)

            expected = {"version": versions[place]} if versions else {}
            return Call(document, {"input": {**entered, **expected}}, finish, lifecycle)

        return attempt(0)

    def _body(self, route: Route, command: Command, request: Request) -> dict[str, Any]:
        hidden = SAID_ELSEWHERE | frozenset(route.keys.values())
        accepted = accepted_by(route)
        needs_body = any(values.is_required(one) for name, one in command.input.fields.items() if name not in hidden)
        read = bodies.read(
            request.body,
            request.headers.get("content-type"),
            accepted,
            empty=not needs_body and route.kind in (Kind.ACTION, Kind.DELETE),
            patches=route.method == "PATCH",
        )
        given = bodies.members(read)
        faults = bodies.checked(command.input, given, hidden)
        if faults:
            raise _invalid(faults)
        return given

    def _versions(self, command: Command, request: Request) -> tuple[int, ...]:
        versions = preconditions.versions_wanted(request.headers.get("if-match"))
        if versions and "version" not in command.input.fields:
            raise problems.stale("This has no versions that could be guarded by If-Match.")
        return versions

    def _done(
        self,
        route: Route,
        command: Command,
        shown: Representation,
        prefer: Preferences,
        payload: Mapping[str, Any],
        errors: Errors,
    ) -> Reply:
        told = {"preference-applied": ", ".join(prefer.applied)} if prefer.applied else {}
        thing = payload if command.entity is None else payload.get(command.entity)
        value, tag = self._told(command, thing, shown, payload)
        warnings = [gaps.warning(error, 1 if command.entity is None else 2) for error in errors]
        status = 201 if route.kind is Kind.CREATE and not prefer.dry_run else 200
        if command.thing.name == long_jobs.JOB and not prefer.dry_run:
            status, told["location"] = 202, long_jobs.location(route, self.shaper.base, (thing or {}).get("id"))
        if status == 201:
            # What has no address of its own is found where it was made.
            told["location"] = self.shaper.href(command.thing.name, (thing or {}).get("id")) or self._here(route)
        body = replies.written({**value, "warnings": warnings} if warnings else value)
        if tag is not None and not prefer.dry_run and not warnings:
            told["etag"] = preconditions.strong(tag, body, standard=shown.standard or prefer.minimal)
        if route.kind is Kind.DELETE and not prefer.dry_run:
            return Reply(204, b"", told)
        if prefer.minimal and command.entity is not None and status == 200:
            return Reply(204, b"", told)
        return Reply(status, body, told)

    def _told(
        self, command: Command, thing: Mapping[str, Any] | None, shown: Representation, payload: Mapping[str, Any]
    ) -> tuple[dict[str, Any], int | None]:
        value = self.shaper.thing(thing or {}, shown)
        if command.entity is None:
            value.pop(documents.ERRORS, None)
            return value, None
        return {**value, **{name: payload.get(name) for name in command.extras}}, replies.version_of(thing or {}, shown)

    def _bulk(self, route: Route, request: Request) -> Call | Reply:
        command = self._command(route)
        asked_for = asked.of_thing(asked.pairs_of(request.query))
        prefer = preferences.read(request.headers.get("prefer"), can_try="dryRun" in command.input.fields)
        content_type = request.headers.get("content-type")
        read = bodies.read(request.body, content_type, accepted_by(route), patches=route.method == "PATCH")
        preferences.check_key(request.headers.get("idempotency-key"))
        if preconditions.versions_wanted(request.headers.get("if-match")):
            raise problems.stale("What is done in bulk has no tag of its own: `version` in an item guards that one.")
        items = bodies.items(read, self._bulk_items)
        minimal = prefer.minimal and command.entity is not None
        shown = self.representations.of(command.thing, asked_for.fields, asked_for.expand, minimal=minimal)
        wrong = [bodies.checked(command.input, item, SAID_ELSEWHERE) for item in items]
        good = [index for index, faults in enumerate(wrong) if not faults]
        tried = {"dryRun": True} if prefer.dry_run else {}

        def one(index: int, data: Data, errors: Errors) -> dict[str, Any]:
            if wrong[index]:
                raise _invalid(wrong[index])
            key = f"i{good.index(index)}"
            own = [error for error in errors if (error.get("path") or [None])[0] in (key, None)]
            payload = (data or {}).get(key)
            if payload is None:
                raise self._failed(own or errors)
            if payload[documents.ERRORS]:
                raise self._refused(route, payload[documents.ERRORS], guarded=False)
            done = self._done(route, command, shown, prefer, payload, own)
            return self._result(route, done, command, payload, prefer)

        def finish(data: Data, errors: Errors) -> Reply:
            results = []
            for index in range(len(items)):
                try:
                    results.append(one(index, data, errors))
                except Problem as problem:
                    place = f"{request.path}#/items/{index}"
                    told = self.words.document(problem, instance=place, trace_id=request.trace_id)
                    results.append({"status": problem.status, "problem": told})
            failed = sum("problem" in result for result in results)
            answer = {"results": results, "succeeded": len(results) - failed, "failed": failed}
            applied = {"preference-applied": ", ".join(prefer.applied)} if prefer.applied else {}
            return Reply(207, replies.written(answer), applied)

        if not good:
            return finish({}, ())
        document = documents.command(route, command, shown.text, len(good))
        variables = {f"i{at}": {**items[index], **tried} for at, index in enumerate(good)}
        return Call(document, variables, finish, self._lifecycle(route, command.thing, shown))

    def _result(
        self, route: Route, done: Reply, command: Command, payload: Mapping[str, Any], prefer: Preferences
    ) -> dict[str, Any]:
        status = 201 if route.kind is Kind.BULK_CREATE and not prefer.dry_run else 200
        thing = payload.get(command.entity) if command.entity else None
        result: dict[str, Any] = {"status": status, "id": (thing or {}).get("id")}
        result["href"] = None if prefer.dry_run else self.shaper.href(command.thing.name, result["id"])
        if done.body:
            result["data"] = replies.read(done.body)
        if "etag" in done.headers:
            result["etag"] = done.headers["etag"]
        return result

    # --- what all of them need

    def _addressed(self, route: Route, kind: Kind) -> str | None:
        root = self.view.root(writes=False).get(route.field) if route.kind is kind else None
        listing = Listing.of(root) if root and kind is Kind.LISTED else None
        named = listing.node if listing else get_named_type(root.type) if root else None
        return named.name if named else None

    def _here(self, route: Route) -> str:
        return f"{self.lock.base}{route.path}"

    def _root(self, route: Route) -> GraphQLField:
        return self.view.root(writes=route.kind.writes)[route.field]

    def _read_listing(self, route: Route) -> Listing:
        root = self._root(route)
        held = cast("GraphQLObjectType", get_named_type(root.type)).fields[route.nested] if route.nested else root
        listing = Listing.of(held)
        if listing is None:
            raise Problem("MODULE_ABSENT", f"{route.coordinate} is no list any more.")
        return listing

    def _read_command(self, route: Route) -> Command:
        command = Command.of(self._root(route))
        if command is None:
            raise Problem("MODULE_ABSENT", f"{route.coordinate} is no command any more.")
        return command

    def _failed(self, errors: Errors) -> Problem:
        if not errors:
            return Problem("INTERNAL", "There was no answer.")
        return problems.from_errors(errors, self.lock.codes)

    def _absent(self, route: Route, errors: Errors) -> Problem:
        kind = cast("GraphQLObjectType", get_named_type(self._root(route).type))
        reasons = gaps.why_not_there(errors, route.field, kind)
        return self._failed(reasons) if reasons else Problem("NOT_FOUND", _NOT_THERE)

    def _refused(self, route: Route, refusals: Errors, *, guarded: bool) -> Problem:
        if guarded and problems.is_stale(refusals[0]):
            return problems.stale(refusals[0]["message"])
        return problems.from_refusals(refusals, self.lock.codes, route.keys, guarded=guarded)

    def _lifecycle(self, route: Route, kind: GraphQLObjectType, shown: Representation) -> dict[str, str]:
        gone: Deprecation | None = route.deprecated
        for name in shown.deprecated:
            reason = getattr(kind.fields.get(name), "deprecation_reason", None)
            gone = gone or (lifecycle.read(reason) if reason else None)
        return lifecycle.headers(gone, f"{self.lock.base}/openapi.json")


_NOT_THERE: Final = "There is no such thing, or it is not yours."
_OF_ANOTHER_VERSION: Final = frozenset({"STALE", "IDEMPOTENCY_KEY_REUSED"})
"""What a command says that was right for another version: it is another one now, or was when the same was done before."""


def _invalid(faults: Sequence[Fault]) -> Problem:
    return Problem("VALIDATION", f"{faults[0].pointer or '/'}: {faults[0].message}", faults=faults)


def accepted_by(route: Route) -> tuple[str, ...]:
    """The content types in which a route takes its body."""
    return bodies.PATCHES if route.kind is Kind.UPDATE else (bodies.JSON,)


def allowed(methods: Mapping[str, Route]) -> list[str]:
    """The methods of a path, with those that come for free."""
    extra = {"HEAD"} if "GET" in methods else set()
    return sorted({*methods, *extra, "OPTIONS"})
