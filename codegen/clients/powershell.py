"""The functions of the PowerShell module, from the OpenAPI document: approved verbs, a noun for each resource.

    GET /tickets, GET /tickets/{id}              Get-PsaTicket [-Id …]
    GET /customers/{id}/tickets                  Get-PsaCustomerTicket -Id …
    POST /tickets                                New-PsaTicket -Body @{…}
    PATCH /tickets/{id}                          Set-PsaTicket -Id … -Body @{…} [-IfMatch …]
    DELETE /roles/{id}                           Remove-PsaRole -Id …
    POST /tickets/{id}/actions/resolve           Invoke-PsaTicketAction -Action resolve -Id … [-Body @{…}]

Everything else is asked by `Invoke-PsaApi` and `Invoke-PsaBulk`, which stand in the part that is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from codegen.artifact import NOTICE
from codegen.rest.words import singular, title

_ACTION: Final = re.compile(r"(?P<above>/.+?)/actions/(?P<action>[a-z0-9-]+)")
_KEY: Final = re.compile(r"\{(\w+)\}")


@dataclass(slots=True)
class _Function:
    """One function, from one or more routes."""

    name: str
    summary: str
    list_path: str | None = None
    item_path: str | None = None
    actions: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What can be done, by its name: the path, and what it means."""


def functions(document: Mapping[str, Any]) -> str:
    """The text of the file with all functions."""
    found: dict[str, _Function] = {}
    for path, item in document["paths"].items():
        for method in ("get", "post", "patch", "delete"):
            if method in item:
                _place(found, method, path, " ".join(item[method]["summary"].split()))
    written = "\n\n".join(_written(one) for _, one in sorted(found.items()))
    return f"# {NOTICE}\n\n{written}\n"


def _place(found: dict[str, _Function], method: str, path: str, summary: str) -> None:
    action = _ACTION.fullmatch(path)
    if action is not None:
        one = found.setdefault(f"Invoke-Psa{_noun(action['above'])}Action", _Function("", "Does something with it."))
        one.actions[action["action"]] = (path, summary)
        one.name = f"Invoke-Psa{_noun(action['above'])}Action"
        return
    if path.endswith(("/bulk", "/query")) or "." in path:
        return
    verb = {"get": "Get", "post": "New", "patch": "Set", "delete": "Remove"}[method]
    name = f"{verb}-Psa{_noun(path)}"
    one = found.setdefault(name, _Function(name, summary))
    if path.endswith("}"):
        one.item_path = path
    else:
        one.list_path, one.summary = path, summary


def _noun(path: str) -> str:
    """`/customers/{id}/time-entries` is a CustomerTimeEntry."""
    parts = [part for part in path.split("/") if part and not part.startswith("{")]
    return "".join("".join(title(word) for word in singular(part).split("-")) for part in parts)


def _written(one: _Function) -> str:
    verb = one.name.partition("-")[0]
    match verb:
        case "Get":
            lines = _get(one)
        case "Invoke":
            lines = _invoke(one)
        case _:
            lines = _change(one, {"New": "Post", "Set": "Patch", "Remove": "Delete"}[verb])
    return "\n".join([f"function {one.name} {{", "    <#", "    .SYNOPSIS", f"    {_quiet(one.summary)}", *lines, "}"])


def _get(one: _Function) -> Iterator[str]:
    keys = _KEY.findall(one.list_path or "")
    listed = one.list_path is not None
    default = "List" if listed else "One"
    yield f"    #>\n    [CmdletBinding(DefaultParameterSetName = '{default}')]"
    params = [_parameter(key, "List") for key in keys]
    if one.item_path:
        own = _KEY.findall(one.item_path)
        params += [_parameter(key, "One") for key in own if key not in keys]
    params += ["[string[]]$Fields", "[string[]]$Expand"]
    if listed:
        own_set = "[Parameter(ParameterSetName = 'List')]"
        params += [f"{own_set} [hashtable]$Filter = @{{}}", f"{own_set} [ValidateRange(1, 200)] [int]$Limit = 50"]
        params += [f"{own_set} [string]$Sort", f"{own_set} [switch]$All"]
    yield _block(params)
    yield "    process {"
    shown = "-Fields $Fields -Expand $Expand"
    if one.item_path and listed:
        yield "        if ($PSCmdlet.ParameterSetName -eq 'One') {"
        yield f"            return Get-PsaThing -Path {_path(one.item_path)} {shown}"
        yield "        }"
    if listed:
        more = "-Filter $Filter -Limit $Limit -Sort $Sort -All:$All"
        yield f"        Get-PsaList -Path {_path(one.list_path or '')} {shown} {more}"
    elif one.item_path:
        yield f"        Get-PsaThing -Path {_path(one.item_path)} {shown}"
    yield "    }"


