"""Walks a query plan: what must wait waits, what can run together does, and a failed fetch stops nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router.executor import introspection
from router.executor.compiled import run as compiled
from router.executor.compiled.program import program_for
from router.executor.errors import Faults, Masking
from router.executor.fetch import Call, Run, Services, fetch
from router.executor.operation import Operation
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


@dataclass(frozen=True, slots=True)
class Result:
    """A GraphQL response: data in the client's order, and every error."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]]


async def execute(
    operation: Operation, services: Services, call: Call, conditions: Mapping[str, Any], masking: Masking
) -> Result:
    """Answer the operation; `conditions` are the coerced variables, defaults included."""
    spending = Spending(services.spending, operation.demand)
    run = Run(operation, services, call, conditions, Faults(masking, [*operation.errors]), spending)
    program = program_for(operation, services.types, conditions)
    if program is not None and program.worthwhile:
        tried = await compiled.run(program, services, call, spending)
        if tried.fits:
            return Result(tried.data, [])
        run.remember(tried.known)
    if operation.plan.node is not None:
        await _run(operation.plan.node, (), run)
    own = introspection.answer(operation, call.variables, conditions)
    data = operation.projection.project(run.data, conditions, run.faults, own)
    return Result(data, run.faults.errors)


async def _run(node: PlanNode, path: Path, run: Run) -> None:
    match node:
        case Fetch():
            await fetch(node, path, run)
        case Flatten():
            await _run(node.node, (*path, *node.path), run)
        case Sequence():
            for step in node.nodes:
                await _run(step, path, run)
        case Parallel():
            async with asyncio.TaskGroup() as group:
                for branch in node.nodes:
                    group.create_task(_run(branch, path, run))
        case Condition():
            chosen = node.if_clause if run.conditions.get(node.condition) else node.else_clause
            if chosen is not None:
                await _run(chosen, path, run)
        case _:
            # Subscriptions and deferred parts are streams; nothing that answers once may plan them.
            raise ValueError(f"a {type(node).__name__} node can't be answered in one response")
