"""Walks a query plan: what must wait waits, what can run together does, and a failed fetch stops nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from router.executor import introspection
from router.executor.compiled import run as compiled
from router.executor.compiled.direct import DirectRun, ways_of
from router.executor.compiled.program import program_for
from router.executor.compiled.single import SingleRun
from router.executor.errors import Faults
from router.executor.fetch import Call, Known, Run, Services, fetch
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.spending import Spending
from router.planner.query_plan import (
    Condition,
    Fetch,
    Flatten,
    Parallel,
    Path,
    PlanNode,
    Sequence,
)


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Result:
    """A GraphQL response: data in the client's order, and every error."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]]
    written: bytes | None = field(default=None, compare=False)
    """The whole answer as JSON, once somebody has written it."""


class Written(Result):
    """A result that was never anything but written: whoever needs the data as objects has them read."""

    __slots__ = ("_data",)

    def __init__(self, written: bytes) -> None:
        self.errors = []
        self.written = written
        self._data: dict[str, Any] | None = None

    @property
    def data(self) -> dict[str, Any] | None:  # type: ignore[override]
        """The data, read at the first time."""
        if self._data is None and self.written is not None:
            self._data = orjson.loads(self.written)["data"]
        return self._data


async def execute(
    operation: Operation, services: Services, call: Call, conditions: Mapping[str, Any], masking: Masking
) -> Result:
    """Answer the operation; `conditions` are the coerced variables, defaults included."""
    spending = Spending(services.spending, operation.demand)
    program = program_for(operation, services.types, conditions)
    known: list[Known] = []
    # Whoever watches the fetches sees them one by one: the general way answers the same.
    if program is not None and program.worthwhile and call.traced is None:
        tried = await compiled.run(program, services, call, spending)
        if tried.fits:
            return Result(tried.data, [])
        known = tried.known
    run = Run(operation, services, call, conditions, Faults(masking, [*operation.errors]), spending)
    run.remember(known)
    return await finish(run, operation.plan.node)


def begin(
    operation: Operation,
    services: Services,
    call: Call,
    conditions: Mapping[str, Any],
    masking: Masking,
    done: Callable[[Result | Exception], None],
    *,
    bare: bool = False,
) -> Begun | None:
    """Answer a query without a task, where every service has a short way; None where `execute` has to.

    A `bare` answer says nothing but its data where there are no errors: then it may come written. `done` is told once, and never before this returns.
    """
    if call.told is None or call.traced or call.cache or call.received:
        return None
    program = program_for(operation, services.types, conditions)
    if program is None or not program.worthwhile:
        return None
    ways = ways_of(program, services)
    if ways is None:
        return None
    begun = Begun(done)
    spending = Spending(services.spending, operation.demand)

    typed = program.typed_now() if bare else None

    def tried(run: compiled.Run | SingleRun) -> None:
        if run.fits:
            begun.end(Written(run.written()) if typed is not None else Result(run.data, []))
            return
        rest = Run(operation, services, call, conditions, Faults(masking, [*operation.errors]), spending)
        rest.remember(run.known)
        begun.go_on(finish(rest, operation.plan.node))

    if program.is_single:
        begun.run = single = SingleRun(program, services, call, spending, tried, typed)
        single.begin(call.told, ways)
    else:
        begun.run = several = DirectRun(program, services, call, spending, call.told, ways, tried, typed)
        several.begin()
    return begun


class Begun:
    """An operation at work without a task; with one as soon as the general executor has to go on."""

    __slots__ = ("_done", "_task", "left", "run")

    def __init__(self, done: Callable[[Result | Exception], None]) -> None:
        self._done: Callable[[Result | Exception], None] | None = done
        self._task: asyncio.Task[None] | None = None
        self.run: DirectRun | SingleRun | None = None
        self.left: Callable[[], None] | None = None
        """Told when it's dropped."""

    @property
    def is_done(self) -> bool:
        """Whether nothing will be said any more."""
        return self._done is None

    def end(self, outcome: Result | Exception) -> None:
        """Say what came of it."""
        done, self._done = self._done, None
        if done is not None:
            done(outcome)

    def go_on(self, work: Coroutine[Any, Any, Result]) -> None:
        """Let a task do the rest."""
        self._task = asyncio.get_running_loop().create_task(self._finished(work))

    async def _finished(self, work: Coroutine[Any, Any, Result]) -> None:
        try:
            result = await work
        except Exception as fault:  # noqa: BLE001 - it is raised where the answer is waited for
            self.end(fault)
        else:
            self.end(result)

    def cancel(self) -> None:
        """Drop it: nobody is told what comes of it."""
        if self._done is not None and self.left is not None:
            self.left()
        self._done = None
        if self.run is not None:
            self.run.cancel()
        if self._task is not None:
            self._task.cancel()


async def finish(run: Run, node: PlanNode | None) -> Result:
    """Fetch what `node` says, beside what the run has already, and answer."""
    if node is not None:
        await walk(node, (), run)
    own = introspection.answer(run.operation, run.call.variables, run.conditions)
    data = run.operation.projection.project(run.data, run.conditions, run.faults, own)
    return Result(data, run.faults.errors)


async def walk(node: PlanNode, path: Path, run: Run) -> None:
    """Run a node for the objects at `path`."""
    match node:
        case Fetch():
            await fetch(node, path, run)
            run.arrived(node.id)
        case Flatten():
            await walk(node.node, (*path, *node.path), run)
        case Sequence():
            for step in node.nodes:
                await walk(step, path, run)
        case Parallel():
            async with asyncio.TaskGroup() as group:
                for branch in node.nodes:
                    group.create_task(walk(branch, path, run))
        case Condition():
            chosen = taken(node, run.conditions)
            if chosen is not None:
                await walk(chosen, path, run)
        case _:
            # Subscriptions and deferred parts are streams; nothing that answers once may plan them.
            raise ValueError(f"a {type(node).__name__} node can't be answered in one response")


def taken(node: Condition, conditions: Mapping[str, Any]) -> PlanNode | None:
    """Return the clause that is to run; the only condition that may be left out is that of `@defer`, and then it holds."""
    return node.if_clause if conditions.get(node.condition, True) else node.else_clause
