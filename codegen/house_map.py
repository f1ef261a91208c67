"""The map of the house in the README: each room with the sentence that its first file opens with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from codegen.artifact import Artifact

BEGIN = "<!-- the map of the house: written by codegen, edit nothing until its end -->\n"
END = "<!-- end of the map -->\n"

_ROOMS = ("contracts", "subgraphs", "router", "codegen", "deploy")


class NoPlaceForTheMap(Exception):
    """README.md has lost the two lines between which the map belongs."""


def artifact(root: Path) -> Artifact:
    """`README.md` with the map as it is now."""
    text = (root / "README.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoPlaceForTheMap(f"README.md needs the lines\n{BEGIN}{END}")
    drawn = "\n".join(line for room in _ROOMS for line in _lines(root, Path(room)))
    return Artifact("README.md", f"{before}{BEGIN}```\n{drawn}\n```\n{END}{after}")


def _lines(root: Path, room: Path, depth: int = 0) -> Iterator[str]:
    name = "  " * depth + room.name + "/"
    yield f"{name:<22} {_sentence(root / room / '__init__.py')}"
    if depth < 1:
        inner = sorted(path.parent for path in (root / room).glob("*/__init__.py"))
        for one in inner:
            yield from _lines(root, one.relative_to(root), depth + 1)


def _sentence(file: Path) -> str:
    words = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(words.split("\n\n")[0].split())
