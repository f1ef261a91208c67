"""Signed requests: the RFC's own example, and a receiver that believes nothing that was touched."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from wires import Wire, request, soon

from router.executor.signatures import Signed, SigningKey, base, signed
from router.executor.transport import SubgraphRequest

KEY = SigningKey("router", b"sixteen secret bytes")


def test_the_example_of_the_rfc() -> None:
    """RFC 9421 appendix B.2.5."""
    secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
    components = [
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("@authority", "example.com"),
        ("content-type", "application/json"),
    ]
    parameters = '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'

    text = base(components, parameters)

    assert signed(text, SigningKey("k", base64.b64decode(secret))) == ":pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:"


def believes(got: SubgraphRequest, now: int, secret: bytes = KEY.secret) -> bool:
    """What a subgraph does: written from the RFC alone, knowing nothing of how it was signed."""
    headers = {name.lower(): value for name, value in got.headers.items()}
    parameters = headers["signature-input"].removeprefix("psa=")
    names = re.findall(r'"([^"]+)"', parameters.split(")")[0])
    created = int(re.search(r";created=(\d+)", parameters)[1])  # type: ignore[index]
    known: Mapping[str, str] = {**headers, "@method": "POST", "@path": "/graphql", "@query": "?a=b"}
    text = "".join(f'"{name}": {known[name]}\n' for name in names) + f'"@signature-params": {parameters}'
    wanted = base64.b64encode(hmac.new(secret, text.encode(), hashlib.sha256).digest()).decode()
    body = base64.b64encode(hashlib.sha256(got.body).digest()).decode()
    return (
        hmac.compare_digest(headers["signature"], f"psa=:{wanted}:")
        and headers["content-digest"] == f"sha-256=:{body}:"
        and {"@method", "@path", "@query", "content-digest", "authorization"} <= set(names)
        and abs(now - created) <= 60
    )


async def arrived() -> SubgraphRequest:
    wire = Wire()
    await Signed(wire, KEY, clock=lambda: 1_000.0).carry(request(b'{"query":"{a}"}', authorization="Bearer t"), soon())
    return wire.got[0]


async def test_a_signed_request_is_believed_for_a_minute() -> None:
    got = await arrived()

    assert believes(got, 1_000)
    assert believes(got, 1_060)
    assert not believes(got, 1_061)


@pytest.mark.parametrize(
    "change",
    [
        {"body": b'{"query":"{b}"}'},
        {"authorization": "Bearer u"},
        {"content-digest": "sha-256=:AAAA:"},
        {"content-type": "text/plain"},
    ],
    ids=str,
)
async def test_what_was_touched_is_not_believed(change: dict[str, object]) -> None:
    got = await arrived()
    touched = (
        replace(got, body=change["body"])  # type: ignore[arg-type]
        if "body" in change
        else replace(got, headers={**got.headers, **change})  # type: ignore[dict-item]
    )

    assert not believes(touched, 1_000)
    assert not believes(got, 1_000, secret=b"another secret of somebody")
