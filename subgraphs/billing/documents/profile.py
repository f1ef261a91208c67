"""What both syntaxes say in the same words: which standard is followed, and the terms of payment."""

from __future__ import annotations

from subgraphs.billing.rules.document import InvoiceDocument, Skonto

EN_16931 = "urn:cen.eu:en16931:2017"
XRECHNUNG = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
BILLING_PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
"""BT-23: an invoice that asks for what was delivered."""


def customization(document: InvoiceDocument) -> str:
    """BT-24: the rules that the document follows."""
    return XRECHNUNG if document.xrechnung else EN_16931


def payment_terms(document: InvoiceDocument) -> str | None:
    """BT-20: the terms for people, and one line for each cash discount for machines (BR-DE-18)."""
    lines = [document.payment_terms] if document.payment_terms else []
    lines += [_skonto(one) for one in document.skonto]
    if not lines:
        return None
    # XRechnung wants every line of a discount ended, the last one, too.
    return "\n".join(lines) + ("\n" if document.skonto else "")


def _skonto(one: Skonto) -> str:
    base = f"BASISBETRAG={one.base_amount:.2f}#" if one.base_amount is not None else ""
    return f"#SKONTO#TAGE={one.days}#PROZENT={one.percent:.2f}#{base}"
