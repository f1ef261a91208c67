"""Our composer and Apollo's say the same about the corpus and about random schema sets: verdict, codes, hints, supergraph.

Needs Node.js and npm's `@apollo/composition` and `graphql`: in the folder that PSA_TEST_NODE_COMPOSITION names, or installed
into a temporary folder on first use.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from router.composition.command import answer
from router.composition.compose import supergraph
from router.federation.subgraph import SubgraphSource
from tests.router.composition.corpus_cases import cases
from tests.router.composition.random_schemas import schemas

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]

ORACLE = Path(__file__).parent / "oracle.cjs"
RANDOM = int(os.environ.get("PSA_TEST_RANDOM_SCHEMAS", "60"))


@pytest.fixture(scope="module")
def packages() -> Path:
    """The folder with Apollo's composer."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("LEFT OUT: the comparison with Apollo's composer; it needs Node.js and npm")
    folder = Path(
        os.environ.get("PSA_TEST_NODE_COMPOSITION", Path(tempfile.gettempdir()) / "psa-test-node" / "composition")
    )
    if not (folder / "node_modules" / "@apollo" / "composition").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            "npm",
            "install",
            "--prefix",
            str(folder),
            "--no-audit",
            "--no-fund",
            "@apollo/composition@2.14",
            "graphql@16",
        ]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("LEFT OUT: the comparison with Apollo's composer; npm can't install @apollo/composition")
    return folder


def ask(packages: Path, sets: Sequence[Sequence[SubgraphSource]]) -> list[dict[str, Any]]:
    """What Apollo's composer says about schema sets."""
    requests = [
        json.dumps({"id": index, "subgraphs": [{"name": s.name, "url": s.url, "sdl": s.sdl} for s in subgraphs]})
        for index, subgraphs in enumerate(sets)
    ]
    environment = os.environ | {"NODE_PATH": str(packages / "node_modules")}
    result = subprocess.run(
        ["node", str(ORACLE)],
        input="\n".join(requests) + "\n",
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    return [json.loads(line) for line in result.stdout.splitlines()]


def summary(said: dict[str, Any]) -> dict[str, Any]:
    """What must agree."""
    if not said["ok"]:
        return {"codes": sorted({error["code"] for error in said["errors"]})}
    hints = sorted((hint["code"], hint["coordinate"] or "", hint["message"]) for hint in said["hints"])
    return {"supergraph": said["supergraph"].strip(), "hints": hints}


def differing(packages: Path, named: dict[str, tuple[SubgraphSource, ...]]) -> dict[str, tuple[object, object]]:
    """The sets about which the two differ. Where Apollo's composer crashes there is nothing to compare."""
    found = {}
    for (name, subgraphs), theirs in zip(named.items(), ask(packages, list(named.values())), strict=True):
        if not theirs["ok"] and any(error["code"] == "CRASH" for error in theirs["errors"]):
            continue
        ours, wanted = summary(answer(supergraph(subgraphs))), summary(theirs)
        if ours != wanted:
            found[name] = (ours, wanted)
    return found


def test_the_corpus_is_judged_alike(packages: Path) -> None:
    assert differing(packages, {case.name: case.subgraphs for case in cases()}) == {}


def test_random_schemas_are_judged_alike(packages: Path) -> None:
    """All but one in a hundred: the paths of odd interfaces may be told differently."""
    found = differing(packages, {str(seed): schemas(seed) for seed in range(RANDOM)})

    assert len(found) <= RANDOM // 50, found
