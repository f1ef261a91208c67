"""What identity hears from others: who belongs to whom among customers, for grants that include children."""

from __future__ import annotations

from contracts.events import crm
from contracts.events.envelope import Envelope
from subgraphs.auth.service import grants
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.work import Work

_TOLD = {event.type: event for event in (crm.CustomerCreated, crm.CustomerUpdated)}


async def _learn_parent(work: Work, envelope: Envelope) -> None:
    customer = envelope.read(_TOLD[envelope.type])
    await grants.learn_parent(work, customer.id, customer.parent_id, at=envelope.time)


TREE = Consumer(name="customer_tree", events=tuple(_TOLD), handle=_learn_parent)
