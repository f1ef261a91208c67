"""Subscriptions in parts, byte for byte as Apollo's clients read them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { title } }'
ACCEPT = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0", application/json'


async def test_parts_have_an_envelope_and_are_ended_at_once(live: Any) -> None:
    async with (
        live() as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers={"accept": ACCEPT}) as response,
    ):
        await psa.feed.heard_by(1)
        psa.feed.emit("Printer")
        text, read = "", response.aiter_text()
        async with asyncio.timeout(60):
            while text.count("--graphql") < 2:
                text += await anext(read)
        psa.feed.emit(None)
        rest = "".join([piece async for piece in read])

    assert response.status_code == 200
    assert response.headers["content-type"] == "multipart/mixed;boundary=graphql;subscriptionSpec=1.0"
    assert text + rest == (
        "\r\n--graphql\r\ncontent-type: application/json\r\n\r\n"
        '{"payload":{"data":{"ticketUpdated":{"title":"Printer"}}}}\r\n--graphql--\r\n'
    )


async def test_what_ends_the_stream_stands_beside_a_null_payload(live: Any) -> None:
    async with live() as psa:
        del psa.running["tickets"]
        response = await psa.client.post("/graphql", json={"query": SUBSCRIPTION}, headers={"accept": ACCEPT})

    assert '\r\n\r\n{"payload":null,"errors":[{"message":"The service tickets' in response.text
    assert '"code":"UPSTREAM_UNAVAILABLE"' in response.text
    assert response.text.endswith("--graphql--\r\n")


async def test_silence_is_an_empty_part(live: Any) -> None:
    async with (
        live(subscriptions={"heartbeat_seconds": 0.05}) as psa,
        psa.client.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers={"accept": ACCEPT}) as response,
    ):
        text, read = "", response.aiter_text()
        async with asyncio.timeout(60):
            while text.count("\r\n\r\n{}") < 2:
                text += await anext(read)


@pytest.mark.parametrize("query", ['{ ticket(id: "t1") { title } }', "{ nothing }"])
async def test_what_has_one_answer_is_answered_as_json(live: Any, query: str) -> None:
    async with live() as psa:
        response = await psa.client.post("/graphql", json={"query": query}, headers={"accept": ACCEPT})

    assert response.headers["content-type"] == "application/json; charset=utf-8"
