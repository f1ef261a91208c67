"""The clients, one function for each language: what a generator makes of the documents, and the little that we add to it.

openapi.json ─ openapi-typescript ─► rest.d.ts   + client.ts   openapi-fetch, problems, pages, patience
the graph    ─ graphql-codegen ────► graphql.ts  + graph.ts    typed documents of `operations/`
openapi.json ─ openapi-python-client ► psa_rest
the graph    ─ ariadne-codegen ────► psa_graph
openapi.json ─ openapi-to-postmanv2 ► psa.postman_collection.json
openapi.json ─ powershell.py ──────► the module Psa
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from graphql import InputValueDefinitionNode, NamedTypeNode, NonNullTypeNode, Visitor, parse, print_ast, visit

from codegen.clients import powershell
from codegen.clients.tools import HERE, node_modules, node_tool, python_tool

_SCALARS: Final = {"DateTime": "string", "Date": "string", "Time": "string", "Decimal": "string", "JSON": "unknown"}


@dataclass(frozen=True, slots=True)
class Promised:
    """What clients are made from: the OpenAPI document, and the schema as its clients see it."""

    openapi: Mapping[str, Any]
    sdl: str

    def write(self, folder: Path) -> None:
        """Lay both down, where generators find them."""
        (folder / "openapi.json").write_text(json.dumps(self.openapi), encoding="utf-8")
        (folder / "schema.graphql").write_text(self.sdl, encoding="utf-8")


def typescript(promised: Promised, target: Path) -> None:
    """A package for Node and browsers; `npx tsc` compiles it."""
    promised.write(target)
    for name in ("client.ts", "graph.ts", "tsconfig.json", "package.json", "package-lock.json"):
        shutil.copy(HERE / "typescript" / name, target)
    node_tool("typescript", "openapi-typescript", ["openapi.json", "--output", "rest.d.ts"], cwd=target)
    plugins = ["typescript-operations", "typed-document-node"]
    config = {
        "schema": "schema.graphql",
        "documents": str(HERE / "operations" / "*.graphql"),
        "generates": {"graphql.ts": {"plugins": plugins, "config": {"useTypeImports": True, "scalars": _SCALARS}}},
    }
    (target / "codegen.json").write_text(json.dumps(config), encoding="utf-8")
    _linked(target)
    node_tool("typescript", "graphql-codegen", ["--config", "codegen.json"], cwd=target)
    for name in ("codegen.json", "openapi.json", "schema.graphql"):
        (target / name).unlink()


def _linked(target: Path) -> None:
    """Let the generators, and the compiler, find what npm has installed elsewhere."""
    link = target / "node_modules"
    link.unlink(missing_ok=True)
    link.symlink_to(node_modules("typescript"))


def python(promised: Promised, target: Path) -> None:
    """Two packages: `psa_rest` for the REST interface, `psa_graph` for the graph."""
    Promised(_with_one_body_each(promised.openapi), _without_defaults(promised.sdl)).write(target)
    settings = {"package_name_override": "psa_rest", "post_hooks": [], "literal_enums": False}
    (target / "rest.json").write_text(json.dumps(settings), encoding="utf-8")
    words = "generate --path openapi.json --meta none --output-path psa_rest --overwrite --config rest.json"
    python_tool("openapi-python-client", words.split(), cwd=target)
    (target / "graph.toml").write_text(_ARIADNE.format(queries=HERE / "operations"), encoding="utf-8")
    python_tool("ariadne-codegen", ["--config", "graph.toml"], cwd=target)
    (target / "requirements.txt").write_text(_REQUIREMENTS, encoding="utf-8")
    for name in ("rest.json", "graph.toml", "openapi.json", "schema.graphql"):
        (target / name).unlink()


def _with_one_body_each(openapi: Mapping[str, Any]) -> dict[str, Any]:
    """Keep one content type for each body: the generator tells several apart by their Python types, and can't for lists."""
    copied: dict[str, Any] = json.loads(json.dumps(openapi))
    for item in copied["paths"].values():
        for operation in item.values():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            for other in [name for name in content if name != "application/json" and "application/json" in content]:
                del content[other]
    return copied


