"""How contracts look in the graph."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.crm.models import contracts as models
from subgraphs.crm.models import customers as customer_models
from subgraphs.crm.rules.contracts import (
    MOST_LINES,
    CalendarPart,
    ContractLineKind,
    ContractStatus,
    ContractType,
    IndexationType,
    NoticeBy,
    Overage,
    ProrationMode,
    QuantityMode,
    QuantityPolicy,
    RuleEffect,
)
from subgraphs.crm.rules.custom_fields import CustomEntity
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.crm.service import contract_lines
from subgraphs.crm.service import contracts as service
from subgraphs.crm.types import customers
from subgraphs.crm.types.custom_fields import shown
from subgraphs.crm.types.others import Asset, Product
from subgraphs.kit.context import Info
from subgraphs.kit.filters import DateRange
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, Money, UserError

READ = "contracts:read"

for spoken in (
    BillingInterval, CalendarPart, ContractLineKind, ContractStatus, ContractType, IndexationType, NoticeBy, Overage,
    ProrationMode, QuantityMode, QuantityPolicy, RuleEffect,
):  # fmt: skip
    strawberry.enum(spoken)

On = Annotated[date | None, strawberry.argument(description="Only the lines that hold on this day.")]


@strawberry.type
class ContractPriceTier:
    """From so many on, each costs this."""

    from_quantity: Decimal
    """From this number on."""
    unit_price: Decimal
    """The price of each."""


@strawberry.type
class ContractCoverageRule:
    """Which work a contract speaks about, and what it says; an empty list means any."""

    effect: RuleEffect
    """What becomes of the work."""
    work_types: list[str]
    """These kinds of work."""
    ticket_types: list[str]
    """Tickets of these types."""
    asset_types: list[str]
    """Assets of these types."""
    site_ids: list[strawberry.ID]
    """At these sites."""
    calendar_part: CalendarPart
    """When it was done."""


@strawberry.type
class ContractIndexation:
    """How the prices of a contract follow the times."""

    type: IndexationType
    """By what."""
    percent: Decimal | None
    """By how many percent, when that was agreed."""
    reference_index: Decimal | None
    """The index with which the prices are compared."""
    next_date: date | None
    """When it is time again."""


@entity(keys=["id"])
class ContractLine:
    """One position of a contract, as it holds from a day on; an amendment makes another version of it."""

    id: strawberry.ID
    """The identifier: a UUID."""
    contract_id: strawberry.ID
    """The contract."""
    replaces_id: strawberry.ID | None
    """The version that it follows."""
    position: int
    """Its place; all versions have the same."""
    product_id: strawberry.ID | None
    """The product."""
    kind: ContractLineKind
    """What it is for."""
    description: str
    """What stands on documents."""
    quantity_mode: QuantityMode
    """Where its quantity comes from."""
    quantity_policy: QuantityPolicy
    """Which quantity of a period counts when it changes."""
    quantity: Decimal
    """How many were agreed."""
    min_quantity: Decimal | None
    """At least so many are billed."""
    max_quantity: Decimal | None
    """At most so many are billed."""
    unit_code: str
    """In what it is counted: MON, HUR, C62."""
    unit_price: Decimal
    """What one costs for one interval."""
    discount_percent: Decimal
    """What is taken off."""
    included_hours: Decimal | None
    """So many hours are included."""
    hourly_rate_overage: Decimal | None
    """What an hour beyond them costs."""
    tax_code: str
    """Its tax code."""
    prorate: ProrationMode
    """What a part of a period costs."""
    count_query: JSON | None
    """What is counted, when it is counted."""
    asset_ids: list[strawberry.ID]
    """The assets that it covers; empty when it names none."""
    valid_from: date
    """The first day on which it holds."""
    valid_to: date | None
    """The last day on which it holds; the day before `validFrom` when it was replaced before it could."""
    tier: strawberry.Private[list[dict[str, str]]]

    @strawberry.field
    def tiers(self, limit: Limit = DEFAULT_LIMIT) -> list[ContractPriceTier]:
        """What each costs when there are many: the highest step that is reached, for all of them."""
        return [
            ContractPriceTier(**{name: Decimal(value) for name, value in one.items()})
            for one in self.tier[: bounded(limit)]
        ]

    @strawberry.field
    def product(self) -> Product | None:
        """The product that is agreed, if it is one of the catalogue."""
        return Product(id=self.product_id) if self.product_id else None

    @strawberry.field
    def assets(self, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Asset]:
        """The assets that it covers."""
        first = skipped(offset)
        return [Asset(id=one) for one in self.asset_ids[first : first + bounded(limit)]]

    @classmethod
    def of(cls, row: models.ContractLine) -> Self:
        """The line in this row."""
        return shape(cls, row, tier=row.tiers, asset_ids=[strawberry.ID(one) for one in row.asset_ids])

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The line that another module points at."""
        row = await info.context.row(models.ContractLine, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class Contract:
    """What was agreed with a customer: for how long, for what, and at which price."""

    id: strawberry.ID
    """The identifier: a UUID."""
    number: str
    """The number that people say: `V-2026-000001`."""
    customer_id: strawberry.ID
    """The customer."""
    legal_entity_id: strawberry.ID | None
    """Which of our companies it is with; the first one when absent."""
    title: str
    """What it is called."""
    type: ContractType
    """How it is paid for."""
    status: ContractStatus
    """Where it is between draft and end."""
    start_date: date
    """The first day on which it holds."""
    end_date: date | None
    """The last day of its term; null when it has none."""
    term_months: int | None
    """How long its first term is."""
    auto_renew: bool
    """Whether the next term begins by itself."""
    renewal_months: int | None
    """How long the next terms are."""
    notice_months: int | None
    """How many months before the end notice must be given."""
    notice_deadline: date | None
    """The last day on which notice ends it with this term; null when it doesn't renew itself, or notice was given."""
    notice_given_on: date | None
    """When notice was given."""
    notice_by: NoticeBy | None
    """Who gave notice."""
    billing_interval: BillingInterval
    """How often it is billed."""
    billing_anchor_day: int | None
    """The day of the month on which it is billed, when it is not that of its start."""
    bill_in_advance: bool
    """Whether a period is billed on its first day, and not after its last."""
    currency: str
    """The currency of its prices."""
    indexation: ContractIndexation
    """How its prices follow the times."""
    sla_policy_id: strawberry.ID | None
    """What was promised, when it is not what everybody is promised."""
    priority: int
    """Which contract comes first when several could cover: the lowest."""
    included_hours: Decimal | None
    """So many hours are included."""
    hourly_rate: Decimal | None
    """What an hour beyond them costs."""
    overage: Overage
    """What becomes of work that is not covered by what was paid before."""
    po_number: str | None
    """The customer's order number."""
    signed_at: datetime | None
    """When it was signed."""
    quote_id: strawberry.ID | None
    """The quote that became it."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was drawn up."""
    updated_at: datetime
    """When it was last changed."""
    rules: strawberry.Private[list[dict[str, Any]]]
    custom: strawberry.Private[dict[str, Any]]

    @strawberry.field
    async def custom_fields(self, info: Info) -> JSON:
        """The values of your own fields, by key; outside of the house only of those that are shared."""
        return await shown(info, READ, CustomEntity.CONTRACT, self.custom)

    @strawberry.field
    async def customer(self, info: Info) -> customers.Customer | None:
        """The customer; null for those who may not see customers."""
        row = await info.context.row(customer_models.Customer, self.customer_id, customers.READ)
        return customers.Customer.of(row) if row else None

    @strawberry.field
    async def lines(
        self, info: Info, on: On = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[ContractLine]:
        """What is delivered, in its order: every version, or what holds on a day."""
        rows = await info.context.lists(
            contract_lines.lines_of, self.id, READ, on=on, limit=bounded(limit), offset=skipped(offset)
        )
        return [ContractLine.of(row) for row in rows]

    @strawberry.field
    async def covered_assets(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Asset]:
        """The assets that its lines cover today, each once, in the order of the lines."""
        today, first = info.context.clock().date(), skipped(offset)
        lines = await info.context.lists(contract_lines.lines_of, self.id, READ, on=today, limit=MOST_LINES, offset=0)
        named = dict.fromkeys(strawberry.ID(one) for line in lines for one in line.asset_ids)
        return [Asset(id=one) for one in list(named)[first : first + bounded(limit)]]

    @strawberry.field
    def coverage(self, limit: Limit = DEFAULT_LIMIT) -> list[ContractCoverageRule]:
        """Which work it speaks about, and what it says."""
        return [
            ContractCoverageRule(
                effect=RuleEffect(one["effect"]),
                work_types=one["work_types"],
                ticket_types=one["ticket_types"],
                asset_types=one["asset_types"],
                site_ids=[strawberry.ID(site) for site in one["site_ids"]],
                calendar_part=CalendarPart(one["calendar_part"]),
            )
            for one in self.rules[: bounded(limit)]
        ]

    @strawberry.field
    async def agreed_monthly_value(self, info: Info) -> Money:
        """What its recurring lines come to in a month as they were agreed; what is counted stands at its minimum."""
        found = await info.context.lists(service.monthly_values_of, self.id, READ)
        return Money(amount=found[0] if found else Decimal("0.00"), currency=self.currency)

    @classmethod
    def of(cls, row: models.Contract) -> Self:
        """The contract in this row."""
        indexation = ContractIndexation(
            type=row.indexation_type,
            percent=row.indexation_percent,
            reference_index=row.indexation_reference,
            next_date=row.indexation_next,
        )
        return shape(cls, row, indexation=indexation, rules=row.coverage)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The contract that another module points at."""
        row = await info.context.row(models.Contract, id, READ)
        return cls.of(row) if row else None


@strawberry.input
class ContractFilter:
    """Which contracts: all that is given must hold."""

    customer_id: strawberry.ID | None = None
    """With this customer."""
    status: list[ContractStatus] | None = None
    """In one of these statuses."""
    type: list[ContractType] | None = None
    """Paid for in one of these ways."""
    start_date: DateRange | None = None
    """Beginning in these days."""
    end_date: DateRange | None = None
    """Whose term ends in these days."""
    notice_deadline: DateRange | None = None
    """Whose last day of notice is one of these."""
    indexation_next: DateRange | None = None
    """Whose prices follow the times in these days."""
    auto_renew: bool | None = None
    """Those that renew themselves, or the others."""


@strawberry.type
class ContractPayload:
    """What became of a command on a contract."""

    contract: Contract | None = None
    """The contract as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