def _change(one: _Function, method: str) -> Iterator[str]:
    path = one.item_path or one.list_path or ""
    impact = ", ConfirmImpact = 'High'" if method == "Delete" else ""
    yield f"    #>\n    [CmdletBinding(SupportsShouldProcess{impact})]"
    params = [_parameter(key) for key in _KEY.findall(path)]
    if method != "Delete":
        params.append("[Parameter(Mandatory)] [hashtable]$Body")
    params += ["[string]$IfMatch"] if method == "Patch" else []
    yield _block([*params, "[string]$IdempotencyKey = [guid]::NewGuid().ToString()", "[switch]$DryRun"])
    given = "" if method == "Delete" else " -Body $Body"
    guard = " -IfMatch $IfMatch" if method == "Patch" else ""
    yield "    process {"
    yield f"        if ($DryRun -or $PSCmdlet.ShouldProcess({_path(path)}, '{method}')) {{"
    yield (
        f"            Invoke-PsaApi -Method {method} -Path {_path(path)}{given}{guard}"
        " -IdempotencyKey $IdempotencyKey -DryRun:$DryRun"
    )
    yield "        }\n    }"


def _invoke(one: _Function) -> Iterator[str]:
    yield "    .DESCRIPTION"
    for name, (_, summary) in sorted(one.actions.items()):
        yield f"    {name}: {_quiet(summary)}"
    yield "    #>\n    [CmdletBinding(SupportsShouldProcess)]"
    names = ", ".join(f"'{name}'" for name in sorted(one.actions))
    keys = sorted({key for path, _ in one.actions.values() for key in _KEY.findall(path)})
    params = [f"[Parameter(Mandatory, Position = 0)] [ValidateSet({names})] [string]$Action"]
    params += [f"[Parameter(ValueFromPipelineByPropertyName)] [string]${title(key)}" for key in keys]
    yield _block(
        [
            *params,
            "[hashtable]$Body = @{}",
            "[string]$IdempotencyKey = [guid]::NewGuid().ToString()",
            "[switch]$DryRun",
        ]
    )
    yield "    process {\n        $path = switch ($Action) {"
    for name, (path, _) in sorted(one.actions.items()):
        yield f"            '{name}' {{ {_path(path)} }}"
    yield "        }\n        if ($DryRun -or $PSCmdlet.ShouldProcess($path, $Action)) {"
    yield "            Invoke-PsaApi -Method Post -Path $path -Body $Body -IdempotencyKey $IdempotencyKey -DryRun:$DryRun"
    yield "        }\n    }"


def _parameter(key: str, of: str | None = None) -> str:
    belongs = f", ParameterSetName = '{of}'" if of else ""
    return f"[Parameter(Mandatory, ValueFromPipelineByPropertyName{belongs})] [string]${title(key)}"


def _block(params: list[str]) -> str:
    inner = ",\n".join(f"        {one}" for one in params)
    return f"    param(\n{inner}\n    )"


def _path(path: str) -> str:
    """A path as an expression: what stands in braces is a parameter, made safe for a URL."""
    return '"' + _KEY.sub(lambda found: f"$(ConvertTo-PsaSegment ${title(found[1])})", path.lstrip("/")) + '"'


def _quiet(text: str) -> str:
    """Text that ends no comment."""
    return text.replace("#>", "# >").replace("`", "'")
