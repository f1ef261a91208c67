"""Stored queries: asked of the graph when an event is delivered, in the name of the webhook's own service account.

The way is that of every client: a token for the account's id and secret, then the router. So permissions, customers,
limits and the audit are those of the account, and a webhook can see nothing that its account may not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import orjson

from subgraphs.integrations.rules import messages
from subgraphs.kit.config import Misconfigured, Settings

_SECONDS: Final = 10.0
_LARGEST: Final = 256_000
_TOO_LATE_SECONDS: Final = 30.0
_MOST_TOKENS: Final = 1_000


class Unresolved(Exception):
    """The query could not be asked; it will be tried again with the delivery."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A query, and who asks it."""

    text: str
    client_id: str
    client_secret: str = field(repr=False)


_TOKENS: dict[tuple[str, str, str], tuple[float, str]] = {}


async def resolved(settings: Settings, stored: Stored, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The graph's answer, data and errors, as the receiver gets it; raises `Unresolved`."""
    try:
        router = settings.needed("router_url").rstrip("/")
        async with asyncio.timeout(_SECONDS), httpx2.AsyncClient(timeout=_SECONDS, trust_env=False) as http:
            token = await _token(http, router, stored)
            question = {"query": stored.text, "variables": messages.variables(stored.text, event)}
            answer = await http.post(f"{router}/graphql", json=question, headers={"authorization": f"Bearer {token}"})
        if answer.status_code >= 500 or answer.status_code in {401, 429}:
            _TOKENS.pop(_key(router, stored), None)
            raise Unresolved(f"the router answered {answer.status_code}")
        if len(answer.content) > _LARGEST:
            raise Unresolved(f"the answer is larger than {_LARGEST} bytes")
        said = orjson.loads(answer.content)
    except Misconfigured as error:
        raise Unresolved(str(error)) from error
    except (httpx2.HTTPError, OSError, TimeoutError, ValueError) as error:
        raise Unresolved(type(error).__name__) from error
    return {name: said[name] for name in ("data", "errors") if name in said}


async def _token(http: httpx2.AsyncClient, router: str, stored: Stored) -> str:
    """An access token of the account; the last one, while it holds."""
    key = _key(router, stored)
    until, token = _TOKENS.get(key, (0.0, ""))
    if until > time.monotonic():
        return token
    form = {"grant_type": "client_credentials"}
    answer = await http.post(f"{router}/auth/token", data=form, auth=(stored.client_id, stored.client_secret))
    if answer.status_code != 200:
        raise Unresolved(f"the service account gets no token ({answer.status_code})")
    said = orjson.loads(answer.content)
    if len(_TOKENS) >= _MOST_TOKENS:
        _TOKENS.clear()
    _TOKENS[key] = (time.monotonic() + float(said.get("expires_in", 60)) - _TOO_LATE_SECONDS, said["access_token"])
    return str(said["access_token"])


def _key(router: str, stored: Stored) -> tuple[str, str, str]:
    return router, stored.client_id, stored.client_secret
