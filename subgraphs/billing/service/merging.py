"""Two customers that became one: what billing keeps of the one is found with the other from now on.

    source ──► drafts, documents, payments, contracts, balances, items, notices ──► survivor
       └── its account stays, put away: a signpost, so that news that come late arrive at the survivor, too

An issued document stays what it was: the buyer on it, its bytes and its hash are those of the day. Only the account that it is found
under changes, and the database lets that happen for a merge that stands in `customer_merge`, and for nothing else.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, select, update
from sqlalchemy.dialects.postgresql import insert

from subgraphs.billing.models.agreements import BillingAccount, CustomerMerge
from subgraphs.billing.models.catalogue import Model, PriceList, RateCard
from subgraphs.kit import audit, references
from subgraphs.kit.work import Work

_STAY = frozenset({"billing_account", "customer_merge", "price_list", "rate_card"})
_LEARNED = ("debtor_account", "buyer_reference", "einvoice_endpoint", "invoice_email")


async def survivor(work: Work, customer_id: UUID) -> UUID:
    """Who a customer is today: itself, or the one that it became."""
    seen = {customer_id}
    query = select(CustomerMerge.survivor_id)
    while found := await work.session.scalar(query.where(CustomerMerge.customer_id == customer_id)):
        if found in seen:
            break
        seen.add(found)
        customer_id = found
    return customer_id


async def merge(work: Work, source: UUID, target: UUID) -> None:
    """Let everything of one customer be the other's; the same news again find nothing left."""
    target = await survivor(work, target)
    if source == target:
        return
    values = {"tenant_id": work.caller.tenant, "customer_id": source, "survivor_id": target, "merged_at": work.at}
    await work.session.execute(insert(CustomerMerge).values(values).on_conflict_do_nothing())
    target = await survivor(work, source)
    await work.session.flush()
    moved = {one.name: await _move(work, one, source, target) for one in _followers()}
    for model in (PriceList, RateCard):
        moved[model.__tablename__] = await _agreed(work, model, source, target)
    await _account(work, source, target)
    await references.move(work, source, target)
    details: dict[str, str | int | bool | None] = {"source": str(source)}
    details |= {name: count for name, count in moved.items() if count}
    await audit.note(work, "customerMerged", resource="Customer", resource_id=target, details=details)


def _followers() -> list[Table]:
    return [one for one in Model.metadata.sorted_tables if "customer_id" in one.c and one.name not in _STAY]


async def _move(work: Work, table: Table, source: UUID, target: UUID) -> int:
    values: dict[str, Any] = {"customer_id": target}
    if "version" in table.c and await work.session.scalar(select(func.has_table_privilege(table.name, "UPDATE"))):
        values |= {"version": table.c.version + 1, "updated_at": work.at, "updated_by": work.caller.subject}
    done: Any = await work.session.execute(update(table).where(table.c.customer_id == source).values(values))
    return int(done.rowcount)


async def _agreed(work: Work, model: type[PriceList | RateCard], source: UUID, target: UUID) -> int:
    """Prices of its own a customer keeps: those of the source hold for the survivor only where there were none."""
    table: Any = model.__table__
    if await work.session.scalar(select(model.id).where(model.customer_id == target).limit(1)):
        return 0
    return await _move(work, table, source, target)


async def _account(work: Work, source: UUID, target: UUID) -> None:
    """The survivor's account learns what only the source's said, and the source's is put away."""
    rows = await work.those(BillingAccount, [source, target])
    old, new = rows.get(source), rows.get(target)
    if old is None:
        return
    old.archived_at = old.archived_at or work.at
    if new is None:
        return
    for name in _LEARNED:
        if getattr(new, name) is None:
            setattr(new, name, getattr(old, name))
    new.dunning_block = new.dunning_block or old.dunning_block
