"""What integrations hears: everything, for those who want to be told."""

from __future__ import annotations

from contracts.events.envelope import Envelope
from subgraphs.integrations.service import deliveries
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.work import Work


async def _tell(work: Work, envelope: Envelope) -> None:
    await deliveries.tell(work, envelope)


WEBHOOKS = Consumer(name="webhooks", events=("#",), handle=_tell)

ALL = (WEBHOOKS,)
