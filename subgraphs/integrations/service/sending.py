"""One request to a receiver whom nobody knows: it may be slow, endless, far away, or not what it says.

Whatever it does, it costs us one connection for at most `SECONDS`, and a few kilobytes. The name is looked up, judged
and connected to by `kit.outside`; what is not to be asked is an answer, too: an error in the log of the delivery.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import httpx2

from subgraphs.integrations.rules.outcomes import Answer
from subgraphs.kit import outside
from subgraphs.kit.outside import NotAsked, Reach

SECONDS: Final = 15.0
_KEPT_BYTES: Final = 4_096
_BODY_SECONDS: Final = 2.0
"""How long a body is listened to, once the status is known."""
_LONGEST_ERROR: Final = 300


async def send(reach: Reach, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = SECONDS) -> Answer:
    """Post a body, and say what came back: never raises for anything that a receiver can do."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            answer = await _posted(reach, url, body, headers, seconds)
    except TimeoutError:
        answer = Answer(error=f"No answer within {seconds:g} seconds.")
    except NotAsked as error:
        answer = Answer(error=f"Not allowed: {error}.")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        answer = Answer(error=f"{type(error).__name__}: {error}"[:_LONGEST_ERROR])
    milliseconds = int((time.perf_counter() - began) * 1000)
    return Answer(answer.status, answer.body, answer.error, answer.retry_after, milliseconds)


async def _posted(reach: Reach, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
    async with (
        outside.client(reach, seconds=seconds) as http,
        http.stream("POST", url, content=body, headers=headers) as response,
    ):
        text = await _beginning(response)
        error = "Redirects are not followed." if response.is_redirect else None
        return Answer(response.status_code, text, error, response.headers.get("retry-after"))


async def _beginning(response: httpx2.Response) -> str:
    """The first bytes of the body as they came; the rest is never read, for it need not end."""
    kept = b""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in response.aiter_raw():
                kept += chunk
                if len(kept) >= _KEPT_BYTES:
                    break
    except (httpx2.HTTPError, TimeoutError):
        pass  # it has said what became of the delivery; a body that breaks off, or drips for ever, changes nothing
    return kept[:_KEPT_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")
