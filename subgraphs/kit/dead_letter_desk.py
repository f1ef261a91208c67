"""Dead letters for the operator at the machine: of all tenants, and of none; `python -m subgraphs <module> dead-letters`.

    dead-letters [list]                          a line of JSON for each that is held, the oldest first
    dead-letters replay  --id … | --all          bring them back
    dead-letters discard --id … | --all          let them go

Listing is the relay's right, which sees all tenants; settling is done for each tenant as the platform, behind its walls and
noted in its audit, exactly as a mutation would. Neither needs the broker: the relay carries what is brought back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from subgraphs.kit import caller, dead_letters, wire, work
from subgraphs.kit.config import Settings
from subgraphs.kit.database import engine as connect
from subgraphs.kit.dead_letters import DEAD_LETTER, Action
from subgraphs.kit.errors import Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Which:
    """Which dead letters: these, or all."""

    ids: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it."""

    settled: int
    held: int
    """What was asked for and could not be settled."""


async def shown(settings: Settings, **more: str) -> Sequence[str]:
    """What is held in this module, as lines of JSON that say `more` first."""
    return [orjson.dumps(more | row).decode() for row in await _held(settings)]


async def settle_in(known: Mapping[str, Settings], action: Action, which: Which) -> Sequence[tuple[str, Done]]:
    """The same as `settle` in each module of a platform; raises `NotFound` when one of those named is held in none."""
    if which.everything or not which.ids:
        return [(name, await settle(name, one, action, which)) for name, one in known.items()]
    held = {name: {str(row["id"]) for row in await _held(one)} for name, one in known.items()}
    wanted = [one.lower() for one in which.ids]
    if strange := [one for one in wanted if not any(one in ids for ids in held.values())]:
        raise NotFound(f"Nothing is held as {', '.join(strange)}.")
    theirs = {name: Which(tuple(one for one in wanted if one in ids)) for name, ids in held.items()}
    return [(name, await settle(name, known[name], action, its)) for name, its in theirs.items() if its.ids]


async def settle(module: str, settings: Settings, action: Action, which: Which) -> Done:
    """Bring dead letters back, or let them go; raises `NotFound` when one of those named is not held."""
    if bool(which.ids) == which.everything:
        raise Invalid("Say which: --id once or more, or --all.")
    held = {str(row["id"]): UUID(str(row["tenant_id"])) for row in await _held(settings)}
    wanted = list(held) if which.everything else [one.lower() for one in which.ids]
    if strange := [one for one in wanted if one not in held]:
        raise NotFound(f"Nothing is held as {', '.join(strange)}.")
    by_tenant: defaultdict[UUID, list[str]] = defaultdict(list)
    for one in wanted:
        by_tenant[held[one]].append(one)
    settled = 0
    engine = connect(settings.needed("database_url"), application=f"psa-{module}", pool_size=1)
    try:
        for tenant, ids in by_tenant.items():
            for start in range(0, len(ids), dead_letters.MOST):
                chunk = [UUID(one) for one in ids[start : start + dead_letters.MOST]]
                command = f"{action.value.lower()}DeadLetters"
                async with work.begin(engine, caller.system(tenant), module=module, command=command) as job:
                    made = await dead_letters.settle_all(job, action, where=[DEAD_LETTER.c.id.in_(chunk)])
                settled += len(made.settled)
    finally:
        await engine.dispose()
    return Done(settled, len(wanted) - settled)


async def _held(settings: Settings) -> Sequence[dict[str, object]]:
    async with wire.connection(settings.needed("database_relay_url"), application="dead-letters") as connection:
        return [_plain(dict(row)) for row in await dead_letters.listed(connection)]


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}
