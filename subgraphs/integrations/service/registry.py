"""The registered modules: what the router's registry knows, as the graph shows it.

Modules announce themselves to the registry, which decides what is served (`router/registry`). This module keeps no copy:
whoever asks gets the registry's answer of this moment, and what follows from the age of a module's last announcement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import httpx2
import structlog

from subgraphs.integrations.rules.registry import Registered, judged
from subgraphs.kit.config import Misconfigured, Settings
from subgraphs.kit.errors import Unavailable

_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


async def registered(settings: Settings, at: datetime) -> Sequence[Registered]:
    """The modules that have announced themselves, by name; raises `Unavailable`."""
    return [judged(entry, at) for entry in sorted(await _asked(settings), key=lambda entry: str(entry["name"]))]


async def _asked(settings: Settings) -> Sequence[Mapping[str, Any]]:
    try:
        url, token = settings.needed("router_url").rstrip("/"), settings.needed("registry_token")
        async with httpx2.AsyncClient(timeout=_SECONDS, trust_env=False) as http:
            answer = await http.get(f"{url}/registry/subgraphs", headers={"authorization": f"Bearer {token}"})
        answer.raise_for_status()
        listed: Sequence[Mapping[str, Any]] = answer.json()["subgraphs"]
    except (Misconfigured, httpx2.HTTPError, ValueError, KeyError) as error:
        log.warning("registry.unreachable", reason=type(error).__name__)
        raise Unavailable("The registry cannot be asked at the moment.") from error
    return listed
