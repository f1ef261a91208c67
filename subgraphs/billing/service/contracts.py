"""What billing keeps of contracts: entered by command, or told by crm; and the numbers that their lines count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from subgraphs.billing.models.agreements import BilledContract, ContractLine, QuantityChange
from subgraphs.billing.models.catalogue import Product
from subgraphs.billing.rules import days, entered, products
from subgraphs.billing.rules.contracts import (
    CalendarPart,
    Contract,
    ContractStatus,
    CoverageRule,
    LineKind,
    Pause,
    RuleEffect,
    pauses_after,
)
from subgraphs.billing.rules.periods import BillingInterval, plus_months
from subgraphs.billing.rules.prepaid import Overage
from subgraphs.billing.rules.proration import Commitment, ProrationMode, effective_from
from subgraphs.billing.rules.quantities import QuantityMode, QuantityPolicy
from subgraphs.billing.service import accounts
from subgraphs.billing.service.entities import the_one
from subgraphs.billing.service.products import required, stored_tiers
from subgraphs.billing.service.uniqueness import added, settled
from subgraphs.kit.errors import Conflict, Invalid
from subgraphs.kit.filters import among
from subgraphs.kit.shapes import line as one_line
from subgraphs.kit.shapes import optional_line
from subgraphs.kit.work import Work

_TAKEN = "Another contract has this number."

# --- reading


async def listed(work: Work, *, customer_id: UUID | None, limit: int, offset: int) -> Sequence[BilledContract]:
    """The contracts that billing knows, by number."""
    query = select(BilledContract).order_by(BilledContract.number, BilledContract.id).limit(limit).offset(offset)
    if customer_id is not None:
        query = query.where(BilledContract.customer_id == customer_id)
    return (await work.session.scalars(query)).all()


async def lines_of(work: Work, contracts: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[ContractLine]]:
    """The lines of contracts, oldest first."""
    order = (ContractLine.valid_from, ContractLine.id)
    return await work.per_parent(ContractLine, ContractLine.contract_id, contracts, order=order, limit=limit)


async def of_customer(work: Work, customer_id: UUID) -> list[Contract]:
    """All contracts of a customer, as the rules see them."""
    rows = await work.session.scalars(select(BilledContract).where(BilledContract.customer_id == customer_id))
    return [agreed(row) for row in rows]


def agreed(row: BilledContract) -> Contract:
    """A contract as the rules see it."""
    return Contract(
        id=row.id,
        title=row.title,
        type=row.type,
        status=row.status,
        start=row.start_date,
        end=row.end_date,
        priority=row.priority,
        rules=tuple(_rule(stored) for stored in row.coverage),
        assets=frozenset(UUID(asset) for asset in row.asset_ids),
        included_hours=row.included_hours,
        hourly_rate=row.hourly_rate,
        pauses=paused(row),
    )


def paused(row: BilledContract) -> tuple[Pause, ...]:
    """When a contract rested, oldest first."""
    return tuple(
        Pause(date.fromisoformat(one["start"]), date.fromisoformat(one["end"]) if one["end"] else None)
        for one in row.pauses
    )


def rest(row: BilledContract, status: ContractStatus, *, since: date) -> None:
    """Give a contract its status, and note from when on it rests, or holds again."""
    found = pauses_after(paused(row), status, since=since)
    row.pauses = [{"start": one.start.isoformat(), "end": one.end.isoformat() if one.end else None} for one in found]
    row.status = status


def _rule(stored: Mapping[str, Any]) -> CoverageRule:
    return CoverageRule(
        UUID(stored["id"]),
        RuleEffect(stored["effect"]),
        frozenset(stored["work_types"]),
        frozenset(stored["ticket_types"]),
        frozenset(stored["asset_types"]),
        frozenset(UUID(site) for site in stored["site_ids"]),
        CalendarPart(stored["calendar_part"]),
    )


# --- entering


async def register(
    work: Work, *, customer_id: UUID, number: str, lines: Sequence[Mapping[str, Any]] = (), **values: Any
) -> BilledContract:
    """Enter a contract with its lines, or change the head of the one with this number and add lines to it."""
    customer_id = (await accounts.of(work, customer_id)).customer_id
    cleaned = await _cleaned(work, values)
    number = one_line(number, field="number", longest=60)
    found = await work.session.scalars(select(BilledContract).where(BilledContract.number == number).with_for_update())
    row = found.one_or_none()
    if row is None:
        identity = cleaned.pop("id", None) or None
        row = BilledContract(id=identity, customer_id=customer_id, number=number, **{**_DEFAULTS, **cleaned})
        _check_dates(row.start_date, row.end_date)
        await added(work, row, message=_TAKEN, field="number")
    else:
        _change_head(row, customer_id, cleaned)
        await settled(work, message=_TAKEN, field="number")
    rest(row, row.status, since=max(days.local(work.at), row.start_date))
    for line in lines:
        await _add_line(work, row, **line)
    return row


_DEFAULTS: Mapping[str, Any] = {
    "status": ContractStatus.ACTIVE,
    "billing_interval": BillingInterval.MONTHLY,
    "bill_in_advance": True,
    "priority": 100,
    "coverage": [],
    "asset_ids": [],
    "pauses": [],
    "overage": Overage.BILL_RATE,
}


def _change_head(row: BilledContract, customer_id: UUID, cleaned: Mapping[str, Any]) -> None:
    if row.customer_id != customer_id:
        raise Invalid("This contract is another customer's.", field="customerId")
    _check_ours(row, field="number")
    if cleaned.get("start_date", row.start_date) != row.start_date:
        raise Invalid("Periods are counted from the start: it can't be moved.", field="startDate")
    for name, value in cleaned.items():
        if name != "id":
            setattr(row, name, value)
    _check_dates(row.start_date, row.end_date)


async def _cleaned(work: Work, values: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in values.items() if value is not None or name in _MAY_BE_NULL}
    if found.get("legal_entity_id") is not None:
        await the_one(work, found["legal_entity_id"])
    if "title" in found:
        found["title"] = one_line(found["title"], field="title")
    if "coverage" in found:
        found["coverage"] = [_stored_rule(rule) for rule in found["coverage"]]
    if "asset_ids" in found:
        found["asset_ids"] = [str(asset) for asset in found["asset_ids"]]
    for name, clean in (("included_hours", entered.count), ("hourly_rate", entered.price)):
        if found.get(name) is not None:
            found[name] = clean(found[name], field=_CAMEL[name])
    if "po_number" in found:
        found["po_number"] = optional_line(found["po_number"], field="poNumber")
    return found


_MAY_BE_NULL = frozenset({"end_date", "included_hours", "hourly_rate", "po_number"})
_CAMEL = {"included_hours": "includedHours", "hourly_rate": "hourlyRate"}


def _stored_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": str(rule.get("id") or uuid4()),
        "effect": rule["effect"].value,
        "work_types": list(rule.get("work_types") or ()),
        "ticket_types": list(rule.get("ticket_types") or ()),
        "asset_types": list(rule.get("asset_types") or ()),
        "site_ids": [str(site) for site in rule.get("site_ids") or ()],
        "calendar_part": (rule.get("calendar_part") or CalendarPart.ANY).value,
    }


def _check_ours(row: BilledContract, *, field: str) -> None:
    if row.told_at is not None:
        raise Conflict("This contract is kept by crm: change it there, and billing hears of it.", field=field)


def _check_dates(start: date, end: date | None) -> None:
    entered.day(start, field="startDate")
    if end is not None:
        entered.day(end, field="endDate")
    if end is not None and end < start:
        raise Invalid("A contract can't end before it starts.", field="endDate")


# --- lines


async def add_line(work: Work, *, contract_id: UUID, **values: Any) -> ContractLine:
    """Add a line to a contract."""
    contract = await work.take(BilledContract, contract_id, field="contractId")
    _check_ours(contract, field="contractId")
    return await _add_line(work, contract, **values)


async def _add_line(work: Work, contract: BilledContract, **values: Any) -> ContractLine:
    product = await required(work, values.get("product_id"))
    valid_from = entered.day(values.get("valid_from") or contract.start_date, field="validFrom")
    if values.get("valid_to") is not None and values["valid_to"] < valid_from:
        raise Invalid("A line can't end before it begins.", field="validTo")
    price: Decimal | None = values.get("unit_price")
    if price is None and product is not None:
        price = product.sales_price
    if price is None:
        raise Invalid("Say what one costs: the product has no price of its own.", field="unitPrice")
    return work.add(
        ContractLine(
            customer_id=contract.customer_id,
            contract_id=contract.id,
            product_id=product.id if product else None,
            description=one_line(values.get("description") or (product.name if product else ""), field="description"),
            quantity_mode=values.get("quantity_mode") or QuantityMode.FIXED,
            quantity_policy=values.get("quantity_policy") or QuantityPolicy.PRORATED_CHANGES,
            quantity=entered.count(values.get("quantity", Decimal(1))),
            min_quantity=_optional_count(values, "min_quantity"),
            max_quantity=_optional_count(values, "max_quantity"),
            unit_code=products.unit(values.get("unit_code") or (product.unit_code if product else "MON")),
            unit_price=entered.price(price),
            cost=product.cost if product else None,
            discount_percent=entered.percent(values.get("discount_percent") or Decimal(0)),
            tiers=stored_tiers(values.get("tiers") or ()),
            tax_code=values.get("tax_code") or (product.tax_code if product else "DE19"),
            prorate=values.get("prorate") or ProrationMode.DAILY,
            valid_from=valid_from,
            valid_to=values.get("valid_to"),
            committed_until=committed(product, valid_from),
            kind=LineKind.RECURRING,
        )
    )


def _optional_count(values: Mapping[str, Any], name: str) -> Decimal | None:
    return None if values.get(name) is None else entered.count(values[name], field=name)


def committed(product: Product | None, valid_from: date) -> date | None:
    """Until when less of a product can't be had."""
    if product is None or product.commitment_months is None or product.commitment_reducible:
        return None
    return plus_months(valid_from, product.commitment_months)


