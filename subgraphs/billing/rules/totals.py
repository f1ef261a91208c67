"""What a document adds up to, to the cent.

    line net   = round(quantity · unit price · (1 - discount))
    allowance  = split over the VAT categories by their sums (largest remainder)
    VAT        = round(sum of the category · rate)          per category, never per line (BR-CO-17)
    gross      = net + VAT                                  (BR-CO-15)

Rounding the VAT of each line would give 5.73 for three lines of 10.03 at 19 %; the right sum is 5.72. The official rules allow one
unit of currency of difference there, so they would not notice: our own tests have to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from subgraphs.billing.rules.money import HUNDRED, ONE, ZERO, product, ratio, rounded, split
from subgraphs.billing.rules.vat import TaxCategory


@dataclass(frozen=True, slots=True)
class Line:
    """What of a line counts for the totals."""

    quantity: Decimal
    unit_price: Decimal
    category: TaxCategory
    rate: Decimal
    discount_percent: Decimal = ZERO
    exemption_code: str | None = None
    exemption_text: str | None = None

    @property
    def net(self) -> Decimal:
        """Its net amount."""
        return line_net(self.quantity, self.unit_price, self.discount_percent)


@dataclass(frozen=True, slots=True)
class TaxSubtotal:
    """What one VAT category comes to (BG-23)."""

    category: TaxCategory
    rate: Decimal
    lines_net: Decimal
    allowance: Decimal
    taxable: Decimal
    tax: Decimal
    exemption_code: str | None = None
    exemption_text: str | None = None

    @property
    def gross(self) -> Decimal:
        """Taxable and tax."""
        return self.taxable + self.tax


@dataclass(frozen=True, slots=True)
class Totals:
    """What a document comes to."""

    lines_net: Decimal
    allowance: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    breakdown: tuple[TaxSubtotal, ...]

    def due(self, paid: Decimal = ZERO, rounding: Decimal = ZERO) -> Decimal:
        """What is left to pay (BR-CO-16)."""
        return self.gross - paid + rounding


def line_net(quantity: Decimal, unit_price: Decimal, discount_percent: Decimal = ZERO) -> Decimal:
    """The net amount of a line."""
    return rounded(product(quantity, unit_price, ONE - ratio(discount_percent, HUNDRED)))


def totals(lines: Sequence[Line], *, discount_percent: Decimal = ZERO) -> Totals:
    """Add up the lines, take off the document's discount, and tax each category."""
    groups = _by_category(lines)
    sums = [sum((line.net for line in group), ZERO) for group in groups]
    lines_net = sum(sums, ZERO)
    allowance = rounded(product(lines_net, ratio(discount_percent, HUNDRED)))
    allowances = split(allowance, sums)
    parts = [_subtotal(*one) for one in zip(groups, sums, allowances, strict=True)]
    net = lines_net - allowance
    tax = sum((part.tax for part in parts), ZERO)
    return Totals(lines_net, allowance, net, tax, net + tax, tuple(parts))


def _by_category(lines: Iterable[Line]) -> list[list[Line]]:
    """The lines by category and rate, in the order in which they first stand on the document.

    What is exempt for two reasons is one sum with both of them: a document has each category once (BR-E-01).
    """
    groups: dict[tuple[TaxCategory, Decimal], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.category, line.rate), []).append(line)
    return list(groups.values())


def _subtotal(group: Sequence[Line], lines_net: Decimal, allowance: Decimal) -> TaxSubtotal:
    first, taxable = group[0], lines_net - allowance
    tax = rounded(product(taxable, ratio(first.rate, HUNDRED)))
    return TaxSubtotal(
        first.category,
        first.rate,
        lines_net,
        allowance,
        taxable,
        tax,
        first.exemption_code if all(line.exemption_code == first.exemption_code for line in group) else None,
        " · ".join(dict.fromkeys(line.exemption_text for line in group if line.exemption_text)) or None,
    )


def in_accounting_currency(tax: Decimal, rate: Decimal) -> Decimal:
    """The tax in euros (BT-111), when a euro is worth `rate` of the document's currency on the day of issue."""
    return rounded(ratio(tax, rate))


# --- early payment


@dataclass(frozen=True, slots=True)
class SkontoPart:
    """What of a cash discount belongs to one VAT category."""

    category: TaxCategory
    rate: Decimal
    gross: Decimal
    net: Decimal
    tax: Decimal


def skonto(gross: Decimal, percent: Decimal) -> Decimal:
    """What may be taken off for paying early."""
    return rounded(product(gross, ratio(percent, HUNDRED)))


def skonto_parts(breakdown: Sequence[TaxSubtotal], amount: Decimal) -> tuple[SkontoPart, ...]:
    """A cash discount by VAT category, because it takes tax off, too."""
    shares = split(amount, [part.gross for part in breakdown])
    return tuple(_skonto_part(part, share) for part, share in zip(breakdown, shares, strict=True))


def _skonto_part(part: TaxSubtotal, share: Decimal) -> SkontoPart:
    net = rounded(ratio(share, ONE + ratio(part.rate, HUNDRED)))
    return SkontoPart(part.category, part.rate, share, net, share - net)
