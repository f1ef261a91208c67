"""Sends probes and looks at everything that comes of them: answers, the log, events, and what was written.

A finding is a token of somebody else that the one who asked had not sent, and where it was seen.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from subgraphs import MODULES
from subgraphs.kit.caller import Caller
from tests.walls.platform import Platform
from tests.walls.probes import (
    EACH,
    Foreign,
    Probe,
    commands,
    entities,
    entity_operation,
    naming,
    nested_operations,
    operation,
    questions,
    roots,
    values,
)
from tests.walls.search import tokens
from tests.walls.twins import Household

AT_ONCE = 4


@dataclass(slots=True)
class Attack:
    """One caller who asks for what is not theirs."""

    platform: Platform
    caller: Caller
    secrets: frozenset[str]
    findings: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    probes: int = 0
    sent: set[str] = field(default_factory=set)
    """What commands carried in: it may come back, because it is the caller's own now."""

    async def run(self, probes: Iterable[Probe]) -> None:
        """Ask all of these through the router, some at a time: while one waits for the database, another is read."""
        waiting = iter(probes)

        async def asker() -> None:
            for probe in waiting:
                await self._ask(probe)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(asker())

    async def _ask(self, probe: Probe) -> None:
        text, variables = operation(self.platform.api, probe)
        said = tokens(json.dumps(variables))
        if probe.kind == "mutation":
            self.sent |= said
        raw = await self.platform.ask(self.caller, text, variables)
        self._search(str(probe.position or probe.field), raw, said)
        self.probes += 1

    async def run_references(self, foreign: Foreign, own: Foreign, modules: Collection[str] = MODULES) -> None:
        """Ask these modules directly for foreign things by reference, and try foreign values below what is one's own."""
        theirs, mine = _every(foreign), _every(own)
        for module in modules:
            schema = self.platform.subgraphs[module]
            for entity in entities(schema):
                await self._ask_module(module, entity_operation(schema, entity), _represented(entity, theirs))
                for position, text in nested_operations(schema, entity) if mine else ():
                    for value in values(position, foreign.some(1)):
                        await self._ask_module(module, text, _represented(entity, mine) | {"value": value})

    async def _ask_module(self, module: str, text: str, variables: dict[str, Any]) -> None:
        raw = await self.platform.ask_module(module, self.caller, text, variables)
        self._search(f"{module} {text[:80]}", raw, tokens(json.dumps(variables)))
        self.probes += len(variables["r"])

    def _search(self, where: str, raw: str, said: set[str]) -> None:
        found = (tokens(raw) & self.secrets) - said - self.sent
        self.findings += [f"{where}: {one}" for one in sorted(found)]
        self.faults += [f"{where}: {error}" for error in _faults(json.loads(raw))]

    def search_log(self, heard: str) -> None:
        """Look for secrets in what was logged; what the caller sent is a secret there, too."""
        self.findings += [f"log: {one}" for one in sorted(tokens(heard) & self.secrets)]

    async def search_events(self, after: dict[str, int]) -> None:
        """Look for secrets in the events that came of the commands."""
        for module, position in after.items():
            written = await self.platform.text(
                f"{module}.outbox", "position > $1 AND tenant_id = $2", position, self.caller.tenant
            )
            found = (tokens(written) & self.secrets) - self.sent
            self.findings += [f"events of {module}: {one}" for one in sorted(found)]


def _every(some: Foreign) -> list[str]:
    return sorted({one for ids in some.ids.values() for one in ids})


def _represented(entity: str, ids: list[str]) -> dict[str, Any]:
    return {"r": [{"__typename": entity, "id": one} for one in ids]}


def _faults(answer: dict[str, Any]) -> Iterator[str]:
    """Errors that are nobody's fault but ours; a probe should not be able to cause one."""
    for error in answer.get("errors", ()):
        if error.get("extensions", {}).get("code") in {None, "INTERNAL", "SUBGRAPH_ERROR"}:
            yield json.dumps(error)[:300]


async def raid(platform: Platform, caller: Caller, own: Household, secrets: set[str], foreign: Foreign) -> Attack:
    """Everything there is: all questions, references and commands, with foreign values wherever one can be given."""
    attack = Attack(platform, caller, frozenset(secrets))
    ends = await ends_of_outboxes(platform)
    some = foreign.some(EACH)
    await attack.run(questions(platform.api, some, own.ids))
    await attack.run_references(foreign, Foreign({"own": list(own.ids.values())}))
    await attack.run(commands(platform.api, some, own.ids, own.words))
    await attack.search_events(ends)
    return attack


async def thin_raid(platform: Platform, caller: Caller, own: Household, secrets: set[str], foreign: Foreign) -> Attack:
    """All questions, references and commands, but only with identifiers that are meant where they are given.

    For a wall that does not look at arguments: the database's, when the application has lost all of its own.
    """
    attack = Attack(platform, caller, frozenset(secrets))
    ends = await ends_of_outboxes(platform)
    meant = Foreign(foreign.some(EACH).ids)
    await attack.run(naming(questions(platform.api, meant, own.ids, kinds=1)))
    await attack.run_references(foreign, Foreign())
    await attack.run(naming(commands(platform.api, meant, own.ids, own.words, kinds=1)))
    await attack.search_events(ends)
    return attack


async def glance(
    platform: Platform, caller: Caller, secrets: set[str], foreign: Foreign, modules: Collection[str] = MODULES
) -> Attack:
    """The quickest look: all lists of these modules as they are, and everything foreign by reference."""
    attack = Attack(platform, caller, frozenset(secrets))
    fields = {name for module in modules for name in roots(platform.subgraphs[module], "query")}
    await attack.run(probe for probe in questions(platform.api, Foreign(), {}) if probe.field in fields)
    await attack.run_references(foreign, Foreign(), modules)
    return attack


async def ends_of_outboxes(platform: Platform) -> dict[str, int]:
    """The last event of each module until now."""
    return {
        module: await platform.admin.fetchval(f"SELECT coalesce(max(position), 0) FROM {module}.outbox")
        for module in platform.subgraphs
    }
