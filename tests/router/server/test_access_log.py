"""One line per request, with what helps and without what must not be there."""

from __future__ import annotations

from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from structlog.testing import capture_logs

from router.server.access_log import Observed, Observer
from router.server.metrics import Metrics


async def test_a_request_is_one_line_without_token_document_or_values(platform: Any, issuer: Any) -> None:
    query = "query Search($id: ID!) { customer(id: $id) { name tickets { id } } }"
    sent = issuer.bearer() | {"apollographql-client-name": "web", "x-request-id": "r-1"}
    async with platform(authentication=issuer.settings()) as psa:
        with capture_logs() as lines:
            await psa.ask(query, variables={"id": "confidential"}, headers=sent)
            await psa.client.get("/health")
            await psa.client.post("/graphql", json={"query": "{ secretField }"}, headers=issuer.bearer())

    first, second = [line for line in lines if line["event"] == "request"]
    assert first["graphql.operation.name"] == "Search"
    assert first["graphql.operation.type"] == "query"
    assert first["http.response.status_code"] == 200
    assert first["http.request.id"] == "r-1"
    assert first["client.name"] == "web"
    assert first["tenant"] == "0190a000-0000-7000-8000-000000000001"
    assert [one["name"] for one in first["subgraphs"]] == ["crm"]
    assert second["errors"] == ["GRAPHQL_VALIDATION_FAILED"]
    assert not any(word in str(lines) for word in ("confidential", "secretField", sent["authorization"][7:]))


async def test_what_breaks_outside_of_the_pipeline_is_masked_too() -> None:
    async def breaks(_request: Any) -> Any:
        raise RuntimeError("hunter2")

    app = Starlette(
        routes=[Route("/", breaks)], middleware=[Middleware(Observed, observer=Observer(Metrics(), access_log=True))]
    )
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with capture_logs():
        await app(
            {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}, lambda: None, send
        )

    assert sent[0]["status"] == 500
    assert b"x-request-id" in dict(sent[0]["headers"])
    assert b"INTERNAL" in sent[1]["body"]
    assert b"hunter2" not in sent[1]["body"]
    assert structlog.get_config()
