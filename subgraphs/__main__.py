"""One command line for all modules: `python -m subgraphs <name> serve relay consume work`, or `migrate`, `sdl`, `config`, `audit verify`, `dead-letters`."""

from __future__ import annotations

import asyncio
import os
import sys
from enum import Enum
from typing import Annotated

import typer

from subgraphs import MODULES
from subgraphs.kit import audit_proof, config, dead_letter_desk, graph, log, migrate, module, process
from subgraphs.kit.app import Breached
from subgraphs.kit.dead_letters import Action
from subgraphs.kit.errors import Refusal


class Verb(Enum):
    """What to do with a module; the first four run until they are told to stop, and may be combined."""

    SERVE = "serve"
    RELAY = "relay"
    CONSUME = "consume"
    WORK = "work"
    MIGRATE = "migrate"
    SDL = "sdl"
    CONFIG = "config"
    AUDIT = "audit"
    VERIFY = "verify"
    DEAD_LETTERS = "dead-letters"
    LIST = "list"
    REPLAY = "replay"
    DISCARD = "discard"


def main(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(MODULES)}.")],
    verbs: Annotated[list[Verb], typer.Argument(help="What to do; serve, relay, consume and work may be combined.")],
    ids: Annotated[list[str] | None, typer.Option("--id", help="With dead-letters: this one; may be repeated.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="With dead-letters: all that are held.")] = False,  # noqa: FBT002 - an option of a command
) -> None:
    """Run one module of the platform; its settings come from the environment (PSA_…)."""
    if name not in MODULES:
        raise typer.BadParameter(f"there is no module {name!r}; there are {', '.join(MODULES)}")
    try:
        _run(name, [verb.value for verb in verbs], dead_letter_desk.Which(tuple(ids or ()), everything=everything))
    except* (config.Misconfigured, Breached, process.Stopped, Refusal) as problems:
        for problem in _leaves(problems):
            print(f"psa-{name}: {problem}", file=sys.stderr)
        raise typer.Exit(1) from None


def _run(name: str, verbs: list[str], which: dead_letter_desk.Which) -> None:
    manifest = module.load(name)
    settings = config.read(os.environ)
    match verbs:
        case ["sdl"]:
            print(graph.sdl(manifest), end="")
        case ["config"]:
            print("\n".join(f"{key}={value}" for key, value in config.shown(settings).items()))
        case ["migrate"]:
            ran = asyncio.run(migrate.upgrade(name, settings.needed("database_owner_url")))
            print(f"{name}: {', '.join(ran) or 'nothing to do'}")
        case ["audit", "verify"]:
            _verify_audit(name, settings.needed("database_owner_url"))
        case ["dead-letters"] | ["dead-letters", "list"]:
            print("\n".join(asyncio.run(dead_letter_desk.shown(settings))))
        case ["dead-letters", "replay"]:
            _settle(name, settings, Action.REPLAY, which)
        case ["dead-letters", "discard"]:
            _settle(name, settings, Action.DISCARD, which)
        case _ if set(verbs) <= process.VERBS.keys():
            log.configure(service=f"psa-{name}")
            process.run(process.until_told(manifest, settings, verbs))
        case _:
            raise typer.BadParameter(f"{' '.join(verbs)} cannot be combined")


def _settle(name: str, settings: config.Settings, action: Action, which: dead_letter_desk.Which) -> None:
    """Bring dead letters back, or let them go, and say how many; what stays held makes the command fail."""
    done = asyncio.run(dead_letter_desk.settle(name, settings, action, which))
    print(f"{name}: {done.settled} {'brought back' if action is Action.REPLAY else 'let go'}, {done.held} still held")
    if done.held:
        raise typer.Exit(1)


def _verify_audit(name: str, owner_url: str) -> None:
    """Say whether the records hold; name the first break of each chain that does not, and fail."""
    proof = asyncio.run(audit_proof.verify(owner_url))
    for found in proof.breaks:
        print(f"{name}: {found}", file=sys.stderr)
    print(f"{name}: {proof.entries} entries in {proof.strands} strands, {len(proof.breaks)} broken; seal {proof.seal}")
    if proof.breaks:
        raise typer.Exit(1)


def _leaves(problems: BaseExceptionGroup) -> list[BaseException]:
    found: list[BaseException] = []
    for problem in problems.exceptions:
        found += _leaves(problem) if isinstance(problem, BaseExceptionGroup) else [problem]
    return found


if __name__ == "__main__":
    typer.run(main)
