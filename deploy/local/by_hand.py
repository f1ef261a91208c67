"""`./dev identity …`, `./dev dead-letters …`: what whoever runs a platform does by hand, on the platform that runs in a home.

Both work with the settings that the running platform wrote down when it started, readable by nobody else, and takes away
when it stops. The first becomes `python -m subgraphs.auth …`; the second asks every module, or one, as
`python -m subgraphs <module> dead-letters …` does.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from deploy.local import home as homes
from deploy.local.home import Trouble
from subgraphs.kit import config, dead_letter_desk
from subgraphs.kit.config import PREFIX, Settings
from subgraphs.kit.dead_letter_desk import Done, Which
from subgraphs.kit.dead_letters import Action
from subgraphs.kit.errors import Refusal


@contextmanager
def remembered(home: Path, known: Mapping[str, Settings]) -> Iterator[None]:
    """Keep what the modules were told in the home, for the length of the block."""
    file = _file(home)
    homes.make_directory(file.parent)
    with homes.explained(file):
        file.unlink(missing_ok=True)
    homes.private_file(file, lambda: json.dumps({name: _environment(one) for name, one in known.items()}))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def become(home: Path, arguments: Sequence[str]) -> None:
    """Turn into the program that does it."""
    os.execve(  # noqa: S606 - no shell is what we want
        sys.executable, [sys.executable, "-m", "subgraphs.auth", *arguments], {**os.environ, **told(home)["auth"]}
    )


def told(home: Path) -> Mapping[str, Mapping[str, str]]:
    """What the running platform wrote down of each module; raises `Trouble` when none runs."""
    try:
        known: dict[str, dict[str, str]] = json.loads(_file(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Trouble(f"No platform runs in {home}.", "Start it in another terminal: ./dev run") from None
    return known


async def dead_letters(home: Path, modules: Sequence[str], action: Action | None, which: Which) -> Sequence[str]:
    """Show what is held in these modules, or in all; or settle it, and say how many. Lines for people and programs."""
    known = {name: config.read(facts) for name, facts in told(home).items() if not modules or name in modules}
    if unknown := set(modules) - known.keys():
        raise Trouble(f"There is no module {', '.join(sorted(unknown))}.", f"The modules are {', '.join(told(home))}")
    if action is None:
        return [line for name, one in known.items() for line in await dead_letter_desk.shown(one, module=name)]
    try:
        return [_said(name, action, done) for name, done in await dead_letter_desk.settle_in(known, action, which)]
    except Refusal as refusal:
        raise Trouble(refusal.message, "./dev dead-letters lists what is held") from None


def _said(module: str, action: Action, done: Done) -> str:
    return f"{module}: {done.settled} {'brought back' if action is Action.REPLAY else 'let go'}, {done.held} still held"


def _environment(known: Settings) -> dict[str, str]:
    return {
        f"{PREFIX}{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in known
        if value is not None
    }


def _file(home: Path) -> Path:
    return home / "identity" / "modules.json"
