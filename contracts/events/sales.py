"""What crm tells of sales: opportunities as they move through the pipeline, and quotes until they are contracts."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.envelope import Event, Payload


class OpportunityFact(Event):
    """An opportunity as it is now."""

    subject_type = "Opportunity"

    id: UUID
    customer_id: UUID
    title: str
    stage: str
    """The name of its stage in the pipeline."""
    outcome: str
    """OPEN, WON or LOST."""
    probability: int
    amount: Decimal
    mrr_amount: Decimal
    currency: str
    lost_reason: str | None = None


class OpportunityCreated(OpportunityFact):
    """A customer might buy something."""

    type = "opportunity.created"


class OpportunityStageChanged(OpportunityFact):
    """An opportunity moved through the pipeline."""

    type = "opportunity.stage_changed"


class OpportunityWon(OpportunityFact):
    """The customer buys."""

    type = "opportunity.won"


class OpportunityLost(OpportunityFact):
    """The customer does not buy."""

    type = "opportunity.lost"


class QuoteLineTold(Payload):
    """One position of a quote."""

    id: UUID
    product_id: UUID | None = None
    description: str
    quantity: Decimal
    unit_code: str
    unit_price: Decimal
    discount_percent: Decimal
    net: Decimal
    tax_code: str
    recurring: str
    """ONE_TIME, MONTHLY, QUARTERLY, SEMIANNUAL or ANNUAL."""
    optional: bool
    selected: bool
    """Whether it is bought; lines that are not optional always are."""


class QuoteFact(Event):
    """A revision of a quote as it is now."""

    subject_type = "Quote"

    id: UUID
    customer_id: UUID
    number: str
    revision: int
    title: str
    status: str
    """DRAFT, IN_APPROVAL, APPROVED, SENT, VIEWED, ACCEPTED, REJECTED, EXPIRED, SUPERSEDED or CONVERTED."""
    currency: str
    opportunity_id: UUID | None = None
    contract_id: UUID | None = None
    """The contract that it became."""
    accepted_at: AwareDatetime | None = None
    lines: tuple[QuoteLineTold, ...] = ()


class QuoteCreated(QuoteFact):
    """A revision of a quote was written; it takes the place of the one before."""

    type = "quote.created"


class QuoteSent(QuoteFact):
    """A quote was given to the customer."""

    type = "quote.sent"


class QuoteViewed(QuoteFact):
    """The customer has looked at a quote."""

    type = "quote.viewed"


class QuoteAccepted(QuoteFact):
    """The customer wants what was quoted."""

    type = "quote.accepted"


class QuoteRejected(QuoteFact):
    """The customer does not want what was quoted."""

    type = "quote.rejected"


class QuoteExpired(QuoteFact):
    """The last day of a quote has passed without an answer."""

    type = "quote.expired"


class QuoteConverted(QuoteFact):
    """A quote became the draft of a contract."""

    type = "quote.converted"
