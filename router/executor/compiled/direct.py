"""Runs a compiled plan without a task: each answer starts what waited for it, in the very turn in which it came.

Beside `run`, which does the same over any transport and waits for it, this needs a short way to every service of the plan
(`router.executor.direct`). Entity fetches to one service that can start at the same moment travel in one request: who is ready
waits for the end of the turn, and a millisecond at most for those that need nothing but an answer which is on its way already.
A fetch for which nobody waits travels with the last one to its service, without which the answer isn't complete: one
request less, for which the answer is later only where the first question alone takes the service longer than the last.

    accounts ── answer ──► reviews of users    ─┐ end of the turn
    products ── answer ──► reviews of products ─┴──────────────────► one request with two questions

What was begun is finished, even when the answer can't be used here: it's known then, and the general executor goes on from it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
import structlog
from msgspec import MsgspecError
from msgspec.json import Decoder

from router.executor import clock
from router.executor.compiled.program import Program
from router.executor.compiled.run import Collected, Run, clean, collect, filled, json_list
from router.executor.compiled.schedule import Schedule, schedule_of
from router.executor.compiled.typed import Take, Typed
from router.executor.compiled.visitors import Group, Tables, Unfit
from router.executor.direct import Direct, Outcome, Parcel, Started, Told
from router.executor.fetch import OK, Call, FetchRecord, Known, Services
from router.executor.spending import Spending
from router.executor.together import Alike, document_for, part_of
from router.executor.transport import Answer, SubgraphResponse, TransportFailure, graphql_response
from router.planner.query_plan import Fetch

_PATIENCE_SECONDS: Final = 0.001
_WAITS, _READY, _SENT, _ENDED = range(4)
"""What a fetch is doing."""

log = structlog.get_logger(__name__)

Ways = dict[str, tuple[Direct, str]]
"""The short way to each service, and its URL."""


# Not frozen: they are made for every request, and frozen ones take three times as long to make.
@dataclass(slots=True)
class _Member:
    """One fetch, or a part of one whose entities are too many for one request."""

    number: int
    collected: Collected | None = None
    place: tuple[int, int] = (0, 0)
    """The group of those that ask alike, and which of them it is."""


@dataclass(slots=True)
class _Sent:
    """One request on its way, and the fetches that travel in it."""

    members: Sequence[_Member]
    began: float
    groups: Sequence[Alike] = ()


def ways_of(program: Program, services: Services) -> Ways | None:
    """Return the short ways for all of a program; None when there isn't one for each of its services."""
    if program.ways is None:
        if program.schedule is None:
            program.schedule = schedule_of(program)
        names = {request.fetch.service_name for request in program.schedule.requests}
        found = {name: (services.direct(name), services.urls.get(name, "")) for name in names}
        program.ways = {
            name: (direct, url) for name, (direct, url) in found.items() if direct and url.startswith("http:")
        }
        program.all_direct = len(program.ways) == len(names) > 0
    return program.ways if program.all_direct else None