class _Unwritten(Visitor):
    def enter_input_value_definition(
        self, node: InputValueDefinitionNode, *_: object
    ) -> InputValueDefinitionNode | None:
        kind = node.type.type if isinstance(node.type, NonNullTypeNode) else node.type
        if node.default_value is None or not isinstance(kind, NamedTypeNode) or kind.name.value not in _SCALARS:
            return None
        return replace(node, type=kind, default_value=None)


def _without_defaults(sdl: str) -> str:
    """Let inputs of our own scalars be left out instead: the generator would write a Decimal's default as a string."""
    return print_ast(visit(parse(sdl), _Unwritten()))


_ARIADNE: Final = """\
[tool.ariadne-codegen]
schema_path = "schema.graphql"
queries_path = "{queries}"
target_package_name = "psa_graph"
client_name = "PsaGraph"
include_comments = "none"
[tool.ariadne-codegen.scalars.DateTime]
type = "datetime.datetime"
[tool.ariadne-codegen.scalars.Date]
type = "datetime.date"
[tool.ariadne-codegen.scalars.Decimal]
type = "decimal.Decimal"
"""
_REQUIREMENTS: Final = """\
# What both packages stand on.
httpx>=0.28,<0.29
attrs>=24
python-dateutil>=2.9
pydantic>=2.12,<3
"""


def postman(promised: Promised, target: Path) -> None:
    """A collection for Postman, with folders by resource; set `baseUrl` and `apiKey`."""
    promised.write(target)
    file, options = target / "psa.postman_collection.json", "folderStrategy=Tags,optimizeConversion=false,stackLimit=2"
    node_tool(
        "postman",
        "openapi2postmanv2",
        ["--spec", "openapi.json", "--output", file, "--options", options],
        cwd=target,
    )
    made = json.loads(file.read_text(encoding="utf-8"))
    made["auth"] = {
        "type": "apikey",
        "apikey": [
            {"key": "key", "value": "X-API-Key"},
            {"key": "value", "value": "{{apiKey}}"},
            {"key": "in", "value": "header"},
        ],
    }
    made["variable"] = [{"key": "baseUrl", "value": "http://127.0.0.1:4000/api/v1"}, {"key": "apiKey", "value": ""}]
    _ready(made["item"])
    file.write_text(json.dumps(made, indent=1), encoding="utf-8")
    for name in ("openapi.json", "schema.graphql"):
        (target / name).unlink()


def _ready(items: list[dict[str, Any]]) -> None:
    """Let every request be sent as it stands: with the collection's key, and without parameters that nobody must give."""
    for item in items:
        _ready(item.get("item", []))
        if "response" in item:
            item["response"] = []  # what is answered stands in the OpenAPI document
        request = item.get("request")
        if isinstance(request, dict):
            request.pop("auth", None)
            for one in (*request["url"].get("query", []), *request.get("header", [])):
                one["disabled"] = not _is_needed(one)


def _is_needed(parameter: Mapping[str, Any]) -> bool:
    described = parameter.get("description") or ""
    text = described.get("content", "") if isinstance(described, dict) else described
    return text.startswith("(Required)") or parameter["key"].lower() in ("accept", "content-type")


def powershell_module(promised: Promised, target: Path) -> None:
    """The module `Psa`: `Import-Module ./Psa`, then `Connect-Psa`."""
    module = target / "Psa"
    module.mkdir()
    for name in ("Psa.psd1", "Psa.psm1"):
        shutil.copy(HERE / "powershell" / name, module)
    (module / "Psa.Routes.ps1").write_text(powershell.functions(promised.openapi), encoding="utf-8-sig")


CLIENTS: Final[Mapping[str, Callable[[Promised, Path], None]]] = MappingProxyType(
    {"typescript": typescript, "python": python, "powershell": powershell_module, "postman": postman}
)
"""What can be made, by the name of its folder."""
