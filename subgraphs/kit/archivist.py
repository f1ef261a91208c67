"""Empties the dead letters of the broker into the module's archive, where people see them: see `kit.dead_letters`."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from pydantic import ValidationError

from contracts.events.envelope import Envelope
from subgraphs.kit import dead_letters, inbox
from subgraphs.kit.backoff import Backoff, insist
from subgraphs.kit.broker import MOST_DELIVERIES, Broker, Delivery
from subgraphs.kit.broker import dead_letters as last_queue
from subgraphs.kit.dead_letters import Failure, Reason
from subgraphs.kit.inbox import Begin

_TOGETHER: Final = 20
_RETRY: Final = Backoff(first_seconds=0.5, most_seconds=30.0)

log = structlog.get_logger(__name__)


async def archive(broker: Broker, module: str, begin: Begin, *, pace: Backoff = _RETRY) -> None:
    """Move dead letters of `module` into its archive until cancelled."""
    await insist(f"{module}.dead_letters", lambda: _archive(broker, module, begin, pace), backoff=pace)


async def _archive(broker: Broker, module: str, begin: Begin, pace: Backoff) -> None:
    """Move them until the way to the broker breaks."""
    async with broker.deliveries(last_queue(module), prefetch=_TOGETHER) as deliveries:
        async for delivery in deliveries:
            try:
                await _keep(begin, delivery, pace)
            except Exception:
                log.exception("dead_letter.not_archived", attempt=delivery.attempt)
                await asyncio.sleep(pace.seconds(delivery.attempt))
                await delivery.release()
            else:
                await delivery.ack()


async def _keep(begin: Begin, delivery: Delivery, pace: Backoff) -> None:
    failure = _failure(delivery)

    async def once() -> None:
        async with begin(dead_letters.whose(failure.body), command="hold") as work:
            await dead_letters.hold(work, failure)

    await inbox.patiently(once, pace)
    log.error("dead_letter.held", queue=failure.queue, event_type=failure.type, reason=failure.reason.value)


def _failure(delivery: Delivery) -> Failure:
    death, message = delivery.death, delivery.message
    reason, error = _why(message.body, rejected=death is None or death.rejected)
    attempts = MOST_DELIVERIES if reason is Reason.DELIVERED_TOO_OFTEN else 1
    return Failure(death.queue if death else "", message.key, message.body, reason, error, attempts)


def _why(body: bytes, *, rejected: bool) -> tuple[Reason, str]:
    try:
        Envelope.from_json(body)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()[:5])
        return Reason.UNREADABLE, "; ".join(problems)
    if rejected:
        return Reason.REJECTED, "It was given up, and the reason could not be written down; the log has it."
    return Reason.DELIVERED_TOO_OFTEN, f"It was delivered {MOST_DELIVERIES} times, and nobody said what became of it."
