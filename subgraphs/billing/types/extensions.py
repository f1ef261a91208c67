"""What billing adds to the entities of others: what customers owe, what contracts earn, what work became of."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

import strawberry
from strawberry.federation import field as restricted
from strawberry.federation import type as entity

from subgraphs.billing.models import agreements as models
from subgraphs.billing.rules import days
from subgraphs.billing.rules.periods import plus_months
from subgraphs.billing.service import accounts, counting, documents, items, prepaid, recurring, reports, settling
from subgraphs.billing.service.reports import Earned
from subgraphs.billing.types.agreements import (
    READ,
    BilledContract,
    BillingAccount,
    PrepaidBalance,
    QuantityVariance,
    money,
)
from subgraphs.billing.types.catalogue import COSTS
from subgraphs.billing.types.invoices import BillableItem, CoverageExplanation, Invoice, coverage_of
from subgraphs.billing.types.receivables import READ_PAYMENTS, Payment
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.values import Money

EUR = "EUR"

StatusWord = Annotated[
    str | None,
    strawberry.argument(description="`open`, `overdue`, `paid`, `all`, or an InvoiceStatus by name, in any case."),
]
From = Annotated[
    date | None,
    strawberry.argument(name="from", description="The first day; a year before the last unless you say so."),
]
To = Annotated[date | None, strawberry.argument(description="The last day; today unless you say so.")]


def span(info: Info, since: date | None, to: date | None) -> dict[str, date]:
    """The days that are asked about."""
    end = to or days.local(info.context.clock())
    return {"start": since or plus_months(end, -12), "end": end}


def euros(found: object) -> Money | None:
    """The amount in a list of one, or None."""
    amounts = list(found) if isinstance(found, list) else []
    return money(amounts[0], EUR) if amounts else None


@entity(keys=["id"])
class Customer:
    """The documents of a customer and what they owe; the customer itself is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def invoices(
        self, info: Info, status: StatusWord = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[Invoice] | None:
        """The customer's documents, newest first."""
        rows = await info.context.lists(
            documents.of_customers, self.id, READ, status=status, limit=bounded(limit), offset=skipped(offset)
        )
        return [Invoice.of(row) for row in rows]

    @strawberry.field
    async def open_balance(self, info: Info) -> Money | None:
        """What the customer owes: open documents, less credit notes and payments that nobody has allocated."""
        return euros(await info.context.lists(settling.balances, self.id, READ))

    @strawberry.field
    async def mrr(self, info: Info) -> Money | None:
        """The monthly recurring revenue of the customer's contracts."""
        return euros(await info.context.lists(recurring.mrr_of_customers, self.id, READ))

    @strawberry.field
    async def revenue(self, info: Info, since: From = None, to: To = None) -> Money | None:
        """What the customer was invoiced from one day to another, without VAT."""
        return euros(await info.context.lists(reports.revenue_of_customers, self.id, READ, **span(info, since, to)))

    @strawberry.field
    async def unbilled_items(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[BillableItem] | None:
        """What is ready or held, and on no document yet; oldest first."""
        rows = await info.context.lists(items.unbilled_of, self.id, READ, limit=bounded(limit))
        return [BillableItem.of(row) for row in rows]

    @strawberry.field
    async def payments(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[Payment] | None:
        """What the customer paid, newest first."""
        rows = await info.context.lists(settling.payments_of, self.id, READ_PAYMENTS, limit=bounded(limit))
        return [Payment.of(row) for row in rows]

    @strawberry.field
    async def billing_account(self, info: Info) -> BillingAccount | None:
        """How the customer is billed."""
        rows = await info.context.lists(accounts.of_customers, self.id, READ)
        return BillingAccount.of(rows[0]) if rows else None

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The customer that the graph is at; what billing knows of it is looked up when it is asked for."""
        return cls(id=id)


@strawberry.type
class ContractProfitability:
    """What a contract brought in a span of time, and what it took."""

    revenue: Money
    """What was invoiced, without VAT."""
    cost: Money
    """What the work and the things for it cost us."""
    margin: Money
    """What is left."""
    hours: Decimal
    """The work that was done for it."""
    notional_value: Money
    """What the covered work would have cost by the hour."""
    effective_hourly_rate: Money | None
    """What an hour of the work brought; null without work."""

    @classmethod
    def of(cls, earned: Earned) -> Self:
        """The profitability in these sums."""
        rate = earned.effective_hourly_rate
        return cls(
            revenue=money(earned.revenue, EUR),
            cost=money(earned.cost, EUR),
            margin=money(earned.margin, EUR),
            hours=earned.hours.quantize(Decimal("0.0001")),
            notional_value=money(earned.notional, EUR),
            effective_hourly_rate=None if rate is None else money(rate, EUR),
        )


@entity(keys=["id"])
class Contract:
    """What a contract earns and what is left of it; the contract itself is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def billing(self, info: Info) -> BilledContract | None:
        """The contract as billing knows it."""
        row = await info.context.row(models.BilledContract, self.id, READ)
        return BilledContract.of(row) if row else None

    @strawberry.field
    async def balance(self, info: Info) -> Decimal | None:
        """What is left of what was paid before; null for contracts that are not paid before."""
        found = await info.context.lists(prepaid.left_of_contracts, self.id, READ)
        return found[0] if found else None

    @strawberry.field
    async def balances(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[PrepaidBalance] | None:
        """What was paid before, oldest first."""
        rows = await info.context.lists(prepaid.of_contracts, self.id, READ, limit=bounded(limit))
        return [PrepaidBalance.of(row) for row in rows]

    @strawberry.field
    async def next_billing_date(self, info: Info) -> date | None:
        """The day on which something of it is due next."""
        found = await info.context.lists(reports.next_billing, self.id, READ)
        return found[0] if found else None

    @strawberry.field
    async def mrr(self, info: Info) -> Money | None:
        """Its monthly recurring revenue."""
        return euros(await info.context.lists(recurring.mrr_of_contracts, self.id, READ))

    @restricted(requires_scopes=[[COSTS]])  # type: ignore[untyped-decorator]
    async def effective_hourly_rate(self, info: Info, since: From = None, to: To = None) -> Money | None:
        """What an hour of the work for it brought; only for those who may see costs."""
        earned = await _earned(info, self.id, since, to)
        rate = earned.effective_hourly_rate if earned else None
        return None if rate is None else money(rate, EUR)

    @restricted(requires_scopes=[[COSTS]])  # type: ignore[untyped-decorator]
    async def profitability(self, info: Info, since: From = None, to: To = None) -> ContractProfitability | None:
        """What it brought and what it took; only for those who may see costs."""
        earned = await _earned(info, self.id, since, to)
        return ContractProfitability.of(earned) if earned else None

    @strawberry.field
    async def variances(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[QuantityVariance] | None:
        """Where a source counts another number than it bills, newest first."""
        rows = await info.context.lists(counting.of_contracts, self.id, READ, limit=bounded(limit))
        return [QuantityVariance.of(row) for row in rows]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The contract that the graph is at; what billing knows of it is looked up when it is asked for."""
        return cls(id=id)


async def _earned(info: Info, contract: str, since: date | None, to: date | None) -> Earned | None:
    info.context.caller.require(COSTS)
    row = await info.context.row(models.BilledContract, contract, READ)
    if row is None:
        return None
    found = await info.context.lists(reports.earned, contract, READ, **span(info, since, to))
    return found[0] if found else None


@entity(keys=["id"])
class Ticket:
    """What a ticket costs; the ticket itself is the service desk's."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def charges(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[BillableItem] | None:
        """What the work on it became: covered, to be billed, on a document."""
        rows = await info.context.lists(items.of_tickets, self.id, READ, limit=bounded(limit))
        return [BillableItem.of(row) for row in rows]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The ticket that the graph is at; its charges are looked up when they are asked for."""
        return cls(id=id)


@entity(keys=["id"])
class TimeEntry:
    """What became of booked time; the entry itself is the service desk's."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def billing(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[BillableItem] | None:
        """What it became: covered, to be billed, on a document."""
        rows = await info.context.lists(items.of_time_entries, self.id, READ, limit=bounded(limit))
        return [BillableItem.of(row) for row in rows]

    @strawberry.field
    async def coverage(self, info: Info) -> CoverageExplanation | None:
        """Who pays for it, and why; null until it is approved."""
        rows = await info.context.lists(items.of_time_entries, self.id, READ, limit=1)
        return coverage_of(rows[0]) if rows else None

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The time entry that the graph is at; what became of it is looked up when it is asked for."""
        return cls(id=id)
