"""A quote as a letter: what is offered, what may be added, what it comes to once and again and again, and how to accept it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from subgraphs.crm.documents.words import Words, words
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.quotes import QuoteLine
from subgraphs.kit import paper
from subgraphs.kit.paper import Letter, day, each, figure, money

_TEMPLATE: Final = Path(__file__).with_suffix(".typ")


@dataclass(frozen=True, slots=True)
class Seller:
    """Who offers, as billing told of it; nothing is known where nobody entered a company that sells."""

    name: str = ""
    address: Mapping[str, str | None] = field(default_factory=dict)
    vat_id: str | None = None
    tax_number: str | None = None
    register_court: str | None = None
    register_no: str | None = None
    managing_directors: Sequence[str] = ()
    contact_name: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = None
    small_business: bool = False


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who took a quote, when, and the hash of exactly what."""

    name: str
    at: datetime
    """On the clocks of the customer."""
    fingerprint: str


@dataclass(frozen=True, slots=True)
class QuoteDocument:
    """One revision of a quote with all that stands on its paper."""

    number: str
    revision: int
    title: str
    language: str
    day: date
    valid_until: date
    currency: str
    lines: Sequence[QuoteLine]
    seller: Seller
    customer_name: str
    customer_number: str
    customer_address: Mapping[str, str | None]
    customer_vat_id: str | None = None
    terms: str | None = None
    link: str | None = None
    """Where it is accepted without signing in; on the paper that the customer gets."""
    is_draft: bool = False
    acceptance: Acceptance | None = None
    """With it the paper says what was taken, and no more what could be."""


async def pdf(document: QuoteDocument) -> bytes:
    """The quote as PDF/A-3b; takes some 50 ms beside the event loop."""
    return await paper.pdf(letter(document), _TEMPLATE, content(document))


def letter(document: QuoteDocument) -> Letter:
    """Who writes to whom, and what about."""
    said, seller = words(document.language), document.seller
    home = seller.address.get("country") or document.customer_address.get("country")
    return Letter(
        title=f"{said.accepted_title if document.acceptance else said.title} {document.number}",
        language=document.language,
        day=document.day,
        sender=seller.name,
        sender_line=" · ".join([part for part in (seller.name, *_address(seller.address, home)) if part]),
        recipient=[document.customer_name, *_address(document.customer_address, home)],
        facts=_facts(document, said),
        footer=_footer(seller, said),
        page=said.page,
        draft=said.draft if document.is_draft else None,
    )


def content(document: QuoteDocument) -> dict[str, Any]:
    """All that the paper says below its title, in its language, ready to be set."""
    said = words(document.language)
    numbered = [(str(at), one) for at, one in enumerate(document.lines, start=1)]
    options = [(at, one) for at, one in numbered if not one.counts and document.acceptance is None]
    return {
        "subject": document.title,
        "opening": said.accepted_opening if document.acceptance else said.opening,
        "head": said.head,
        "groups": _groups(document, [(at, one) for at, one in numbered if one.counts], said),
        "sums": _sums(document, said),
        "tax": said.no_vat if document.seller.small_business else said.net,
        "options": _options(document, options, said) if options else None,
        "terms": _terms(document.terms, said),
        "binding": _binding(document, said),
        "answer": _answer(document, said),
    }


def _address(address: Mapping[str, str | None], home: str | None) -> list[str]:
    place = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    country = address.get("country") if address.get("country") != home else None
    return [part for part in (address.get("line1"), address.get("line2"), place, country) if part]


def _facts(document: QuoteDocument, said: Words) -> list[tuple[str, str]]:
    facts = (
        (said.number, document.number),
        (said.revision, str(document.revision)),
        (said.issued, day(document.day, document.language)),
        (said.valid, day(document.valid_until, document.language) if document.acceptance is None else None),
        (said.customer, document.customer_number),
        (said.their_vat_id, document.customer_vat_id),
        (said.contact, document.seller.contact_name),
    )
    return [(label, value) for label, value in facts if value]


