"""When two customers turn out to be one: what a module keeps of the source becomes the target's.

Customer management tells `customer.merged`; every module that has rows of customers listens with the consumer that is made here. It
moves them table by table, as many as there are, and notes how many: the same event again finds nothing left. What may only be
appended to (facts, records, issued documents) stays what it was: it says whose it was then.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, select, update
from sqlalchemy.orm import DeclarativeBase

from contracts.events.crm import CustomerMerged
from contracts.events.envelope import Envelope
from subgraphs.kit import audit, references
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.work import Work


def customers(model: type[DeclarativeBase]) -> Consumer:
    """The consumer that moves the rows of a module; `model` is what its tables have in common."""

    async def handle(work: Work, envelope: Envelope) -> None:
        happened = envelope.read(CustomerMerged)
        source, target = happened.source_id, happened.target_id
        moved = {one.name: await _move(work, one, source, target) for one in model.metadata.sorted_tables if _of(one)}
        await references.move(work, source, target)
        details: dict[str, str | int | bool | None] = {"source": str(source)}
        details |= {name: count for name, count in moved.items() if count}
        await audit.note(work, "customerMerged", resource="Customer", resource_id=target, details=details)

    return Consumer(name="merged_customers", events=(CustomerMerged.type,), handle=handle)


def _of(table: Table) -> bool:
    return "customer_id" in table.c


async def _move(work: Work, table: Table, source: UUID, target: UUID) -> int:
    if not await work.session.scalar(select(func.has_table_privilege(table.name, "UPDATE"))):
        return 0
    values: dict[str, Any] = {"customer_id": target}
    if "version" in table.c:
        values |= {"version": table.c.version + 1, "updated_at": work.at, "updated_by": work.caller.subject}
    done: Any = await work.session.execute(update(table).where(table.c.customer_id == source).values(values))
    return int(done.rowcount)
