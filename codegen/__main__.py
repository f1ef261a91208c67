"""`python -m codegen` writes the contracts; `python -m codegen --check` compares and fails when one is stale."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from codegen import asyncapi, errors, events, graph, house_map, recorded
from codegen.artifact import Artifact

ROOT = Path(__file__).parents[1]


def main(
    *, check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when something is stale.")] = False
) -> None:
    """Write everything that is generated: SDL, supergraph, event schemas, AsyncAPI, the error manual, the map of the house."""
    stale = [artifact for artifact in artifacts() if artifact.written(ROOT) != artifact.text]
    for artifact in stale:
        if check:
            print("".join(_difference(artifact)), end="")
        else:
            artifact.write(ROOT)
            print(f"wrote {artifact.path}")
    if check and stale:
        names = ", ".join(artifact.path for artifact in stale)
        print(f"stale: {names}; write them with ./dev codegen and look at the difference", file=sys.stderr)
        raise typer.Exit(1)


def artifacts() -> Iterator[Artifact]:
    """All that is generated, as it should be."""
    yield from graph.artifacts()
    yield from events.artifacts()
    yield asyncapi.artifact()
    yield from recorded.artifacts(ROOT)
    yield errors.artifact()
    yield house_map.artifact(ROOT)


def _difference(artifact: Artifact) -> Iterator[str]:
    before = (artifact.written(ROOT) or "").splitlines(keepends=True)
    after = artifact.text.splitlines(keepends=True)
    return difflib.unified_diff(before, after, artifact.path, f"{artifact.path} (as it should be)", n=1)


if __name__ == "__main__":
    typer.run(main)
