"""Read the corpus: schema sets in text files, each with its name and the verdict that it must get.

A case starts with `===== name -> ok` or `===== name -> CODE CODE …`, each of its subgraphs with `### name`. A subgraph whose
name ends with `*` links the federation specification with everything that it has; with `*5`, version 2.5 of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from router.federation.directives import available
from router.federation.spec import Version
from router.federation.subgraph import SubgraphSource

CORPUS = Path(__file__).parent / "corpus"
EVERYTHING = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", "@requires", '
    '"@provides", "@override", "@inaccessible", "@tag", "@interfaceObject", "@composeDirective", "@authenticated", '
    '"@requiresScopes", "@policy", "@context", "@fromContext", "@cost", "@listSize"])\n'
)


def everything(minor: int) -> str:
    """Link one version of federation, with all directives that it has."""
    imports = ", ".join(f'"@{name}"' for name in available(Version(2, minor)))
    return f'extend schema @link(url: "https://specs.apollo.dev/federation/v2.{minor}", import: [{imports}])\n'


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
        if found := re.fullmatch(r"(.*)\*(\d*)", name):
            head = everything(int(found[2])) if found[2] else EVERYTHING
            yield SubgraphSource(found[1], f"http://{found[1]}", head + sdl)
        else:
            yield SubgraphSource(name, f"http://{name}", sdl)
