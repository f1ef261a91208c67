"""Keeps the registrations and their supergraph in a file: whole or not at all, whenever the process dies."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class State:
    """What a router needs to serve again at once, before any module has announced itself.

    `held` are the schemas that a rollback keeps away; `operations` are those that clients sent.
    """

    registrations: list[dict[str, str]]
    supergraph_sdl: str
    held: list[list[str]] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)


def read(file: Path) -> State:
    """Read the file; raises ValueError, TypeError or KeyError when it's not what we wrote."""
    kept = json.loads(file.read_text(encoding="utf-8"))
    return State(
        list(kept["registrations"]),
        str(kept["supergraph_sdl"]),
        list(kept.get("held", [])),
        list(kept.get("operations", [])),
    )


def write(file: Path, state: State) -> None:
    """Replace the file."""
    replace(file, json.dumps(asdict(state)))


def replace(file: Path, text: str) -> None:
    """Replace a file: the new one is on disk before it takes the old one's name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False
    ) as new:
        try:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
            Path(new.name).replace(file)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise
