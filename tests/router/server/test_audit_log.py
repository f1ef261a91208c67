"""Who asked what, for whom, and what came of it: one line for each operation, and never a secret in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

SECRET = "correct horse"
QUERY = "query Who($id: ID!) { customer(id: $id) { name } }"


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


async def test_a_refused_operation_is_named_once_it_was_understood(platform: Any, tmp_path: Path) -> None:
    audit = {"enabled": True, "file": str(tmp_path / "audit.jsonl")}
    demand = {"enabled": True, "mode": "enforce", "strategy": {"static_estimated": {"max": 0, "list_size": 1}}}
    async with platform(audit=audit, demand_control=demand) as psa:
        await psa.ask("query Dear { customer(id: 1) { name } }")

    (written,) = lines(tmp_path / "audit.jsonl")
    assert (written["outcome"], written["errors"]) == ("REFUSED", ["COST_ESTIMATED_TOO_EXPENSIVE"])
    assert (written["graphql.operation.name"], written["graphql.operation.type"]) == ("Dear", "query")
    assert len(written["graphql.operation.hash"]) == 64


async def test_each_operation_is_one_line_whatever_came_of_it(platform: Any, issuer: Any, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    audit = {"enabled": True, "file": str(file), "show": ["id"]}
    async with platform(audit=audit, authentication=issuer.settings(), batching={"enabled": True}) as psa:
        await psa.ask(QUERY, variables={"id": "123"}, headers=issuer.bearer())
        await psa.ask("{ fails }", headers=issuer.bearer())
        await psa.ask("{ nothing }", headers=issuer.bearer())
        await psa.ask(QUERY, headers={"authorization": "Bearer wrong"})
        batch = [{"query": "{ a: __typename }"}, {"query": "{ b: __typename }"}]
        await psa.client.post("/graphql", json=batch, headers=issuer.bearer())

    written = lines(file)
    assert [(one["outcome"], one.get("errors")) for one in written] == [
        ("OK", None),
        ("FAILED", ["DOWNSTREAM_SERVICE_ERROR"]),
        ("REFUSED", ["GRAPHQL_VALIDATION_FAILED"]),
        ("REFUSED", ["UNAUTHENTICATED"]),
        ("OK", None),
        ("OK", None),
    ]
    first = written[0]
    assert (first["graphql.operation.name"], first["graphql.operation.type"]) == ("Who", "query")
    assert first["tenant"] == "0190a000-0000-7000-8000-000000000001"
    assert first["variables"] == {"id": "123"}
    assert len(first["graphql.operation.hash"]) == 64
    assert written[4]["graphql.operation.hash"] != written[5]["graphql.operation.hash"]


async def test_secrets_never_appear(platform: Any, issuer: Any, tmp_path: Path) -> None:
    given = {"id": SECRET, "input": {"newPassword": SECRET, "list": [{"token": {"value": SECRET}}]}}
    sent = issuer.bearer()
    texts = []
    for variables in ("none", "redacted", "shown"):
        file = tmp_path / variables
        audit = {"enabled": True, "file": str(file), "variables": variables, "never": ["password", "token", "id"]}
        async with platform(audit=audit, authentication=issuer.settings()) as psa:
            await psa.ask(QUERY, variables=given, headers=sent)
            await psa.ask(f'{{ customer(id: "{SECRET}") {{ name }} }}', headers=sent)
            await psa.ask(f'{{ {SECRET} "', headers=sent)
        texts.append(file.read_text())

    assert not any(SECRET in text or sent["authorization"][7:] in text for text in texts)
    assert json.loads(texts[1].splitlines()[0])["variables"] == {
        "id": "[redacted]",
        "input": {"newPassword": "[redacted]", "list": [{"token": "[redacted]"}]},
    }


async def test_without_a_file_it_goes_to_the_log_and_off_it_goes_nowhere(platform: Any) -> None:
    with capture_logs() as logged:
        async with platform(audit={"enabled": True}) as psa:
            await psa.ask("{ __typename }")
        async with platform() as psa:
            await psa.ask("{ __typename }")

    assert [line["outcome"] for line in logged if line["event"] == "audit"] == ["OK"]
