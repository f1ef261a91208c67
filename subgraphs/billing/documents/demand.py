"""A letter that asks for money that is late: what is open, what the delay costs, until when it is to be paid, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from subgraphs.billing.documents import page
from subgraphs.billing.rules.document import Party
from subgraphs.billing.rules.money import ZERO
from subgraphs.kit import paper
from subgraphs.kit.paper import Letter, day, figure, grouped, money

_TEMPLATE: Final = Path(__file__).with_suffix(".typ")


@dataclass(frozen=True, slots=True)
class Owed:
    """A document that is late, and what its delay costs."""

    number: str
    issue_date: date | None
    due_date: date
    amount: Decimal
    interest: Decimal
    flat_fee: Decimal


@dataclass(frozen=True, slots=True)
class Demand:
    """A letter to one customer about everything that is late in one currency."""

    level: int
    is_last: bool
    day: date
    pay_until: date
    language: str
    currency: str
    seller: Party
    buyer: Party
    owed: Sequence[Owed]
    fee: Decimal = ZERO
    charged_before: Decimal = ZERO
    """What earlier letters asked for besides the documents: fees and flat fees, which are owed as long as they are."""
    consumer: bool = False
    iban: str | None = None
    bic: str | None = None
    rates: Sequence[tuple[date, Decimal]] = field(default=())
    """The rates of interest in percent, each with its first day."""

    @property
    def is_final(self) -> bool:
        """Whether nobody writes again; a policy may have nothing but a first reminder, which threatens nobody."""
        return self.is_last and self.level > 0

    @property
    def total(self) -> Decimal:
        """All that is asked for."""
        return sum((one.amount + one.interest + one.flat_fee for one in self.owed), self.fee + self.charged_before)


async def pdf(demand: Demand) -> bytes:
    """The letter as PDF/A-3b; takes some 50 ms beside the event loop."""
    return await paper.pdf(letter(demand), _TEMPLATE, content(demand))


def letter(demand: Demand) -> Letter:
    """Who writes to whom, and what about."""
    said, seller, language = _words(demand), demand.seller, demand.language
    return Letter(
        title=_title(demand, said),
        language=language,
        day=demand.day,
        sender=seller.trading_name or seller.name,
        sender_line=" · ".join(
            [seller.name, *page.address(seller.address, home=seller.address.country, language=language)]
        ),
        recipient=[
            demand.buyer.name,
            *page.address(demand.buyer.address, home=seller.address.country, language=language),
        ],
        facts=_facts(demand, said),
        footer=page.footer(seller, demand.iban, language),
        page=said["page"],
    )


def content(demand: Demand) -> dict[str, Any]:
    """All that the letter says below its title, in its language, ready to be set."""
    said, language = _words(demand), demand.language
    costs = any(one.interest or one.flat_fee for one in demand.owed)
    until, total = day(demand.pay_until, language), money(demand.total, demand.currency, language)
    return {
        "greeting": said["greeting"],
        "opening": said["opening-last" if demand.is_final else f"opening{min(demand.level, 2)}"],
        "head": [said["document"], said["of"], said["due"], *([said["interest"], said["flat"]] if costs else []), said["open"]],
        "lines": [_line(one, language, costs=costs) for one in demand.owed],
        "sums": _sums(demand, said),
        "ask": said["ask"].format(total=total, until=until),
        "notes": [*_notes(demand, said), *([said["last"]] if demand.is_final else []), said["crossed"]],
        "payment": _payment(demand, said),
        "code": _code(demand),
        "code-words": said["code"],
        "closing": said["closing"],
        "sender": demand.seller.name,
    }  # fmt: skip


def _title(demand: Demand, said: Mapping[str, str]) -> str:
    if demand.is_final:
        return said["title-last"]
    return said["title"].format(level=demand.level) if demand.level else said["title0"]


def _facts(demand: Demand, said: Mapping[str, str]) -> list[tuple[str, str]]:
    contact = demand.seller.contact
    facts = (
        (said["date"], day(demand.day, demand.language)),
        (said["customer"], demand.buyer.identifier),
        (said["until"], day(demand.pay_until, demand.language)),
        (said["contact"], contact.name if contact else None),
    )
    return [(label, value) for label, value in facts if value]


def _line(one: Owed, language: str, *, costs: bool) -> list[str]:
    issued = day(one.issue_date, language) if one.issue_date else ""
    delay = [figure(one.interest, language, 2), figure(one.flat_fee, language, 2)] if costs else []
    return [one.number, issued, day(one.due_date, language), *delay, figure(one.amount, language, 2)]


def _sums(demand: Demand, said: Mapping[str, str]) -> list[dict[str, Any]]:
    sums = (
        (said["sum"], sum((one.amount for one in demand.owed), ZERO)),
        (said["interest-sum"].format(day=day(demand.day, demand.language)), sum((one.interest for one in demand.owed), ZERO)),
        (said["flat-sum"], sum((one.flat_fee for one in demand.owed), ZERO)),
        (said["fee"], demand.fee),
        (said["before"], demand.charged_before),
    )  # fmt: skip
    rows = [(label, amount, False) for label, amount in sums if amount]
    rows = rows if len(rows) > 1 else []
    return [
        {"label": label, "value": money(amount, demand.currency, demand.language), "strong": strong}
        for label, amount, strong in (*rows, (said["total"], demand.total, True))
    ]


def _notes(demand: Demand, said: Mapping[str, str]) -> list[str]:
    """Which law the costs of the delay come from; they have no VAT."""
    if not demand.total - sum((one.amount for one in demand.owed), ZERO):
        return []
    found = []
    if any(one.interest for one in demand.owed):
        language = demand.language
        rates = ", ".join(
            said["rate"].format(percent=figure(percent, language, 2), day=day(first, language))
            for first, percent in demand.rates
        )
        found.append(said["law-consumer" if demand.consumer else "law"].format(rates=rates))
    if any(one.flat_fee for one in demand.owed):
        found.append(said["law-flat"])
    return [*found, said["no-vat"]]


def _payment(demand: Demand, said: Mapping[str, str]) -> list[str]:
    if not demand.iban:
        return []
    return [
        said["transfer"].format(iban=grouped(demand.iban), name=demand.seller.name, reference=_reference(demand, said))
    ]


def _reference(demand: Demand, said: Mapping[str, str]) -> str:
    """What the payer writes: the numbers, by which the bank's statement finds them again."""
    numbers = [one.number for one in demand.owed]
    fitting = ", ".join(numbers)
    customer = demand.buyer.identifier
    return fitting if len(fitting) <= 140 or not customer else f"{said['customer']} {customer}"


