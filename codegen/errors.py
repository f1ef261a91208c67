"""The error manual: every code that a client can meet, and what it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from codegen.artifact import NOTICE, Artifact
from router.errors import CATALOGUE
from router.federation import codes
from subgraphs import MODULES
from subgraphs.kit import errors
from subgraphs.kit.module import load

_INTRODUCTION = f"""\
<!-- {NOTICE} -->
# Every code and its meaning

A code is stable: it is never reused and never changes its meaning. Programs should look at codes, people at messages.
"""


def artifact() -> Artifact:
    """`contracts/errors.md`."""
    return Artifact("contracts/errors.md", "\n".join(_sections()))


def _sections() -> Iterator[str]:
    for name in MODULES:
        load(name)
    yield _INTRODUCTION
    yield "## Refusals\n\nWhat a command answers in `errors` of its payload, and a query in `extensions.code`.\n"
    yield _table(("Code", "Meaning"), errors.catalogue().items())
    yield "## Requests\n\nWhat the router says about a request or a service, in `extensions.code`.\n"
    rows = ((code.code, str(code.status), code.whose, code.meaning) for code in sorted(CATALOGUE.values(), key=str))
    yield _table(("Code", "HTTP status", "Whose fault", "Meaning"), rows)
    yield "## Composition\n\nWhy subgraphs do not become a supergraph.\n"
    yield _table(("Code", "Since", "Meaning"), ((code, one.since, one.meaning) for code, one in codes.ERRORS.items()))
    yield "## Hints\n\nWhat composes but looks odd.\n"
    yield _table(
        ("Code", "Level", "Meaning"), ((code, one.level.value, one.meaning) for code, one in codes.HINTS.items())
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *((f"`{code}`", *rest) for code, *rest in rows)]
    return "".join(
        "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )
