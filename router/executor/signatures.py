"""Signs requests to subgraphs, so that a subgraph knows that nobody but the router has written them: RFC 9421, RFC 9530.

    Content-Digest: sha-256=:…:                        what the body is
    Signature-Input: psa=("@method" … );created=…      what is signed, when, with which key
    Signature: psa=:…:                                 HMAC-SHA256 over exactly that

The method, the path, the query, the body and who asks are signed, and the time: whoever records a request can send it again
for as long as the receiver accepts its age, and not a letter of it changed. A form with files is sent piece by piece, and
its digest would come too late: of it everything but the body is signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from router.executor.transport import Answer, Carrier, SubgraphRequest

LABEL = "psa"
_ALWAYS = ("@method", "@path", "@query", "content-type")
_IF_THERE = ("content-digest", "authorization", "idempotency-key")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret that router and subgraph share, and the name by which both know it."""

    key_id: str
    secret: bytes


def base(components: Sequence[tuple[str, str]], parameters: str) -> str:
    """Return the text that is signed (RFC 9421 section 2.5)."""
    lines = [f'"{name}": {value}' for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}'])


def signed(text: str, key: SigningKey) -> str:
    """Return the signature as a byte sequence of structured fields."""
    return _bytes(hmac.digest(key.secret, text.encode(), "sha256"))


def digest(body: bytes) -> str:
    """Return the value of Content-Digest."""
    return f"sha-256={_bytes(hashlib.sha256(body).digest())}"


def signature(url: str, headers: Mapping[str, str], key: SigningKey, created: int) -> dict[str, str]:
    """Return the headers that sign a POST with these headers, whose names are in lower case."""
    parts = urlsplit(url)
    known = {**headers, "@method": "POST", "@path": parts.path or "/", "@query": f"?{parts.query}"}
    names = [*_ALWAYS, *(name for name in _IF_THERE if name in known)]
    listed = " ".join(f'"{name}"' for name in names)
    parameters = f'({listed});created={created};keyid="{key.key_id}";alg="hmac-sha256"'
    text = base([(name, known[name].strip()) for name in names], parameters)
    return {"signature-input": f"{LABEL}={parameters}", "signature": f"{LABEL}={signed(text, key)}"}


class Signed:
    """A layer that signs what is sent; the last one before the wire, for nothing may change after it."""

    def __init__(self, inner: Carrier, key: SigningKey, clock: Callable[[], float] = time.time) -> None:
        self._inner = inner
        self._key = key
        self._clock = clock

    async def carry(self, request: SubgraphRequest, deadline: float) -> Answer:
        """Add the signature."""
        headers = {"content-type": "application/json"}
        headers |= {name.lower(): value for name, value in request.headers.items()}
        if isinstance(request.body, bytes):
            headers["content-digest"] = digest(request.body)
        else:
            headers |= request.body.headers
        headers |= signature(request.url, headers, self._key, int(self._clock()))
        return await self._inner.carry(replace(request, headers=headers), deadline)


def _bytes(value: bytes) -> str:
    return f":{base64.b64encode(value).decode()}:"
