"""Contracts as crm tells them: whole each time, so what is kept here is made the same as what was told.

A draft has only its head here, because its lines may still be thrown away. From the day on which it holds, every version of every
line is kept under the id that it has in crm: what was billed for a version stays with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from contracts.events import crm
from subgraphs.billing.models.agreements import BilledContract, ContractLine, QuantityChange
from subgraphs.billing.models.catalogue import Product
from subgraphs.billing.rules import days, products
from subgraphs.billing.rules.contracts import ContractStatus, ContractType, LineKind
from subgraphs.billing.rules.periods import BillingInterval
from subgraphs.billing.rules.prepaid import Overage
from subgraphs.billing.rules.proration import ProrationMode
from subgraphs.billing.rules.quantities import QuantityMode, QuantityPolicy
from subgraphs.billing.service import contracts, merging, prepaid, recurring
from subgraphs.kit.work import Work

_UNSIGNED = frozenset({ContractStatus.DRAFT, ContractStatus.PENDING_SIGNATURE, ContractStatus.CANCELLED})
_PIECE = "C62"


async def contract(work: Work, told: crm.ContractFact, *, at: datetime) -> BilledContract | None:
    """Keep a contract as it is now; an older event never overwrites a newer one."""
    row = await work.session.get(
        BilledContract, {"tenant_id": work.caller.tenant, "id": told.id}, with_for_update=True, populate_existing=True
    )
    if row is not None and row.told_at is not None and row.told_at > at:
        return None
    status = ContractStatus(told.status)
    told = told.model_copy(update={"customer_id": await merging.survivor(work, told.customer_id)})
    if row is None:
        row = await _opened(work, told, status)
    for name, value in _head(told).items():
        setattr(row, name, value)
    row.told_at = at
    contracts.rest(row, status, since=told.effective_date or days.local(at))
    if status not in _UNSIGNED:
        await _lines(work, row, told.lines)
        await work.session.flush()
        await prepaid.grant(work, row)
    return row


async def _opened(work: Work, told: crm.ContractFact, status: ContractStatus) -> BilledContract:
    """A new row; where a contract that was entered here has its number, it is told apart by its id."""
    row = BilledContract(id=told.id, number=told.number, status=status, pauses=[], **_head(told))
    try:
        async with work.session.begin_nested():
            work.add(row)
            await work.session.flush()
    except IntegrityError:
        number = f"{told.number}-{str(told.id)[-6:]}"
        row = BilledContract(id=told.id, number=number, status=status, pauses=[], **_head(told))
        work.add(row)
    return row


def _head(told: crm.ContractFact) -> dict[str, Any]:
    return {
        "customer_id": told.customer_id,
        "legal_entity_id": told.legal_entity_id,
        "title": told.title,
        "type": ContractType(told.contract_type),
        "start_date": told.start_date,
        "end_date": told.end_date,
        "billing_interval": BillingInterval(told.billing_interval),
        "bill_in_advance": told.bill_in_advance,
        "priority": told.priority,
        "coverage": [_rule(told.id, place, rule) for place, rule in enumerate(told.coverage)],
        "asset_ids": [str(asset) for asset in told.asset_ids],
        "included_hours": told.included_hours if told.included_hours is not None else _included(told),
        "hourly_rate": told.hourly_rate if told.hourly_rate is not None else _overage_rate(told),
        "overage": Overage(told.overage),
        "po_number": told.po_number,
        "anchor_day": told.billing_anchor_day,
    }


def _rule(contract_id: UUID, place: int, rule: crm.ContractCoverage) -> dict[str, Any]:
    """A rule as it is stored; crm gives rules no id, so theirs follows from what they say."""
    said = rule.model_dump(mode="json", by_alias=False)
    return {**said, "id": str(uuid5(contract_id, f"{place} {json.dumps(said, sort_keys=True)}"))}


def _included(told: crm.ContractFact) -> Decimal | None:
    """The hours that its lines include, of contracts that say it there; blocks are bought, and include nothing."""
    hours = [one.included_hours for one in told.lines if one.included_hours is not None and one.kind != "PREPAID"]
    current = [one for one in told.lines if _lasts(one, told)]
    mine = [one.included_hours for one in current if one.included_hours is not None and one.kind != "PREPAID"]
    return sum(mine, Decimal(0)) if hours else None


def _overage_rate(told: crm.ContractFact) -> Decimal | None:
    return next(
        (one.hourly_rate_overage for one in told.lines if _lasts(one, told) and one.hourly_rate_overage is not None),
        None,
    )


def _lasts(line: crm.ContractLineTold, told: crm.ContractFact) -> bool:
    """Whether no other version takes its place."""
    return all(other.replaces_id != line.id for other in told.lines)


# --- lines


async def _lines(work: Work, row: BilledContract, told: Sequence[crm.ContractLineTold]) -> None:
    known = {
        line.id: line
        for line in await work.session.scalars(
            select(ContractLine).where(ContractLine.contract_id == row.id).with_for_update()
        )
    }
    by_id = await work.those(Product, list({one.product_id for one in told if one.product_id}))
    for one in sorted(told, key=lambda one: one.valid_from):
        line = known.get(one.id)
        if line is None:
            line = known[one.id] = ContractLine(id=one.id, contract_id=row.id, cost=None, committed_until=None)
            _describe(line, row, one, by_id)
            work.add(line)
            if one.replaces_id in known:
                await _carry_over(work, known[one.replaces_id], line)
        else:
            _describe(line, row, one, by_id)
    began = recurring.began_on(list(known.values()))
    for line in known.values():
        product = by_id.get(line.product_id) if line.product_id else None
        line.committed_until = contracts.committed(product, began[line.id])


def _describe(
    line: ContractLine, row: BilledContract, told: crm.ContractLineTold, by_id: Mapping[UUID, Product]
) -> None:
    product = by_id.get(told.product_id) if told.product_id else None
    unit = told.unit_code.upper()
    values = {
        "customer_id": row.customer_id,
        "product_id": told.product_id,
        "description": told.description,
        "quantity_mode": QuantityMode(told.quantity_mode),
        "quantity_policy": QuantityPolicy(told.quantity_policy),
        "quantity": told.quantity,
        "min_quantity": told.min_quantity,
        "max_quantity": told.max_quantity,
        "unit_code": unit if unit in products.UNITS else _PIECE,
        "unit_price": told.unit_price,
        "cost": product.cost if product else line.cost,
        "discount_percent": told.discount_percent,
        "tiers": [
            {"from_quantity": str(tier.from_quantity), "unit_price": str(tier.unit_price)} for tier in told.tiers
        ],
        "tax_code": told.tax_code,
        "prorate": ProrationMode(told.prorate),
        "valid_from": told.valid_from,
        "valid_to": told.valid_to,
        "kind": LineKind(told.kind),
        "replaces_id": told.replaces_id,
        "included_hours": told.included_hours,
    }
    for name, value in values.items():
        setattr(line, name, value)


async def _carry_over(work: Work, former: ContractLine, line: ContractLine) -> None:
    """What was counted more or less than agreed still is, unless the new version says another number itself."""
    if former.quantity != line.quantity:
        return
    for change in (await contracts.changes_of(work, [former.id])).get(former.id, ()):
        work.add(
            QuantityChange(
                customer_id=line.customer_id,
                contract_line_id=line.id,
                effective_date=max(change.effective_date, line.valid_from),
                delta=change.delta,
                reason=change.reason,
                source=change.source,
                approved_by=change.approved_by,
            )
        )
