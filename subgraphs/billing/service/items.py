"""What can be billed besides work: entered for the next invoice, held, released, written off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from subgraphs.billing.models.agreements import BilledContract
from subgraphs.billing.models.invoices import BillableItem
from subgraphs.billing.rules import accounts as account_rules
from subgraphs.billing.rules import days, entered, items, products
from subgraphs.billing.rules.items import BillableSource, BillableStatus, ItemMove
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.service import accounts
from subgraphs.billing.service import products as catalogue
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

# --- reading


async def listed(
    work: Work,
    *,
    status: BillableStatus | None,
    customer_id: UUID | None,
    contract_id: UUID | None,
    limit: int,
    offset: int,
) -> Sequence[BillableItem]:
    """Billable items, newest service first."""
    query = select(BillableItem).order_by(BillableItem.service_from.desc(), BillableItem.id.desc())
    if status is not None:
        query = query.where(BillableItem.status == status)
    if customer_id is not None:
        query = query.where(BillableItem.customer_id == customer_id)
    if contract_id is not None:
        query = query.where(BillableItem.contract_id == contract_id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def unbilled_of(work: Work, customers: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[BillableItem]]:
    """What is ready or held of customers, oldest first."""
    where = [BillableItem.status.in_([BillableStatus.READY, BillableStatus.HELD, BillableStatus.PENDING])]
    order = (BillableItem.service_from, BillableItem.id)
    return await work.per_parent(
        BillableItem, BillableItem.customer_id, customers, where=where, order=order, limit=limit
    )


async def of_tickets(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[BillableItem]]:
    """The charges of tickets, oldest first."""
    order = (BillableItem.service_from, BillableItem.created_at, BillableItem.source_id, BillableItem.part)
    return await work.per_parent(BillableItem, BillableItem.ticket_id, tickets, order=order, limit=limit)


async def of_time_entries(work: Work, entries: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[BillableItem]]:
    """What became of time entries."""
    where = [BillableItem.source == BillableSource.TIME_ENTRY]
    order = (BillableItem.part,)
    return await work.per_parent(BillableItem, BillableItem.source_id, entries, where=where, order=order, limit=limit)


# --- entering


async def enter(
    work: Work,
    *,
    customer_id: UUID,
    source: BillableSource,
    quantity: Decimal,
    service_from: date | None = None,
    product_id: UUID | None = None,
    **values: Any,
) -> BillableItem:
    """Enter something that goes onto the next invoice: a product, an expense, a way, a milestone, what a meter counted."""
    if source in {BillableSource.TIME_ENTRY, BillableSource.CONTRACT_LINE}:
        raise Invalid("Work is rated, and what recurs comes from its contract.", field="source")
    customer_id = (await accounts.of(work, customer_id)).customer_id
    sold = await catalogue.required(work, product_id)
    day = service_from or days.local(work.at)
    count = entered.quantity(quantity)
    price = values.get("unit_price")
    if price is None and sold is not None:
        price = await catalogue.price_of(work, sold, customer_id=customer_id, quantity=count, on=day)
    if price is None:
        raise Invalid("Say what one costs: the product has no price of its own.", field="unitPrice")
    if values.get("contract_id") is not None:
        await _check_contract(work, values["contract_id"], customer_id)
    if values.get("service_to") is not None and values["service_to"] < day:
        raise Invalid("A service can't end before it begins.", field="serviceTo")
    place = values.get("supplied_in")
    return work.add(
        BillableItem(
            customer_id=customer_id, source=source, part=0, product_id=product_id, contract_id=values.get("contract_id"),
            project_id=values.get("project_id"), ticket_id=values.get("ticket_id"),
            description=line(values.get("description") or (sold.name if sold else ""), field="description", longest=500),
            quantity=count, unit_code=products.unit(values.get("unit_code") or (sold.unit_code if sold else "C62")),
            unit_price=entered.price(price), discount_percent=entered.percent(values.get("discount_percent") or ZERO),
            notional_value=ZERO, cost=sold.cost if sold else None,
            tax_code=values.get("tax_code") or (sold.tax_code if sold else "DE19"),
            supplied_in=account_rules.country(place, field="suppliedIn") if place else None,
            service_from=day, service_to=values.get("service_to"), status=BillableStatus.READY,
            explanation=[f"{source.value}, entered for the next invoice"],
        )
    )  # fmt: skip


async def _check_contract(work: Work, contract_id: UUID, customer_id: UUID) -> None:
    contract = await work.find(BilledContract, contract_id)
    if contract is None or contract.customer_id != customer_id:
        raise NotFound("There is no such contract of this customer.", field="contractId")


async def hold(work: Work, id: UUID, *, reason: str, version: int | None = None) -> BillableItem:
    """Keep something off invoices until somebody has decided."""
    item = await work.take(BillableItem, id, field="id", version=version)
    item.status = items.moved(ItemMove.HOLD, item.status)
    item.hold_reason = line(reason, field="reason")
    return item


async def release(
    work: Work, id: UUID, *, unit_price: Decimal | None = None, version: int | None = None
) -> BillableItem:
    """Let something that was held go onto the next invoice, at a price where it has none."""
    item = await work.take(BillableItem, id, field="id", version=version)
    item.status = items.moved(ItemMove.RELEASE, item.status)
    item.explanation = [*item.explanation, f"released, was held: {item.hold_reason}"]
    item.hold_reason = None
    if unit_price is not None:
        item.unit_price = entered.price(unit_price)
    return item


async def write_off(work: Work, id: UUID, *, reason: str, version: int | None = None) -> BillableItem:
    """Give something away."""
    item = await work.take(BillableItem, id, field="id", version=version)
    item.status = items.moved(ItemMove.WRITE_OFF, item.status)
    item.hold_reason = None
    item.explanation = [*item.explanation, f"written off: {line(reason, field='reason')}"]
    return item
