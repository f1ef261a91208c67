"""Quotes, from draft to contract: revisions, approval, the link of its page, and the answer that comes once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from contracts.events import sales as events
from subgraphs.crm.errors import QuoteNotAcceptable
from subgraphs.crm.models.customers import Customer
from subgraphs.crm.models.sales import Opportunity, Quote
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.contracts import ContractLineKind, ContractType
from subgraphs.crm.rules.quotes import QuoteLine, QuoteStatus
from subgraphs.crm.rules.terms import DAY, BillingInterval
from subgraphs.crm.service import contracts, offered, quote_files, sellers
from subgraphs.crm.service.quote_lines import entered, lines_of
from subgraphs.kit import jobs, numbers
from subgraphs.kit.errors import Forbidden, NotFound
from subgraphs.kit.shapes import line, optional_line, prose
from subgraphs.kit.work import Work

EXPIRY_JOB: Final = "crm.quote_expiry"

# --- writing


async def _entered(work: Work, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    stored = entered(lines)
    await offered.check(work, (UUID(one["product_id"]) for one in stored if one["product_id"]))
    return stored


async def create_quote(
    work: Work,
    *,
    customer_id: UUID,
    title: str,
    valid_until: date,
    lines: Sequence[Mapping[str, Any]] = (),
    opportunity_id: UUID | None = None,
    terms_text: str | None = None,
    legal_entity_id: UUID | None = None,
) -> Quote:
    """Write the first revision of a quote, as a draft."""
    customer = await work.take(Customer, customer_id, field="customerId")
    if opportunity_id is not None:
        opportunity = await work.find(Opportunity, opportunity_id)
        if opportunity is None or opportunity.customer_id != customer.id:
            raise NotFound("There is no opportunity with this id at this customer.", field="opportunityId")
    if legal_entity_id is not None:
        await sellers.check(work, legal_entity_id, field="legalEntityId")
    year = work.at.year
    quote = Quote(
        customer_id=customer.id,
        number=f"AN-{year}-{await numbers.following(work, f'quote-{year}'):06d}",
        revision=1,
        opportunity_id=opportunity_id,
        title=line(title, field="title"),
        status=QuoteStatus.DRAFT,
        valid_until=valid_until,
        currency=customer.currency,
        lines=await _entered(work, lines),
        terms_text=prose(terms_text, field="termsText"),
        legal_entity_id=legal_entity_id,
    )
    work.add(quote)
    await _tell(work, quote, events.QuoteCreated(**_document(quote)))
    return quote


async def revise_quote(
    work: Work,
    id: UUID,
    *,
    lines: Sequence[Mapping[str, Any]] | None = None,
    valid_until: date | None = None,
    terms_text: str | None = None,
    version: int | None = None,
) -> Quote:
    """Put another revision in the place of a quote; the former can't be accepted any more."""
    former = await work.take(Quote, id, field="id", version=version)
    former.status = rules.moved("reviseQuote", former.status)
    former.token_hash = None
    await work.session.flush()
    quote = Quote(
        customer_id=former.customer_id,
        number=former.number,
        revision=former.revision + 1,
        opportunity_id=former.opportunity_id,
        title=former.title,
        status=QuoteStatus.DRAFT,
        valid_until=valid_until or former.valid_until,
        currency=former.currency,
        lines=former.lines if lines is None else await _entered(work, lines),
        terms_text=former.terms_text if terms_text is None else prose(terms_text, field="termsText"),
        legal_entity_id=former.legal_entity_id,
    )
    work.add(quote)
    await _tell(work, quote, events.QuoteCreated(**_document(quote)))
    return quote


# --- on their way


async def submit_quote(work: Work, id: UUID, version: int | None = None) -> Quote:
    """Ask somebody to approve a quote."""
    quote = await work.take(Quote, id, field="id", version=version)
    quote.status = rules.moved("submitQuote", quote.status)
    return quote


