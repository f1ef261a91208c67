"""Answers in the encoding that a client likes, and request bodies that unfold within bounds."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import brotli
import pytest
import zstandard
from starlette.responses import StreamingResponse

from router.server.compression import Compressed, preferred
from router.server.config.compression import Compression

QUERY = json.dumps({"query": "{ __typename }"}).encode()
DECODE: dict[str, Any] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstandard.ZstdDecompressor().decompress,
}
ENCODE: dict[str, Any] = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "deflate": zlib.compress,
}


async def raw(psa: Any, accept: str, query: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """POST without decoding the answer."""
    headers = {"accept-encoding": accept}
    async with psa.client.stream("POST", "/graphql", json=query, headers=headers) as response:
        return dict(response.headers), b"".join([piece async for piece in response.aiter_raw()])


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
async def test_a_large_answer_is_compressed_as_the_client_likes_it(platform: Any, encoding: str) -> None:
    query = {"query": "{ " + " ".join(f"a{n}: __typename" for n in range(90)) + " }"}
    async with platform() as psa:
        headers, body = await raw(psa, f"{encoding};q=0.9, identity;q=0.1", query)
        plain_headers, plain = await raw(psa, "identity", query)

    assert (headers["content-encoding"], headers["content-length"]) == (encoding, str(len(body)))
    assert len(body) < len(plain)
    assert DECODE[encoding](body) == plain
    assert "content-encoding" not in plain_headers
    assert headers["vary"] == plain_headers["vary"] == "accept-encoding, origin"


async def test_a_small_answer_goes_as_it_is(platform: Any) -> None:
    async with platform() as psa:
        headers, body = await raw(psa, "gzip, br, zstd", {"query": "{ __typename }"})

    assert "content-encoding" not in headers
    assert body == b'{"data":{"__typename":"Query"}}'


async def test_a_stream_is_not_held_back() -> None:
    async def parts() -> Any:
        yield b"a" * 5000
        yield b"b"

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await StreamingResponse(parts(), media_type="application/json")(scope, receive, send)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "headers": [(b"accept-encoding", b"gzip")],
        "asgi": {"spec_version": "2.4"},
    }
    await Compressed(app, Compression())(scope, receive, send)

    assert [message.get("body") for message in sent] == [None, b"a" * 5000, b"b", b""]


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("gzip, br, zstd", "zstd"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("*", "zstd"),
        ("*;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("GZIP", "gzip"),
        ("gzip;q=abc", None),
        ("snappy", None),
    ],
)
def test_the_clients_weights_decide(accept: str, chosen: str | None) -> None:
    assert preferred(accept, ("zstd", "br", "gzip")) == chosen


@pytest.mark.parametrize("encoding", list(ENCODE))
async def test_a_compressed_request_is_understood(platform: Any, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    async with platform() as psa:
        response = await psa.client.post("/graphql", content=ENCODE[encoding](QUERY), headers=headers)

    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("encoding", list(ENCODE))
async def test_a_bomb_is_refused_before_it_unfolds(platform: Any, encoding: str) -> None:
    bomb = ENCODE[encoding](b" " * 50_000_000)
    headers = {"content-type": "application/json", "content-encoding": encoding}
    async with platform() as psa:
        response = await psa.client.post("/graphql", content=bomb, headers=headers)

    assert len(bomb) < 100_000
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (
        413,
        "INVALID_GRAPHQL_REQUEST",
    )


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("snappy", QUERY, 415),
        ("gzip, gzip", QUERY, 415),
        ("gzip", b"no gzip", 400),
        ("br", b"\xff\xff", 400),
        ("zstd", b"zstd?", 400),
        ("gzip", gzip.compress(QUERY, mtime=0)[:-9], 400),
    ],
)
async def test_what_does_not_unfold_is_refused(platform: Any, encoding: str, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    async with platform() as psa:
        response = await psa.client.post("/graphql", content=body, headers=headers)

    assert response.status_code == status
