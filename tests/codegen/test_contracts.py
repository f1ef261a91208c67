"""What is generated is what is there; and when it is not, the check fails and shows the difference."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from codegen import errors, events, graph, house_map
from codegen.artifact import Artifact
from contracts.events.envelope import Envelope
from router.errors import CATALOGUE
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.mcp.tools import toolbox
from router.server import manifests
from subgraphs import MODULES
from tests import repository
from tests.repository import ROOT


@pytest.fixture
def copy(tmp_path):
    """The repository as it is, where a test may spoil it."""
    for path in repository.files():
        line = path.relative_to(ROOT)
        if line.parts[0] in {"contracts", "subgraphs", "router", "codegen", "deploy", "README.md"}:
            (tmp_path / line).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / line)
    return tmp_path


def check(root):
    program = [sys.executable, "-m", "codegen", "--check"]
    return subprocess.run(program, capture_output=True, text=True, check=False, cwd=root)


@pytest.mark.timeout(180)
def test_a_stale_contract_fails_the_check_and_shows_the_difference(copy):
    stale = copy / "contracts" / "graph" / "tickets.graphql"
    stale.write_text(stale.read_text().replace("type Ticket ", "type Tickets ", 1))

    result = check(copy)

    assert result.returncode == 1
    assert "-type Tickets " in result.stdout
    assert "+type Ticket " in result.stdout
    assert result.stderr.startswith("stale: contracts/graph/tickets.graphql;")
    assert "type Tickets " in stale.read_text(), "the check must write nothing"


def test_every_module_has_its_sdl_and_its_events():
    paths = {artifact.path for artifact in (*graph.artifacts(), *events.artifacts())}

    assert paths == {
        "contracts/graph/supergraph.graphql",
        "contracts/events/envelope.json",
        "contracts/events/audit.json",
        "contracts/events/jobs.json",
        *(f"contracts/graph/{name}.graphql" for name in MODULES),
        *(f"contracts/events/{name}.json" for name in MODULES),
    }


def test_subgraphs_that_contradict_each_other_are_refused_with_all_reasons():
    one = "type Query { a: Int } type Thing { x: Int }"
    two = "type Query { b: Int } input Thing { x: Int }"

    with pytest.raises(graph.DoesNotCompose, match="TYPE_KIND_MISMATCH"):
        graph.supergraph({"one": one, "two": two})


def test_the_manual_knows_every_code():
    manual = errors.artifact().text

    assert all(
        f"| `{code}` |" in manual for code in (*CATALOGUE, "TICKET_WRONG_STATUS", "NOT_FOUND", "SATISFIABILITY_ERROR")
    )


def test_the_envelopes_schema_names_every_attribute():
    (envelope,) = [artifact for artifact in events.artifacts() if artifact.path.endswith("envelope.json")]

    assert all(f'"{name}"' in envelope.text for name in Envelope.model_fields)


def test_a_readme_without_a_place_for_the_map_says_so(tmp_path):
    (tmp_path / "README.md").write_text("# no map\n")

    with pytest.raises(house_map.NoPlaceForTheMap):
        house_map.artifact(tmp_path)


def test_an_artifact_is_written_where_it_belongs(tmp_path):
    artifact = Artifact("a/b.txt", "text\n")
    assert artifact.written(tmp_path) is None

    artifact.write(tmp_path)

    assert artifact.written(tmp_path) == "text\n"


def test_every_operation_that_comes_along_is_a_tool_for_assistants():
    supergraph = Supergraph.parse((ROOT / "contracts/graph/supergraph.graphql").read_text(encoding="utf-8"))
    texts = manifests.read([ROOT / "contracts/operations"]).everybodys

    box = toolbox(texts, api_schema(supergraph))

    assert box.left_out == ()
    assert [one.name for one in box.tools if not one.description] == []
    assert {one.name for one in box.tools if one.writes} == {
        "OpenTicket",
        "ReplyToTicket",
        "AssignTicket",
        "ResolveTicket",
    }
