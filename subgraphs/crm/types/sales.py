"""How the pipeline, opportunities, quotes and what a search found look in the graph."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

import strawberry
from strawberry.federation import field as restricted
from strawberry.federation import type as entity

from subgraphs.crm.models import customers as customer_models
from subgraphs.crm.models import sales as models
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.activities import ActivityKind
from subgraphs.crm.rules.custom_fields import CustomEntity
from subgraphs.crm.rules.quotes import QuoteStatus, StageOutcome
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.crm.service import quote_files as papers
from subgraphs.crm.service import quote_lines
from subgraphs.crm.service.search import Hit
from subgraphs.crm.types import customers
from subgraphs.crm.types.custom_fields import shown
from subgraphs.crm.types.customers import activities_of
from subgraphs.crm.types.others import Product, User, user
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, FileRef, Money, UserError

READ_OPPORTUNITIES = "opportunities:read"
READ_QUOTES = "quotes:read"
COSTS = "costs:read"

for spoken in (QuoteStatus, StageOutcome):
    strawberry.enum(spoken)


async def _customer(info: Info, identity: strawberry.ID) -> customers.Customer | None:
    row = await info.context.row(customer_models.Customer, identity, customers.READ)
    return customers.Customer.of(row) if row else None


@entity(keys=["id"])
class PipelineStage:
    """A stage of the pipeline."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What it is called."""
    position: int
    """Its place."""
    probability: int
    """How likely it is that they buy, in percent."""
    outcome: StageOutcome
    """What it means."""
    version: int
    """Counts changes."""

    @classmethod
    def of(cls, row: models.PipelineStage) -> Self:
        """The stage in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The stage that another module points at."""
        row = await info.context.row(models.PipelineStage, id, READ_OPPORTUNITIES)
        return cls.of(row) if row else None


