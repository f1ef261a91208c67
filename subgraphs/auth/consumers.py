"""What identity hears from others: who belongs to whom among customers, for grants that include children, who left, and what matters for security."""

from __future__ import annotations

from contracts.events import crm
from contracts.events.audit import AuditRecorded
from contracts.events.envelope import Envelope
from subgraphs.auth.service import grants, people, security_events
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.work import Work

_TOLD = {event.type: event for event in (crm.CustomerCreated, crm.CustomerUpdated)}


async def _learn_parent(work: Work, envelope: Envelope) -> None:
    customer = envelope.read(_TOLD[envelope.type])
    await grants.learn_parent(work, customer.id, customer.parent_id, at=envelope.time)


async def _let_go(work: Work, envelope: Envelope) -> None:
    await people.disable_contact(work, envelope.read(crm.ContactDeactivated).id)


TREE = Consumer(name="customer_tree", events=tuple(_TOLD), handle=_learn_parent)
LEFT = Consumer(name="contacts_who_left", events=(crm.ContactDeactivated.type,), handle=_let_go)
SECURITY = Consumer(name="security_events", events=(AuditRecorded.type,), handle=security_events.keep)
