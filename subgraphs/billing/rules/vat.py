"""Which VAT is due on a line, when the seller sits in Germany.

The first row that matches decides. What matches none is held for somebody to look at; a tax of 0 % is never a guess.

     1  seller is a small business                          E    § 19 UStG
     2  phones, tablets … to a business here, from 5,000    AE   § 13b (2) no. 10
     3  anything else supplied here to a business           S    the product's own code: 19, 7, exempt, zero
     4  service to a business in the EU, VAT id valid       AE   the place of supply is there
     5  goods to a business in the EU, VAT id valid, moved  K    intra-community supply
     6  goods to a third country                            G    export
     7  service to a business in a third country            O    not taxable here; alone on its invoice
     8  a consumer here                                     S    the product's own code
     9  everything else                                     -    TAX_REVIEW

The rate is that of the day of supply, not of the invoice: codes have rows that are valid from one day to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from subgraphs.billing.rules.money import ZERO

HOME = "DE"

TAX_REVIEW = "TAX_REVIEW"
VAT_ID_NOT_VALID = "TAX_REVIEW: VAT_ID_NOT_VALID"

REVERSE_CHARGE_FROM = Decimal(5000)
"""Net amount of one transaction from which § 13b (2) no. 10 UStG holds."""

EU = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905 - it reads as a list of countries
)


NORTHERN_IRELAND = "XI"
"""How VAT ids of Northern Ireland begin: for goods it is in the Union, though its country is in none."""

VAT_ID_PREFIXES = EU - {"GR"} | {"EL"}
"""How VAT ids begin: with the country, but Greece writes itself in Greek."""


class TaxCategory(Enum):
    """The VAT category of a line, as EN 16931 has it (UNTDID 5305)."""

    S = "S"
    """Taxed at a rate."""
    Z = "Z"
    """Taxed at zero."""
    E = "E"
    """Exempt."""
    AE = "AE"
    """The buyer owes the tax."""
    K = "K"
    """Supply within the European Union."""
    G = "G"
    """Export."""
    O = "O"  # noqa: E741 - the standard's own letter
    """Not taxable here."""


class SupplyKind(Enum):
    """What is sold, as the place of supply sees it."""

    SERVICE = "SERVICE"
    """Work, or something that is no thing."""
    GOODS = "GOODS"
    """A thing."""


class VatIdStatus(Enum):
    """What the register said of a VAT id."""

    UNCHECKED = "UNCHECKED"
    """Nobody has asked."""
    VALID = "VALID"
    """It is valid."""
    INVALID = "INVALID"
    """It is not."""
    UNAVAILABLE = "UNAVAILABLE"
    """The register did not answer."""


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A row of a tax code: what holds from one day to another."""

    key: str
    category: TaxCategory
    rate: Decimal
    valid_from: date
    valid_to: date | None = None
    """The last day on which it holds."""
    exemption_code: str | None = None
    exemption_text: str | None = None


_SINCE = date(2007, 1, 1)
_UNTIL_2020 = (date(2020, 6, 30), date(2020, 7, 1), date(2020, 12, 31), date(2021, 1, 1))


def _german(key: str, rate: int, rate_in_late_2020: int) -> tuple[TaxRate, ...]:
    last, first_low, last_low, again = _UNTIL_2020
    return (
        TaxRate(key, TaxCategory.S, Decimal(rate), _SINCE, last),
        TaxRate(key, TaxCategory.S, Decimal(rate_in_late_2020), first_low, last_low),
        TaxRate(key, TaxCategory.S, Decimal(rate), again),
    )


