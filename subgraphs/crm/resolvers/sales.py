"""The ways to the pipeline, to quotes and to what can be found: unpack, begin work, call the service, shape the answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date
from decimal import Decimal
from uuid import UUID

import strawberry

from subgraphs.crm.models import sales as models
from subgraphs.crm.resolvers.contract_inputs import entered
from subgraphs.crm.rules.contracts import ContractType
from subgraphs.crm.rules.quotes import QuoteStatus, StageOutcome
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.crm.service import quotes as quoting
from subgraphs.crm.service import sales as service
from subgraphs.crm.service import search as finding
from subgraphs.crm.types import customers
from subgraphs.crm.types.sales import (
    READ_OPPORTUNITIES,
    READ_QUOTES,
    Opportunity,
    OpportunityPayload,
    PipelineStage,
    PipelineStagePayload,
    Quote,
    QuotePayload,
    SearchHit,
)
from subgraphs.kit import live
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.values import JSON
from subgraphs.kit.work import Work

NOBODY = UUID(int=0)
WRITE_OPPORTUNITIES = "opportunities:write"
WRITE_QUOTES = "quotes:write"
APPROVE_QUOTES = "quotes:approve"


@strawberry.type
class SalesQuery:
    """What can be asked about sales."""

    @strawberry.field
    async def pipeline_stages(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[PipelineStage]:
        """The stages of the pipeline, in their order; the first opportunity brings the usual ones."""
        async with info.context.work(READ_OPPORTUNITIES) as work:
            rows = await service.stages(work)
        return [PipelineStage.of(row) for row in rows[: bounded(limit)]]

    @strawberry.field
    async def opportunity(self, info: Info, id: strawberry.ID) -> Opportunity | None:
        """One opportunity, by UUID; null when it is not there or not yours."""
        row = await info.context.row(models.Opportunity, id, READ_OPPORTUNITIES)
        return Opportunity.of(row) if row else None

    @strawberry.field
    async def opportunities(
        self,
        info: Info,
        outcome: StageOutcome | None = None,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Opportunity]:
        """Opportunities, those that close next first."""
        whose = parsed(customer_id) if customer_id else None
        if customer_id and whose is None:
            return []
        async with info.context.work(READ_OPPORTUNITIES) as work:
            rows = await service.opportunities(
                work, outcome=outcome, customer_id=whose, limit=bounded(limit), offset=skipped(offset)
            )
        return [Opportunity.of(row) for row in rows]

    @strawberry.field
    async def quote(self, info: Info, id: strawberry.ID) -> Quote | None:
        """One revision of a quote, by UUID; null when it is not there or not yours."""
        row = await info.context.row(models.Quote, id, READ_QUOTES)
        return Quote.of(row) if row else None

    @strawberry.field
    async def quotes(
        self,
        info: Info,
        status: QuoteStatus | None = None,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Quote]:
        """Quotes, the latest first, every revision."""
        whose = parsed(customer_id) if customer_id else None
        if customer_id and whose is None:
            return []
        async with info.context.work(READ_QUOTES) as work:
            rows = await quoting.quotes(
                work, status=status, customer_id=whose, limit=bounded(limit), offset=skipped(offset)
            )
        return [Quote.of(row) for row in rows]

    @strawberry.field
    async def search(self, info: Info, text: str, limit: Limit = DEFAULT_LIMIT) -> list[SearchHit]:
        """Customers, contacts and sites that fit these words, in German and English, the best first."""
        async with info.context.work(customers.READ) as work:
            hits = await finding.search(work, text, limit=bounded(limit))
        return [SearchHit.of(hit) for hit in hits]


@strawberry.input
class CreatePipelineStageInput(Command):
    """A new stage of the pipeline, on the way to a decision."""

    name: str
    """What it is called."""
    position: int
    """Its place."""
    probability: int
    """How likely it is that they buy, in percent."""


@strawberry.input
class CreateOpportunityInput(Command):
    """Something that a customer might buy."""

    customer_id: strawberry.ID
    """The customer."""
    title: str
    """What it is."""
    expected_close: date | None = None
    """When they will decide."""
    amount: Decimal | None = None
    """What they would pay once, in the customer's currency."""
    mrr_amount: Decimal | None = None
    """What they would pay each month."""
    owner_id: strawberry.ID | None = None
    """Who looks after it; you when absent."""
    custom_fields: JSON | None = None
    """Values of your own fields, by key."""


@strawberry.input
class MoveOpportunityInput(Change):
    """An opportunity that moves through the pipeline."""

    id: strawberry.ID
    """The opportunity."""
    stage_id: strawberry.ID
    """Its next stage."""


@strawberry.input
class WinOpportunityInput(Change):
    """They buy."""

    id: strawberry.ID
    """The opportunity."""


@strawberry.input
class LoseOpportunityInput(Change):
    """They don't buy."""

    id: strawberry.ID
    """The opportunity."""
    reason: str
    """Why."""


@strawberry.input
class QuoteLineInput:
    """A position of a quote."""

    description: str
    """What it is."""
    unit_price: Decimal
    """What one costs."""
    quantity: Decimal | None = None
    """How many; 1 when absent."""
    unit_code: str | None = None
    """In what it is counted; C62 (pieces) when absent."""
    product_id: strawberry.ID | None = None
    """The product."""
    cost: Decimal | None = None
    """What one costs us."""
    discount_percent: Decimal | None = None
    """What is taken off; more than 10 needs approval."""
    tax_code: str | None = None
    """Its tax code; DE19 when absent."""
    recurring: BillingInterval | None = None
    """How often it is paid; ONE_TIME when absent."""
    optional: bool = False
    """Whether the customer may leave it out."""
    selected: bool = False
    """Whether an optional line is proposed."""
    group: str | None = None
    """The heading under which it stands."""


@strawberry.input
class CreateQuoteInput(Command):
    """The first revision of a quote."""

    customer_id: strawberry.ID
    """The customer."""
    title: str
    """What it is called."""
    valid_until: date
    """The last day on which it can be accepted."""
    lines: list[QuoteLineInput]
    """What is offered."""
    opportunity_id: strawberry.ID | None = None
    """The opportunity that it is for."""
    terms_text: str | None = None
    """What else is agreed."""
    legal_entity_id: strawberry.ID | None = None
    """Who offers it; without it the company that was entered first."""


@strawberry.input
class ReviseQuoteInput(Change):
    """The next revision of a quote; what is absent is as it was."""

    id: strawberry.ID
    """The revision that it takes the place of."""
    lines: list[QuoteLineInput] | None = None
    """What is offered."""
    valid_until: date | None = None
    """The last day on which it can be accepted."""
    terms_text: str | None = None
    """What else is agreed."""


@strawberry.input
class SubmitQuoteInput(Change):
    """A quote that somebody has to approve."""

    id: strawberry.ID
    """The quote."""


@strawberry.input
class ApproveQuoteInput(Change):
    """A quote that may be sent."""

    id: strawberry.ID
    """The quote."""


@strawberry.input
class SendQuoteInput(Change):
    """A quote for the customer."""

    id: strawberry.ID
    """The quote."""


@strawberry.input
class ViewQuoteInput(Change):
    """A quote that the customer has looked at."""

    id: strawberry.ID
    """The quote."""


@strawberry.input
class AcceptQuoteInput(Change):
    """A quote that the customer wants."""

    id: strawberry.ID
    """The quote."""
    name: str
    """Who accepts."""
    token: str | None = None
    """The secret of the acceptance link, when it was followed."""
    options: list[strawberry.ID] | None = None
    """The optional lines that are wanted; as was proposed when absent."""


@strawberry.input
class RejectQuoteInput(Change):
    """A quote that the customer does not want."""

    id: strawberry.ID
    """The quote."""
    reason: str | None = None
    """Why."""
    name: str | None = None
    """Who turns it down."""


@strawberry.input
class ConvertQuoteInput(Change):
    """The contract that comes of a quote."""

    id: strawberry.ID
    """The quote."""
    type: ContractType
    """How the contract is paid for."""
    start_date: date
    """The first day on which it holds."""
    term_months: int | None = None
    """How long its term is."""


