"""Bytes over sockets and without them: every way in which a service can fail is one of three words."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from router.executor.transport import (
    Answer,
    GraphQLTransport,
    HttpExchange,
    InProcessExchange,
    Malformed,
    SubgraphRequest,
    TimedOut,
    TransportFailure,
    Unavailable,
    graphql_response,
)


@asynccontextmanager
async def server(response: bytes, *, hang: bool = False, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Answer every request with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        await writer.drain()
        if hang:
            await asyncio.sleep(1)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/graphql"


def http(status: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


async def send(url: str, seconds: float = 60.0, ca_file: Path | None = None) -> Any:
    exchange = HttpExchange(max_answer_bytes=10_000, ca_file=ca_file)
    try:
        deadline = asyncio.get_running_loop().time() + seconds
        return await GraphQLTransport(exchange).send(SubgraphRequest("crm", url, b"{}"), deadline)
    finally:
        await exchange.close()


async def test_an_answer_comes_back_over_http() -> None:
    async with server(http("200 OK", b'{"data": {"a": 1}}')) as url:
        assert (await send(url)).data == {"a": 1}


async def test_a_graphql_error_with_a_bad_status_is_still_a_graphql_response() -> None:
    async with server(http("500 Oh", b'{"errors": [{"message": "No."}, "text"]}')) as url:
        response = await send(url)

    assert response.data is None
    assert response.errors == ({"message": "No."}, {"message": '"text"'})


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (http("503 Busy", b"busy"), Unavailable),
        (http("404 No", b"not here"), Malformed),
        (http("200 OK", b"x" * 20_000), Malformed),
        (http("200 OK", gzip.compress(b" " * 1_000_000), "content-encoding: gzip"), Malformed),
        (http("200 OK", b"no gzip", "content-encoding: gzip"), Malformed),
        (b"SSH-2.0-OpenSSH\r\n", Unavailable),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", Unavailable),
        (b"", Unavailable),
    ],
)
async def test_a_broken_answer_is_one_failure(raw: bytes, kind: type[TransportFailure]) -> None:
    async with server(raw) as url:
        with pytest.raises(kind):
            await send(url)


async def test_a_slow_answer_meets_the_deadline() -> None:
    async with server(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", hang=True) as url:
        with pytest.raises(TimedOut):
            await send(url, 0.1)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/graphql", "http://[bad", "ftp://127.0.0.1/", "nonsense"])
async def test_an_address_that_leads_nowhere_is_unavailable(url: str) -> None:
    with pytest.raises(Unavailable):
        await send(url)


def self_signed(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "crm.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
    return file


async def test_a_certificate_is_believed_only_when_its_signer_is_named(tmp_path: Path) -> None:
    file = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(file)
    async with server(http("200 OK", b'{"data": {"a": 1}}'), tls=tls) as url:
        with pytest.raises(Unavailable):
            await send(url)
        response = await send(url, ca_file=file)

    assert response.data == {"a": 1}


async def test_an_application_can_be_taken_out_and_put_back() -> None:
    async def app(scope: Any, receive: Any, send_: Any) -> None:
        await send_({"type": "http.response.start", "status": 200, "headers": []})
        await send_({"type": "http.response.body", "body": b'{"data": ', "more_body": True})
        await send_({"type": "http.response.body", "body": b'{"a": 1}}'})

    apps: dict[str, Any] = {}
    transport = GraphQLTransport(InProcessExchange(apps, max_answer_bytes=100))
    request = SubgraphRequest("crm", "inprocess://crm", b"{}")
    deadline = asyncio.get_running_loop().time() + 5

    with pytest.raises(Unavailable):
        await transport.send(request, deadline)
    apps["crm"] = app
    assert (await transport.send(request, deadline)).data == {"a": 1}


@pytest.mark.parametrize("body", [b"null", b'"x"', b'{"data": []}', b'{"data": null}', b'{"data": {}, "errors": "x"}'])
def test_what_has_not_the_outer_shape_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        graphql_response(Answer(200, body))
