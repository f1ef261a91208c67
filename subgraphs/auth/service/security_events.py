"""What matters for security in all modules, in one place: each module's audit tells it, and here it is kept to be read together.

a module's audit ─ audit.recorded ─► kept here, once ─ security_event.recorded ─► whoever watches, row by row
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from contracts.events import auth as events
from contracts.events.audit import AuditRecorded
from contracts.events.envelope import Envelope
from subgraphs.auth.models.reviews import SecurityEvent
from subgraphs.auth.rules import reviews as rules
from subgraphs.kit.filters import conditions
from subgraphs.kit.paging import Order
from subgraphs.kit.work import Work

NEWEST_FIRST = Order((SecurityEvent.at,), descending=True)


def selected(wanted: Any = None) -> Select[SecurityEvent]:
    """The query for the events of this filter."""
    return select(SecurityEvent).where(*conditions(SecurityEvent, wanted))


async def keep(work: Work, envelope: Envelope) -> None:
    """Keep what a module told, once; past the audit, since it is a record of one."""
    told = envelope.read(AuditRecorded)
    kind = rules.category(told.action, told.outcome)
    row = {
        "tenant_id": work.caller.tenant,
        "id": told.id,
        "customer_id": envelope.customerid,
        "at": envelope.time,
        "module": told.module,
        "category": kind,
        "action": told.action,
        "outcome": told.outcome,
        "actor_id": envelope.actorid,
        "impersonator_id": told.impersonator_id,
        "resource": told.resource,
        "resource_id": told.resource_id,
        "address": told.address,
        "details": told.details,
        "version": 1,
        **dict.fromkeys(("created_at", "updated_at"), work.at),
        **dict.fromkeys(("created_by", "updated_by"), work.caller.subject),
    }
    written = insert(SecurityEvent).values(row).on_conflict_do_nothing().returning(SecurityEvent.id)
    if await work.session.scalar(written) is not None:
        happened = events.SecurityEventRecorded(id=told.id, category=kind.value)
        await work.emit(happened, subject=told.id, customer=envelope.customerid)
