"""Amendments: other lines, conditions and prices of a contract that holds, from a day on; what held before stays as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.events import crm as events
from subgraphs.crm.models.contracts import Contract, ContractLine
from subgraphs.crm.rules import contracts as rules
from subgraphs.crm.rules import terms
from subgraphs.crm.rules.contracts import IndexationType
from subgraphs.crm.service.contract_events import document, tell
from subgraphs.crm.service.contract_lines import add_lines, all_lines, follow
from subgraphs.crm.service.contracts import AMENDABLE, settle, taken, today
from subgraphs.crm.service.entering import changed_by, cleaned
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.ids import parsed
from subgraphs.kit.work import Work


async def amend_contract(
    work: Work,
    id: UUID,
    *,
    effective_date: date,
    version: int | None = None,
    add: Sequence[Mapping[str, Any]] = (),
    change: Sequence[Mapping[str, Any]] = (),
    end: Sequence[UUID] = (),
    **head: Any,
) -> Contract:
    """Let other lines and conditions hold from a day on; what held before stays as it was."""
    contract = await taken(work, id, version)
    earliest = terms.running_period(contract.start_date, contract.billing_interval, await today(work, contract))
    rules.check_amending(contract.status, effective=effective_date, earliest=earliest, last=contract.end_date)
    lines = {one.id: one for one in await all_lines(work, contract.id)}
    for one in change:
        await follow(work, _line_of(lines, one["line_id"], effective_date), effective_date, one)
    for line_id in end:
        _line_of(lines, line_id, effective_date).valid_to = effective_date - terms.DAY
    await add_lines(work, contract, add, start=effective_date)
    changed_by(contract, cleaned(AMENDABLE, head))
    await settle(work, contract)
    contract.updated_at = work.at  # a change of lines alone is a change of the contract, too
    await tell(
        work,
        contract,
        events.ContractAmended(**await document(work, contract, effective=effective_date, changed=("lines",))),
    )
    return contract


def _line_of(lines: Mapping[UUID, ContractLine], id: Any, effective: date) -> ContractLine:
    identity = id if isinstance(id, UUID) else parsed(str(id))
    row = lines.get(identity) if identity else None
    if row is None or (row.valid_to is not None and row.valid_to < effective):
        raise NotFound("The contract has no line with this id that holds on this day.", field="lineId")
    return row


async def index_contract(
    work: Work,
    id: UUID,
    *,
    effective_date: date | None = None,
    percent: Decimal | None = None,
    reference: Decimal | None = None,
    version: int | None = None,
) -> Contract:
    """Let all prices follow the times from a day on: by the agreed percentage, a given one, or as the index rose."""
    contract = await taken(work, id, version)
    day = effective_date or contract.indexation_next
    if day is None:
        raise Invalid("Say from which day on; the contract names none.", field="effectiveDate")
    rate = _rate(contract, percent, reference)
    earliest = terms.running_period(contract.start_date, contract.billing_interval, await today(work, contract))
    rules.check_amending(contract.status, effective=day, earliest=earliest, last=contract.end_date)
    for row in await all_lines(work, contract.id):
        if row.valid_to is None or row.valid_to >= day:
            steps = [{**tier, "unit_price": terms.indexed(Decimal(tier["unit_price"]), rate)} for tier in row.tiers]
            await follow(work, row, day, {"unit_price": terms.indexed(row.unit_price, rate), "tiers": steps})
    contract.indexation_next = terms.plus_months(day, 12)
    contract.indexation_reference = terms.reference_after(contract.indexation_reference, reference)
    await tell(
        work,
        contract,
        events.ContractAmended(**await document(work, contract, effective=day, changed=("lines", "indexation"))),
    )
    return contract


def _rate(contract: Contract, percent: Decimal | None, reference: Decimal | None) -> Decimal:
    if percent is not None:
        return rules.percent(percent, field="percent")
    if reference is not None and contract.indexation_reference:
        return max(terms.index_change(contract.indexation_reference, reference), Decimal(0))
    if contract.indexation_type is IndexationType.FIXED_PERCENT and contract.indexation_percent is not None:
        return contract.indexation_percent
    raise Invalid("Say by how many percent, or what the index is now.", field="percent")
