"""What clients read of the errors of subgraphs: nothing that was not meant for them, unless the settings say so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_graph import Subgraph
from structlog.testing import capture_logs

from router.server.config import Misconfigured, read

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACED = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}

MEANT = {"message": "Too short", "extensions": {"code": "NAME_TOO_SHORT", "least": 3, "exception": {"stack": "x"}}}
RAW = {"message": "connect to db.internal failed: hunter2"}
CRASH = {"message": "KeyError: hunter2", "extensions": {"code": "INTERNAL_SERVER_ERROR", "stacktrace": ["hunter2"]}}
ALL = [MEANT, RAW, CRASH]


def shop() -> Subgraph:
    async def fail(_: Subgraph) -> tuple[int, bytes]:
        errors = [{"path": ["a"], **error} for error in ALL]
        return 200, json.dumps({"data": {"a": None}, "errors": errors}).encode()

    return Subgraph("type Query { a: String }", {}, before=fail)


def hidden(code: str, **more: Any) -> dict[str, Any]:
    extensions = {**more, "code": code, "traceId": TRACE, "service": "shop"}
    return {"message": "Subgraph errors redacted", "path": ["a"], "extensions": extensions}


def masked(code: str) -> dict[str, Any]:
    return {**hidden(code), "message": "The service shop met an internal error."}


def shown(error: dict[str, Any], **extensions: Any) -> dict[str, Any]:
    return {"message": error["message"], "path": ["a"], "extensions": {**extensions, "service": "shop"}}


NOTHING = [hidden("DOWNSTREAM_SERVICE_ERROR")] * 3
EVERYTHING = [
    shown(MEANT, **MEANT["extensions"]),
    shown(RAW, code="DOWNSTREAM_SERVICE_ERROR"),
    shown(CRASH, **CRASH["extensions"]),
]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {},
            [
                shown(MEANT, code="NAME_TOO_SHORT", least=3),
                masked("DOWNSTREAM_SERVICE_ERROR"),
                masked("INTERNAL_SERVER_ERROR"),
            ],
        ),
        ({"all": False}, NOTHING),
        ({"all": True}, EVERYTHING),
        ({"all": True, "subgraphs": {"shop": False}}, NOTHING),
        ({"all": False, "subgraphs": {"shop": True, "other": False}}, EVERYTHING),
        ({"all": {}}, NOTHING),
        (
            {"all": {"redact_message": True, "allow_extensions_keys": ["code"]}},
            [hidden("NAME_TOO_SHORT"), hidden("DOWNSTREAM_SERVICE_ERROR"), hidden("INTERNAL_SERVER_ERROR")],
        ),
        (
            {
                "all": {"redact_message": True, "deny_extensions_keys": ["exception", "least"]},
                "subgraphs": {"shop": {"deny_extensions_keys": ["stacktrace"], "exclude_global_keys": ["least"]}},
            },
            [
                hidden("NAME_TOO_SHORT", least=3),
                hidden("DOWNSTREAM_SERVICE_ERROR"),
                hidden("INTERNAL_SERVER_ERROR"),
            ],
        ),
        (
            {
                "all": {"allow_extensions_keys": ["code"]},
                "subgraphs": {"shop": {"redact_message": False, "allow_extensions_keys": ["least"]}},
            },
            [
                shown(MEANT, code="NAME_TOO_SHORT", least=3),
                shown(RAW, code="DOWNSTREAM_SERVICE_ERROR"),
                shown(CRASH, code="INTERNAL_SERVER_ERROR"),
            ],
        ),
    ],
)
async def test_the_settings_say_what_is_shown(small: Any, settings: Any, expected: Any) -> None:
    async with small({"shop": shop()}, include_subgraph_errors=settings) as router:
        with capture_logs() as lines:
            body = await router.ask("{ a }", headers=TRACED)

    assert body == {"errors": expected, "data": {"a": None}}
    # Whatever the client doesn't read stands in the log, under the trace id that it does read.
    found = [line for line in lines if line["event"] == "subgraph.error_masked"]
    redacted = [error for error, seen in zip(ALL, expected, strict=True) if seen["message"] != error["message"]]
    assert [line["error.message"] for line in found] == [error["message"] for error in redacted]
    assert {line["trace.id"] for line in found} <= {TRACE}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "include_subgraph_errors: {all: {allow_extensions_keys: [a], deny_extensions_keys: [b]}}",
            "leave one of the two",
        ),
        ("include_subgraph_errors: {al: true}", "did you mean include_subgraph_errors.all?"),
        ("include_subgraph_errors: {all: {redact_mesage: true}}", "redact_mesage"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "router.yaml").write_text(text)

    with pytest.raises(Misconfigured, match="include_subgraph_errors") as refused:
        read(tmp_path / "router.yaml", {})

    assert message in str(refused.value)


def test_the_name_that_it_had_here_before_still_means_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text("mask_internal_errors: false")

    assert read(tmp_path / "router.yaml", {}).include_subgraph_errors.all is True