def _code(demand: Demand) -> str | None:
    if demand.currency != "EUR" or not demand.iban:
        return None
    return page.girocode(demand.seller.name, demand.iban, demand.bic, demand.total, _reference(demand, _words(demand)))


def _words(demand: Demand) -> Mapping[str, str]:
    return _GERMAN if paper.spoken(demand.language) == "de" else _ENGLISH


_GERMAN: Final = MappingProxyType(
    {
        "title0": "Zahlungserinnerung",
        "title": "{level}. Mahnung",
        "title-last": "Letzte Mahnung",
        "greeting": "Sehr geehrte Damen und Herren,",
        "opening0": "sicher ist es Ihrer Aufmerksamkeit entgangen: Zu den folgenden Rechnungen haben wir noch keinen vollständigen Zahlungseingang feststellen können.",
        "opening1": "leider konnten wir zu den folgenden Rechnungen trotz unserer Erinnerung noch keinen vollständigen Zahlungseingang feststellen.",
        "opening2": "auf unsere bisherigen Schreiben haben wir zu den folgenden Rechnungen noch keine vollständige Zahlung erhalten.",
        "opening-last": "trotz mehrfacher Mahnung sind die folgenden Rechnungen noch offen.",
        "document": "Rechnung", "of": "vom", "due": "fällig am", "interest": "Zinsen", "flat": "Pauschale", "open": "offen",
        "sum": "Offene Rechnungen", "interest-sum": "Verzugszinsen bis {day}", "flat-sum": "Verzugspauschale",
        "fee": "Mahnkosten", "before": "Bereits berechnete Kosten", "total": "Zu zahlen",
        "ask": "Bitte zahlen Sie {total} bis zum {until}.",
        "last": "Geht der Betrag nicht fristgerecht ein, geben wir die Forderung ohne weitere Ankündigung zur Einziehung ab. Die Kosten dafür tragen Sie.",
        "crossed": "Sollten Sie inzwischen gezahlt haben, betrachten Sie dieses Schreiben bitte als gegenstandslos.",
        "law": "Verzugszinsen: neun Prozentpunkte über dem Basiszinssatz (§ 288 Abs. 2 BGB), {rates}.",
        "law-consumer": "Verzugszinsen: fünf Prozentpunkte über dem Basiszinssatz (§ 288 Abs. 1 BGB), {rates}.",
        "rate": "{percent}\u00a0% ab {day}",
        "law-flat": "Die Verzugspauschale von 40 Euro je Rechnung ergibt sich aus § 288 Abs. 5 BGB.",
        "no-vat": "Auf Zinsen, Pauschale und Mahnkosten fällt keine Umsatzsteuer an.",
        "transfer": "Überweisung auf {iban} ({name}), Verwendungszweck {reference}.",
        "code": "Zum Bezahlen scannen",
        "closing": "Mit freundlichen Grüßen",
        "date": "Datum", "customer": "Kundennummer", "until": "Zahlbar bis", "contact": "Ansprechpartner", "page": "Seite",
    }
)  # fmt: skip
_ENGLISH: Final = MappingProxyType(
    {
        "title0": "Payment reminder",
        "title": "Reminder no. {level}",
        "title-last": "Final demand",
        "greeting": "Dear Sir or Madam,",
        "opening0": "it has surely escaped your notice: we have not yet received full payment of the following invoices.",
        "opening1": "we have still not received full payment of the following invoices, although we reminded you of them.",
        "opening2": "we have had no full payment of the following invoices in answer to our letters.",
        "opening-last": "the following invoices are still open, although we have asked for them several times.",
        "document": "Invoice", "of": "of", "due": "due on", "interest": "Interest", "flat": "Flat fee", "open": "Open",
        "sum": "Open invoices", "interest-sum": "Interest until {day}", "flat-sum": "Flat fee for late payment",
        "fee": "Costs of this reminder", "before": "Costs charged before", "total": "To pay",
        "ask": "Please pay {total} by {until}.",
        "last": "If we do not receive it in time, we will hand the claim over for collection without further notice, at your expense.",
        "crossed": "If you have paid in the meantime, please disregard this letter.",
        "law": "Interest: nine percentage points above the base rate (section 288 (2) BGB), {rates}.",
        "law-consumer": "Interest: five percentage points above the base rate (section 288 (1) BGB), {rates}.",
        "rate": "{percent}\u00a0% from {day}",
        "law-flat": "The flat fee of 40 euros for each invoice follows from section 288 (5) BGB.",
        "no-vat": "There is no VAT on interest, flat fees and the costs of reminders.",
        "transfer": "Transfer to {iban} ({name}), reference {reference}.",
        "code": "Scan to pay",
        "closing": "Yours faithfully",
        "date": "Date", "customer": "Customer number", "until": "To be paid by", "contact": "Your contact", "page": "Page",
    }
)  # fmt: skip
