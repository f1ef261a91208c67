"""Runs a compiled plan: the right answer in one visit per object, or none and everything that was fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from router.executor.compiled.folding import written
from router.executor.compiled.places import Required
from router.executor.compiled.program import AtOnce, InOrder, Node, Program, Request
from router.executor.compiled.visitors import Group, Json, Tables, Unfit
from router.executor.entities import selected_value
from router.executor.fetch import Call, Known, Services, deliver
from router.executor.spending import Spending
from router.executor.transport import EntitiesAsked, SubgraphResponse, TransportFailure


@dataclass(slots=True)
class Run:
    """One operation while it runs; `known` is what the general executor would not have to fetch again."""

    program: Program
    services: Services
    call: Call
    spending: Spending
    data: Any
    """What the client gets: records where answers are read into them, else dictionaries."""
    tables: Tables
    known: list[Known] = field(default_factory=list)
    fits: bool = True

    def written(self) -> bytes:
        """Write the answer, of a run that fits and was read into records."""
        return written(self.data, self.tables.folded)


async def run(program: Program, services: Services, call: Call, spending: Spending) -> Run:
    """Run the program; where `fits` is false in the end the data are worth nothing, and only `known` is."""
    running = Run(program, services, call, spending, program.root.copy(), Tables(program.tables))
    program.ran += 1
    if program.node is not None:
        await _node(program.node, running)
    if not running.fits:
        program.unfit += 1
    return running


async def _node(node: Node, run: Run) -> None:
    match node:
        case Request():
            await _request(node, run)
        case InOrder(nodes=nodes):
            for each in nodes:
                await _node(each, run)
                if not run.fits:
                    return
        case AtOnce(nodes=nodes):
            # What was begun is finished, even when the result can't be used here: it's known then.
            await asyncio.gather(*(_node(each, run) for each in nodes))


@dataclass(slots=True)
class Collected:
    """What entities are asked for: the groups of each, and its representation as JSON."""

    groups: list[list[Group]]
    encoded: list[bytes]
    differ: bool
    """Whether no two groups have the same representation."""

    def part(self, start: int, end: int) -> Collected:
        """Return some of them."""
        return Collected(self.groups[start:end], self.encoded[start:end], self.differ)

    def representations(self) -> list[Json]:
        """Return them as objects, for whoever has to go on."""
        found: list[Json] = orjson.loads(b"[" + b",".join(self.encoded) + b"]")
        return found


async def _request(request: Request, run: Run) -> None:
    try:
        if request.table is None:
            await _fetch_root(request, run)
        else:
            await _fetch_entities(request, request.table, run)
    except (Unfit, KeyError, TypeError, TransportFailure):
        run.fits = False


async def _fetch_root(request: Request, run: Run) -> None:
    response = await _send(request, {}, run)
    name = run.program.root_type
    request.fills[name]([clean(response)], [Group(name, {}, [run.data])], run.tables)


async def _fetch_entities(request: Request, table: int, run: Run) -> None:
    collected = collect(request, run.tables[table].values(), run)
    size = run.services.max_representations
    if len(collected.groups) <= size:
        if collected.groups:
            await _fetch_batch(request, collected, run)
        return
    parts = [collected.part(start, start + size) for start in range(0, len(collected.groups), size)]
    await asyncio.gather(*(_guarded_batch(request, part, run) for part in parts))


async def _guarded_batch(request: Request, collected: Collected, run: Run) -> None:
    try:
        await _fetch_batch(request, collected, run)
    except (Unfit, KeyError, TypeError, TransportFailure):
        run.fits = False


async def _fetch_batch(request: Request, collected: Collected, run: Run) -> None:
    response = await _send(
        request, {request.fetch.representations: collected.representations()}, run, collected.encoded
    )
    entities = clean(response)["_entities"]
    if entities.__class__ is not list or len(entities) != len(collected.groups):
        raise Unfit
    filled(request, collected, entities, run)


def filled(request: Request, collected: Collected, entities: list[Any], run: Run) -> None:
    """Add what came to the groups that asked for it."""
    if collected.differ and len(request.fills) == 1:
        groups = [same[0] for same in collected.groups]
        request.fills[groups[0].variant](entities, groups, run.tables)
        return
    by_variant: dict[str, tuple[list[Any], list[Group]]] = {}
    for entity, same in zip(entities, collected.groups, strict=True):
        for group in same:
            raws, groups = by_variant.setdefault(group.variant, ([], []))
            raws.append(entity)
            groups.append(group)
    for variant, (raws, groups) in by_variant.items():
        request.fills[variant](raws, groups, run.tables)


def collect(request: Request, found: Iterable[Group], run: Run) -> Collected:
    """Build one representation for all groups that have the same."""
    asked: list[Group] = []
    encoded: list[bytes] = []
    for name, groups in _by_variant(found):
        required = request.builds.get(name)
        if required is not None:
            asked += groups
            encoded += _encoded(request, required, groups, run)
    if len(set(encoded)) == len(encoded):
        return Collected([[group] for group in asked], encoded, differ=True)
    same: dict[bytes, list[Group]] = {}
    for group, key in zip(asked, encoded, strict=True):
        same.setdefault(key, []).append(group)
    return Collected(list(same.values()), list(same), differ=False)


def _by_variant(found: Iterable[Group]) -> Iterable[tuple[str, list[Group]]]:
    """Return runs of groups of one type: their order stays what it is."""
    groups = list(found)
    if len({group.variant for group in groups}) == 1:
        return [(groups[0].variant, groups)]
    return [(group.variant, [group]) for group in groups]


def _encoded(request: Request, required: tuple[Required, ...], groups: Sequence[Group], run: Run) -> list[bytes]:
    template = request.templates.get(groups[0].variant)
    if template is not None:
        text, values, dumps = template.text, template.values, orjson.dumps
        encoded = [text % tuple(map(dumps, values(group.known))) for group in groups]
    else:
        encoded = [orjson.dumps(_representation(required, group.known, run)) for group in groups]
    if b"null" in b"".join(encoded):
        for group in groups:
            built = _representation(required, group.known, run)
            if None in built.values() and not run.services.types.keyed(request.fetch.service_name, built):
                raise Unfit
    return encoded


def _representation(required: tuple[Required, ...], known: Mapping[str, Any], run: Run) -> Json:
    return {
        each.name: selected_value(known[each.key], each.selections, run.services.types)
        if each.selections
        else known[each.key]
        for each in required
    }


async def _send(
    request: Request, own: Mapping[str, Any], run: Run, encoded: Sequence[bytes] | None = None
) -> SubgraphResponse:
    node, variables = request.fetch, run.call.variables
    used = {name: variables[name] for name in node.variable_usages if name in variables} if node.variable_usages else {}
    try:
        whole = used if encoded is None else {**used, node.representations: json_list(encoded)}
        body = b"".join((request.head, orjson.dumps(whole), request.tail))
    except TypeError:  # a file among the variables travels beside the JSON
        raise Unfit from None
    entities = None if encoded is None else EntitiesAsked(node.operation, node.operation_name, used, encoded)
    try:
        response = await deliver(node, body, run.services, run.call, run.spending, entities)
    except TransportFailure as failure:
        run.known.append(Known(node, own, failure))
        raise
    run.known.append(Known(node, own, response))
    return response


def json_list(items: Iterable[bytes]) -> orjson.Fragment:
    """Make one list of what is JSON already."""
    return orjson.Fragment(b"[" + b",".join(items) + b"]")


def clean(response: SubgraphResponse) -> Json:
    """Return the data of an answer without errors."""
    if response.errors or response.data is None:
        raise Unfit
    return response.data
