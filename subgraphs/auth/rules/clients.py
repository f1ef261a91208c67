"""What is true of clients: which addresses they may be at, and how an address is compared."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from subgraphs.kit.errors import Invalid

_LOOPBACK = {"127.0.0.1", "::1"}
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
"""A native app's own scheme is a domain written backwards (RFC 8252 section 7.1): `com.example.app`."""


def redirect_uri(value: str) -> str:
    """An address to which a browser may be sent back; raises `Invalid`.

    Absolute, without a fragment; https, or http to this machine (RFC 8252 section 7.3), or an app's own scheme.
    """
    if len(value) > 2000 or not value.isascii() or not value.isprintable() or any(c in value for c in ' "<>\\^`{|}*'):
        raise Invalid(_NOT_ALLOWED, field="redirectUris")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises when it is no number
    except ValueError:
        raise Invalid(_NOT_ALLOWED, field="redirectUris") from None
    secure = parts.scheme == "https" and bool(parts.hostname)
    local = parts.scheme == "http" and parts.hostname in {*_LOOPBACK, "localhost"}
    app = bool(_PRIVATE_SCHEME.fullmatch(parts.scheme)) and bool(parts.path)
    if not (secure or local or app) or "#" in value or parts.username is not None:
        raise Invalid(_NOT_ALLOWED, field="redirectUris")
    return value


_NOT_ALLOWED = "A redirect URI is an https address (or http on 127.0.0.1), without a fragment."


def notified_uri(value: str | None, *, loopback: bool) -> str | None:
    """An address that we notify ourselves: https, or http where the whole platform is on loopback."""
    if value is None:
        return None
    uri = redirect_uri(value)
    if not uri.startswith("https:") and not (loopback and uri.startswith("http:")):
        raise Invalid("A back-channel logout URI is an https address.", field="backchannelLogoutUri")
    return uri


def is_redirect_of(registered: list[str], asked: str) -> bool:
    """Whether an address is one of a client's: the same text, but for the port of a native app's loopback address."""
    return asked in registered or any(_same_but_port(one, asked) for one in registered)


def _same_but_port(registered: str, asked: str) -> bool:
    try:
        one, other = urlsplit(registered), urlsplit(asked)
        other.port  # noqa: B018 - raises when it is no number
    except ValueError:
        return False
    if one.scheme != "http" or one.hostname not in _LOOPBACK or other.hostname != one.hostname:
        return False
    plain = other.username is None and other.password is None and "#" not in asked and asked.isprintable()
    return plain and (one.scheme, one.path, one.query) == (other.scheme, other.path, other.query)
