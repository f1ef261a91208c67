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
from codegen.rest import artifacts as rest
from codegen.rest.derive import Contradiction
from codegen.rest.freeze import Frozen

ROOT = Path(__file__).parents[1]


def main(
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail when something is stale.")] = False,
    thaw: Annotated[
        bool, typer.Option("--thaw", help="Break the promises of the REST interface, deliberately.")
    ] = False,
) -> None:
    """Write everything that is generated: SDL, supergraph, events, REST, errors, the map of the house."""
    try:
        stale = [artifact for artifact in artifacts(thaw=thaw) if artifact.written(ROOT) != artifact.text]
    except (Frozen, Contradiction) as problem:
        print(problem, file=sys.stderr)
        raise typer.Exit(1) from None
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


def artifacts(*, thaw: bool = False) -> Iterator[Artifact]:
    """All that is generated, as it should be; raises `Frozen` when the REST interface would break, unless it's thawed."""
    schemas = list(graph.artifacts())
    yield from schemas
    yield from events.artifacts()
    yield asyncapi.artifact()
    yield from recorded.artifacts(ROOT)
    supergraph = next(one.text for one in schemas if one.path.endswith("supergraph.graphql"))
    yield from rest.artifacts(ROOT, supergraph, events.payloads(), thaw=thaw)
    yield errors.artifact()
    yield house_map.artifact(ROOT)


def _difference(artifact: Artifact) -> Iterator[str]:
    before = (artifact.written(ROOT) or "").splitlines(keepends=True)
    after = artifact.text.splitlines(keepends=True)
    return difflib.unified_diff(before, after, artifact.path, f"{artifact.path} (as it should be)", n=1)


if __name__ == "__main__":
    typer.run(main)
