"""What the page of a quote says, in German and English, and which of the two its reader wants."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Language = Literal["de", "en"]

WORDS: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        "de": {
            "quote": "Angebot",
            "revision": "Fassung",
            "for": "für",
            "valid": "Gültig bis einschließlich",
            "lines": "Was wir Ihnen anbieten",
            "position": "Pos.",
            "description": "Beschreibung",
            "quantity": "Menge",
            "price": "Einzelpreis",
            "discount": "Rabatt",
            "sum": "Summe netto",
            "interval": "Zahlung",
            "ONE_TIME": "einmalig",
            "MONTHLY": "monatlich",
            "QUARTERLY": "vierteljährlich",
            "SEMIANNUAL": "halbjährlich",
            "ANNUAL": "jährlich",
            "optional": "Optional",
            "totals": "Summen ohne Umsatzsteuer",
            "once": "Einmalig",
            "options_note": "Die Summen gelten für die vorgeschlagene Auswahl; Ihre Auswahl wird mit der Annahme festgehalten.",
            "terms": "Bedingungen",
            "answer": "Ihre Antwort",
            "name": "Ihr Vor- und Nachname",
            "name_hint": "Wer antwortet, muss für den Kunden entscheiden dürfen. Wir speichern Name, Zeitpunkt und IP-Adresse.",
            "confirm": "Ich darf dieses Angebot für den Kunden annehmen.",
            "no_confirm": "Bitte bestätigen Sie, dass Sie das Angebot annehmen dürfen.",
            "accept": "Angebot verbindlich annehmen",
            "decline": "Angebot ablehnen",
            "reason": "Grund der Ablehnung (freiwillig)",
            "choose": "Diese Position mit bestellen",
            "no_name": "Bitte geben Sie Ihren Namen an.",
            "wrong": "Bitte prüfen Sie Ihre Angaben.",
            "accepted": "Vielen Dank! Das Angebot ist angenommen.",
            "declined": "Das Angebot ist abgelehnt. Danke für Ihre Antwort.",
            "by": "Beantwortet von",
            "nothing": "Dieser Link gilt nicht (mehr)",
            "nothing_more": "Das Angebot wurde schon beantwortet, ist abgelaufen oder wurde durch ein neues ersetzt. Bitte wenden Sie"
            " sich an Ihren Ansprechpartner.",
            "paper": "Angebot als PDF",
            "other": "English",
        },
        "en": {
            "quote": "Quote",
            "revision": "Revision",
            "for": "for",
            "valid": "Valid until and including",
            "lines": "What we offer you",
            "position": "No.",
            "description": "Description",
            "quantity": "Quantity",
            "price": "Unit price",
            "discount": "Discount",
            "sum": "Net",
            "interval": "Payment",
            "ONE_TIME": "once",
            "MONTHLY": "monthly",
            "QUARTERLY": "quarterly",
            "SEMIANNUAL": "every six months",
            "ANNUAL": "yearly",
            "optional": "Optional",
            "totals": "Totals without VAT",
            "once": "Once",
            "options_note": "The totals are those of the proposed selection; yours is written down when you accept.",
            "terms": "Terms",
            "answer": "Your answer",
            "name": "Your first and last name",
            "name_hint": "Whoever answers must be allowed to decide for the customer. We keep name, time and IP address.",
            "confirm": "I may accept this quote for the customer.",
            "no_confirm": "Please confirm that you may accept the quote.",
            "accept": "Accept this quote (binding)",
            "decline": "Decline this quote",
            "reason": "Why you decline (optional)",
            "choose": "Order this position, too",
            "no_name": "Please enter your name.",
            "wrong": "Please check what you entered.",
            "accepted": "Thank you! The quote is accepted.",
            "declined": "The quote is declined. Thank you for your answer.",
            "by": "Answered by",
            "nothing": "This link does not hold (any more)",
            "nothing_more": "The quote was answered already, is over, or there is a newer one. Please ask your contact person.",
            "paper": "Quote as PDF",
            "other": "Deutsch",
        },
    }
)


def language(asked: str | None, accepted: str, customers: str | None) -> Language:
    """What was asked for; else the first of what the browser accepts that we speak; else the customer's language."""
    if asked in {"de", "en"}:
        return "de" if asked == "de" else "en"
    for part in (*accepted.split(","), customers or ""):
        match part.strip().lower()[:2]:
            case "de":
                return "de"
            case "en":
                return "en"
    return "de"
