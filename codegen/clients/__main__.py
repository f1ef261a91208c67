"""`python -m codegen.clients --out build/clients` makes the clients: of everything, or of what a key may use."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import httpx2
import typer
from graphql import print_schema

from codegen.clients.make import CLIENTS, Promised
from codegen.clients.tools import Missing
from router.rest.view import View

ROOT = Path(__file__).parents[2]


def main(
    *,
    out: Annotated[Path, typer.Option(help="Where they are put, each in a folder of its own.")] = Path("build/clients"),
    only: Annotated[
        list[str] | None, typer.Option(help=f"Which: {', '.join(CLIENTS)}; all of them by default.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="A platform whose description is taken.")] = None,
    key: Annotated[str, typer.Option(help="An API key; what it may not use is left out.")] = "",
) -> None:
    """Make clients from the contracts, or from what a platform says of itself."""
    promised = Promised(_described(address, key) if address else _contract(), _graph())
    for name in only or CLIENTS:
        began, target = time.monotonic(), out / name
        if target.exists():
            shutil.rmtree(target)
        target.mkdir(parents=True)
        try:
            CLIENTS[name](promised, target)
        except (Missing, KeyError) as reason:
            print(f"{name}: not made: {reason}", file=sys.stderr)
            raise typer.Exit(1) from None
        print(f"made {target} ({time.monotonic() - began:.0f} s)")


def _contract() -> dict[str, object]:
    described: dict[str, object] = json.loads((ROOT / "contracts/rest/openapi.json").read_text(encoding="utf-8"))
    return described


def _graph() -> str:
    return print_schema(View.of((ROOT / "contracts/graph/supergraph.graphql").read_text(encoding="utf-8")).schema)


def _described(address: str, key: str) -> dict[str, object]:
    answer = httpx2.get(f"{address}/api/v1/openapi.json", headers={"X-API-Key": key}, timeout=60, trust_env=False)
    answer.raise_for_status()
    described: dict[str, object] = answer.json()
    return described


if __name__ == "__main__":
    typer.run(main)
