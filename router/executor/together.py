"""Entity fetches of one operation that go to the same service at the same time travel in one request.

    Parallel                                      query ($_e0: [_Any!]!, $_e1: [_Any!]!) {
      pets.@.owner  { ... on Owner { name } }       _e0: _entities(representations: $_e0) { ... on Owner { name } }
      pets.@        { ... on Cat { lives } }        _e1: _entities(representations: $_e1) { ... on Cat { lives } }
                                                  }

The plan keeps them apart, because they are about different places and ask for different things: nobody is asked for more than
the client wants there. Whoever comes first waits a few turns of the event loop, which is as long as it takes the others
that can start to do so, and then sends for all. Fetches that ask for the same need no alias: their entities go in one list,
each of them once. Where variables of one name have different values, each goes alone after all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

import orjson
from graphql import (
    ArgumentNode,
    FieldNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    parse,
    print_ast,
    strip_ignored_characters,
)

from router.executor.transport import EntitiesAsked, SubgraphRequest, SubgraphResponse, Transport

_TURNS: Final = 3

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: SubgraphRequest
    answer: asyncio.Future[SubgraphResponse]


@dataclass(slots=True)
class Alike:
    """Fetches that ask for the same; `places` says for each of them which of the entities are its own."""

    query: str
    variables: Mapping[str, Any]
    entities: dict[bytes, int] = field(default_factory=dict)
    """Each representation as JSON, and its number."""
    places: list[list[int]] = field(default_factory=list)

    def add(self, representations: Iterable[bytes]) -> None:
        """Add a fetch; what another one asks for, too, is asked for once."""
        entities = self.entities
        self.places.append([entities.setdefault(one, len(entities)) for one in representations])


class Together:
    """A transport that waits for the siblings of a fetch; only those that say that they have some (`siblings`)."""

    def __init__(self, inner: Transport, max_representations: int) -> None:
        self._inner = inner
        self._max = max_representations
        self._waiting: dict[tuple[int, str], list[_Waiting]] = {}

    def send(self, request: SubgraphRequest, deadline: float) -> Coroutine[Any, Any, SubgraphResponse]:
        """Send a request, alone or with others of the same operation."""
        if request.siblings is None or not request.is_query:
            return self._inner.send(request, deadline)
        return self._send_together(request, deadline)

    async def _send_together(self, request: SubgraphRequest, deadline: float) -> SubgraphResponse:
        key = (id(request.siblings), request.url)
        mine = _Waiting(request, asyncio.get_running_loop().create_future())
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(mine)
            return await mine.answer
        waiting = self._waiting[key] = [mine]
        try:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
        finally:
            del self._waiting[key]
        await self._send_all(waiting, deadline)
        return await mine.answer

    async def _send_all(self, waiting: Sequence[_Waiting], deadline: float) -> None:
        try:
            joined = _joined(waiting, self._max) if len(waiting) > 1 else None
            if joined is None:
                async with asyncio.TaskGroup() as group:
                    for one in waiting:
                        group.create_task(self._send_alone(one, deadline))
                return
            groups, body, of = joined
            response = await self._inner.send(replace(waiting[0].request, body=body), deadline)
            for number, (one, (group_number, member)) in enumerate(zip(waiting, of, strict=True)):
                one.answer.set_result(part_of(response, groups, group_number, member, is_first=number == 0))
        except Exception as failure:  # noqa: BLE001 -- whatever it is, all who wait get it
            for one in waiting:
                if not one.answer.done():
                    one.answer.set_exception(failure)
        finally:
            for one in waiting:
                one.answer.cancel()

    async def _send_alone(self, one: _Waiting, deadline: float) -> None:
        try:
            one.answer.set_result(await self._inner.send(one.request, deadline))
        except Exception as failure:  # noqa: BLE001 -- it is raised where it is waited for
            one.answer.set_exception(failure)


def _joined(waiting: Sequence[_Waiting], most: int) -> tuple[list[Alike], bytes, list[tuple[int, int]]] | None:
    """The groups, one body for all of them, and where in them each one that waits is found; None if it can't be."""
    groups: list[Alike] = []
    of: list[tuple[int, int]] = []
    name: str | None = None
    for one in waiting:
        asked = one.request.entities or _read(one.request)
        if asked is None or head_of(asked.query) is None:
            return None
        name = name or asked.operation_name
        same = (
            number
            for number, group in enumerate(groups)
            if (group.query, group.variables) == (asked.query, asked.variables)
        )
        number = next(same, len(groups))
        if number == len(groups):
            groups.append(Alike(asked.query, asked.variables))
        groups[number].add(asked.representations)
        of.append((number, len(groups[number].places) - 1))
    shared: Json = {}
    if any(shared.setdefault(name, value) != value for group in groups for name, value in group.variables.items()):
        return None
    if sum(len(group.entities) for group in groups) > most:
        return None
    return groups, _body(groups, shared, name), of


def _read(request: SubgraphRequest) -> EntitiesAsked | None:
    """Read what a body asks for; None if that is anything but entities."""
    if not isinstance(request.body, bytes):
        return None
    body = orjson.loads(request.body)
    head = head_of(body["query"])
    if head is None:
        return None
    variables = dict(body["variables"])
    representations = [orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in variables.pop(head.variable)]
    return EntitiesAsked(body["query"], body.get("operationName"), variables, representations)


