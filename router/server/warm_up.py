"""Plans the operations that are in use for a supergraph that is not served yet, so that no client waits for it afterwards."""

from __future__ import annotations

import asyncio
import math
import time

import structlog

from router.server.cache import Hot, Operations
from router.server.config.warm_up import WarmUp
from router.server.refusals import Refused

log = structlog.get_logger(__name__)


async def warm_up(following: Operations, current: Operations, settings: WarmUp) -> int:
    """Prepare the operations that were used last, the most recent first; returns how many are ready."""
    wanted = math.ceil(len(current) * settings.share) if settings.operations is None else settings.operations
    if not wanted:
        return 0
    ready, begun = 0, time.perf_counter()
    try:
        async with asyncio.timeout(settings.longest):
            for hot in current.hottest(wanted):
                ready += await _prepared(following, hot)
    except TimeoutError:
        log.warning("warm_up.ended_early", ready=ready, wanted=wanted)
    log.info("warm_up.done", ready=ready, seconds=round(time.perf_counter() - begun, 3))
    return ready


async def _prepared(following: Operations, hot: Hot) -> bool:
    try:
        await following.prepare(hot)
    except Refused:
        return False  # it doesn't fit the new schema: its client will hear of it
    except Exception:
        log.exception("warm_up.failed", operation=hot.text[:100])
        return False
    return True
