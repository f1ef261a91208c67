"""Sends probes and looks at everything that comes of them: answers, the log, events, and what was written.

    finding     a token of somebody else that the one who asked had not sent, and where it was seen
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import get_named_type

from subgraphs.kit.caller import Caller
from tests.walls.platform import Platform
from tests.walls.probes import (
    Foreign,
    Probe,
    batches,
    entities,
    entity_operation,
    nested_operations,
    operation,
    values,
)
from tests.walls.search import tokens

BATCH = 20


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
        """Ask all of these through the router."""
        for batch in batches(probes, BATCH):
            answer = await self._ask(batch)
            # One refusal can take the other answers of an operation with it: then each is asked alone.
            if len(batch) > 1 and answer.get("data") is None:
                for probe in batch:
                    await self._ask([probe])
            self.probes += len(batch)

    async def _ask(self, batch: list[Probe]) -> dict[str, Any]:
        text, variables = operation(self.platform.api, batch)
        said = tokens(json.dumps(variables))
        if batch[0].kind == "mutation":
            self.sent |= said
        raw = await self.platform.ask(self.caller, text, variables)
        self._search(f"{batch[0].kind} {batch[0].field} {batch[0].position}", raw, said)
        answer: dict[str, Any] = json.loads(raw)
        return answer

    async def run_entities(self, foreign: Foreign, own: Foreign) -> None:
        """Ask every module directly for foreign and own things by reference, and try foreign values below them."""
        known = {one for some in foreign.ids.values() for one in some}
        for module, schema in self.platform.subgraphs.items():
            for entity in entities(schema):
                theirs = [{"__typename": entity, "id": one} for one in sorted(known)]
                await self._ask_module(module, entity_operation(schema, entity), {"r": theirs}, len(theirs))
                mine = sorted({one for some in own.ids.values() for one in some})
                both = theirs[:20] + [{"__typename": entity, "id": one} for one in mine]
                for position, text in nested_operations(schema, entity):
                    for value in values(position, foreign.some(1)):
                        await self._ask_module(module, text, {"r": both, "value": value}, 1)

    async def _ask_module(self, module: str, text: str, variables: dict[str, Any], count: int) -> None:
        raw = await self.platform.ask_module(module, self.caller, text, variables)
        self._search(f"{module} {text[:80]}", raw, tokens(json.dumps(variables)))
        self.probes += count

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


def _faults(answer: dict[str, Any]) -> Iterator[str]:
    """Errors that are nobody's fault but ours; a probe should not be able to cause one."""
    for error in answer.get("errors", ()):
        if error.get("extensions", {}).get("code") in {None, "INTERNAL", "SUBGRAPH_ERROR"}:
            yield json.dumps(error)[:300]


async def ends_of_outboxes(platform: Platform) -> dict[str, int]:
    """The last event of each module until now."""
    return {
        module: await platform.admin.fetchval(f"SELECT coalesce(max(position), 0) FROM {module}.outbox")
        for module in platform.subgraphs
    }


def named(kind: Any) -> str:
    """The name of a type without its list and its exclamation marks."""
    name: str = get_named_type(kind).name
    return name
