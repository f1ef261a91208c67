"""What is told of contracts: the whole document with each event, for those who keep a copy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from contracts.events import crm as events
from subgraphs.crm.models.contracts import Contract, ContractLine
from subgraphs.crm.service.contract_lines import all_lines
from subgraphs.kit.work import Work


async def tell(work: Work, contract: Contract, happened: events.ContractFact) -> None:
    """Tell what happened with a contract; whoever keeps a copy of contracts hears `contract.updated`, too."""
    await work.emit(happened, subject=contract.id, customer=contract.customer_id)
    if not isinstance(happened, events.ContractCreated | events.ContractUpdated):
        copy = events.ContractUpdated(**happened.model_dump(by_alias=False))
        await work.emit(copy, subject=contract.id, customer=contract.customer_id)


async def document(
    work: Work,
    contract: Contract,
    lines: Sequence[ContractLine] | None = None,
    *,
    effective: date | None = None,
    changed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The whole contract as it is now, for those who are told."""
    await work.session.flush()
    found = _document(contract, lines if lines is not None else await all_lines(work, contract.id))
    return found | {"effective_date": effective, "changed": changed}


def _document(contract: Contract, lines: Sequence[ContractLine]) -> dict[str, Any]:
    head = {name: getattr(contract, name) for name in _TOLD}
    enums = ("status", "billing_interval", "overage")
    return {
        **head,
        **{name: getattr(contract, name).value for name in enums},
        "contract_type": contract.type.value,
        "coverage": tuple(events.ContractCoverage(**rule) for rule in contract.coverage),
        "asset_ids": tuple(dict.fromkeys(asset for one in lines for asset in one.asset_ids)),
        "lines": tuple(_told_line(one) for one in lines),
    }


_TOLD = (
    "id", "customer_id", "number", "title", "status", "legal_entity_id", "start_date", "end_date", "notice_deadline",
    "auto_renew", "billing_interval", "billing_anchor_day", "bill_in_advance", "currency", "priority", "included_hours",
    "hourly_rate", "overage", "sla_policy_id", "po_number",
)  # fmt: skip
_TOLD_OF_LINES = (
    "id", "replaces_id", "product_id", "description", "quantity", "min_quantity", "max_quantity", "unit_code",
    "unit_price", "discount_percent", "included_hours", "hourly_rate_overage", "tax_code", "valid_from", "valid_to",
)  # fmt: skip


def _told_line(one: ContractLine) -> events.ContractLineTold:
    return events.ContractLineTold(
        **{name: getattr(one, name) for name in _TOLD_OF_LINES},
        kind=one.kind.value,
        quantity_mode=one.quantity_mode.value,
        quantity_policy=one.quantity_policy.value,
        prorate=one.prorate.value,
        tiers=tuple(events.ContractTier(**tier) for tier in one.tiers),
        asset_ids=tuple(UUID(asset) for asset in one.asset_ids),
    )
