"""How another system proves that it may send us something, and how we know that it sent the same thing twice.

    HMAC      a signature under the body, in one of the ways that are common:
                STANDARD     webhook-id, webhook-timestamp, webhook-signature (Standard Webhooks)
                TIMESTAMPED  «header»: t=<unix>,v1=<hex of timestamp.body>, as Stripe and we ourselves sign
                SLACK        x-slack-request-timestamp, x-slack-signature: v0=<hex of v0:timestamp:body>
                GITHUB       x-hub-signature-256: sha256=<hex of the body>
                BODY         «header»: hex or base64 of the body
    BASIC     a user and a password
    HEADER    a token in «header»; behind `Bearer` in Authorization
    MTLS      a certificate, which our proxy has verified and names to us

Where a timestamp is signed, it must lie within the replay window of now. A message that was received before is known by
the id that the sender gives it; without one, by its content, for as long as the replay window.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, assert_never

from subgraphs.integrations.rules import signing
from subgraphs.kit.errors import Invalid

CERTIFICATE_VERIFIED: Final = "x-ssl-client-verify"
CERTIFICATE_NAME: Final = "x-ssl-client-dn"
"""What our proxies say of a client's certificate, as HAProxy's and nginx's manuals call it."""
_VERIFIED: Final = frozenset({"0", "SUCCESS"})
_IDS: Final = ("webhook-id", "idempotency-key", "x-github-delivery", "x-shopify-webhook-id", "x-event-id")
_HEADER: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")

Headers = Mapping[str, str]


class InboundAuth(Enum):
    """How a sender proves itself."""

    HMAC = "HMAC"
    """A signature under the body."""
    BASIC = "BASIC"
    """A user and a password."""
    HEADER = "HEADER"
    """A token in a header."""
    MTLS = "MTLS"
    """A certificate, which the proxy in front of us has verified."""


class SignatureStyle(Enum):
    """Where a signature stands, and what it signs."""

    STANDARD = "STANDARD"
    """Standard Webhooks: `webhook-signature`."""
    TIMESTAMPED = "TIMESTAMPED"
    """`t=<unix>,v1=<hex>`, as Stripe and we sign."""
    GITHUB = "GITHUB"
    """`X-Hub-Signature-256: sha256=<hex>`."""
    SLACK = "SLACK"
    """`X-Slack-Signature: v0=<hex>`."""
    BODY = "BODY"
    """The body alone, in hexadecimal digits or base64."""


class NotProven(Exception):
    """The sender did not prove itself; the reason is for our log."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What opens an endpoint."""

    auth: InboundAuth
    window_seconds: int
    style: SignatureStyle | None = None
    header: str | None = None
    username: str | None = None
    certificate: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


def check(lock: Lock, headers: Headers, body: bytes, at: datetime) -> None:
    """Raise `NotProven` unless this request opens the lock; names of headers are in lower case."""
    match lock.auth:
        case InboundAuth.HMAC:
            _check_signature(lock, headers, body, int(at.timestamp()))
        case InboundAuth.BASIC:
            _check_basic(lock, headers.get("authorization", ""))
        case InboundAuth.HEADER:
            given = headers.get(lock.header or "", "").removeprefix("Bearer ")
            _any(lock, lambda secret: signing.same(given, secret))
        case InboundAuth.MTLS:
            named = headers.get(CERTIFICATE_NAME, "")
            # HAProxy says "0", no error, also of a client without a certificate: only the name proves that there is one.
            if headers.get(CERTIFICATE_VERIFIED) not in _VERIFIED or not named or named != lock.certificate:
                raise NotProven("another certificate, or none")
        case never:
            assert_never(never)


def _any(lock: Lock, fits: Callable[[str], bool]) -> None:
    # All secrets are tried, so that the time it takes does not tell which one was right.
    fitting = [secret for secret in lock.secrets if secret and fits(secret)]
    if not fitting:
        raise NotProven("another secret, or none")


def _check_basic(lock: Lock, given: str) -> None:
    kind, _, text = given.partition(" ")
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise NotProven("no user and password") from None
    named = kind.lower() == "basic" and signing.same(name, lock.username or "")
    _any(lock, lambda secret: named & signing.same(password, secret))


