"""What a token may look like before anybody asks whether its signature is good.

A JWT whose header brings its own key, or whose claims say two things at once, is built to be misunderstood by somebody
between us and the services; no issuer of ours writes one, so it is refused whatever the signature says.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Final

LONGEST: Final = 16_384
FORBIDDEN: Final = frozenset({"jku", "x5u", "jwk", "x5c", "crit", "b64", "zip"})


class Misshapen(ValueError):
    """The token is not one that we read."""


def check(token: str, forbidden: frozenset[str] = FORBIDDEN) -> None:
    """Raise `Misshapen` unless this is a signed JWT with a plain header, and every name in it is said once.

    Whoever reads tokens of others' issuers may forbid less in the header.
    """
    if len(token) > LONGEST or not token.isascii():
        raise Misshapen("the token is too long, or not ASCII")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise Misshapen("the token has not three parts")
    header, _ = (_object(part) for part in parts[:2])
    if found := sorted(forbidden & header.keys()):
        raise Misshapen(f"the header has {', '.join(found)}")


def _object(part: str) -> dict[str, Any]:
    try:
        read = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_once)
    except (binascii.Error, ValueError, RecursionError) as fault:
        raise Misshapen("a part is no JSON in base64url") from fault
    if not isinstance(read, dict):
        raise Misshapen("a part is no JSON object")
    return read


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise Misshapen("a name is said twice")
    return read