class DirectRun:
    """One operation while it runs; `done` is told once, of a run that fits or of one that another has to answer."""

    __slots__ = (
        "_done", "_flushes", "_hurries", "_left", "_queued", "_schedule", "_sent", "_started", "_states", "_told", "_typed",
        "_waits", "_ways", "run",
    )  # fmt: skip

    def __init__(
        self,
        program: Program,
        services: Services,
        call: Call,
        spending: Spending,
        told: Callable[[str], Told],
        ways: Ways,
        done: Callable[[Run], None],
        typed: Typed | None = None,
    ) -> None:
        schedule: Schedule = program.schedule
        self._typed = typed
        data = program.root.copy() if typed is None else typed.root()
        self.run = Run(program, services, call, spending, data, Tables(program.tables))
        self._schedule = schedule
        self._told = told
        self._ways = ways
        self._done: Callable[[Run], None] | None = done
        self._states = [_WAITS] * len(schedule.requests)
        self._waits = [*schedule.waits]
        """For how many others each fetch still waits."""
        self._left = [0] * len(schedule.requests)
        self._queued: dict[str, list[_Member]] = {}
        self._flushes = self._hurries = False
        self._started: dict[int, Started] = {}
        self._sent: list[tuple[_Sent, Outcome]] = []
        """What came, as it came: a tree of objects that is kept for nobody would only be in the way of the next one."""

    def begin(self) -> None:
        """Start what waits for nothing."""
        self.run.program.ran += 1
        if self._typed is not None:
            self._typed.ran += 1
        for number in self._schedule.first:
            self._start(number)
        self._perhaps_done()

    def cancel(self) -> None:
        """Drop everything: nobody wants the answer any more."""
        self._done = None
        self._queued.clear()
        started, self._started = self._started, {}
        for one in started.values():
            one.cancel()

    # What is ready is sent

    def _start(self, number: int) -> None:
        if not self.run.fits or self._done is None:
            return
        request = self._schedule.requests[number]
        if request.table is None:
            self._pay_and_send(_Member(number))
            return
        try:
            collected = collect(request, self.run.tables[request.table].values(), self.run)
        except (Unfit, KeyError, TypeError):
            self.run.fits = False
            return
        size, found = self.run.services.max_representations, len(collected.groups)
        if not found:
            self._ended(number)
        elif found > size:
            for start in range(0, found, size):
                self._pay_and_send(_Member(number, collected.part(start, start + size)))
        elif request.fetch.service_name in self._schedule.together:
            self._queue(request.fetch.service_name, _Member(number, collected))
        else:
            self._pay_and_send(_Member(number, collected))

    def _pay_and_send(self, member: _Member) -> None:
        if self._paid(member):
            self._send([member])

    def _paid(self, member: _Member) -> bool:
        """Whether the operation may have one more request."""
        try:
            self.run.spending.request(self._schedule.requests[member.number].fetch)
        except TransportFailure as failure:
            self._sent.append((_Sent([member], 0.0), failure))
            self.run.fits = False
        return self.run.fits

    def _queue(self, service: str, member: _Member) -> None:
        if not self._paid(member):
            return
        self._states[member.number] = _READY
        self._queued.setdefault(service, []).append(member)
        if not self._flushes:
            self._soon()

    def _soon(self) -> None:
        self._flushes = True
        asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Send those that are ready, but for those who expect company."""
        self._flushes = False
        hurries = False
        for service in list(self._queued):
            if self._has_time(service):
                continue
            if self._expects(service):
                hurries = True
            else:
                self._send_together(self._queued.pop(service))
        if hurries and not self._hurries:
            self._hurries = True
            asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self._hurry)
        self._perhaps_done()

    def _hurry(self) -> None:
        """Send all that are ready and for whom somebody may wait."""
        self._hurries = False
        for service in list(self._queued):
            if not self._has_time(service):
                self._send_together(self._queued.pop(service))
        self._perhaps_done()

    def _has_time(self, service: str) -> bool:
        """Tell whether nobody waits for those that are ready, while a later fetch to the service has to be waited for anyway."""
        then = self._schedule.then
        if any(then[member.number] for member in self._queued[service]):
            return False
        return any(self._states[number] == _WAITS for number in self._schedule.together[service])

    def _expects(self, service: str) -> bool:
        """Tell whether another fetch to the service waits for nothing but answers that are on their way."""
        states, needs = self._states, self._schedule.needs
        return any(
            states[number] == _WAITS and all(states[each] >= _SENT for each in needs[number])
            for number in self._schedule.together[service]
        )

    def _send_together(self, members: list[_Member]) -> None:
        groups: list[Alike] = []
        found: dict[str | None, int] = {}
        for member in members if len(members) > 1 else ():
            question, collected = self._schedule.questions[member.number], member.collected
            if question not in found:
                found[question] = len(groups)
                groups.append(Alike(self._schedule.requests[member.number].fetch.operation, {}))
            group = groups[found[question]]
            group.add(collected.encoded if collected else ())
            member.place = found[question], len(group.places) - 1
        if groups and sum(len(group.entities) for group in groups) <= self.run.services.max_representations:
            self._send(members, groups)
            return
        for member in members:
            self._send([member])

    def _send(self, members: Sequence[_Member], groups: Sequence[Alike] = ()) -> None:
        sent = _Sent(members, time.perf_counter(), groups)
        fetch = self._schedule.requests[members[0].number].fetch
        for member in members:
            self._states[member.number] = _SENT
            self._left[member.number] += 1
        direct, url = self._ways[fetch.service_name]
        run = self.run
        try:
            parcel = Parcel(url, self._body(members, groups), self._told(fetch.service_name), is_query=True)
            deadline = min(run.call.deadline, clock.now() + run.services.timeout_seconds)
            self._started[id(sent)] = direct.start(parcel, deadline, lambda outcome: self._landed(sent, outcome))
        except TransportFailure as failure:
            self._sent.append((sent, failure))
            run.fits = False
        except TypeError:  # a file among the variables travels beside the JSON
            run.fits = False

    def _body(self, members: Sequence[_Member], groups: Sequence[Alike]) -> bytes:
        request = self._schedule.requests[members[0].number]
        if groups:
            head, tail, names = _text(tuple(group.query for group in groups), request.fetch.operation_name)
            whole = {name: value for member in members for name, value in self._used(member.number).items()}
            for name, group in zip(names, groups, strict=True):
                whole[name] = json_list(group.entities)
            return b"".join((head, orjson.dumps(whole), tail))
        collected = members[0].collected
        if collected is None:
            return request.body(self.run.call.variables)
        whole = request.used(self.run.call.variables)
        whole[request.fetch.representations] = json_list(collected.encoded)
        return b"".join((request.head, orjson.dumps(whole), request.tail))

    def _used(self, number: int) -> dict[str, Any]:
        return self._schedule.requests[number].used(self.run.call.variables)

    # What comes is taken in

    def _landed(self, sent: _Sent, outcome: Outcome) -> None:
        self._started.pop(id(sent), None)
        if self._done is None:
            return
        run, code, said = self.run, OK, outcome
        service = self._schedule.requests[sent.members[0].number].fetch.service_name
        try:
            if self._typed is not None:
                self._take_typed(sent, outcome, self._typed)
            else:
                self._take(sent, self._read(service, outcome))
        except TransportFailure as failure:
            code, said, run.fits = failure.code, failure, False
        except (Unfit, KeyError, TypeError):
            run.fits = False
        except Exception:
            log.exception("request.failed")  # the general executor does without
            run.fits = False
        self._sent.append((sent, said))
        run.call.observe(FetchRecord(service, time.perf_counter() - sent.began, code))
        for member in sent.members:
            self._left[member.number] -= 1
            if not self._left[member.number]:
                self._ended(member.number)
        if self._queued and not self._flushes:
            self._soon()  # whom those wait for who have time may have turned out to have nothing to ask
        self._perhaps_done()

    def _read(self, service: str, outcome: Outcome) -> SubgraphResponse:
        if isinstance(outcome, TransportFailure):
            raise outcome
        response = graphql_response(outcome)
        self.run.spending.answer(service, response.size)
        return response

    def _take(self, sent: _Sent, response: SubgraphResponse) -> None:
        data, run = clean(response), self.run
        for member in sent.members:
            request, collected = self._schedule.requests[member.number], member.collected
            if collected is None:
                name = run.program.root_type
                request.fills[name]([data], [Group(name, {}, [run.data])], run.tables)
                continue
            entities = data["_entities"] if len(sent.groups) < 2 else data[f"_e{member.place[0]}"]
            expected = sent.groups[member.place[0]].entities if sent.groups else collected.groups
            if entities.__class__ is not list or len(entities) != len(expected):
                raise Unfit
            if sent.groups:
                places = sent.groups[member.place[0]].places[member.place[1]]
                entities = [entities[place] for place in places]
            filled(request, collected, entities, run)

    def _take_typed(self, sent: _Sent, outcome: Outcome, typed: Typed) -> None:
        if isinstance(outcome, TransportFailure):
            raise outcome
        run = self.run
        run.spending.answer(self._schedule.requests[sent.members[0].number].fetch.service_name, len(outcome.body))
        if len(sent.groups) > 1:
            self._take_several(sent, outcome, typed)
            return
        by_decoder: dict[Decoder[Any], list[_Member]] = {}
        for member in sent.members:
            by_decoder.setdefault(typed.readings[member.number].decoder, []).append(member)
        for decoder, members in by_decoder.items():
            data = read(decoder, outcome)
            if members[0].collected is None:
                root = Group(run.program.root_type, {}, [run.data])
                typed.readings[members[0].number].take([data], [[root]], run.tables)
            else:
                self._add(sent, members, data.v__entities, typed)

    def _take_several(self, sent: _Sent, answer: Answer, typed: Typed) -> None:
        """Read an answer with several lists of entities: once, unless two fetches read the same list in different ways."""
        rest, readings = list(sent.members), typed.readings
        while rest:
            at_once: dict[int, list[_Member]] = {}
            later: list[_Member] = []
            for member in rest:
                alike = at_once.setdefault(member.place[0], [])
                fits = not alike or readings[alike[0].number].decoder is readings[member.number].decoder
                (alike if fits else later).append(member)
            rest = later
            numbers = tuple([at_once[each][0].number if each in at_once else None for each in range(len(sent.groups))])
            data = read(typed.several(numbers), answer)
            for place, members in at_once.items():
                self._add(sent, members, getattr(data, f"v__e{place}"), typed)

    def _add(self, sent: _Sent, members: Sequence[_Member], entities: list[Any], typed: Typed) -> None:
        """Add entities to the groups of all members that read them in the same way."""
        first, tables = members[0], self.run.tables
        asked = sent.groups[first.place[0]] if sent.groups else None
        collected = first.collected
        if collected is None or len(entities) != len(asked.entities if asked is not None else collected.groups):
            raise Unfit
        if asked is None:
            typed.readings[first.number].take(entities, collected.groups, tables)
        elif len(members) == 1:
            own = [entities[place] for place in asked.places[first.place[1]]]
            typed.readings[first.number].take(own, collected.groups, tables)
        else:
            for take, owners in _owners(asked, members, typed).items():
                take(entities, owners, tables)

    def _ended(self, number: int) -> None:
        self._states[number] = _ENDED
        waits = self._waits
        for late in self._schedule.then[number]:
            waits[late] -= 1
            if not waits[late]:
                self._start(late)

    def _perhaps_done(self) -> None:
        """Say so when nothing is on its way any more, and nothing is going to be."""
        if self._done is None or self._started or (self._queued and self.run.fits):
            return
        done, self._done = self._done, None
        self._queued.clear()
        if not self.run.fits:
            (self._typed or self.run.program).unfit += 1
            self.run.known = [known for sent, outcome in self._sent for known in self._known(sent, outcome)]
        done(self.run)

    def _known(self, sent: _Sent, outcome: Outcome) -> Iterator[Known]:
        """Return what each fetch would have brought alone, for whoever goes on."""
        if len(sent.members) == 1 and sent.members[0].collected is None:
            yield known_of(self._schedule.requests[sent.members[0].number].fetch, outcome)
            return
        said = outcome if isinstance(outcome, TransportFailure) else graphql_response(outcome)
        for index, member in enumerate(sent.members):
            fetch, collected, one = self._schedule.requests[member.number].fetch, member.collected, said
            own = {fetch.representations: collected.representations()} if collected else {}
            if sent.groups and isinstance(said, SubgraphResponse):
                one = part_of(said, sent.groups, *member.place, is_first=index == 0)
            yield Known(fetch, own, one)


def _owners(asked: Alike, members: Sequence[_Member], typed: Typed) -> dict[Take, list[list[Group]]]:
    """Return, for each way in which entities are added, the groups that get them.

    Whoever shares a decoder brings nothing but leaves: what isn't one's own entity has no group, and nothing comes of it.
    """
    found: dict[Take, list[list[Group]]] = {}
    for member in members:
        take = typed.readings[member.number].take
        if take not in found:
            found[take] = [[] for _ in asked.entities]
        owners, groups = found[take], member.collected.groups if member.collected else ()
        for place, own in zip(asked.places[member.place[1]], groups, strict=True):
            owners[place] += own
    return found


def read(decoder: Decoder[Any], answer: Answer) -> Any:
    """Read an answer into records; raises `Unfit` where somebody has to look at it who can say what is wrong."""
    try:
        found = decoder.decode(answer.body)
    except (MsgspecError, ValueError, RecursionError):
        graphql_response(answer)  # says so where it's no GraphQL at all
        raise Unfit from None
    if found.errors:
        raise Unfit
    return found.data


def known_of(fetch: Fetch, outcome: Outcome) -> Known:
    """Return what a fetch that asks for no entities brought; read again, because a visitor had the first reading."""
    return Known(fetch, {}, outcome if isinstance(outcome, TransportFailure) else graphql_response(outcome))


@lru_cache(maxsize=4096)
def _text(queries: tuple[str, ...], name: str | None) -> tuple[bytes, bytes, tuple[str, ...]]:
    """The constant bytes around the variables of a request with several questions, and the names of its lists."""
    query, names = document_for(queries)
    tail = b',"operationName":' + orjson.dumps(name) + b"}" if name is not None else b"}"
    return b'{"query":' + orjson.dumps(query) + b',"variables":', tail, names
