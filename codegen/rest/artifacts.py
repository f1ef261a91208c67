"""The files of the REST interface: for each version its lock file and its OpenAPI document, and what each field asks for.

A version is there when its lock file is: to open `/api/v2` beside `/api/v1`, put `{"version": 2}` into
`contracts/rest/v2.lock.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from codegen.artifact import Artifact
from codegen.rest import freeze, openapi, permissions, shapes
from codegen.rest.derive import Rules
from router.rest.api import Api
from router.rest.routes import Code, Lock
from router.rest.view import View
from subgraphs.kit import errors

FOLDER: Final = "contracts/rest"
PERMISSIONS: Final = f"{FOLDER}/permissions.json"
_LOCK: Final = re.compile(r"v(\d+)\.lock\.json")


def artifacts(
    root: Path, supergraph: str, events: Mapping[str, Mapping[str, Any]], *, thaw: bool = False
) -> Iterator[Artifact]:
    """Lock file and OpenAPI document of every version; raises `Frozen` when one would break, unless it's thawed."""
    view = View.of(supergraph)
    scopes = permissions.of_fields()
    yield Artifact(PERMISSIONS, json.dumps(dict(sorted(scopes.items())), indent=1) + "\n")
    for before in _locks(root):
        lock = derived(view, before, scopes, codes())
        found = () if thaw else tuple(freeze.breaks(before, lock))
        if found:
            raise freeze.Frozen(before.version, found)
        yield Artifact(f"{FOLDER}/v{lock.version}.lock.json", lock.dumps())
        document = openapi.document(Api(view, lock), events)
        yield Artifact(openapi_path(lock.version), json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def derived(view: View, before: Lock, scopes: Mapping[str, tuple[str, ...]], codes: Mapping[str, Code]) -> Lock:
    """The lock as the rules have it now."""
    found = Rules(view, before, scopes, datetime.now(UTC).date().isoformat()).apply()
    lock = Lock(before.version, tuple(found.routes.values()), {}, found.graphql_only, codes)
    return replace(lock, shapes=shapes.of(Api(view, lock)))


def openapi_path(version: int) -> str:
    """Where the document of a version lies."""
    return f"{FOLDER}/openapi.json" if version == 1 else f"{FOLDER}/openapi.v{version}.json"


def codes() -> dict[str, Code]:
    """The codes of all refusals, with the status that follows from what kind of refusal each is."""
    found: dict[str, Code] = {}
    pending: list[tuple[type[errors.Refusal], int]] = [(errors.Refusal, 409)]
    while pending:
        kind, status = pending.pop(0)
        status = _STATUS.get(kind, status)
        own = _OWN_STATUS.get(kind.code, status)
        found.setdefault(kind.code, Code(own, " ".join((kind.__doc__ or "").split())))
        pending.extend((one, status) for one in kind.__subclasses__())
    return dict(sorted(found.items()))


_STATUS: Final[Mapping[type[errors.Refusal], int]] = {
    errors.Invalid: 422,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Unavailable: 503,
    errors.KeyReused: 422,
}


_OWN_STATUS: Final[Mapping[str, int]] = {"RATE_LIMITED": 429, "CURSOR_EXPIRED": 410}
"""Codes for which HTTP has a word of its own."""


def _locks(root: Path) -> Iterator[Lock]:
    found = sorted((root / FOLDER).glob("v*.lock.json"), key=lambda path: path.name)
    for path in found:
        if _LOCK.fullmatch(path.name):
            yield Lock.loads(path.read_text(encoding="utf-8"))
