"""What integrations hears: everything, for those who want to be told and those who come to look."""

from __future__ import annotations

from contracts.events.envelope import Envelope
from subgraphs.integrations.service import changes, deliveries
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.work import Work


async def _tell(work: Work, envelope: Envelope) -> None:
    await deliveries.tell(work, envelope)


async def _record(work: Work, envelope: Envelope) -> None:
    await changes.record(work, envelope)


WEBHOOKS = Consumer(name="webhooks", events=("#",), handle=_tell)
CHANGES = Consumer(name="changes", events=("#",), handle=_record)

ALL = (WEBHOOKS, CHANGES)
