"""Walks a query plan: what must wait waits, what can run together does, and a failed fetch stops nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router.executor import introspection
from router.executor.compiled import run as compiled
from router.executor.compiled.program import program_for
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


async def execute(
    operation: Operation, services: Services, call: Call, conditions: Mapping[str, Any], masking: Masking
) -> Result:
    """Answer the operation; `conditions` are the coerced variables, defaults included."""
    spending = Spending(services.spending, operation.demand)
    program = program_for(operation, services.types, conditions)
    known: list[Known] = []
    if program is not None and program.worthwhile:
        tried = await compiled.run(program, services, call, spending)
        if tried.fits:
            return Result(tried.data, [])
        known = tried.known
    run = Run(operation, services, call, conditions, Faults(masking, [*operation.errors]), spending)
    run.remember(known)
    return await finish(run, operation.plan.node)


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
