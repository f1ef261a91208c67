"""graphql-transport-ws towards clients: messages, close codes, tokens, and what is left when a client goes."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from graphql_ws import PROTOCOL, SUBSCRIPTION, Client, opened
from structlog.testing import capture_logs
from websockets.asyncio.client import connect

from router.server.farewell import Farewell


@pytest.mark.parametrize("path", ["/graphql", "/ws"])
async def test_events_come_until_the_client_has_enough(live: Any, path: str) -> None:
    async with live() as psa, opened(psa, path, {}) as client:
        await client.subscribe()
        await psa.feed.heard_by(1)
        psa.feed.emit("Printer")
        heard = await client.hear()
        await client.say(type="complete", id="1")
        await psa.quiet_but_connected()

    data = {"ticketUpdated": {"id": "t1", "title": "Printer", "customer": {"name": "ACME"}}}
    assert heard == {"id": "1", "type": "next", "payload": {"data": data}}


async def test_when_the_service_has_no_more_the_operation_is_complete_and_its_id_is_free(live: Any) -> None:
    async with live() as psa, opened(psa, init={}) as client:
        for _ in range(2):
            await client.subscribe()
            await psa.feed.heard_by(1)
            psa.feed.emit(None)
            assert await client.hear() == {"id": "1", "type": "complete"}


async def test_queries_and_mutations_are_answered_once(live: Any) -> None:
    async with live() as psa, opened(psa, init={}) as client:
        await client.subscribe("q", "query Q($id: ID!) { ticket(id: $id) { title } }", variables={"id": "t1"})
        answers = [await client.hear(), await client.hear()]
        await client.subscribe("m", 'mutation { rename(title: "Scanner") }')
        answers += [await client.hear(), await client.hear()]

    assert answers == [
        {"id": "q", "type": "next", "payload": {"data": {"ticket": {"title": "Printer"}}}},
        {"id": "q", "type": "complete"},
        {"id": "m", "type": "next", "payload": {"data": {"rename": "Scanner"}}},
        {"id": "m", "type": "complete"},
    ]


async def test_an_operation_that_is_wrong_gets_its_errors_and_the_connection_stays(live: Any) -> None:
    async with live() as psa, opened(psa, init={}) as client:
        await client.subscribe(query="subscription { nothing }")
        heard = await client.hear()
        await client.say(type="ping", payload={"n": 1})
        pong = await client.hear()

    assert (heard["id"], heard["type"]) == ("1", "error")
    assert heard["payload"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert pong == {"type": "pong", "payload": {"n": 1}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["no JSON"], 4400),
        (["[]"], 4400),
        (['{"type": "dance"}'], 4400),
        (['{"type": "connection_init", "payload": 7}'], 4400),
        (['{"type": "connection_init"}', '{"type": "subscribe", "id": "", "payload": {"query": "{ x }"}}'], 4400),
        (['{"type": "connection_init"}', b"bytes"], 4400),
        (['{"type": "subscribe", "id": "1", "payload": {"query": "{ x }"}}'], 4401),
        (['{"type": "connection_init"}', '{"type": "connection_init"}'], 4429),
    ],
)
async def test_a_client_that_breaks_the_protocol_is_told_how(live: Any, messages: list[Any], code: int) -> None:
    async with live() as psa, opened(psa) as client:
        for message in messages:
            await client.socket.send(message)
        assert (await client.closed())[0] == code


async def test_an_id_that_is_in_use_ends_the_connection(live: Any) -> None:
    async with live() as psa, opened(psa, init={}) as client:
        await client.subscribe()
        await client.subscribe()
        assert await client.closed() == (4409, "Subscriber for 1 already exists")


async def test_a_client_without_our_subprotocol_is_told_so(live: Any) -> None:
    async with live() as psa, opened(psa, subprotocols=None) as client:
        assert (await client.closed())[0] == 4406


async def test_a_client_that_never_says_who_it_is_has_to_go(live: Any) -> None:
    async with live(subscriptions={"init_seconds": 0.05}) as psa, opened(psa) as client:
        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_a_connection_has_room_for_only_so_many_operations(live: Any) -> None:
    async with live(subscriptions={"max_subscriptions_per_connection": 1}) as psa, opened(psa, init={}) as client:
        await client.subscribe("1")
        await client.subscribe("2")
        heard = await client.hear()

    assert (heard["id"], heard["type"]) == ("2", "error")
    assert heard["payload"][0]["extensions"]["code"] == "SUBSCRIPTION_MAX_LIMIT"


async def test_no_more_connections_are_kept_than_allowed(live: Any) -> None:
    async with (
        live(subscriptions={"max_connections": 1}) as psa,
        opened(psa, init={}),
        opened(psa) as second,
    ):
        await second.say(type="connection_init")
        assert (await second.closed())[0] == 1013


async def test_a_message_beyond_the_limit_ends_the_connection(live: Any) -> None:
    async with live(limits={"body_bytes": 1000}) as psa, opened(psa, init={}) as client:
        await client.subscribe(query="#" * 2000)
        assert (await client.closed())[0] == 1009


@pytest.mark.parametrize(
    "spelling",
    [
        lambda token: {"Authorization": f"Bearer {token}"},
        lambda token: {"authorization": f"Bearer {token}"},
        lambda token: {"authToken": token},
        lambda token: {"headers": {"Authorization": f"Bearer {token}"}},
    ],
)
async def test_the_token_may_come_with_connection_init(live: Any, issuer: Any, spelling: Any) -> None:
    payload = spelling(issuer.token())
    async with live(authentication=issuer.settings()) as psa, opened(psa, init=payload) as client:
        await client.subscribe()
        await psa.feed.heard_by(1)
        psa.feed.emit("Printer")
        assert (await client.hear())["payload"]["data"]["ticketUpdated"]["title"] == "Printer"

    assert psa.feed.seen[0]["authorization"].startswith("Bearer ")
    assert issuer.token() not in psa.feed.seen[0]["authorization"]


@pytest.mark.parametrize("payload", [{}, {"authToken": "forged"}, {"Authorization": "Basic x"}])
async def test_without_a_token_that_counts_there_is_no_connection(live: Any, issuer: Any, payload: Any) -> None:
    async with live(authentication=issuer.settings()) as psa, opened(psa) as client:
        await client.say(type="connection_init", payload=payload)
        assert await client.closed() == (4403, "Forbidden")

    assert psa.feed.seen == []


async def test_the_connection_ends_with_its_token(live: Any, issuer: Any) -> None:
    async with live(authentication=issuer.settings()) as psa:
        token = issuer.token(exp=int(time.time()) + 2)
        async with opened(psa, init={"authToken": token}) as client:
            await client.subscribe()
            await psa.feed.heard_by(1)
            assert (await client.closed())[0] == 4401
        await psa.quiet()


async def test_the_connection_ends_when_its_token_is_revoked_and_those_of_others_stay(live: Any, issuer: Any) -> None:
    """AT-RBAC-4."""
    async with live(authentication=issuer.settings()) as psa:
        mine, yours = issuer.token(sub="0190a000-0000-7000-8000-00000000000a"), issuer.token()
        async with (
            opened(psa, init={"authToken": mine}) as client,
            opened(psa, init={"authToken": yours}) as other,
        ):
            ended = psa.app.state.live.presence.revoke(lambda caller: caller.claims["sub"].endswith("a"))
            closed = await client.closed()
            await other.say(type="ping")
            heard = await other.hear()

    assert ended == 1
    assert closed[0] == 4403
    assert heard == {"type": "pong"}


async def test_callers_with_different_rights_share_nothing(live: Any, issuer: Any) -> None:
    async with live(authentication=issuer.settings()) as psa:
        tokens = [issuer.token(), issuer.token(), issuer.token(scope="other")]
        async with (
            opened(psa, init={"authToken": tokens[0]}) as one,
            opened(psa, init={"authToken": tokens[1]}) as two,
            opened(psa, init={"authToken": tokens[2]}) as three,
        ):
            for client in (one, two, three):
                await client.subscribe()
            await psa.feed.heard_by(2)
            assert (psa.subscriptions.sources, psa.subscriptions.opened) == (2, 3)


async def test_a_client_that_goes_without_a_word_leaves_nothing_behind(live: Any) -> None:
    async with live() as psa:
        async with opened(psa, init={}) as client:
            for number in range(20):
                await client.subscribe(str(number), SUBSCRIPTION.replace("t1", f"t{number}"))
            await psa.feed.heard_by(20)
            client.socket.transport.abort()
        await psa.quiet()


def frame(opcode: int, payload: bytes) -> bytes:
    """A frame as clients send it, masked with nothing."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