async def approve_quote(work: Work, id: UUID, version: int | None = None) -> Quote:
    """Let a quote be sent, whatever it takes off."""
    if work.caller.kind not in {"STAFF", "SERVICE", "SYSTEM"}:
        raise Forbidden("Only staff approve quotes; a customer accepts them.")
    quote = await work.take(Quote, id, field="id", version=version)
    quote.status = rules.moved("approveQuote", quote.status)
    return quote


async def send_quote(work: Work, id: UUID, version: int | None = None) -> Quote:
    """Give a quote to the customer: its paper is kept as it is now, and the secret of its acceptance link is told this once."""
    quote = await work.take(Quote, id, field="id", version=version)
    quote.status = rules.sent(quote.status, lines_of(quote))
    secret = secrets.token_urlsafe(32)
    quote.token_hash, quote.sent_at = _hash(secret), work.at
    await quote_files.keep(work, quote, secret)
    await _arm(work, quote)
    await _tell(work, quote, events.QuoteSent(**_document(quote)))
    await work.session.flush()
    quote.token = secret  # type: ignore[assignment]
    return quote


async def view_quote(work: Work, id: UUID, version: int | None = None) -> Quote:
    """Note that the customer has looked at a quote."""
    quote = await work.take(Quote, id, field="id", version=version)
    if quote.status is not QuoteStatus.VIEWED:
        quote.status, quote.viewed_at = rules.moved("viewQuote", quote.status), work.at
        await _tell(work, quote, events.QuoteViewed(**_document(quote)))
    return quote


async def accept_quote(
    work: Work,
    id: UUID,
    *,
    name: str,
    token: str | None = None,
    options: Sequence[str] | None = None,
    version: int | None = None,
) -> Quote:
    """Take a quote, once, with the options that are wanted: who, when, from where, and exactly what."""
    quote = await work.take(Quote, id, field="id", version=version)
    if token is not None and not secrets.compare_digest(quote.token_hash or "", _hash(token)):
        raise QuoteNotAcceptable("This is not the link that was sent with this revision.", field="token")
    quote.status = rules.accepted(quote.status, valid_until=quote.valid_until, today=await _today(work, quote))
    wanted = rules.chosen(lines_of(quote), options)
    quote.lines = [{**one, "selected": not one["optional"] or one["id"] in wanted} for one in quote.lines]
    quote.accepted_by, quote.accepted_at = line(name, field="name"), work.at
    quote.accepted_ip, quote.token_hash = work.caller.address, None
    quote.accepted_hash = rules.fingerprint(
        quote.lines, number=quote.number, revision=quote.revision, terms=quote.terms_text
    )
    quote.accepted_pdf_hash = quote.pdf_sha256
    await quote_files.keep_order(work, quote)
    await _tell(work, quote, events.QuoteAccepted(**_document(quote)))
    return quote


async def reject_quote(
    work: Work, id: UUID, reason: str | None = None, name: str | None = None, version: int | None = None
) -> Quote:
    """Turn a quote down: who, when and from where is kept."""
    quote = await work.take(Quote, id, field="id", version=version)
    quote.status = rules.moved("rejectQuote", quote.status)
    quote.rejected_by, quote.rejected_at = optional_line(name, field="name"), work.at
    quote.rejected_ip = work.caller.address
    quote.rejected_reason, quote.token_hash = optional_line(reason, field="reason", longest=1000), None
    await _tell(work, quote, events.QuoteRejected(**_document(quote)))
    return quote


async def behind(work: Work, token: str) -> Quote | None:
    """The quote to which this link was given, as long as it waits for an answer."""
    found: Quote | None = await work.session.scalar(select(Quote).where(Quote.token_hash == _hash(token)))
    return found if found is not None and found.status in rules.OPEN else None


async def customer_of(work: Work, quote: Quote) -> Customer | None:
    """Whom a quote is for."""
    return await work.find(Customer, quote.customer_id)


async def is_over(work: Work, quote: Quote) -> bool:
    """Whether the last day of a quote has passed where the customer is."""
    return rules.is_over(quote.status, valid_until=quote.valid_until, today=await _today(work, quote))


