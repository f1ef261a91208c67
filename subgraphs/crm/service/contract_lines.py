"""The lines of contracts: each version holds from a day on, and the next one follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from subgraphs.crm.models.contracts import Contract, ContractLine
from subgraphs.crm.rules import contracts as rules
from subgraphs.crm.rules import customers as looks
from subgraphs.crm.rules import terms
from subgraphs.crm.rules.contracts import ContractLineKind, ProrationMode, QuantityMode, QuantityPolicy
from subgraphs.crm.service import offered
from subgraphs.crm.service.entering import Clean, cleaned, kept, optional
from subgraphs.kit import references
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.ids import parsed
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work


async def lines_of(
    work: Work, contracts: Sequence[UUID], *, on: date | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[ContractLine]]:
    """The lines of each contract in their order, every version, or only those that hold on a day."""
    holds = (
        (ContractLine.valid_from <= on, or_(ContractLine.valid_to.is_(None), ContractLine.valid_to >= on)) if on else ()
    )
    order = (ContractLine.position, ContractLine.valid_from, ContractLine.id)
    return await work.per_parent(
        ContractLine, ContractLine.contract_id, contracts, where=holds, order=order, limit=limit, offset=offset
    )


async def all_lines(work: Work, contract_id: UUID) -> Sequence[ContractLine]:
    """Every version of every line of a contract, in their order."""
    query = select(ContractLine).where(ContractLine.contract_id == contract_id)
    return (
        await work.session.scalars(query.order_by(ContractLine.position, ContractLine.valid_from, ContractLine.id))
    ).all()


async def add_lines(work: Work, contract: Contract, entered: Sequence[Any], *, start: date) -> Sequence[ContractLine]:
    """Write lines behind those that are there; they hold from `start` on, or later."""
    before = await work.session.scalar(
        select(func.coalesce(func.max(ContractLine.position), 0)).where(ContractLine.contract_id == contract.id)
    )
    if (before or 0) + len(entered) > rules.MOST_LINES:
        raise Invalid(f"A contract may have at most {rules.MOST_LINES} lines.", field="lines")
    rows = [
        await _new_line(work, contract, one, position=position, start=start)
        for position, one in enumerate(entered, start=(before or 0) + 1)
    ]
    await offered.check(work, (row.product_id for row in rows))
    return [work.add(row) for row in rows]


async def _new_line(
    work: Work, contract: Contract, one: Mapping[str, Any], *, position: int, start: date
) -> ContractLine:
    values = {**_DEFAULTS} | {name: value for name, value in one.items() if value is not None}
    valid_from = max(one.get("valid_from") or start, start)
    row = ContractLine(
        customer_id=contract.customer_id,
        contract_id=contract.id,
        position=position,
        valid_from=valid_from,
        valid_to=one.get("valid_to"),
        **cleaned(_LINE, values),
    )
    await _check_line(work, row)
    return row


async def _check_line(work: Work, row: ContractLine) -> None:
    rules.check_line(start=row.valid_from, end=row.valid_to, least=row.min_quantity, most=row.max_quantity)
    for asset in row.asset_ids:
        known = await references.require(work, "Asset", UUID(asset), field="assetIds")
        if known.customer_id not in {None, row.customer_id}:
            raise Invalid("This asset belongs to another customer than the contract.", field="assetIds")


async def follow(work: Work, former: ContractLine, effective: date, changes: Mapping[str, Any]) -> ContractLine:
    """End a version of a line, and begin another one that is the same but for the changes."""
    begins = max(effective, former.valid_from)
    values = {name: getattr(former, name) for name in (*_LINE, "customer_id", "contract_id", "position", "valid_to")}
    given = {name: value for name, value in changes.items() if value is not None}
    row = ContractLine(**(values | cleaned(_LINE, given)), replaces_id=former.id, valid_from=begins)
    await _check_line(work, row)
    if row.product_id != former.product_id:
        await offered.check(work, [row.product_id])
    former.valid_to = begins - terms.DAY
    return work.add(row)


# --- how what was entered becomes what is stored


def _texts(value: Sequence[Any] | None, *, field: str) -> list[str]:
    found = list(dict.fromkeys(str(one) for one in value or ()))
    if len(found) > rules.MOST_RULES or any(parsed(one) is None for one in found):
        raise Invalid(f"{field} may be at most {rules.MOST_RULES} identifiers.", field=field)
    return found


def _reference(value: Any, *, field: str) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    if (found := parsed(str(value))) is None:
        raise NotFound("There is no such thing with this id.", field=field)
    return found


def _tiers(value: Sequence[Mapping[str, Any]] | None, *, field: str) -> list[dict[str, str]]:
    entered = [(Decimal(one["from_quantity"]), Decimal(one["unit_price"])) for one in value or ()]
    return [tier.stored() for tier in rules.tiers(entered, field=field)]


_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "kind": ContractLineKind.RECURRING,
        "quantity_mode": QuantityMode.FIXED,
        "quantity_policy": QuantityPolicy.PRORATED_CHANGES,
        "quantity": Decimal(1),
        "unit_code": "MON",
        "discount_percent": Decimal(0),
        "tiers": (),
        "tax_code": "DE19",
        "prorate": ProrationMode.DAILY,
        "asset_ids": (),
    }
)
_LINE: Mapping[str, Clean] = MappingProxyType(
    {
        "product_id": _reference,
        "kind": looks.present,
        "description": line,
        "quantity_mode": looks.present,
        "quantity_policy": looks.present,
        "quantity": rules.quantity,
        "min_quantity": optional(rules.quantity),
        "max_quantity": optional(rules.quantity),
        "unit_code": lambda value, *, field: line(value, field=field, longest=10),
        "unit_price": rules.price,
        "discount_percent": rules.percent,
        "included_hours": optional(rules.quantity),
        "hourly_rate_overage": optional(rules.price),
        "tiers": _tiers,
        "tax_code": lambda value, *, field: line(value, field=field, longest=40),
        "prorate": looks.present,
        "count_query": kept,
        "asset_ids": _texts,
    }
)
