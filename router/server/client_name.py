"""What a client calls itself: for logs, manifests and rules that need not withstand a liar."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers

from router.server.head import Head

_KEPT: Final = "client name"
_NAMES: Final = (
    "apollographql-client-name",
    "graphql-client-name",
    "x-graphql-client-name",
    "x-grafbase-client-name",
)


_VERSIONS: Final = tuple(f"{name.removesuffix('name')}version" for name in _NAMES)


def client_name(headers: Headers) -> str | None:
    """Return the name, by whichever header the client's library sends it."""
    if not isinstance(headers, Head):
        return _client_name(headers)
    # It's asked for several times by each request, and heads that are equal are one.
    if _KEPT not in headers.notes:
        headers.notes[_KEPT] = _client_name(headers)
    kept: str | None = headers.notes[_KEPT]
    return kept


def _client_name(headers: Headers) -> str | None:
    return next((headers[name] for name in _NAMES if headers.get(name)), None)


def client_version(headers: Headers) -> str | None:
    """Return the version, in the same way."""
    return next((headers[name] for name in _VERSIONS if headers.get(name)), None)
