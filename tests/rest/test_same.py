"""REST says what GraphQL says: every route of the lock file, asked both ways, with questions that are generated.

A list or a thing is asked in REST; what came says which fields were shown; GraphQL is asked for exactly these, by a text
that the interface had no part in. A command is tried (it changes nothing) with the same generated input both ways, and
does the same: the same thing comes of it, or the same refusal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLList, GraphQLObjectType, get_named_type, get_nullable_type

from router.rest.routes import Kind, Lock, Route
from router.rest.view import is_connection
from tests.repository import ROOT
from tests.walls.probes import Speller, roots

pytestmark = pytest.mark.timeout(300)

LOCK = Lock.loads(Path(ROOT, "contracts/rest/v1.lock.json").read_text(encoding="utf-8"))
READS = [route for route in LOCK.routes if not route.kind.writes and route.kind is not Kind.QUERY]
WRITES = [route for route in LOCK.routes if route.kind.writes and not route.kind.is_bulk]
_SIGNED = re.compile(r"\?expires=\d+&signature=\w+$")
NEW = {"id", "number", "href", "key", "prefix", "hash", "prevHash", "secret", "clientId", "userId", "path", "label"} | {
    "stageId",
    "assetId",
}
"""What is made anew with every try: also the stage of the pipeline that comes with the first opportunity, and imported assets."""


def selection(values: list[dict[str, Any]], kind: GraphQLObjectType) -> str:
    """The fields that these values have, as GraphQL asks for them."""
    names = dict.fromkeys(name for value in values for name in value)
    parts = []
    for name in names:
        if name not in kind.fields:
            continue
        inner = get_named_type(kind.fields[name].type)
        if not isinstance(inner, GraphQLObjectType):
            parts.append(name)
            continue
        below = [value[name] for value in values if value.get(name) is not None]
        flat = [one for value in below for one in (value if isinstance(value, list) else [value])]
        if flat:
            parts.append(f"{name} {selection(flat, inner)}")
    return f"{{ {' '.join(parts)} }}"


def plain(value: Any, *, without: frozenset[str] = frozenset({"href", "consumedSeconds", "pausedSeconds"})) -> Any:
    """A value without what REST adds, without what is not there, and without the clocks that run on between two questions."""
    if isinstance(value, dict):
        return {k: plain(v, without=without) for k, v in value.items() if k not in without and v not in (None, [], {})}
    if isinstance(value, str):
        return _SIGNED.sub("", value)  # a link that holds for minutes is another one a second later
    return [plain(one, without=without) for one in value] if isinstance(value, list) else value


def identity(twin: Any, kind: str) -> str:
    """A thing of this kind."""
    return str(twin.x.ids.get(kind, "00000000-0000-7000-8000-000000000000"))


def named(route: Route, kind: Any) -> str:
    """The kind of what a route names: what it answers, unless it says otherwise."""
    argument = route.keys.get("id", "id")
    return str(kind.name) if argument == "id" else argument[:1].upper() + argument[1:].removesuffix("Id")


def necessary(twin: Any, root: Any, keys: Collection[str] = ("id",)) -> dict[str, Any]:
    """What a list has to be told before it answers, besides the keys that stand in the path."""
    given = Speller(twin.x.ids, twin.x.words).arguments(root, full=False)
    return {name: value for name, value in given.items() if name not in keys}


async def test_every_list_and_every_thing_is_the_graphs(platform, api, twin):
    different, seen = {}, set()
    for route in READS:
        root = platform.api.query_type.fields[route.field]
        kind = get_named_type(root.type)
        key = identity(twin, named(route, kind))
        path = route.path.replace("{id}", key)
        needed = necessary(twin, root, {"id", *route.keys.values()})
        shown = await api("GET", path, params=needed)
        if shown.status_code == 503 and shown.json()["code"] == "UNAVAILABLE":
            continue  # its module asks something that does not run here, and says so both ways
        if shown.status_code not in (200, 404):
            different[route.address] = shown.text
            continue
        body = shown.json()
        there, count = await by_graphql(api, route, root, kind, key, body, needed)
        wanted = None if shown.status_code == 404 else body["data"] if route.kind.is_list else body
        there = [] if there is None and wanted == [] else there  # a list that is not yours is empty here
        if plain(there) != plain(wanted):
            different[route.address] = (there, wanted)
        seen |= {route.address} if count else set()
    assert different == {}
    assert len(seen) > len(READS) / 4, "too many of them had nothing to show"


async def by_graphql(
    api: Any, route: Route, root: Any, kind: Any, key: str, body: Any, needed: dict[str, Any]
) -> tuple[Any, int]:
    """What GraphQL answers to the same question, and how many things that were."""
    field, arguments = root, ""
    if route.keys:
        arguments = f'({route.keys["id"]}: "{key}")'
    if route.nested:
        field = kind.fields[route.nested]
    node = get_named_type(field.type)
    values = body.get("data", []) if route.kind.is_list else [body]
    if route.kind is Kind.LISTED:
        chosen = selection(values, kind) if "traceId" not in body else "{ id }"
        listed = (await api.graphql(f"{{ {route.field} {chosen} }}"))["data"][route.field]
        found = next((one for one in listed if one["id"] == key), None)
        return found, 1 if found else 0
    if not route.kind.is_list:
        text = (
            f"{{ {route.field}{arguments} {selection(values, kind) if 'traceId' not in body else '{ __typename }'} }}"
        )
        there = (await api.graphql(text))["data"][route.field]
        return there, 1 if there else 0
    paged = is_connection(node)
    node = get_named_type(node.fields["nodes"].type) if paged else node
    chosen = selection(values, node) if values else "{ __typename }"
    given = {name: json.dumps(value) for name, value in needed.items()}
    given |= {"first": "50"} if paged else {"limit": "50"} if "limit" in field.args else {}
    own = f"({', '.join(f'{name}: {value}' for name, value in given.items())})" if given else ""
    inner = f"{{ nodes {chosen} }}" if paged else chosen
    text = f"{{ {route.field}{own} {inner} }}"
    if route.nested:
        text = f"{{ {route.field}{arguments} {{ {route.nested}{own} {inner} }} }}"
    there = (await api.graphql(text))["data"][route.field]
    there = there[route.nested] if route.nested and there else there
    there = there["nodes"] if paged and there else there
    return there, len(there or ())


async def test_every_command_does_what_the_graphs_does(platform, api, twin):
    different, done = {}, 0
    for route in WRITES:
        root = roots(platform.api, "mutation")[route.field]
        given = listed(Speller(twin.x.ids, twin.x.words).arguments(root)["input"], root.args["input"].type)
        payload = get_named_type(root.type)
        thing = next(name for name in payload.fields if name != "errors")
        kind = get_named_type(payload.fields[thing].type)
        path = route.path
        for name, field in route.keys.items():
            path = path.replace(f"{{{name}}}", str(given[field]))
        body = {name: value for name, value in given.items() if name not in route.keys.values()}
        shown = await api(route.method, path, json=body, headers={"prefer": "dry-run"})
        told = shown.json()
        if shown.status_code >= 500 or (shown.status_code in (404, 405) and told["code"] == "ROUTE_NOT_FOUND"):
            different[route.address] = shown.text
            continue
        chosen = selection([told], kind) if shown.status_code < 300 else "{ __typename }"
        text = f"mutation($i: {root.args['input'].type}) {{ {route.field}(input: $i) {{ {thing} {chosen} errors {{ code }} }} }}"
        asked = (await api.graphql(text, i={**given, "dryRun": True}))["data"][route.field]
        if shown.status_code < 300:
            there = (plain(asked[thing], without=volatile(kind)), asked["errors"])
            done += 1
        else:
            there = (None, [error["code"] for error in asked["errors"]][:1])
        wanted = (plain(told, without=volatile(kind)), []) if shown.status_code < 300 else (None, [told["code"]])
        if there != wanted:
            different[route.address] = (there, wanted, told.get("errors"))
    assert different == {}, different
    assert done > len(WRITES) / 3, f"only {done} of {len(WRITES)} were done"


def listed(value: Any, kind: Any) -> Any:
    """The same value with lists where lists are: GraphQL takes one thing for a list of one, REST doesn't."""
    kind = get_nullable_type(kind)
    if isinstance(kind, GraphQLList):
        return [listed(one, kind.of_type) for one in (value if isinstance(value, list) else [value])]
    if isinstance(kind, GraphQLInputObjectType):
        return {name: listed(one, kind.fields[name].type) for name, one in value.items()}
    return value


def volatile(kind: Any) -> frozenset[str]:
    """What differs between two tries, whoever asks."""
    own = kind.fields.items() if isinstance(kind, GraphQLObjectType) else ()
    return frozenset(NEW | {name for name, one in own if get_named_type(one.type).name in ("DateTime", "Date")})