@entity(keys=["id"])
class Opportunity:
    """Something that a customer might buy."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """The customer."""
    title: str
    """What it is."""
    stage_id: strawberry.ID
    """Where it is in the pipeline."""
    outcome: StageOutcome
    """Whether they buy."""
    probability: int
    """How likely it is, in percent."""
    expected_close: date | None
    """When they will decide."""
    amount: Money
    """What they would pay once."""
    mrr_amount: Money
    """What they would pay each month."""
    owner_id: strawberry.ID | None
    """Who looks after it."""
    lost_reason: str | None
    """Why they don't buy."""
    closed_at: datetime | None
    """When it was decided."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was written down."""
    custom: strawberry.Private[dict[str, Any]]

    @strawberry.field
    def owner(self) -> User | None:
        """The user who looks after it."""
        return user(self.owner_id)

    @strawberry.field
    async def custom_fields(self, info: Info) -> JSON:
        """The values of your own fields, by key."""
        return await shown(info, READ_OPPORTUNITIES, CustomEntity.OPPORTUNITY, self.custom)

    @strawberry.field
    async def activities(
        self, info: Info, kind: ActivityKind | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[customers.LazyActivity]:
        """What was done about it, and what is to be done, the latest first."""
        return await activities_of(info, self.id, whose="opportunity_id", kind=kind, limit=limit, offset=offset)

    @strawberry.field
    async def customer(self, info: Info) -> customers.Customer | None:
        """The customer."""
        return await _customer(info, self.customer_id)

    @strawberry.field
    async def stage(self, info: Info) -> PipelineStage | None:
        """Where it is in the pipeline."""
        row = await info.context.row(models.PipelineStage, self.stage_id, READ_OPPORTUNITIES)
        return PipelineStage.of(row) if row else None

    @strawberry.field
    def weighted_amount(self) -> Money:
        """What it is worth in a forecast: its amount times its probability."""
        return Money(amount=rules.weighted(self.amount.amount, self.probability), currency=self.amount.currency)

    @classmethod
    def of(cls, row: models.Opportunity) -> Self:
        """The opportunity in this row."""
        sums = {name: Money(amount=getattr(row, name), currency=row.currency) for name in ("amount", "mrr_amount")}
        return shape(cls, row, **sums)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The opportunity that another module points at."""
        row = await info.context.row(models.Opportunity, id, READ_OPPORTUNITIES)
        return cls.of(row) if row else None


@strawberry.type
class QuoteLine:
    """One position of a quote."""

    id: strawberry.ID
    """The identifier: a UUID."""
    product_id: strawberry.ID | None
    """The product."""

    @strawberry.field
    def product(self) -> Product | None:
        """The product that is offered, if it is one of the catalogue."""
        return Product(id=self.product_id) if self.product_id else None

    description: str
    """What it is."""
    quantity: Decimal
    """How many."""
    unit_code: str
    """In what it is counted."""
    unit_price: Decimal
    """What one costs."""
    discount_percent: Decimal
    """What is taken off."""
    net: Decimal
    """What it comes to, without VAT."""
    tax_code: str
    """Its tax code."""
    recurring: BillingInterval
    """How often it is paid."""
    optional: bool
    """Whether the customer may leave it out."""
    selected: bool
    """Whether it counts."""
    group: str | None
    """The heading under which it stands."""


@strawberry.type
class QuoteRecurring:
    """What is paid again and again."""

    interval: BillingInterval
    """How often."""
    net: Money
    """How much each time, without VAT."""


@strawberry.type
class QuoteTotals:
    """What a quote comes to, without VAT, which is determined with the invoice."""

    one_time: Money
    """What is paid once."""
    monthly: Money
    """What all that is paid again and again comes to in a month."""
    options: Money
    """What could be bought in addition."""
    sums: strawberry.Private[list[QuoteRecurring]]

    @strawberry.field
    def recurring(self, limit: Limit = DEFAULT_LIMIT) -> list[QuoteRecurring]:
        """What is paid again and again, by interval."""
        return self.sums[: bounded(limit)]


@entity(keys=["id"])
class Quote:
    """One revision of a quote."""

    id: strawberry.ID
    """The identifier: a UUID; each revision has its own."""
    number: str
    """The number that people say; all revisions have the same."""
    revision: int
    """Which revision it is."""
    customer_id: strawberry.ID
    """The customer."""
    opportunity_id: strawberry.ID | None
    """The opportunity that it is for."""
    title: str
    """What it is called."""
    status: QuoteStatus
    """Where it is between draft and contract."""
    valid_until: date
    """The last day on which it can be accepted."""
    currency: str
    """The currency of its prices."""
    terms_text: str | None
    """What else is agreed."""
    accepted_by: str | None
    """Who accepted it."""
    accepted_at: datetime | None
    """When it was accepted."""
    accepted_ip: str | None
    """From which address it was accepted."""
    accepted_hash: str | None
    """The hash (SHA-256) of exactly what was accepted."""
    accepted_pdf_hash: str | None
    """The hash (SHA-256) of the PDF that was accepted, as it was sent."""
    rejected_reason: str | None
    """Why it was turned down."""
    rejected_by: str | None
    """Who turned it down."""
    rejected_at: datetime | None
    """When it was turned down."""
    rejected_ip: str | None
    """From which address it was turned down."""
    sent_at: datetime | None
    """When it was sent."""
    viewed_at: datetime | None
    """When the customer looked at it first."""
    contract_id: strawberry.ID | None
    """The contract that it became."""
    accept_token: str | None
    """The secret of the acceptance link: only in the answer to sendQuote, and never again."""
    accept_link: str | None
    """The page on which it is accepted or turned down without signing in: only in the answer to sendQuote, and never again."""
    legal_entity_id: strawberry.ID | None
    """Who offers it, where it is not the company that was entered first."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was written."""
    pdf_sha256: strawberry.Private[str | None]
    pdf_size_bytes: strawberry.Private[int | None]
    order_pdf_sha256: strawberry.Private[str | None]
    order_pdf_size_bytes: strawberry.Private[int | None]
    stored: strawberry.Private[list[rules.QuoteLine]]

    @strawberry.field
    async def customer(self, info: Info) -> customers.Customer | None:
        """The customer."""
        return await _customer(info, self.customer_id)

    @strawberry.field
    def lines(self, limit: Limit = 200) -> list[QuoteLine]:
        """What is offered, in its order."""
        return [_line(one) for one in self.stored[: bounded(limit)]]

    @strawberry.field
    def totals(self) -> QuoteTotals:
        """What it comes to."""
        found = rules.totals(self.stored)
        return QuoteTotals(
            one_time=self._money(found.one_time),
            monthly=self._money(found.monthly),
            options=self._money(found.options),
            sums=[QuoteRecurring(interval=each, net=self._money(net)) for each, net in found.recurring.items()],
        )

    @strawberry.field
    async def pdf(self, info: Info) -> FileRef | None:
        """It on paper, as it was sent; before that, a draft of it.

        While it waits for an answer, the paper holds the link that accepts it: null for those who may neither send nor
        accept quotes.
        """
        found = await info.context.lists(papers.links, self.id, READ_QUOTES)
        if not found:
            return None
        name = rules.filename(self.number, self.revision)
        return FileRef(
            filename=name, mime_type=rules.PDF, size_bytes=self.pdf_size_bytes, sha256=self.pdf_sha256, url=found[0]
        )

    @strawberry.field
    async def accepted_pdf(self, info: Info) -> FileRef | None:
        """On paper what was taken: the lines and options that were chosen, by whom and when; null before that."""
        found = await info.context.lists(papers.order_links, self.id, READ_QUOTES)
        if not found:
            return None
        name = rules.filename(self.number, self.revision, rules.Paper.ACCEPTED)
        size, sha256 = self.order_pdf_size_bytes, self.order_pdf_sha256
        return FileRef(filename=name, mime_type=rules.PDF, size_bytes=size, sha256=sha256, url=found[0])

    @restricted(requires_scopes=[[COSTS]])  # type: ignore[untyped-decorator]
    def margin(self, info: Info) -> Money | None:
        """What is left of it after its costs; only for those who may see costs."""
        info.context.caller.require(COSTS)
        return self._money(rules.totals(self.stored).margin)

    def _money(self, amount: Decimal) -> Money:
        return Money(amount=amount, currency=self.currency)

    @classmethod
    def of(cls, row: models.Quote) -> Self:
        """The quote in this row."""
        return shape(cls, row, stored=quote_lines.lines_of(row), accept_token=row.token, accept_link=_link(row))

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The quote that another module points at."""
        row = await info.context.row(models.Quote, id, READ_QUOTES)
        return cls.of(row) if row else None


def _link(row: models.Quote) -> str | None:
    return rules.page(row.tenant_id, row.token) if row.token else None


def _line(one: rules.QuoteLine) -> QuoteLine:
    named: dict[str, Any] = {
        name: getattr(one, name) for name in QuoteLine.__annotations__ if name not in {"id", "product_id"}
    }
    product = strawberry.ID(one.product_id) if one.product_id else None
    return QuoteLine(id=strawberry.ID(one.id), product_id=product, **named)


@strawberry.type
class SearchHit:
    """Something that was found."""

    kind: str
    """What it is: CUSTOMER, CONTACT or SITE."""
    id: strawberry.ID
    """Its identifier."""
    title: str
    """Its name."""
    customer_id: strawberry.ID
    """The customer to whom it belongs, or which it is."""

    @strawberry.field
    async def customer(self, info: Info) -> customers.Customer | None:
        """The customer to whom it belongs, or which it is."""
        return await _customer(info, self.customer_id)

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """What was found, for the graph."""
        return cls(
            kind=hit.kind,
            id=strawberry.ID(str(hit.id)),
            title=hit.title,
            customer_id=strawberry.ID(str(hit.customer_id)),
        )


@strawberry.type
class PipelineStagePayload:
    """What became of a command on the pipeline."""

    stage: PipelineStage | None = None
    """The stage as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class OpportunityPayload:
    """What became of a command on an opportunity."""

    opportunity: Opportunity | None = None
    """The opportunity as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class QuotePayload:
    """What became of a command on a quote."""

    quote: Quote | None = None
    """The quote as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
