"""The PowerShell module: every function has an approved verb, every route its function, and every file is PowerShell."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from codegen.clients import powershell
from codegen.clients.make import Promised, powershell_module
from codegen.clients.tools import HERE
from tests.repository import ROOT

DOCUMENT = json.loads((ROOT / "contracts/rest/openapi.json").read_text(encoding="utf-8"))
APPROVED = {"Get", "New", "Set", "Remove", "Invoke"}


@pytest.fixture(scope="module")
def text() -> str:
    return powershell.functions(DOCUMENT)


def faults(source: bytes) -> list[str]:
    """What a parser of the language does not understand, with its line."""
    found, pending = [], [Parser(Language(tree_sitter_powershell.language())).parse(source).root_node]
    while pending:
        node: Node = pending.pop()
        if node.is_error or node.is_missing:
            found.append(f"{node.start_point[0] + 1}: {source[node.start_byte : node.end_byte][:80]!r}")
        pending.extend(node.children if node.has_error else ())
    return found


def test_every_file_of_the_module_can_be_parsed(text):
    assert faults(text.encode()) == []
    assert {name: faults((HERE / "powershell" / name).read_bytes()) for name in ("Psa.psm1", "Psa.psd1")} == {
        "Psa.psm1": [],
        "Psa.psd1": [],
    }


def test_functions_have_approved_verbs_and_names_of_their_own(text):
    names = re.findall(r"^function (\S+) \{$", text, re.MULTILINE)

    assert len(names) == len(set(names)) > 100
    assert {name.partition("-")[0] for name in names} == APPROVED
    assert {"Get-PsaTicket", "New-PsaTicket", "Set-PsaTicket", "Get-PsaCustomerTicket", "Remove-PsaRole"} <= set(names)


def test_every_route_is_reached_by_a_function(text):
    """What is asked in bulk or as a document is reached by the functions that are written by hand."""
    called = {re.sub(r"\$\(ConvertTo-PsaSegment \$(\w+)\)", "{}", one) for one in re.findall(r'"([^"\n]+)"', text)}
    wanted = {
        re.sub(r"\{\w+\}", "{}", path).lstrip("/")
        for path in DOCUMENT["paths"]
        if not path.endswith(("/bulk", "/query"))
    }

    assert wanted - called == set()


def test_what_a_function_asks_is_a_route_with_that_method(text):
    """A body goes to what takes one: `Set` is PATCH, `New` is POST, `Remove` is DELETE."""
    for verb, method in (("New", "post"), ("Set", "patch"), ("Remove", "delete")):
        for block in re.findall(rf"^function {verb}-.*?^\}}", text, re.MULTILINE | re.DOTALL):
            path = "/" + re.findall(r'-Path "([^"]+)"', block)[0]
            pattern = re.sub(r"\$\(ConvertTo-PsaSegment \$(\w+)\)", lambda _found: r"\{\w+\}", path)
            assert any(re.fullmatch(pattern, known) and method in item for known, item in DOCUMENT["paths"].items()), (
                path
            )


@pytest.mark.skipif(
    shutil.which("pwsh") is None, reason="LEFT OUT: Pester's tests of the PowerShell module; there is no pwsh"
)
def test_pester_finds_nothing(tmp_path: Path) -> None:
    powershell_module(Promised(DOCUMENT, ""), tmp_path)
    shutil.copy(Path(__file__).with_name("Psa.Tests.ps1"), tmp_path)
    command = ["pwsh", "-NoProfile", "-Command", "Invoke-Pester ./Psa.Tests.ps1 -CI"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