def _footer(seller: Seller, said: Words) -> list[list[str]]:
    register = " ".join(part for part in (seller.register_court, seller.register_no) if part)
    managers = ", ".join(seller.managing_directors)
    blocks = (
        (seller.name, *_address(seller.address, seller.address.get("country"))),
        (seller.contact_name, seller.contact_phone, seller.contact_email),
        (
            f"{said.vat_id} {seller.vat_id}" if seller.vat_id else None,
            f"{said.tax_number} {seller.tax_number}" if seller.tax_number else None,
            register,
            said.managed_by.format(names=managers) if managers else None,
        ),
    )
    return [[one for one in block if one] for block in blocks]


Numbered = tuple[str, QuoteLine]


def _groups(document: QuoteDocument, lines: Iterable[Numbered], said: Words) -> list[dict[str, Any]]:
    """The lines under their headings, in the order of the quote."""
    return [
        {"name": name, "lines": [_line(document, at, one, said) for at, one in found]}
        for name, found in groupby(lines, lambda numbered: numbered[1].group)
    ]


def _line(document: QuoteDocument, at: str, one: QuoteLine, said: Words) -> dict[str, Any]:
    language = document.language
    more = (
        said.discount.format(percent=figure(one.discount_percent, language)) if one.discount_percent else None,
        said.chosen if one.optional and one.selected else None,
    )
    return {
        "position": at,
        "name": one.description,
        "more": [part for part in more if part],
        "quantity": f"{figure(one.quantity, language)} {said.unit(one.unit_code)}",
        "price": each(one.unit_price, language),
        "interval": said.intervals[one.recurring],
        "net": figure(one.net, language, 2),
    }


def _sums(document: QuoteDocument, said: Words) -> list[dict[str, Any]]:
    """What it comes to once, and each time; and in a month where that isn't said already."""
    found = rules.totals(document.lines)
    rows = [_row(document, said.one_time, found.one_time, strong=True)] if found.one_time or not found.recurring else []
    rows += [_row(document, said.each[interval], net, strong=True) for interval, net in found.recurring.items()]
    if found.monthly not in (Decimal(0), *found.recurring.values()):
        rows.append(_row(document, said.per_month, found.monthly))
    return rows


def _row(document: QuoteDocument, label: str, value: Decimal, *, strong: bool = False) -> dict[str, Any]:
    return {"label": label, "value": money(value, document.currency, document.language), "strong": strong}


def _options(document: QuoteDocument, options: Sequence[Numbered], said: Words) -> dict[str, Any]:
    """What may be added; the sum of all only where all are paid equally often."""
    alike = len({one.recurring for _, one in options}) == 1 and len(options) > 1
    total = money(rules.totals(document.lines).options, document.currency, document.language)
    return {
        "title": said.options,
        "hint": " ".join([said.options_hint, *([said.option_sum.format(sum=total)] if alike else [])]),
        "groups": _groups(document, options, said),
    }


def _terms(text: str | None, said: Words) -> dict[str, Any] | None:
    return {"title": said.terms, "lines": text.strip().splitlines()} if text and text.strip() else None


def _binding(document: QuoteDocument, said: Words) -> str:
    """Until when we are bound; once it is taken, by whom and when it was."""
    if document.acceptance is None:
        return said.binding.format(day=day(document.valid_until, document.language))
    taken = document.acceptance
    return said.accepted_by.format(
        name=taken.name, day=day(taken.at.date(), document.language), time=f"{taken.at:%H:%M}", hash=taken.fingerprint
    )


def _answer(document: QuoteDocument, said: Words) -> dict[str, Any]:
    if document.acceptance is not None:
        return {"title": said.answer, "online": None, "sign": []}
    online = None
    if document.link:
        online = {"hint": said.online, "link": document.link, "words": said.link, "code": _code(document.link), "code-words": said.code}  # fmt: skip
    return {"title": said.answer, "online": online, "sign": said.sign}


def _code(link: str) -> str:
    """The link as a QR code."""
    import segno  # noqa: PLC0415 - only documents need it

    picture = io.BytesIO()
    segno.make(link, error="m", micro=False).save(picture, kind="svg", border=0, xmldecl=False)
    return picture.getvalue().decode("utf-8")
