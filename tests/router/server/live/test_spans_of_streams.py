"""Operations over WebSockets and the events of subscriptions are traced as requests are."""

from __future__ import annotations

from typing import Any

from collector import collecting
from graphql_ws import opened

QUERY = 'query Who { customer(id: "c1") { name } }'
SUBSCRIPTION = 'subscription Watch { ticketUpdated(id: "t1") { title customer { name } } }'
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACED = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


def settings(url: str) -> dict[str, Any]:
    return {"telemetry": {"exporters": {"tracing": {"otlp": {"enabled": True, "endpoint": url}}}}}


async def test_each_operation_of_a_connection_is_a_request_in_the_clients_trace(live: Any) -> None:
    with collecting() as collector:
        async with (
            live(**settings(collector.url)) as psa,
            opened(psa, init={}, additional_headers=TRACED) as client,
        ):
            await client.subscribe("1", QUERY)
            assert [(await client.hear())["type"] for _ in range(2)] == ["next", "complete"]
            await client.subscribe("2", "{ nothing }")
            assert (await client.hear())["type"] == "error"

    well, badly = collector.named("request")
    (fetch,) = collector.named("subgraph crm")
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert fetch.parent_span_id == well.span_id
    told = [{one.key: one.value for one in span.attributes} for span in (well, badly)]
    assert told[0]["graphql.operation.name"].string_value == "Who"
    assert told[1]["graphql.errors"].array_value.values[0].string_value == "GRAPHQL_VALIDATION_FAILED"


async def test_each_event_of_a_subscription_has_a_span_and_its_fetches_hang_below(live: Any) -> None:
    with collecting() as collector:
        async with (
            live(**settings(collector.url)) as psa,
            opened(psa, init={}, additional_headers=TRACED) as client,
        ):
            await client.subscribe("1", SUBSCRIPTION)
            await psa.feed.heard_by(1)
            for title in ("a", "b"):
                psa.feed.emit(title)
                assert (await client.hear())["payload"]["data"]["ticketUpdated"]["title"] == title

    (request,) = collector.named("request")
    events, fetches = collector.named("subscription_event"), collector.named("subgraph crm")
    assert [span.parent_span_id for span in events] == [request.span_id] * 2
    assert [span.parent_span_id for span in fetches] == [span.span_id for span in events]
    assert request.end_time_unix_nano >= events[-1].end_time_unix_nano
