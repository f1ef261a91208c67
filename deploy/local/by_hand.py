"""`./dev identity …`: what whoever runs a platform does with identity by hand, on the platform that runs in a home.

It becomes `python -m subgraphs.auth …`, with the settings that the running platform wrote down when it started, readable
by nobody else, and takes away when it stops.
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
from subgraphs.kit.config import PREFIX, Settings


@contextmanager
def remembered(home: Path, known: Settings) -> Iterator[None]:
    """Keep what the module auth was told in the home, for the length of the block."""
    file = _file(home)
    homes.make_directory(file.parent)
    with homes.explained(file):
        file.unlink(missing_ok=True)
    homes.private_file(file, lambda: json.dumps(_environment(known)))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def become(home: Path, arguments: Sequence[str]) -> None:
    """Turn into the program that does it."""
    os.execve(  # noqa: S606 - no shell is what we want
        sys.executable, [sys.executable, "-m", "subgraphs.auth", *arguments], {**os.environ, **told(home)}
    )


def told(home: Path) -> Mapping[str, str]:
    """What the running platform wrote down; raises `Trouble` when none runs."""
    try:
        known: dict[str, str] = json.loads(_file(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Trouble(f"No platform runs in {home}.", "Start it in another terminal: ./dev run") from None
    return known


def _environment(known: Settings) -> dict[str, str]:
    return {
        f"{PREFIX}{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in known
        if value is not None
    }


def _file(home: Path) -> Path:
    return home / "identity" / "auth-settings.json"
