"""Signatures under what we send, so that a receiver knows that it comes from us, unchanged, and now.

Two in every request, because receivers differ in what they can check:

    webhook-id, webhook-timestamp, webhook-signature: v1,<base64>    Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`
                                                                    under the bytes that the secret holds
    X-PSA-Signature: t=<unix>,v1=<hex>                               HMAC-SHA256 of `timestamp.body` under the secret as
                                                                    it is written

While a secret is being replaced there are two of each, one for the new secret and one for the old.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

PREFIX: Final = "whsec_"
_BYTES: Final = (24, 64)


def secret(random: bytes) -> str:
    """A secret as receivers know it."""
    return PREFIX + base64.b64encode(random).decode()


def is_secret(text: str) -> bool:
    """Whether a secret is one of Standard Webhooks: 24 to 64 bytes."""
    try:
        return _BYTES[0] <= len(_key(text)) <= _BYTES[1]
    except (ValueError, binascii.Error):
        return False


def headers(secrets: Sequence[str], *, identity: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The headers that prove a message; the newest secret first."""
    signatures = ",".join(f"v1={house(one, timestamp=timestamp, body=body)}" for one in secrets)
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            standard(one, identity=identity, timestamp=timestamp, body=body) for one in secrets
        ),
        "x-psa-signature": f"t={timestamp},{signatures}",
    }


def standard(secret: str, *, identity: str, timestamp: int, body: bytes) -> str:
    """A signature of Standard Webhooks."""
    signed = b".".join((identity.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(_hmac(_key(secret), signed)).decode()


def house(secret: str, *, timestamp: int, body: bytes) -> str:
    """A signature of our own, in hexadecimal digits."""
    return _hmac(secret.encode(), f"{timestamp}.".encode() + body).hex()


def plain(secret: str, body: bytes) -> bytes:
    """A signature under the body alone."""
    return _hmac(secret.encode(), body)


def same(given: str, expected: str) -> bool:
    """Compare without telling, by the time it takes, how much was right."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
