"""What a token may look like before anybody asks whether its signature is good.

A JWT whose header brings its own key, or whose claims say two things at once, is built to be misunderstood by somebody
between us and the services; no issuer of ours writes one, so it is refused whatever the signature says.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeGuard
from uuid import UUID

LONGEST: Final = 16_384
LONGEST_LIFE_SECONDS: Final = 86_400
"""No issuer of ours gives a token for longer than a day; one that says so was not made by what makes tokens."""
FORBIDDEN: Final = frozenset({"jku", "x5u", "jwk", "x5c", "crit", "b64", "zip"})
_LATEST: Final = 253_402_300_799
"""The last second of the year 9999: what lies beyond is no moment."""


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


def check_times(claims: Mapping[str, Any], now: float, *, leeway: float, longest: float = LONGEST_LIFE_SECONDS) -> None:
    """Raise `Misshapen` unless the moments in these claims are such as an issuer of ours writes.

    Whoever has the right key can sign anything, also by mistake: an end in a thousand years, a beginning after the end.
    """
    moments = {name: _moment(name, claims[name]) for name in ("exp", "iat", "nbf") if name in claims}
    if "exp" not in moments:
        raise Misshapen("exp is missing")
    end, issued = moments["exp"], moments.get("iat", now)
    if max(issued, moments.get("nbf", 0)) > now + leeway:
        raise Misshapen("it is of the future")
    if end + leeway < max(issued, moments.get("nbf", 0)):
        raise Misshapen("it ends before it begins")
    if end - min(issued, now) > longest + leeway:
        raise Misshapen("it lives longer than any token of ours")


def is_plain_id(value: object) -> TypeGuard[str]:
    """Whether this is a UUID as we write it: one thing has one name, by which it is also taken back."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


def is_plain_text(value: object) -> TypeGuard[str]:
    """Whether this is visible ASCII with blanks, as scopes are (RFC 6749 section 3.3) and names of roles."""
    return isinstance(value, str) and value.isascii() and (value.isprintable() or not value)


def _moment(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise Misshapen(f"{name} is no moment")
    return value


def _object(part: str) -> dict[str, Any]:
    try:
        text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8")
        read = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        json.dumps(read, ensure_ascii=False).encode("utf-8")  # half a surrogate is no text
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


def _no_number(word: str) -> NoReturn:
    raise Misshapen(f"{word} is no number of JSON")
