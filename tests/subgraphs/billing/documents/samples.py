"""Documents to write: the worked example of two rates, and what one changes in it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from subgraphs.billing.rules.document import (
    Contact,
    DocumentLine,
    Endpoint,
    InvoiceDocument,
    Party,
    Payment,
    PostalAddress,
    ServicePeriod,
)
from subgraphs.billing.rules.invoices import InvoiceKind
from subgraphs.billing.rules.totals import Line, totals
from subgraphs.billing.rules.vat import TaxCategory

S = TaxCategory.S
LEITWEG_ID = "04011000-12345-67"
SELLER = Party(
    name="Nordlicht Systemhaus GmbH",
    address=PostalAddress("Kaistraße 11", None, "24103", "Kiel", "DE"),
    vat_id="DE123456789",
    tax_number="20/123/45678",
    registration="HRB 4711 KI",
    legal_information="Amtsgericht Kiel, Geschäftsführerin: Änne Möller",
    endpoint=Endpoint("rechnung@nordlicht.example"),
    contact=Contact("Änne Möller", "+49 431 123456", "rechnung@nordlicht.example"),
)
BUYER = Party(
    name="Hansen Logistik GmbH",
    address=PostalAddress("Am Hafen 3", "Tor 2", "24114", "Kiel", "DE"),
    vat_id="DE987654321",
    identifier="10001",
    endpoint=Endpoint("eingang@hansen.example"),
)
PAYMENT = Payment("58", "DE02120300000000202051", "BYLADEM1001", "Nordlicht Systemhaus GmbH", "RE-2026-000124")
PERIOD = ServicePeriod(date(2026, 2, 1), date(2026, 2, 28))


def line(
    position: str,
    name: str,
    quantity: str,
    unit: str,
    price: str,
    rate: str,
    *,
    category: TaxCategory = S,
    **more: object,
) -> DocumentLine:
    """A line whose net amount is quantity times price."""
    net = (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01"))
    return DocumentLine(
        position, name, Decimal(quantity), unit, Decimal(price), net, category, Decimal(rate), **more  # type: ignore[arg-type]
    )  # fmt: skip


LINES = (
    line(
        "1", "Technikerstunde", "3.25", "HUR", "120.00", "19", description="Wartung der Warenwirtschaft", period=PERIOD
    ),
    line("2", "Fachbuch", "2", "C62", "24.95", "7", seller_identifier="BUCH-7"),
    line("3", "Serverüberwachung", "12", "MON", "19.90", "19"),
)


def document(lines: tuple[DocumentLine, ...] = LINES, **changed: object) -> InvoiceDocument:
    """AT-TOT-2 as a document; its totals follow from its lines."""
    sums = totals(
        [
            Line(one.quantity, one.unit_price, one.category, one.rate, exemption_text=_reason(one.category))
            for one in lines
        ]
    )
    given: dict[str, object] = {
        "number": "RE-2026-000124",
        "issue_date": date(2026, 3, 10),
        "kind": InvoiceKind.INVOICE,
        "type_code": "380",
        "currency": "EUR",
        "seller": SELLER,
        "buyer": BUYER,
        "lines": lines,
        "breakdown": sums.breakdown,
        "lines_net": sums.lines_net,
        "allowance_total": sums.allowance,
        "net": sums.net,
        "tax": sums.tax,
        "gross": sums.gross,
        "paid": Decimal(0),
        "due": sums.gross,
        "payment": PAYMENT,
        "due_date": date(2026, 3, 24),
        "delivery_date": date(2026, 2, 28),
        "buyer_reference": LEITWEG_ID,
        "payment_terms": "Zahlbar ohne Abzug bis 24.03.2026.",
        "xrechnung": True,
    }
    return InvoiceDocument(**{**given, **changed})  # type: ignore[arg-type]


def _reason(category: TaxCategory) -> str | None:
    return "Steuerschuldnerschaft des Leistungsempfängers" if category is TaxCategory.AE else None
