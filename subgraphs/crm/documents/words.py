"""What stands on the paper of a quote, in German and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.kit import paper


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    title: str
    accepted_title: str
    accepted_opening: str
    accepted_by: str
    number: str
    revision: str
    issued: str
    valid: str
    customer: str
    their_vat_id: str
    contact: str
    opening: str
    head: tuple[str, str, str, str, str, str]
    intervals: Mapping[BillingInterval, str]
    chosen: str
    discount: str
    options: str
    options_hint: str
    option_sum: str
    one_time: str
    each: Mapping[BillingInterval, str]
    per_month: str
    net: str
    no_vat: str
    terms: str
    binding: str
    answer: str
    online: str
    link: str
    code: str
    sign: tuple[str, str]
    page: str
    draft: str
    vat_id: str
    tax_number: str
    managed_by: str
    units: Mapping[str, str]

    def unit(self, code: str) -> str:
        """A unit as people say it; an unknown one by its code."""
        return self.units.get(code, code)


GERMAN = Words(
    title="Angebot",
    accepted_title="Angenommenes Angebot",
    accepted_opening="Vielen Dank für Ihren Auftrag. Das haben Sie bestellt:",
    accepted_by="Angenommen von {name} am {day} um {time} Uhr. Prüfsumme der Annahme (SHA-256): {hash}",
    number="Angebot",
    revision="Fassung",
    issued="Datum",
    valid="Gültig bis",
    customer="Kundennummer",
    their_vat_id="Ihre USt-IdNr.",
    contact="Ihr Ansprechpartner",
    opening="Vielen Dank für Ihr Interesse. Gern bieten wir Ihnen an:",
    head=("Pos.", "Leistung", "Menge", "Einzelpreis", "Zahlung", "Betrag"),
    intervals=MappingProxyType(
        {
            BillingInterval.ONE_TIME: "einmalig",
            BillingInterval.MONTHLY: "monatlich",
            BillingInterval.QUARTERLY: "vierteljährlich",
            BillingInterval.SEMIANNUAL: "halbjährlich",
            BillingInterval.ANNUAL: "jährlich",
        }
    ),
    chosen="Option, in den Summen enthalten",
    discount="abzüglich {percent} % Rabatt",
    options="Optionen",
    options_hint="Diese Positionen können Sie mitbestellen; in den Summen sind sie nicht enthalten.",
    option_sum="Zusammen sind es {sum}.",
    one_time="Einmalig",
    each=MappingProxyType(
        {
            BillingInterval.MONTHLY: "Monatlich",
            BillingInterval.QUARTERLY: "Vierteljährlich",
            BillingInterval.SEMIANNUAL: "Halbjährlich",
            BillingInterval.ANNUAL: "Jährlich",
        }
    ),
    per_month="Wiederkehrend, auf den Monat gerechnet",
    net="Alle Preise verstehen sich ohne Umsatzsteuer; sie wird mit der Rechnung ausgewiesen.",
    no_vat="Gemäß § 19 UStG wird keine Umsatzsteuer berechnet.",
    terms="Bedingungen",
    binding="An dieses Angebot halten wir uns bis einschließlich {day}.",
    answer="Annahme",
    online="Am einfachsten nehmen Sie das Angebot online an; dort wählen Sie auch die Optionen:",
    link="Zum Angebot",
    code="Online annehmen",
    sign=("Ort, Datum", "Name, Unterschrift"),
    page="Seite",
    draft="ENTWURF",
    vat_id="USt-IdNr.",
    tax_number="Steuernummer",
    managed_by="Geschäftsführung: {names}",
    units=MappingProxyType(
        {"HUR": "Std.", "C62": "Stück", "MON": "Monate", "DAY": "Tage", "KMT": "km", "LS": "pauschal"}
    ),
)
ENGLISH = Words(
    title="Quote",
    accepted_title="Accepted quote",
    accepted_opening="Thank you for your order. This is what you have chosen:",
    accepted_by="Accepted by {name} on {day} at {time}. Checksum of the acceptance (SHA-256): {hash}",
    number="Quote",
    revision="Revision",
    issued="Date",
    valid="Valid until",
    customer="Customer number",
    their_vat_id="Your VAT id",
    contact="Your contact",
    opening="Thank you for your interest. We are pleased to offer you:",
    head=("No.", "Item", "Quantity", "Unit price", "Payment", "Amount"),
    intervals=MappingProxyType(
        {
            BillingInterval.ONE_TIME: "once",
            BillingInterval.MONTHLY: "monthly",
            BillingInterval.QUARTERLY: "quarterly",
            BillingInterval.SEMIANNUAL: "half-yearly",
            BillingInterval.ANNUAL: "yearly",
        }
    ),
    chosen="Option, part of the totals",
    discount="less {percent} % discount",
    options="Options",
    options_hint="You may order these items as well; they are not part of the totals.",
    option_sum="Together they come to {sum}.",
    one_time="Once",
    each=MappingProxyType(
        {
            BillingInterval.MONTHLY: "Monthly",
            BillingInterval.QUARTERLY: "Quarterly",
            BillingInterval.SEMIANNUAL: "Half-yearly",
            BillingInterval.ANNUAL: "Yearly",
        }
    ),
    per_month="Recurring, as a monthly average",
    net="All prices are without VAT, which is shown with the invoice.",
    no_vat="No VAT is charged (§ 19 UStG).",
    terms="Terms",
    binding="This quote is binding until and including {day}.",
    answer="Acceptance",
    online="The easiest way is to accept online, where you choose the options as well:",
    link="Open the quote",
    code="Accept online",
    sign=("Place, date", "Name, signature"),
    page="Page",
    draft="DRAFT",
    vat_id="VAT id",
    tax_number="Tax number",
    managed_by="Managing directors: {names}",
    units=MappingProxyType({"HUR": "h", "C62": "pcs", "MON": "months", "DAY": "days", "KMT": "km", "LS": "flat"}),
)


def words(language: str) -> Words:
    """German for German, English for everybody else."""
    return GERMAN if paper.spoken(language) == "de" else ENGLISH