DEFAULT_RATES: tuple[TaxRate, ...] = (
    *_german("DE19", 19, 16),
    *_german("DE7", 7, 5),
    TaxRate("DE0-Z", TaxCategory.Z, ZERO, date(2023, 1, 1)),
    TaxRate("§19-E", TaxCategory.E, ZERO, _SINCE, None, None, "Steuerbefreit nach § 19 UStG"),
    TaxRate("§4-E", TaxCategory.E, ZERO, _SINCE, None, None, "Steuerfrei nach § 4 UStG"),
    TaxRate("§13b-DOM-AE", TaxCategory.AE, ZERO, _SINCE, None, "VATEX-EU-AE", "Steuerschuldnerschaft des Leistungsempfängers"),
    TaxRate("EU-SVC-AE", TaxCategory.AE, ZERO, _SINCE, None, "VATEX-EU-AE", "Steuerschuldnerschaft des Leistungsempfängers"),
    TaxRate("EU-GOODS-K", TaxCategory.K, ZERO, _SINCE, None, "VATEX-EU-IC", "Steuerfreie innergemeinschaftliche Lieferung"),
    TaxRate("EXPORT-G", TaxCategory.G, ZERO, _SINCE, None, "VATEX-EU-G", "Steuerfreie Ausfuhrlieferung"),
    TaxRate("THIRD-SVC-O", TaxCategory.O, ZERO, _SINCE, None, "VATEX-EU-O", "Nicht steuerbare Leistung"),
)  # fmt: skip
"""The tax codes that a tenant begins with."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys, as far as the tax depends on it."""

    country: str
    is_business: bool = True
    vat_id: str | None = None
    vat_id_status: VatIdStatus = VatIdStatus.UNCHECKED
    """What the register said for the day of supply."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What is sold, as far as the tax depends on it."""

    kind: SupplyKind
    on: date
    """The day of supply: the end of the service, or the delivery."""
    tax_code: str = "DE19"
    """The product's own code: what holds when it is supplied here."""
    reverse_charge_goods: bool = False
    """Phones, tablets, consoles, integrated circuits: § 13b (2) no. 10 UStG."""
    transaction_net: Decimal = ZERO
    """What all such goods of this transaction cost together."""
    supplied_in: str | None = None
    """Where it is supplied, when the law looks at the place and not at the buyer: work at a building, a hotel."""
    transported: bool = True
    """Goods leave the country to get to the buyer."""


@dataclass(frozen=True, slots=True)
class VatDecision:
    """Which tax code holds and why, or why somebody has to look at it."""

    row: int
    tax_code: str | None
    hold_reason: str | None = None


def decide(supply: Supply, buyer: Buyer, *, small_business: bool) -> VatDecision:
    """The tax code of a line, or a hold: the table above, row by row."""
    if small_business:
        return VatDecision(1, "§19-E")
    place = supply.supplied_in or buyer.country
    if place == HOME and (buyer.is_business or supply.supplied_in):
        over_limit = supply.reverse_charge_goods and supply.transaction_net >= REVERSE_CHARGE_FROM
        domestic_goods = buyer.is_business and supply.kind is SupplyKind.GOODS and buyer.country == HOME
        return VatDecision(2, "§13b-DOM-AE") if over_limit and domestic_goods else VatDecision(3, supply.tax_code)
    if place == HOME:
        return VatDecision(8, supply.tax_code)
    if place in EU:
        return _within_eu(supply, buyer)
    if supply.kind is SupplyKind.GOODS:
        to_the_north = (buyer.vat_id or "").startswith(NORTHERN_IRELAND)
        return VatDecision(6, "EXPORT-G") if supply.transported and not to_the_north else _review()
    return VatDecision(7, "THIRD-SVC-O") if buyer.is_business else _review()


def _within_eu(supply: Supply, buyer: Buyer) -> VatDecision:
    if not buyer.is_business or supply.supplied_in not in (None, buyer.country):
        return _review()
    if supply.kind is SupplyKind.GOODS and not supply.transported:
        return _review()
    if not is_of_another_state(buyer.vat_id) or buyer.vat_id_status is not VatIdStatus.VALID:
        return VatDecision(9, None, VAT_ID_NOT_VALID)
    return VatDecision(4, "EU-SVC-AE") if supply.kind is SupplyKind.SERVICE else VatDecision(5, "EU-GOODS-K")


def is_of_another_state(vat_id: str | None) -> bool:
    """Whether a VAT id was given by another state of the Union; one of ours shifts no tax abroad (§ 6a (1) no. 4 UStG)."""
    return bool(vat_id) and (vat_id or "")[:2] in VAT_ID_PREFIXES - {HOME}


def _review() -> VatDecision:
    return VatDecision(9, None, TAX_REVIEW)


def rate_on(rates: Iterable[TaxRate], key: str, day: date) -> TaxRate | None:
    """The row of a tax code that holds on a day, or None."""
    fitting = (
        rate
        for rate in rates
        if rate.key == key and rate.valid_from <= day and (rate.valid_to is None or day <= rate.valid_to)
    )
    return max(fitting, key=lambda rate: rate.valid_from, default=None)


def apart(categories: Sequence[TaxCategory]) -> tuple[tuple[int, ...], ...]:
    """Which lines may stand on one invoice: what is not taxable here has one of its own (BR-O-11).

    The places of the lines, in groups; a group for each invoice.
    """
    here = tuple(place for place, category in enumerate(categories) if category is not TaxCategory.O)
    abroad = tuple(place for place, category in enumerate(categories) if category is TaxCategory.O)
    return tuple(group for group in (here, abroad) if group)
