"""Read the corpus: schema sets in text files, each with its name and the verdict that it must get.

A case starts with `===== name -> ok` or `===== name -> CODE CODE …`, each of its subgraphs with `### name`. A subgraph whose
name ends with `*` links the federation specification with everything that it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from router.federation.subgraph import SubgraphSource

CORPUS = Path(__file__).parent / "corpus"
EVERYTHING = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", "@requires", '
    '"@provides", "@override", "@inaccessible", "@tag", "@interfaceObject", "@composeDirective", "@authenticated", '
    '"@requiresScopes", "@policy", "@context", "@fromContext", "@cost", "@listSize"])\n'
)


@dataclass(frozen=True, slots=True)
class Case:
    """A schema set and the codes with which it is refused, if it is."""

    name: str
    codes: tuple[str, ...]
    subgraphs: tuple[SubgraphSource, ...]


def cases() -> Iterator[Case]:
    """All cases of all files."""
    for path in sorted(CORPUS.glob("*.txt")):
        for text in re.split(r"^===== ", path.read_text(), flags=re.MULTILINE)[1:]:
            title, _, body = text.partition("\n")
            name, _, verdict = title.partition(" -> ")
            codes = () if verdict.strip() == "ok" else tuple(sorted(verdict.split()))
            yield Case(f"{path.stem}: {name}", codes, tuple(_subgraphs(body)))


def _subgraphs(body: str) -> Iterator[SubgraphSource]:
    for text in re.split(r"^### ", body, flags=re.MULTILINE)[1:]:
        name, _, sdl = text.partition("\n")
        name = name.strip()
        if name.endswith("*"):
            yield SubgraphSource(name[:-1], f"http://{name[:-1]}", EVERYTHING + sdl)
        else:
            yield SubgraphSource(name, f"http://{name}", sdl)
