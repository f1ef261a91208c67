"""What the rules of e-invoices find, and what whoever sees it can do: each rule with the field to change and the remedy.

The rules themselves are the official ones (EN 16931, XRechnung); here stand only the words for people. A fatal finding keeps a
document from being issued, and no number is used up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Severity(Enum):
    """How grave a finding is."""

    FATAL = "FATAL"
    """Receivers refuse the document."""
    WARNING = "WARNING"
    """Receivers take it, and some complain."""
    HINT = "HINT"
    """It could be better."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has against a document."""

    rule: str
    """BR-DE-6, BR-CO-15, or XSD."""
    severity: Severity
    message: str
    location: str | None = None
    """The XPath of the place."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about a finding."""

    field: str
    """Where to change it, as the graph names it."""
    action: str


_SELLER = "legalEntity"
_BUYER = "customer"
_REMEDIES: Mapping[str, Remedy] = MappingProxyType(
    {
        "BR-DE-1": Remedy(f"{_SELLER}.iban", "Give the legal entity an IBAN, so that the invoice says how to pay."),
        "BR-DE-2": Remedy(f"{_SELLER}.contactName", "Give the legal entity a contact: name, phone, e-mail."),
        "BR-DE-3": Remedy(f"{_SELLER}.address.city", "Complete the legal entity's address: the city is missing."),
        "BR-DE-4": Remedy(f"{_SELLER}.address.postalCode", "Complete the legal entity's address: the postal code is missing."),
        "BR-DE-5": Remedy(f"{_SELLER}.contactName", "Give the legal entity's contact a name."),
        "BR-DE-6": Remedy(f"{_SELLER}.contactPhone", "Give the legal entity's contact a phone number."),
        "BR-DE-7": Remedy(f"{_SELLER}.contactEmail", "Give the legal entity's contact an e-mail address."),
        "BR-DE-8": Remedy(f"{_BUYER}.billingAddress.city", "Complete the customer's address: the city is missing."),
        "BR-DE-9": Remedy(f"{_BUYER}.billingAddress.postalCode", "Complete the customer's address: the postal code is missing."),
        "BR-DE-15": Remedy(f"{_BUYER}.leitwegId", "Enter the customer's Leitweg-ID, or the reference that they asked for."),
        "BR-DE-16": Remedy(f"{_SELLER}.vatId", "Give the legal entity a VAT id or a tax number."),
        "BR-DE-18": Remedy(
            "paymentTerms", "Enter cash discounts as days and percent; write no line that begins with #SKONTO# by hand."
        ),
        "BR-DE-27": Remedy(f"{_SELLER}.contactPhone", "A phone number has at least three digits."),
        "BR-DE-28": Remedy(f"{_SELLER}.contactEmail", "Check the contact's e-mail address."),
        "BR-CO-25": Remedy("dueDate", "Say until when to pay: a due date or terms of payment."),
        "BR-AE-02": Remedy(f"{_BUYER}.vatId", "The buyer owes the tax: enter the customer's VAT id."),
        "BR-AE-03": Remedy(f"{_BUYER}.vatId", "The buyer owes the tax: enter the customer's VAT id."),
        "BR-IC-02": Remedy(f"{_BUYER}.vatId", "A supply within the EU: enter the customer's VAT id and check it."),
        "BR-IC-11": Remedy("serviceTo", "A supply within the EU says when it was delivered."),
        "BR-IC-12": Remedy(f"{_BUYER}.shippingAddress", "A supply within the EU says to which country it went."),
        "BR-S-02": Remedy(f"{_SELLER}.vatId", "Give the legal entity a VAT id or a tax number."),
        "PEPPOL-EN16931-R010": Remedy(f"{_BUYER}.einvoiceEndpoint", "Enter the customer's electronic address, at least an e-mail."),
        "PEPPOL-EN16931-R020": Remedy(f"{_SELLER}.contactEmail", "Give the legal entity an e-mail address to answer to."),
    }
)  # fmt: skip


def remedy(rule: str) -> Remedy | None:
    """What to do about a rule, if there is one thing to do."""
    return _REMEDIES.get(rule)


def fatal(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those for which a document must not be issued."""
    return tuple(one for one in findings if one.severity is Severity.FATAL)