@strawberry.type
class SalesMutation:
    """What can be done in sales."""

    @command(WRITE_OPPORTUNITIES, PipelineStagePayload)
    async def create_pipeline_stage(work: Work, input: CreatePipelineStageInput) -> models.PipelineStage:
        """Add a stage to the pipeline."""
        return await service.create_stage(work, **given(input))

    @command(WRITE_OPPORTUNITIES, OpportunityPayload)
    async def create_opportunity(work: Work, input: CreateOpportunityInput) -> models.Opportunity:
        """Write down what a customer might buy, at the first stage of the pipeline."""
        return await service.create_opportunity(work, **given(input))

    @command(WRITE_OPPORTUNITIES, OpportunityPayload)
    async def move_opportunity(work: Work, input: MoveOpportunityInput) -> models.Opportunity:
        """Move an opportunity to another stage; the last ones win or lose it."""
        return await service.move_opportunity(work, **given(input))

    @command(WRITE_OPPORTUNITIES, OpportunityPayload)
    async def win_opportunity(work: Work, input: WinOpportunityInput) -> models.Opportunity:
        """Note that they buy."""
        return await service.win_opportunity(work, **given(input))

    @command(WRITE_OPPORTUNITIES, OpportunityPayload)
    async def lose_opportunity(work: Work, input: LoseOpportunityInput) -> models.Opportunity:
        """Note that they don't buy, and why."""
        return await service.lose_opportunity(work, **given(input))

    @command(WRITE_QUOTES, QuotePayload)
    async def create_quote(work: Work, input: CreateQuoteInput) -> models.Quote:
        """Write the first revision of a quote, as a draft that only staff see."""
        return await quoting.create_quote(work, **entered(input))

    @command(WRITE_QUOTES, QuotePayload)
    async def revise_quote(work: Work, input: ReviseQuoteInput) -> models.Quote:
        """Put another revision in the place of a quote; the former can't be accepted any more."""
        return await quoting.revise_quote(work, **entered(input))

    @command(WRITE_QUOTES, QuotePayload)
    async def submit_quote(work: Work, input: SubmitQuoteInput) -> models.Quote:
        """Ask somebody to approve a quote."""
        return await quoting.submit_quote(work, **given(input))

    @command(APPROVE_QUOTES, QuotePayload)
    async def approve_quote(work: Work, input: ApproveQuoteInput) -> models.Quote:
        """Let a quote be sent, whatever it takes off; only staff do."""
        return await quoting.approve_quote(work, **given(input))

    @command(WRITE_QUOTES, QuotePayload)
    async def send_quote(work: Work, input: SendQuoteInput) -> models.Quote:
        """Give a quote to the customer; `acceptToken` is the secret of its acceptance link, told this once."""
        return await quoting.send_quote(work, **given(input))

    @command(READ_QUOTES, QuotePayload)
    async def view_quote(work: Work, input: ViewQuoteInput) -> models.Quote:
        """Note that the customer has looked at a quote."""
        return await quoting.view_quote(work, **given(input))

    @command(APPROVE_QUOTES, QuotePayload)
    async def accept_quote(work: Work, input: AcceptQuoteInput) -> models.Quote:
        """Take a quote, once, with the options that are wanted; who, when, from where and exactly what is kept."""
        values = given(input)
        if values.get("options") is not None:
            values["options"] = [str(one) for one in values["options"]]
        return await quoting.accept_quote(work, **values)

    @command(APPROVE_QUOTES, QuotePayload)
    async def reject_quote(work: Work, input: RejectQuoteInput) -> models.Quote:
        """Turn a quote down."""
        return await quoting.reject_quote(work, **given(input))

    @command(WRITE_QUOTES, QuotePayload)
    async def convert_quote(work: Work, input: ConvertQuoteInput) -> models.Quote:
        """Make the draft of a contract of what was accepted."""
        return await quoting.convert_quote(work, **given(input))


@strawberry.type
class SalesSubscription:
    """What can be watched about sales."""

    @strawberry.subscription
    async def quote_status_changed(
        self, info: Info, customer_id: strawberry.ID | None = None
    ) -> AsyncGenerator[Quote, None]:
        """A quote, each time when something happened to it: of one customer, or all that you may see."""
        wanted = parsed(customer_id) or NOBODY if customer_id else None
        rows = live.changes(
            info.context,
            models.Quote,
            READ_QUOTES,
            where=None if wanted is None else lambda row: row.customer_id == wanted,
        )
        async with aclosing(rows):
            async for row in rows:
                yield Quote.of(row)
