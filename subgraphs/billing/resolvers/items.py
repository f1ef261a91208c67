"""Asking and telling about what can be billed: work that is rated, everything else, and why it costs what it costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import strawberry

from subgraphs.billing.models import agreements
from subgraphs.billing.models import invoices as models
from subgraphs.billing.resolvers.catalogue import entered
from subgraphs.billing.rules.items import BillableSource, BillableStatus
from subgraphs.billing.service import items, rating
from subgraphs.billing.types.agreements import READ
from subgraphs.billing.types.invoices import (
    BillableItem,
    BillableItemPayload,
    CoverageExplanation,
    coverage_of,
)
from subgraphs.billing.types.previews import ChargeExplanation
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.work import Work

WRITE = "invoices:write"
APPROVE = "invoices:approve"
ISSUE = "invoices:issue"
NOBODY = UUID(int=0)

Until = Annotated[date, strawberry.argument(description="What is due on this day is billed.")]
Verify = Annotated[
    bool | None, strawberry.argument(description="Compute the chain of hashes again, document by document.")
]


@strawberry.type
class ItemQuery:
    """What can be asked about what can be billed."""

    @strawberry.field
    async def billable_items(
        self,
        info: Info,
        status: BillableStatus | None = None,
        customer_id: strawberry.ID | None = None,
        contract_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[BillableItem]:
        """What can be billed or was covered, newest service first."""
        named = [parsed(one) if one else None for one in (customer_id, contract_id)]
        if (customer_id and named[0] is None) or (contract_id and named[1] is None):
            return []
        async with info.context.work(READ) as work:
            rows = await items.listed(
                work,
                status=status,
                customer_id=named[0],
                contract_id=named[1],
                limit=bounded(limit),
                offset=skipped(offset),
            )
        return [BillableItem.of(row) for row in rows]

    @strawberry.field
    async def billable_item(self, info: Info, id: strawberry.ID) -> BillableItem | None:
        """One thing that can be billed; null when it is not there or not yours."""
        row = await info.context.row(models.BillableItem, id, READ)
        return BillableItem.of(row) if row else None

    @strawberry.field(directives=(Rest(path="/billable-items/{id}/explanation"),))  # type: ignore[untyped-decorator]
    async def explain_charge(self, info: Info, billable_item_id: strawberry.ID) -> ChargeExplanation | None:
        """Why something is billed, and how its amount came about; null when it is not there or not yours."""
        row = await info.context.row(models.BillableItem, billable_item_id, READ)
        if row is None:
            return None
        contract = await info.context.row(agreements.BilledContract, row.contract_id, READ)
        return ChargeExplanation.of(row, contract)

    @strawberry.field(directives=(Rest(path="/time-entries/{id}/coverage"),))  # type: ignore[untyped-decorator]
    async def explain_coverage(self, info: Info, time_entry_id: strawberry.ID) -> CoverageExplanation | None:
        """Who pays for booked time, and why; null until it is rated."""
        rows = await info.context.lists(items.of_time_entries, time_entry_id, READ, limit=1)
        return coverage_of(rows[0]) if rows else None


@strawberry.input
class RateTimeInput(Command):
    """Approved work, to be rated."""

    time_entry_id: strawberry.ID
    """The time entry; each is rated once."""
    customer_id: strawberry.ID
    """Whom it was for."""
    service_date: date
    """On which day it was done."""
    minutes: int
    """How long it took, rounded as agreed."""
    description: str
    """What stands on the document."""
    after_hours_minutes: int = 0
    """How much of it was after hours."""
    weekend_minutes: int = 0
    """How much of it was at the weekend."""
    work_type: str | None = None
    """What kind of work it was."""
    role: str | None = None
    """The role of whoever did it."""
    ticket_id: strawberry.ID | None = None
    """The ticket."""
    ticket_type: str | None = None
    """The type of the ticket."""
    asset_id: strawberry.ID | None = None
    """The asset that the ticket is about."""
    asset_type: str | None = None
    """The type of the asset."""
    site_id: strawberry.ID | None = None
    """Where it was done."""
    project_id: strawberry.ID | None = None
    """The project whose task it was."""
    project_fixed_price: bool = False
    """The project has a fixed price."""
    contract_id: strawberry.ID | None = None
    """The contract that the entry names."""
    ticket_contract_id: strawberry.ID | None = None
    """The contract that the ticket names."""
    cost_rate: Decimal | None = None
    """What an hour of it costs us."""


@strawberry.input
class CreateBillableItemInput(Command):
    """Something for the next invoice."""

    customer_id: strawberry.ID
    """Whom it is for."""
    source: BillableSource
    """Where it comes from: PRODUCT, EXPENSE, TRAVEL, MILESTONE, USAGE or MANUAL."""
    quantity: Decimal
    """How many; negative to give something back."""
    description: str | None = None
    """What stands on the document; the product's name unless you say so."""
    product_id: strawberry.ID | None = None
    """The product."""
    unit_price: Decimal | None = None
    """What one costs without VAT; from the price lists unless you say so."""
    unit_code: str | None = None
    """In what it is counted."""
    discount_percent: Decimal | None = None
    """What is taken off."""
    tax_code: str | None = None
    """The tax code when it is supplied here."""
    supplied_in: str | None = None
    """Where it is supplied, for what the law sees at its place."""
    service_from: date | None = None
    """The first day of the service; today unless you say so."""
    service_to: date | None = None
    """The last day of the service."""
    contract_id: strawberry.ID | None = None
    """The contract that it belongs to."""
    project_id: strawberry.ID | None = None
    """The project that it belongs to."""
    ticket_id: strawberry.ID | None = None
    """The ticket that it belongs to."""


@strawberry.input
class HoldBillableItemInput(Change):
    """Something to keep off invoices."""

    id: strawberry.ID
    """The item."""
    reason: str
    """Why."""


@strawberry.input
class ReleaseBillableItemInput(Change):
    """Something that was held and goes onto the next invoice."""

    id: strawberry.ID
    """The item."""
    unit_price: Decimal | None = None
    """What one costs, where nobody knew."""


@strawberry.input
class WriteOffBillableItemInput(Change):
    """Something to give away."""

    id: strawberry.ID
    """The item."""
    reason: str
    """Why."""


@strawberry.type
class ItemMutation:
    """What can be done with what can be billed."""

    @command(WRITE, BillableItemPayload)
    async def rate_time(work: Work, input: RateTimeInput) -> models.BillableItem:
        """Rate approved work: find who pays for it, take it from a balance or price it, and keep why."""
        return await rating.rate_time(work, **entered(input))

    @command(WRITE, BillableItemPayload)
    async def create_billable_item(work: Work, input: CreateBillableItemInput) -> models.BillableItem:
        """Enter something for the next invoice."""
        return await items.enter(work, **entered(input))

    @command(WRITE, BillableItemPayload)
    async def hold_billable_item(work: Work, input: HoldBillableItemInput) -> models.BillableItem:
        """Keep something off invoices until somebody has decided."""
        return await items.hold(work, **entered(input))

    @command(WRITE, BillableItemPayload)
    async def release_billable_item(work: Work, input: ReleaseBillableItemInput) -> models.BillableItem:
        """Let something that was held go onto the next invoice."""
        return await items.release(work, **entered(input))

    @command(WRITE, BillableItemPayload)
    async def write_off_billable_item(work: Work, input: WriteOffBillableItemInput) -> models.BillableItem:
        """Give something away."""
        return await items.write_off(work, **entered(input))
