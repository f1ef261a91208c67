"""Contracts per ticket: each ticket that is resolved takes one from the pack, once, however often it comes back.

ticket.resolved ──► who pays for work of that day? ──► a contract per ticket ──► one of the pack
time of the ticket ──► covered while the pack has something, or has given it to this ticket; otherwise time and material
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select

from subgraphs.billing.models.agreements import BilledContract, PrepaidMovement
from subgraphs.billing.models.invoices import BillableItem
from subgraphs.billing.rules import coverage, days
from subgraphs.billing.rules.contracts import ContractType
from subgraphs.billing.rules.coverage import WorkDone
from subgraphs.billing.rules.money import ONE
from subgraphs.billing.rules.prepaid import MovementKind
from subgraphs.billing.service import contracts, merging, prepaid
from subgraphs.kit.work import Work


async def resolved(work: Work, ticket_id: UUID, customer_id: UUID) -> None:
    """A ticket was resolved: it takes one of the pack of the contract that pays for it, if that is one per ticket."""
    if await has_taken(work, ticket_id):
        return
    contract = await _contract(work, ticket_id, await merging.survivor(work, customer_id))
    if contract is not None and contract.type is ContractType.PER_TICKET:
        await prepaid.consume(work, contract, ONE, days.local(work.at), ticket_id)


async def has_taken(work: Work, ticket_id: UUID) -> bool:
    """Whether a ticket has taken its one."""
    query = select(PrepaidMovement.id).where(
        PrepaidMovement.source_id == ticket_id, PrepaidMovement.kind == MovementKind.CONSUME
    )
    return await work.session.scalar(query.limit(1)) is not None


async def pays(work: Work, contract: BilledContract, ticket_id: UUID | None, on: date) -> bool:
    """Whether the pack pays for work on a ticket: it has something left, or has given it to this ticket."""
    if ticket_id is not None and await has_taken(work, ticket_id):
        return True
    return await prepaid.left(work, contract, on) >= ONE


async def _contract(work: Work, ticket_id: UUID, customer_id: UUID) -> BilledContract | None:
    """The contract that paid for the time of a ticket; without any, the one that pays for work of today."""
    query = select(BillableItem.contract_id).where(
        BillableItem.ticket_id == ticket_id, BillableItem.contract_id.is_not(None)
    )
    named = list((await work.session.scalars(query.order_by(BillableItem.id))).all())
    if not named:
        known = await contracts.of_customer(work, customer_id)
        named = [coverage.resolve(WorkDone(days.local(work.at), ONE), known).contract_id]
    rows = await work.those(BilledContract, [one for one in named if one is not None])
    return next((row for row in rows.values() if row.type is ContractType.PER_TICKET), None)
