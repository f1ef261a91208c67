"""The life of a request over three real subgraphs: what the client gets, and what the subgraphs see."""

from __future__ import annotations

import asyncio
import json
from typing import Any


async def test_the_seed_query_is_answered_by_three_modules(platform: Any) -> None:
    async with platform() as psa:
        body = await psa.ask(
            'query { customer(id: "123") { name tickets(status: "open") { id title priority } assets { name type } } }'
        )

    assert body == {
        "data": {
            "customer": {
                "name": "ACME",
                "tickets": [{"id": "t1", "title": "Printer", "priority": 2}],
                "assets": [{"name": "srv-1", "type": "SERVER"}],
            }
        }
    }


async def test_a_module_that_is_stopped_costs_its_own_fields_only(platform: Any) -> None:
    query = '{ customer(id: "123") { name tickets { id } assets { name } } }'
    async with platform() as psa:
        stopped = psa.running.pop("tickets")
        without = await psa.ask(query)
        psa.running["tickets"] = stopped
        again = await psa.ask(query)

    assert without["data"] == {"customer": {"name": "ACME", "tickets": None, "assets": [{"name": "srv-1"}]}}
    assert len(without["errors"]) == 1
    assert without["errors"][0]["path"] == ["customer", "tickets"]
    assert without["errors"][0]["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert without["errors"][0]["extensions"]["service"] == "tickets"
    assert again["data"]["customer"]["tickets"] == [{"id": "t1"}]
    assert "errors" not in again


async def test_a_request_that_takes_too_long_is_ended(platform: Any) -> None:
    async with platform(request_timeout_seconds=0.2) as psa:
        response = await psa.client.post("/graphql", json={"query": "{ sleeps(seconds: 30) }"})

    assert response.status_code == 504
    assert response.json()["errors"][0]["extensions"]["code"] == "GATEWAY_TIMEOUT"
    assert response.json()["data"] is None


async def test_a_slow_fetch_is_ended_before_the_request_is(platform: Any) -> None:
    async with platform(subgraphs={"timeout_seconds": 2}) as psa:
        body = await psa.ask('{ sleeps(seconds: 30) ticket(id: "1") { id } }')

    assert body["data"] == {"sleeps": None, "ticket": {"id": "1"}}
    assert [(one["path"], one["extensions"]["code"]) for one in body["errors"]] == [(["sleeps"], "UPSTREAM_TIMEOUT")]


async def test_a_body_that_does_not_come_is_not_waited_for_forever(platform: Any) -> None:
    async def never() -> Any:
        yield b"{"
        await asyncio.sleep(30)

    async with platform(request_timeout_seconds=0.2) as psa:
        response = await psa.client.post("/graphql", content=never(), headers={"content-type": "application/json"})

    assert response.status_code == 408
    assert response.json()["errors"][0]["extensions"]["code"] == "REQUEST_TIMEOUT"


async def test_subgraphs_are_cancelled_when_the_client_leaves(platform: Any) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def hangs(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        begun.set()
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    async with platform() as psa:
        psa.running["crm"] = hangs
        leaving = asyncio.create_task(leaving_client(psa.app, "{ fails }", begun))
        async with asyncio.timeout(60):
            await cancelled.wait()
        leaving.cancel()
        await asyncio.wait([leaving])


async def leaving_client(app: Any, query: str, begun: asyncio.Event) -> None:
    """Send a request, leave when somebody works at it, and never come back."""
    messages = [{"type": "http.request", "body": json.dumps({"query": query}).encode()}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(f"nobody is there for {message}")

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await app(scope, receive, send)
    await asyncio.sleep(30)


async def test_a_trace_goes_through_and_every_answer_has_a_request_id(platform: Any) -> None:
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with platform() as psa:
        sent = {"traceparent": given, "tracestate": "a=b", "x-request-id": "r-1", "idempotency-key": "k", "cookie": "c"}
        response = await psa.client.post("/graphql", json={"query": "{ headers }"}, headers=sent)
        health = await psa.client.get("/health")

    seen = json.loads(response.json()["data"]["headers"])
    assert seen["traceparent"].split("-")[1] == given.split("-")[1]
    assert seen["traceparent"].split("-")[2] != given.split("-")[2]
    assert seen["tracestate"] == "a=b"
    assert seen["x-request-id"] == response.headers["x-request-id"] == "r-1"
    assert seen["idempotency-key"] == "k"
    assert "cookie" not in seen
    assert len(health.headers["x-request-id"]) == 32


async def test_without_authentication_the_clients_token_stays_here(platform: Any) -> None:
    async with platform() as psa:
        body = await psa.ask("{ headers }", headers={"authorization": "Bearer secret", "traceparent": "nonsense"})

    seen = json.loads(body["data"]["headers"])
    assert "authorization" not in seen
    assert seen["traceparent"].startswith("00-")


async def test_a_mutation_goes_through(platform: Any) -> None:
    async with platform() as psa:
        body = await psa.ask('mutation { rename(name: "New") { id name tickets { id } } }')

    assert body == {"data": {"rename": {"id": "123", "name": "New", "tickets": [{"id": "t1"}]}}}


async def test_variables_are_checked_and_reach_the_subgraph(platform: Any) -> None:
    query = 'query($id: ID!, $s: String = "closed") { customer(id: $id) { tickets(status: $s) { id } } }'
    async with platform() as psa:
        good = await psa.ask(query, variables={"id": "123", "s": "open"})
        default = await psa.ask(query, variables={"id": "123"})
        bad = await psa.ask(query, variables={"id": ["123", "4"]})
        missing = await psa.ask(query)

    assert good == {"data": {"customer": {"tickets": [{"id": "t1"}]}}}
    assert default == {"data": {"customer": {"tickets": []}}}
    assert [one["extensions"]["code"] for one in bad["errors"] + missing["errors"]] == ["BAD_USER_INPUT"] * 2
    assert "data" not in bad


async def test_errors_of_a_subgraph_reach_the_client_with_service_and_code(platform: Any) -> None:
    async with platform(include_subgraph_errors={"all": True}) as psa:
        body = await psa.ask("{ fails }")

    assert body["data"] == {"fails": None}
    assert [(one["path"], one["extensions"]) for one in body["errors"]] == [
        (["fails"], {"code": "DOWNSTREAM_SERVICE_ERROR", "service": "crm"})
    ]


async def test_introspection_and_data_in_one_operation(platform: Any) -> None:
    async with platform() as psa:
        body = await psa.ask('{ __typename __type(name: "Ticket") { name } customer(id: "123") { name } }')

    assert body == {
        "data": {"__typename": "Query", "__type": {"name": "Ticket"}, "customer": {"name": "ACME"}},
    }


async def test_the_plan_is_shown_when_asked_and_allowed(platform: Any) -> None:
    query = '{ customer(id: "123") { name tickets { id } } }'
    async with platform(expose_query_plan=True) as psa:
        shown = await psa.ask(query, headers={"apollo-expose-query-plan": "true"})
        before = len(psa.modules["crm"].requests)
        dry = await psa.ask(query, headers={"apollo-expose-query-plan": "dry-run"})
        after = len(psa.modules["crm"].requests)
        silent = await psa.ask(query)
    async with platform(expose_query_plan=False) as psa:
        forbidden = await psa.ask(query, headers={"apollo-expose-query-plan": "true"})
    async with platform() as psa:
        alone = await psa.ask(query, headers={"apollo-expose-query-plan": "true"})

    assert alone == shown
    assert shown["data"]["customer"]["name"] == "ACME"
    assert shown["extensions"]["apolloQueryPlan"]["object"]["kind"] == "QueryPlan"
    assert shown["extensions"]["apolloQueryPlan"]["text"].startswith("QueryPlan {")
    assert dry["extensions"] == shown["extensions"]
    assert dry["data"] is None
    assert before == after
    assert "extensions" not in silent
    assert "extensions" not in forbidden


async def test_there_is_no_answer_before_there_is_a_schema(platform: Any) -> None:
    async with platform() as psa:
        ready = await psa.client.get("/health/ready")
        psa.app.state.graphs._current = None
        response = await psa.client.post("/graphql", json={"query": "{ fails }"})
        unready = await psa.client.get("/health/ready")
        live = await psa.client.get("/health/live")

    assert ready.status_code == 200
    assert response.status_code == 503
    assert response.json()["errors"][0]["extensions"]["code"] == "SUPERGRAPH_UNAVAILABLE"
    assert unready.status_code == 503
    assert live.json() == {"status": "UP"}


async def test_an_operation_is_prepared_once(platform: Any) -> None:
    async with platform(operation_cache_entries=2) as psa:
        operations = psa.app.state.graphs.current.operations
        first = await operations.find("{ fails }", None)
        again = await operations.find("{ fails }", None)
        for number in range(3):
            await operations.find(f"{{ a{number}: fails }}", None)
        later = await operations.find("{ fails }", None)

    assert first is again
    assert first is not later


async def test_equal_operations_at_the_same_time_are_prepared_once_even_if_the_first_client_leaves(
    platform: Any,
) -> None:
    async with platform() as psa:
        operations = psa.app.state.graphs.current.operations
        first = asyncio.ensure_future(operations.find("{ fails }", None))
        second = asyncio.ensure_future(operations.find("{ fails }", None))
        await asyncio.sleep(0)
        first.cancel()
        found = await second
        again = await operations.find("{ fails }", None)

    assert first.cancelled()
    assert found is again


async def test_figures_are_counted(platform: Any) -> None:
    async with platform() as psa:
        await psa.ask("{ fails }")
        text = (await psa.client.get("/metrics")).text

    figures = [line for line in text.splitlines() if not line.startswith("#")]
    assert any(
        line.startswith("http_client_request_duration_seconds_count") and '_name="crm"' in line for line in figures
    )
    assert any(line.startswith("http_server_request_duration_seconds_count") for line in figures)
    assert any(line.startswith("psa_router_graphql_error_total") and "DOWNSTREAM" in line for line in figures)


async def test_what_nobody_foresaw_is_masked_with_a_trace_id(platform: Any) -> None:
    async with platform() as psa:
        psa.app.state.graphs._current = "not a graph"
        response = await psa.client.post("/graphql", json={"query": "{ fails }"})

    error = response.json()["errors"][0]
    assert response.status_code == 500
    assert error["message"] == "An internal error happened."
    assert error["extensions"]["code"] == "INTERNAL"
    assert len(error["extensions"]["traceId"]) == 32