async def expire_quote(work: Work, id: UUID) -> None:
    """The last day of a quote has passed: without an answer it is over."""
    quote = await work.find(Quote, id)
    if quote is not None and await is_over(work, quote):
        quote.status, quote.token_hash = QuoteStatus.EXPIRED, None
        await _tell(work, quote, events.QuoteExpired(**_document(quote)))


async def _arm(work: Work, quote: Quote) -> None:
    """Look at a quote again when its last day has passed where the customer is."""
    moment = datetime.combine(quote.valid_until + DAY, time(0, 1), await _zone(work, quote))
    await jobs.enqueue(work, EXPIRY_JOB, {"quote": str(quote.id)}, at=max(moment, work.at))


async def convert_quote(
    work: Work,
    id: UUID,
    *,
    type: ContractType,
    start_date: date,
    term_months: int | None = None,
    version: int | None = None,
) -> Quote:
    """Make the draft of a contract of what was accepted."""
    quote = await work.take(Quote, id, field="id", version=version)
    quote.status = rules.moved("convertQuote", quote.status)
    lines = [one for one in lines_of(quote) if one.counts]
    interval = rules.contract_interval(lines)
    contract = await contracts.create_contract(
        work,
        customer_id=quote.customer_id,
        title=quote.title,
        type=type,
        start_date=start_date,
        term_months=term_months,
        billing_interval=interval,
        currency=quote.currency,
        quote_id=quote.id,
        lines=[_as_contract_line(one, interval) for one in lines],
    )
    quote.contract_id = contract.id
    await _tell(work, quote, events.QuoteConverted(**_document(quote)))
    return quote


def _as_contract_line(one: QuoteLine, interval: BillingInterval) -> dict[str, Any]:
    return {
        "description": one.description,
        "kind": ContractLineKind.RECURRING if one.recurring.months else ContractLineKind.ONE_TIME,
        "quantity": one.quantity,
        "unit_price": rules.price_each(one, interval),
        "unit_code": one.unit_code,
        "product_id": one.product_id,
        "discount_percent": one.discount_percent,
        "tax_code": one.tax_code,
    }


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def _today(work: Work, quote: Quote) -> date:
    return work.at.astimezone(await _zone(work, quote)).date()


async def _zone(work: Work, quote: Quote) -> ZoneInfo:
    zone = await work.session.scalar(select(Customer.time_zone).where(Customer.id == quote.customer_id))
    return ZoneInfo(zone or "UTC")


async def _tell(work: Work, quote: Quote, happened: events.QuoteFact) -> None:
    await work.emit(happened, subject=quote.id, customer=quote.customer_id)


def _document(quote: Quote) -> dict[str, Any]:
    names = (
        "id",
        "customer_id",
        "number",
        "revision",
        "title",
        "currency",
        "opportunity_id",
        "contract_id",
        "accepted_at",
    )
    values = {name: getattr(quote, name) for name in names}
    return {**values, "status": quote.status.value, "lines": tuple(_told(one) for one in lines_of(quote))}


def _told(one: QuoteLine) -> events.QuoteLineTold:
    values = {name: value for name, value in asdict(one).items() if name not in {"cost", "recurring", "group"}}
    return events.QuoteLineTold(**values, recurring=one.recurring.value, net=one.net)


# --- reading


async def quotes(
    work: Work, *, status: QuoteStatus | None, customer_id: UUID | None, limit: int, offset: int
) -> Sequence[Quote]:
    """Quotes, the latest first, every revision."""
    query = select(Quote).order_by(Quote.number.desc(), Quote.revision.desc())
    query = query if status is None else query.where(Quote.status == status)
    query = query if customer_id is None else query.where(Quote.customer_id == customer_id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def quotes_of(
    work: Work, customers: Sequence[UUID], *, status: QuoteStatus | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[Quote]]:
    """The quotes of each customer, the latest first, every revision."""
    where = [] if status is None else [Quote.status == status]
    order = (Quote.number.desc(), Quote.revision.desc())
    return await work.per_parent(
        Quote, Quote.customer_id, customers, where=where, order=order, limit=limit, offset=offset
    )