@pytest.mark.parametrize("last", [frame(8, b"\x03\xe8"), frame(1, b"\xff"), frame(3, b""), b"\xff\xff"])
async def test_who_asks_and_leaves_in_one_breath_is_no_fault_of_ours(live: Any, last: bytes) -> None:
    said = [b'{"type":"connection_init"}', *[b'{"type":"ping"}'] * 20, b'{"type":"subscribe","id":"1"}']
    async with live() as psa:
        address = urlsplit(psa.url)
        with capture_logs() as logged:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(
                b"GET /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
            )
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            writer.write(b"".join(frame(1, one) for one in said) + last)
            await reader.read()
            writer.close()
            while psa.app.state.live.presence.count:
                await asyncio.sleep(0.005)

    assert [entry["event"] for entry in logged if entry["log_level"] == "error"] == []


async def test_a_server_that_stops_lets_everybody_leave_before_it_waits_for_them(live: Any, events: Any) -> None:
    async with live() as psa:
        config = uvicorn.Config(psa.app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=30)
        server = Farewell(config, psa.app.state.live.presence.dismiss)
        running = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[PROTOCOL], proxy=None) as socket:
            client = Client(socket)
            await client.say(type="connection_init")
            await client.hear()
            url = f"http://127.0.0.1:{port}/graphql"
            headers = {"accept": "text/event-stream"}
            async with psa.client.stream("POST", url, json={"query": SUBSCRIPTION}, headers=headers) as response:
                reading = events(response)
                server.should_exit = True
                first = await reading.next()
                with pytest.raises(EOFError):
                    await reading.next()
            closed = await client.closed()
        async with asyncio.timeout(60):
            await running

    assert json.loads(first[1])["errors"][0]["extensions"]["code"] == "SHUTTING_DOWN"
    assert closed == (1001, "The router is being stopped")


async def test_a_router_that_stops_says_so(live: Any) -> None:
    async with live() as psa, opened(psa, init={}) as client:
        await client.subscribe()
        await psa.feed.heard_by(1)
        await psa.app.state.live.presence.dismiss()
        assert await client.closed() == (1001, "The router is being stopped")
        await psa.quiet()
