"""The paper of a quote: set when it is sent and kept byte for byte; before that, a draft of it for whoever looks.

    DRAFT … APPROVED   set for whoever asks, with DRAFT across it      nothing is kept
    sendQuote          set once, with the link that accepts it         kept, with its hash
    acceptQuote        the hash of what was kept is what was accepted; a second paper says what was chosen, and is kept, too

While a quote waits for its answer, its paper holds the link that gives the answer. So only those get it who may send or accept
quotes; the customer has it from the page behind that link.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from contracts.scopes import covers
from subgraphs.crm.documents import page
from subgraphs.crm.documents.page import Acceptance, QuoteDocument, Seller
from subgraphs.crm.models.customers import Customer
from subgraphs.crm.models.sales import Quote, QuoteFile, SellerCopy
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.quotes import Paper
from subgraphs.crm.service import sellers
from subgraphs.crm.service.quote_lines import lines_of
from subgraphs.kit import signed
from subgraphs.kit.signed import Proof
from subgraphs.kit.work import Work

_ANSWERS = ("quotes:write", "quotes:approve")


async def keep(work: Work, quote: Quote, token: str) -> None:
    """Set the paper of a quote as it is sent, and keep it."""
    origin = work.settings.issuer
    link = f"{origin.rstrip('/')}{rules.page(work.caller.tenant, token)}" if origin else None
    content = await page.pdf(await _document(work, quote, link=link))
    work.session.add(QuoteFile(quote_id=quote.id, customer_id=quote.customer_id, content=content))
    quote.pdf_sha256, quote.pdf_size_bytes = hashlib.sha256(content).hexdigest(), len(content)


async def content(work: Work, quote: Quote) -> bytes:
    """The paper as it was sent; a draft of it, or of a quote from before papers were kept, is set now."""
    kept = await work.session.scalar(select(QuoteFile.content).where(QuoteFile.quote_id == quote.id))
    return kept if kept is not None else await page.pdf(await _document(work, quote, link=None))


async def keep_order(work: Work, quote: Quote) -> None:
    """Set the paper of what was chosen, and keep it beside the one that was sent."""
    content = await _order(work, quote)
    file = await work.session.scalar(select(QuoteFile).where(QuoteFile.quote_id == quote.id))
    if file is not None:
        file.order_content = content
        quote.order_pdf_sha256, quote.order_pdf_size_bytes = hashlib.sha256(content).hexdigest(), len(content)


async def order(work: Work, quote: Quote) -> bytes:
    """The paper of what was chosen; of a quote from before it was kept, it is set now."""
    kept = await work.session.scalar(select(QuoteFile.order_content).where(QuoteFile.quote_id == quote.id))
    return kept if kept is not None else await _order(work, quote)


async def _order(work: Work, quote: Quote) -> bytes:
    at = quote.accepted_at or work.at
    customer = await work.find(Customer, quote.customer_id)
    local = at.astimezone(ZoneInfo(customer.time_zone if customer else "UTC"))
    taken = Acceptance(quote.accepted_by or "", local, quote.accepted_hash or "")
    return await page.pdf(replace(await _document(work, quote, link=None), day=local.date(), acceptance=taken))


async def order_links(work: Work, quotes: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """A link to the paper of what was chosen of each quote, in a list of one; none of what nobody has accepted."""
    query = select(Quote.id, Quote.file_secret).where(Quote.id.in_(quotes), Quote.accepted_at.is_not(None))
    return {one: [link(work, one, secret, Paper.ACCEPTED)] for one, secret in await work.session.execute(query)}


async def links(work: Work, quotes: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """A link to the paper of each quote, in a list of one; none where it would say more than the caller may know."""
    answers = any(covers(work.caller.scopes, scope) for scope in _ANSWERS)  # nobody is refused here: others see less
    found = await work.session.execute(select(Quote.id, Quote.status, Quote.file_secret).where(Quote.id.in_(quotes)))
    return {
        one: [link(work, one, secret, Paper.SENT)]
        for one, status, secret in found
        if answers or status not in rules.OPEN
    }


def link(work: Work, id: UUID, secret: str, paper: Paper) -> str:
    """Where a paper of a quote is for the next five minutes, without any other proof."""
    return signed.link(rules.file_path(work.caller.tenant, id, paper), bytes.fromhex(secret), work.at + signed.OPEN)


async def opened(work: Work, id: UUID, proof: Proof, paper: Paper) -> tuple[Quote, bytes] | None:
    """The paper behind a link, or None when we gave out no such link, or long ago."""
    quote = await work.find(Quote, id)
    path = rules.file_path(work.caller.tenant, id, paper)
    if quote is None or not proof.opens(path, bytes.fromhex(quote.file_secret), work.at):
        return None
    if paper is Paper.ACCEPTED:
        return (quote, await order(work, quote)) if quote.accepted_at else None
    return quote, await content(work, quote)


async def _document(work: Work, quote: Quote, *, link: str | None) -> QuoteDocument:
    customer = await work.find(Customer, quote.customer_id)
    seller = await sellers.of(work, quote.legal_entity_id)
    return QuoteDocument(
        number=quote.number,
        revision=quote.revision,
        title=quote.title,
        language=customer.language if customer else "en",
        day=_day(work, quote, customer),
        valid_until=quote.valid_until,
        currency=quote.currency,
        lines=lines_of(quote),
        seller=_seller(seller),
        customer_name=(customer.legal_name or customer.name) if customer else "",
        customer_number=customer.number if customer else "",
        customer_address=customer.billing_address if customer else {},
        customer_vat_id=customer.vat_id if customer else None,
        terms=quote.terms_text,
        link=link,
        is_draft=quote.sent_at is None,
    )


def _seller(row: SellerCopy | None) -> Seller:
    told = row.told if row else {}
    return Seller(**{one.name: told[one.name] for one in fields(Seller) if one.name in told})


def _day(work: Work, quote: Quote, customer: Customer | None) -> date:
    return (quote.sent_at or work.at).astimezone(ZoneInfo(customer.time_zone if customer else "UTC")).date()
