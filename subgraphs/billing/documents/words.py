"""What stands on a page in German and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from subgraphs.billing.rules.invoices import InvoiceKind


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    titles: Mapping[InvoiceKind, str]
    head: tuple[str, str, str, str, str, str]
    number: str
    issued: str
    due: str
    delivered: str
    period: str
    customer: str
    buyer_reference: str
    order: str
    contract: str
    their_vat_id: str
    subtotal: str
    allowance: str
    net: str
    tax: str
    gross: str
    credited: str
    paid: str
    to_pay: str
    preceding: str
    tax_in_euro: str
    transfer: str
    debit: str
    refund: str
    debited_on: str
    carried: str
    skonto: str
    code: str
    page: str
    draft: str
    vat_id: str
    tax_number: str
    units: Mapping[str, str]
    one_of: Mapping[str, str]
    """Units of which one is called otherwise than many."""

    def unit(self, code: str, quantity: Decimal) -> str:
        """A unit as people say it; an unknown one by its code."""
        many = self.units.get(code, code)
        return self.one_of.get(code, many) if abs(quantity) == 1 else many


GERMAN = Words(
    titles=MappingProxyType(
        {
            InvoiceKind.INVOICE: "Rechnung",
            InvoiceKind.PARTIAL: "Abschlagsrechnung",
            InvoiceKind.FINAL: "Schlussrechnung",
            InvoiceKind.CANCELLATION: "Stornorechnung",
            InvoiceKind.CREDIT_NOTE: "Rechnungskorrektur",
            InvoiceKind.SELF_BILLED: "Gutschrift",
        }
    ),
    head=("Pos.", "Leistung", "Menge", "Einzelpreis", "USt.", "Betrag"),
    number="Nummer",
    issued="Datum",
    due="Zahlbar bis",
    delivered="Leistungsdatum",
    period="Leistungszeitraum",
    customer="Kundennummer",
    buyer_reference="Ihre Referenz",
    order="Ihre Bestellung",
    contract="Vertrag",
    their_vat_id="Ihre USt-IdNr.",
    subtotal="Summe der Positionen",
    allowance="Nachlass",
    net="Nettobetrag",
    tax="USt. {rate} % auf {taxable}",
    gross="Rechnungsbetrag",
    credited="Korrekturbetrag",
    paid="Bereits gezahlt",
    to_pay="Zu zahlen",
    preceding="Zu {number} vom {day}.",
    tax_in_euro="Umsatzsteuer in {currency}: {tax} (Kurs {rate}).",
    transfer="Bitte überweisen Sie auf {iban} ({name}), Verwendungszweck {reference}.",
    debit="Wir buchen {amount} zum {day} von {iban} ab (SEPA-Mandat {mandate}, Gläubiger-ID {creditor}).",
    refund="Wir verrechnen {amount} mit offenen Rechnungen oder zahlen den Betrag zurück.",
    debited_on="Abbuchung am",
    carried="Übertrag",
    skonto="Bei Zahlung innerhalb von {days} Tagen {percent} % Skonto.",
    code="Zum Bezahlen scannen",
    page="Seite",
    draft="ENTWURF",
    vat_id="USt-IdNr.",
    tax_number="Steuernummer",
    units=MappingProxyType({"HUR": "Std.", "C62": "Stück", "MON": "Monate", "DAY": "Tage", "KMT": "km", "LS": "psch."}),
    one_of=MappingProxyType({"MON": "Monat", "DAY": "Tag"}),
)
ENGLISH = Words(
    titles=MappingProxyType(
        {
            InvoiceKind.INVOICE: "Invoice",
            InvoiceKind.PARTIAL: "Partial invoice",
            InvoiceKind.FINAL: "Final invoice",
            InvoiceKind.CANCELLATION: "Cancellation invoice",
            InvoiceKind.CREDIT_NOTE: "Credit note",
            InvoiceKind.SELF_BILLED: "Self-billed invoice",
        }
    ),
    head=("No.", "Item", "Quantity", "Unit price", "VAT", "Amount"),
    number="Number",
    issued="Date",
    due="Due",
    delivered="Date of supply",
    period="Service period",
    customer="Customer number",
    buyer_reference="Your reference",
    order="Your order",
    contract="Contract",
    their_vat_id="Your VAT id",
    subtotal="Sum of the items",
    allowance="Discount",
    net="Net amount",
    tax="VAT {rate} % on {taxable}",
    gross="Total",
    credited="Amount credited",
    paid="Already paid",
    to_pay="Amount due",
    preceding="Refers to {number} of {day}.",
    tax_in_euro="VAT in {currency}: {tax} (rate {rate}).",
    transfer="Please transfer to {iban} ({name}), reference {reference}.",
    debit="We will debit {amount} from {iban} on {day} (SEPA mandate {mandate}, creditor id {creditor}).",
    refund="We set off {amount} against open invoices or pay it back.",
    debited_on="Debited on",
    carried="Carried over",
    skonto="{percent} % discount for payment within {days} days.",
    code="Scan to pay",
    page="Page",
    draft="DRAFT",
    vat_id="VAT id",
    tax_number="Tax number",
    units=MappingProxyType({"HUR": "h", "C62": "pcs", "MON": "months", "DAY": "days", "KMT": "km", "LS": "flat"}),
    one_of=MappingProxyType({"C62": "pc", "MON": "month", "DAY": "day"}),
)


def words(language: str) -> Words:
    """German for German, English for everybody else."""
    return GERMAN if language.startswith("de") else ENGLISH