async def end_line(work: Work, *, id: UUID, valid_to: date, version: int | None = None) -> ContractLine:
    """Say on which day a line is billed for the last time."""
    line = await work.take(ContractLine, id, field="id", version=version)
    if (contract := await work.find(BilledContract, line.contract_id)) is not None:
        _check_ours(contract, field="id")
    if valid_to < line.valid_from:
        raise Invalid("A line can't end before it begins.", field="validTo")
    if line.committed_until is not None and valid_to < line.committed_until - timedelta(days=1):
        raise Invalid(f"It is committed until {line.committed_until - timedelta(days=1)}.", field="validTo")
    line.valid_to = valid_to
    return line


# --- quantities


async def change_quantity(
    work: Work, *, contract_line_id: UUID, effective_date: date, delta: Decimal, reason: str, source: str = "MANUAL"
) -> QuantityChange:
    """Count more or less of a line from a day on; what was promised to a vendor can only shrink when the promise ends."""
    line = await work.take(ContractLine, contract_line_id, field="contractLineId")
    delta = entered.quantity(delta, field="delta")
    commitment = Commitment(line.committed_until, reducible=False) if line.committed_until else None
    return work.add(
        QuantityChange(
            customer_id=line.customer_id,
            contract_line_id=line.id,
            effective_date=effective_from(entered.day(effective_date, field="effectiveDate"), delta, commitment),
            delta=delta,
            reason=one_line(reason, field="reason"),
            source=one_line(source, field="source", longest=60),
            approved_by=work.caller.subject,
        )
    )


async def changes_of(work: Work, lines: Iterable[UUID]) -> dict[UUID, list[QuantityChange]]:
    """The changes of lines, oldest first."""
    query = (
        select(QuantityChange)
        .where(among(QuantityChange.contract_line_id, lines))
        .order_by(QuantityChange.created_at, QuantityChange.id)
    )
    found: dict[UUID, list[QuantityChange]] = {}
    for row in await work.session.scalars(query):
        found.setdefault(row.contract_line_id, []).append(row)
    return found
