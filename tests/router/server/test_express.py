"""The express lane answers as the application does, and leaves to it whatever it's not made for."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, cast

import httpx2
import pytest
import uvicorn
from on_the_wire import Lane, OnTheWire
from uvicorn.server import ServerState

from router.executor.outbox import outbox_of
from router.server.express import Reply
from router.server.wire import Guarded, guarded

JSON = {"content-type": "application/json"}
MUTATION = 'mutation { rename(name: "Neu") { name } }'
TRACED = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "x-request-id": "mine"}
SETTINGS: dict[str, Any] = {
    "cors": {"policies": [{"origins": ["https://app.example"], "allow_credentials": True}]},
    "rate_limit": {"by_address": True},
    "compression": {"minimum_bytes": 20},
    "limits": {"body_bytes": 4000},
}

FIT: list[tuple[Any, dict[str, str]]] = [
    ({"query": "{ customer(id: 123) { name } }"}, {}),
    ({"query": "{ customer(id: 123) { name } }"}, TRACED),
    ({"query": "{ customer(id: 123) { name } }"}, {"origin": "https://app.example"}),
    ({"query": "{ customer(id: 123) { name } }"}, {"origin": "https://other.example"}),
    ({"query": "{ customer(id: 123) { name } }"}, {"accept-encoding": "gzip"}),
    ({"query": "{ customer(id: 123) { name } }"}, {"accept": "application/graphql-response+json"}),
    ({"query": "query Q($id: ID!) { customer(id: $id) { name } }", "variables": {"id": "123"}}, {}),
    ({"query": "query Q($id: ID!) { customer(id: $id) { name } }", "variables": {}}, {}),
    ({"query": "query Q($id: ID!) { customer(id: $id) { name } }", "variables": {"id": [[[]]]}}, {}),
    ({"query": "{ fails }"}, {}),
    ({"query": "{ nothing }"}, {}),
    ({"query": "{ nothing }"}, {"accept": "application/graphql-response+json", "accept-encoding": "gzip"}),
    ({"query": "{"}, {}),
    ({"query": MUTATION}, {}),
    ({"query": "{ sleeps(seconds: 9) }"}, {}),
    ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}}, {}),
]
UNFIT: list[tuple[Any, dict[str, str]]] = [
    ([{"query": "{ __typename }"}], {}),
    ({}, {}),
    ("{", {}),
    ({"query": 1}, {}),
    ({"query": "{ __typename }", "variables": {"much": "x" * 5000}}, {}),
    ({"query": "{ __typename }"}, {"content-type": "text/plain"}),
    ({"query": "{ __typename }"}, {"accept": "text/html"}),
    ({"query": "{ __typename }"}, {"accept": "text/event-stream"}),
    ({"query": "{ __typename }"}, {"content-encoding": "gzip"}),
]


def told(answer: httpx2.Response) -> tuple[int, dict[str, str], Any]:
    """What a client sees, but for what is another each time."""
    own = {"date", "x-request-id", "ratelimit", "x-graphql-event-stream-token"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    headers["vary"] = ", ".join(sorted(headers.get("vary", "").split(", ")))
    body = answer.json() if "json" in headers["content-type"] else answer.text
    for error in body.get("errors", ()) if isinstance(body, dict) else ():
        error["extensions"].pop("traceId", None)
    headers.pop("content-length", None)
    return answer.status_code, headers, body


@pytest.mark.parametrize(("asked", "headers"), [*FIT, *UNFIT])
async def test_both_ways_say_the_same(platform: Any, asked: Any, headers: dict[str, str]) -> None:
    body = asked if isinstance(asked, str) else json.dumps(asked)
    # Only what takes too long in any case is given little time.
    seconds = 0.3 if "sleeps" in body else 60
    async with platform(**SETTINGS, request_timeout_seconds=seconds) as psa:
        answers = []
        for express in (True, False):
            transport = OnTheWire(psa.app, express=express)
            async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
                # Twice, since the second time everything is known.
                for _ in range(2):
                    answer = await client.post("/graphql", content=body, headers={**JSON, **headers})
                    answers.append(answer)

    first, *others = map(told, answers)
    assert all(other == first for other in others)
    if "x-request-id" in headers:
        assert all(answer.headers["x-request-id"] == headers["x-request-id"] for answer in answers)


@pytest.mark.parametrize("query", ["{ customer(id: 123) { name } }", MUTATION, "{ nothing }"])
async def test_where_rates_are_counted_with_other_routers_both_ways_say_the_same_and_count_once(
    platform: Any, query: str
) -> None:
    left = []
    # Nobody is there who counts with us: then we do so alone, on the same way.
    elsewhere = {"redis": {"url": "redis://127.0.0.1:1", "timeout_seconds": 0.2}}
    for express in (True, False):
        async with platform(rate_limit={"by_address": True, "limit": 4}, **elsewhere) as psa:
            transport = OnTheWire(psa.app, express=express)
            async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
                answers = [await client.post("/graphql", json={"query": query}) for _ in range(5)]
            figures = (await psa.client.get("/metrics")).text
        answers[-1].headers.pop("retry-after")  # it depends on how long the others took
        left.append([(told(one), one.headers["ratelimit"].split(";")[1]) for one in answers])
        assert re.search(r'duration_seconds_count{[^}]*status_code="429"[^}]*} 1', figures)

    assert left[0] == left[1]
    assert [number for _, number in left[0]] == ["r=3", "r=2", "r=1", "r=0", "r=0"]
    assert [status for (status, *_), _ in left[0]] == [200, 200, 200, 200, 429]


async def test_a_request_whose_body_comes_in_chunks_keeps_its_name(platform: Any) -> None:
    body = json.dumps({"query": "{ __typename }"}).encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:9]
        yield body[9:]

    async with platform() as psa:
        transport = OnTheWire(psa.app, express=True)
        async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
            names = [
                (await client.post("/graphql", content=chunks(), headers={**JSON, "x-request-id": name})).headers
                for name in ("one", "two")
            ]

    assert [headers["x-request-id"] for headers in names] == ["one", "two"]


async def test_an_operation_that_is_known_is_still_compared_with_the_hash_that_comes_with_it(platform: Any) -> None:
    text = "{ customer(id: 123) { name } }"
    wrong = {"persistedQuery": {"version": 1, "sha256Hash": "00"}}
    async with platform(apq={"enabled": True}) as psa:
        transport = OnTheWire(psa.app, express=True)
        async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
            for _ in range(3):
                good = await client.post("/graphql", json={"query": text})
                bad = await client.post("/graphql", json={"query": text, "extensions": wrong})

    assert good.json() == {"data": {"customer": {"name": "ACME"}}}
    assert [error["extensions"]["code"] for error in bad.json()["errors"]] == ["PERSISTED_QUERY_HASH_MISMATCH"]


@pytest.mark.parametrize("headers", [{}, TRACED, {"origin": "https://app.example"}, {"accept": "application/*"}])
async def test_when_there_is_no_place_both_ways_say_the_same_and_it_is_counted(
    platform: Any, headers: dict[str, str]
) -> None:
    settings = {"cors": SETTINGS["cors"], "overload": {"concurrent_requests": 1, "retry_after_seconds": 7}}
    async with platform(**settings) as psa:
        refused, answered = [], []
        for express in (True, False):
            transport = OnTheWire(psa.app, express=express)
            async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
                ask = partial(client.post, "/graphql", json={"query": "{ __typename }"}, headers=headers)
                with psa.app.state.express.admission.place():
                    refused += [await ask(), await ask()]
                answered.append(await ask())
        figures = (await psa.client.get("/metrics")).text

    first, *others = map(told, refused)
    assert all(other == first for other in others)
    assert (first[0], first[1]["retry-after"]) == (503, "7")
    assert first[2]["errors"][0]["extensions"]["code"] == "REQUEST_CONCURRENCY_LIMITED"
    assert all(one.headers["x-request-id"] for one in refused)
    assert all(
        one.headers["x-request-id"] == headers.get("x-request-id", one.headers["x-request-id"]) for one in refused
    )
    assert [one.json() for one in answered] == [{"data": {"__typename": "Query"}}] * 2
    assert re.search(r'code="REQUEST_CONCURRENCY_LIMITED"[^}]*} 4', figures)
    assert re.search(r'duration_seconds_count{[^}]*status_code="503"[^}]*} 4', figures)


@pytest.mark.parametrize(("asked", "headers"), UNFIT)
async def test_what_is_not_usual_goes_the_other_way(platform: Any, asked: Any, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode()) for name, value in {**JSON, **headers}.items()]
    body = (asked if isinstance(asked, str) else json.dumps(asked)).encode()
    async with platform(**SETTINGS) as psa:
        express = psa.app.state.express

        assert express.known(b"/graphql", raw) is None or express.request(body) is None
        assert express.known(b"/graphql?query={a}", [(b"content-type", b"application/json")]) is None
        assert express.known(b"/metrics", [(b"content-type", b"application/json")]) is None
        assert express.known(b"/graphql", [(b"content-type", b"application/json")]) is not None


class Client(asyncio.Transport):
    """A connection that is written to piece by piece."""

    def __init__(self, app: Any) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 80)})
        lane = Lane(app.state.express)
        config = uvicorn.Config(app, log_config=None, lifespan="off", server_header=False)
        self.protocol = guarded(app.state.config, lambda: lane)(config, ServerState(), {})
        self.heard = b""
        self.closed = False
        self.protocol.connection_made(self)

    def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.protocol.data_received(piece)

    def leave(self) -> None:
        self.closed = True
        self.protocol.connection_lost(None)

    async def hears(self, what: bytes) -> None:
        async with asyncio.timeout(60):
            while what not in self.heard:
                await asyncio.sleep(0.005)

    def write(self, data: Any) -> None:
        self.heard += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def request(query: str, *headers: str) -> bytes:
    body = json.dumps({"query": query}).encode()
    head = ["POST /graphql HTTP/1.1", "host: r", "content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*head, *headers, "", ""]).encode() + body


async def test_a_request_may_come_in_any_pieces(platform: Any) -> None:
    whole = request("{ customer(id: 123) { name } }")
    async with platform() as psa:
        for cut in range(1, len(whole)):
            client = Client(psa.app)
            client.say(whole[:cut], whole[cut:])
            await client.hears(b'{"data":{"customer":{"name":"ACME"}}}')
            client.leave()


async def test_a_body_that_takes_its_time_is_waited_for_elsewhere(platform: Any) -> None:
    whole = request("{ customer(id: 123) { name } }")
    async with platform() as psa:
        client = Client(psa.app)
        client.say(whole[:-5])
        await asyncio.sleep(0.1)
        client.say(whole[-5:])
        await client.hears(b'{"data":{"customer":{"name":"ACME"}}}')
        client.leave()


async def test_pipelined_requests_are_answered_in_their_order(platform: Any) -> None:
    async with platform() as psa:
        client = Client(psa.app)
        client.say(b"".join(map(request, ("{ sleeps(seconds: 0.05) }", "{ one: __typename }", "{ two: __typename }"))))
        await client.hears(b'{"data":{"two":"Query"}}')
        client.say(request("{ three: __typename }", "connection: close"))
        await client.hears(b'{"data":{"three":"Query"}}')

        bodies = [part.partition(b"}}")[0] for part in client.heard.split(b'{"data":')[1:]]
        assert bodies == [b'{"sleeps":"awake"', b'{"one":"Query"', b'{"two":"Query"', b'{"three":"Query"']
        assert client.heard.count(b"connection: close\r\n") == 1
        assert client.closed
        client.leave()


@pytest.mark.parametrize(
    ("then", "heard"),
    [
        (lambda protocol: protocol.data_received(b"this is no request\r\n\r\n"), [b"200", b"400"]),
        (lambda protocol: protocol.shutdown(), [b"200"]),
        (lambda protocol: protocol.timeout_keep_alive_handler(), [b"200"]),
    ],
)
async def test_an_answer_that_waits_for_the_end_of_the_turn_is_written_before_all_that_follows(
    platform: Any, monkeypatch: pytest.MonkeyPatch, then: Callable[[Any], None], heard: list[bytes]
) -> None:
    monkeypatch.setattr(outbox_of(asyncio.get_running_loop()), "away", 50)
    async with platform() as psa:
        client = Client(psa.app)
        cast("Guarded", client.protocol).send_reply(Reply(200, b"", b""), keep_alive=True)
        before = client.heard
        then(client.protocol)
        after, closed = client.heard, client.closed
        client.leave()

    assert before == b""
    assert re.findall(rb"HTTP/1.1 (\d+)", after) == heard
    assert closed


@pytest.mark.parametrize(("kind", "outcome"), [("query", "cancelled"), ("mutation", "finished")])
async def test_who_leaves_ends_a_query_and_no_mutation(platform: Any, kind: str, outcome: str) -> None:
    outcomes: list[str] = []
    begun = asyncio.Event()

    async def slow(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        begun.set()
        try:
            await asyncio.sleep(30 if kind == "query" else 0.1)
        except asyncio.CancelledError:
            outcomes.append("cancelled")
            raise
        outcomes.append("finished")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"data": {"fails": null, "rename": {"name": "x"}}}'})

    async with platform() as psa:
        psa.running["crm"] = slow
        client = Client(psa.app)
        client.say(request("{ fails }" if kind == "query" else MUTATION))
        await begun.wait()
        client.leave()
        async with asyncio.timeout(60):
            while not outcomes or client.protocol.tasks:
                await asyncio.sleep(0.01)

    assert outcomes == [outcome]
    assert client.heard == b""