def _check_signature(lock: Lock, headers: Headers, body: bytes, now: int) -> None:
    match lock.style:
        case SignatureStyle.STANDARD:
            timestamp = _timely(headers.get("webhook-timestamp"), lock, now)
            identity, given = headers.get("webhook-id", ""), headers.get("webhook-signature", "").split()
            if not identity:
                raise NotProven("no webhook-id")
            _one_of(lock, given, lambda key: signing.standard(key, identity=identity, timestamp=timestamp, body=body))
        case SignatureStyle.TIMESTAMPED:
            parts = [
                part.strip().partition("=") for part in headers.get(lock.header or "x-psa-signature", "").split(",")
            ]
            timestamp = _timely(next((value for name, _, value in parts if name == "t"), None), lock, now)
            given = [value.lower() for name, _, value in parts if name == "v1"]
            _one_of(lock, given, lambda key: signing.house(key, timestamp=timestamp, body=body))
        case SignatureStyle.SLACK:
            timestamp = _timely(headers.get("x-slack-request-timestamp"), lock, now)
            signed = f"v0:{timestamp}:".encode() + body
            given = [headers.get("x-slack-signature", "").lower()]
            _one_of(lock, given, lambda key: f"v0={signing.plain(key, signed).hex()}")
        case SignatureStyle.GITHUB:
            given = [headers.get("x-hub-signature-256", "").lower()]
            _one_of(lock, given, lambda key: f"sha256={signing.plain(key, body).hex()}")
        case SignatureStyle.BODY | None:
            given = [headers.get(lock.header or "x-signature", "").removeprefix("sha256=")]
            _one_of(lock, [one.lower() for one in given], lambda key: signing.plain(key, body).hex(), given)
        case never:
            assert_never(never)


def _one_of(
    lock: Lock, given: list[str], expected: Callable[[str], str], base64_given: list[str] | None = None
) -> None:
    def fits(secret: str) -> bool:
        try:
            right = expected(secret)
        except (ValueError, binascii.Error):
            return False
        encoded = base64.b64encode(bytes.fromhex(right)).decode() if base64_given else ""
        tried = [signing.same(one, right) for one in given]
        tried += [signing.same(one, encoded) for one in base64_given or ()]
        return any(tried)

    _any(lock, fits)


def _timely(text: str | None, lock: Lock, now: int) -> int:
    if text is None or not text.isdecimal() or len(text) > 12:
        raise NotProven("no timestamp")
    if abs(int(text) - now) > lock.window_seconds:
        raise NotProven("too old, or from the future")
    return int(text)


@dataclass(frozen=True, slots=True)
class MessageId:
    """By what a message is recognised when it comes again."""

    text: str
    given: bool
    """Whether the sender gave it; what we made of the content counts for the replay window only."""


def message_id(headers: Headers, body: bytes, id_header: str | None) -> MessageId:
    """The identity of a message."""
    for name in (id_header, *_IDS) if id_header else _IDS:
        if name and (value := headers.get(name, "").strip()):
            return MessageId(value if len(value) <= 200 else hashlib.sha256(value.encode()).hexdigest(), given=True)
    return MessageId("sha256:" + hashlib.sha256(body).hexdigest(), given=False)


NEEDS: Mapping[InboundAuth, tuple[str, ...]] = MappingProxyType(
    {
        InboundAuth.HMAC: ("signature_style",),
        InboundAuth.BASIC: ("username",),
        InboundAuth.HEADER: ("header",),
        InboundAuth.MTLS: ("certificate",),
    }
)
"""What must be said of an endpoint for each way of proving oneself."""


def header(entered: str | None, *, field: str) -> str | None:
    """The name of a header, in lower case; raises `Invalid`."""
    name = (entered or "").strip().lower()
    if name and not _HEADER.fullmatch(name):
        raise Invalid(f"{field} must be the name of an HTTP header.", field=field)
    return name or None


def bounded(value: int, *, field: str, most: int) -> int:
    """A number from 1 to `most`; raises `Invalid`."""
    if not 1 <= value <= most:
        raise Invalid(f"{field} must be between 1 and {most}, not {value}.", field=field)
    return value