def _body(groups: Sequence[Alike], shared: Json, name: str | None) -> bytes:
    query, variables = document_for(tuple(group.query for group in groups))
    sent = {
        variable: orjson.Fragment(b"[" + b",".join(group.entities) + b"]")
        for variable, group in zip(variables, groups, strict=True)
    }
    body: Json = {"query": query, "variables": {**shared, **sent}}
    if name is not None:
        body["operationName"] = name
    return orjson.dumps(body)


@dataclass(frozen=True, slots=True)
class Head:
    """The parts of an entity fetch's text."""

    operation: OperationDefinitionNode
    field: FieldNode
    variable: str


@lru_cache(maxsize=4096)
def head_of(query: str) -> Head | None:
    """The parts of an entity fetch's text; None if it is anything else."""
    match parse(query, no_location=True).definitions:
        case [OperationDefinitionNode(selection_set=SelectionSetNode(selections=[FieldNode() as found])) as operation]:
            match found.name.value, found.arguments:
                case "_entities", [ArgumentNode(value=VariableNode() as variable)]:
                    return Head(operation, found, variable.name.value)
    return None


@lru_cache(maxsize=4096)
def document_for(queries: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """One text for all of them, and the names of the variables that hold their entities."""
    heads = [head for query in queries if (head := head_of(query))]
    if len(heads) == 1:
        return queries[0], (heads[0].variable,)
    others = {
        definition.variable.name.value: definition
        for head in heads
        for definition in head.operation.variable_definitions or ()
        if definition.variable.name.value != head.variable
    }
    prefix = "_e"
    while any(name.startswith(prefix) for name in others):
        prefix = f"_{prefix}"
    names = tuple(f"{prefix}{number}" for number in range(len(heads)))
    operation = OperationDefinitionNode(
        operation=heads[0].operation.operation,
        name=heads[0].operation.name,
        variable_definitions=(*_definitions(heads, names), *others.values()),
        directives=(),
        selection_set=SelectionSetNode(
            selections=tuple(
                _aliased(head, number, name) for number, (head, name) in enumerate(zip(heads, names, strict=True))
            )
        ),
    )
    return strip_ignored_characters(print_ast(operation)), names


def _definitions(heads: Sequence[Head], names: Sequence[str]) -> Iterator[VariableDefinitionNode]:
    for head, name in zip(heads, names, strict=True):
        for definition in head.operation.variable_definitions or ():
            if definition.variable.name.value == head.variable:
                yield VariableDefinitionNode(
                    variable=VariableNode(name=NameNode(value=name)),
                    type=definition.type,
                    default_value=None,
                    directives=(),
                )


def _aliased(head: Head, number: int, name: str) -> FieldNode:
    argument = ArgumentNode(name=NameNode(value="representations"), value=VariableNode(name=NameNode(value=name)))
    return FieldNode(
        alias=NameNode(value=f"_e{number}"),
        name=NameNode(value="_entities"),
        arguments=(argument,),
        directives=(),
        selection_set=head.field.selection_set,
    )


def part_of(
    response: SubgraphResponse, groups: Sequence[Alike], number: int, member: int, *, is_first: bool
) -> SubgraphResponse:
    """What of an answer is for one of those that waited; what can't be told is for the first."""
    group = groups[number]
    places = group.places[member]
    errors = tuple(_errors(response.errors, groups, number, places, is_first=is_first))
    data = (
        None
        if response.data is None
        else {"_entities": _entities(response.data.get(_key(groups, number)), group, member)}
    )
    if is_first:
        return replace(response, data=data, errors=errors)
    return SubgraphResponse(data, errors)


def _key(groups: Sequence[Alike], number: int) -> str:
    return f"_e{number}" if len(groups) > 1 else "_entities"


def _entities(found: Any, group: Alike, member: int) -> Any:
    if not isinstance(found, list) or len(found) != len(group.entities):
        return None
    taken = {place for places in group.places[:member] for place in places}
    # An entity that stands at several places becomes several objects: each goes on for itself.
    return [
        orjson.loads(orjson.dumps(found[place])) if place in taken else found[place] for place in group.places[member]
    ]


def _errors(
    errors: Iterable[Mapping[str, Any]], groups: Sequence[Alike], number: int, places: Sequence[int], *, is_first: bool
) -> Iterator[Json]:
    """The errors that are about one of those that waited; what is about nobody is the first one's, without a place."""
    sizes = {_key(groups, one): len(group.entities) for one, group in enumerate(groups)}
    key = _key(groups, number)
    for error in errors:
        match error.get("path"):
            case [str(first)] if first in sizes:
                if first == key:
                    yield {**error, "path": ["_entities"]}
            case [str(first), int(place), *rest] if first in sizes and 0 <= place < sizes[first]:
                if first == key:
                    for index, own in enumerate(places):
                        if own == place:
                            yield {**error, "path": ["_entities", index, *rest]}
            case _ if is_first:
                yield {name: value for name, value in error.items() if name != "path"}
