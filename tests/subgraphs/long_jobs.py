"""Long jobs of a module, for tests: begin one, be the worker, and look how far it is."""

from __future__ import annotations

import functools
from typing import Any
from uuid import uuid4

import orjson

from subgraphs.kit import work
from subgraphs.kit.caller import system
from tests.subgraphs.house import A, Service

JOB = "id kind status done total percent attempts resultType resultId error { code } startedBy"


async def begun(service: Service, command: str, **given: Any) -> dict[str, Any]:
    """Begin a long job, twice under one key; it is there once."""
    kind = command[0].upper() + command[1:] + "Input"
    query = (
        f"mutation($input: {kind}!) {{ begun: {command}(input: $input) {{ job {{ {JOB} }} errors {{ code field }} }} }}"
    )
    key = str(uuid4())
    first, second = [(await service.data(query, input={**given, "clientMutationId": key}))["begun"] for _ in range(2)]
    assert first == second
    return dict(first)


async def worked(service: Service) -> int:
    """Do all long jobs that wait, as a worker would; how many that were."""
    begin = functools.partial(
        work.begin, service.engine, module=service.module.name, clock=lambda: service.moment, settings=service.settings
    )
    tasks = {long.name: long.task for long in service.module.long_jobs}
    rows = await service.rows(
        "DELETE FROM job WHERE entrypoint = ANY($1) RETURNING entrypoint, convert_from(payload, 'UTF8') AS payload",
        list(tasks),
    )
    for row in rows:
        await tasks[row["entrypoint"]].run(begin, system(A), orjson.loads(row["payload"]))
    return len(rows)


async def seen(service: Service, job: str, caller: Any = None) -> dict[str, Any] | None:
    query = f"query($id: ID!) {{ job: {service.module.name}Job(id: $id) {{ {JOB} }} }}"
    found: dict[str, Any] | None = (await service.data(query, caller, id=job))["job"]
    return found
