"""How what is sold looks in the graph: who sells it, products, prices and taxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

import strawberry
from strawberry.federation import field as restricted
from strawberry.federation import type as entity

from subgraphs.billing.models import catalogue as models
from subgraphs.billing.rules.products import ProductKind
from subgraphs.billing.rules.rates import RateScope
from subgraphs.billing.rules.vat import SupplyKind, TaxCategory
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import Address, UserError

READ_PRODUCTS = "products:read"
READ_RATES = "rates:read"
COSTS = "costs:read"

for spoken in (ProductKind, RateScope, SupplyKind, TaxCategory):
    strawberry.enum(spoken)


@strawberry.type
class DatevConfig:
    """How a company's books are kept at DATEV."""

    consultant: int | None = None
    """The number of the tax adviser (Beraternummer)."""
    client: int | None = None
    """The number of the company at the adviser (Mandantennummer)."""
    chart: str = "03"
    """The chart of accounts: 03 or 04."""
    account_length: int = 4
    """How many digits a G/L account has."""
    locked: bool = False
    """Whether bookings can't be changed after the import (Festschreibung)."""
    fiscal_month: int = 1
    """The month with which fiscal years begin (Wirtschaftsjahr)."""


@entity(keys=["id"])
class LegalEntity:
    """A company that sells: it stands on the documents."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """Its name as the register has it."""
    address: Address
    """Where it sits."""
    vat_id: str | None
    """Its VAT id."""
    tax_number: str | None
    """Its number at the tax office."""
    register_court: str | None
    """The court that keeps its register."""
    register_no: str | None
    """Its number there."""
    managing_directors: list[str]
    """Who manages it."""
    contact_name: str
    """Who can be asked about documents."""
    contact_phone: str | None
    """Their telephone; XRechnung wants one."""
    contact_email: str
    """Their address."""
    iban: str
    """The account to pay to."""
    bic: str | None
    """Its bank."""
    sepa_creditor_id: str | None
    """By which it may collect direct debits."""
    base_currency: str
    """The currency of its books."""
    time_zone: str
    """Where it sits: whose day it is when a document is issued."""
    small_business: bool
    """Asks for no VAT (§ 19 UStG)."""
    vat_on_receipt: bool
    """Owes VAT when it is paid (Ist-Versteuerung)."""
    four_eyes: bool
    """Whoever wrote a document does not approve it."""
    approve_issues: bool
    """An approved document is issued at once."""
    books_closed_until: date | None
    """No document may be dated on this day or before."""
    datev: DatevConfig
    """How its books are kept at DATEV."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.LegalEntity) -> Self:
        """The legal entity in this row."""
        known = {name: value for name, value in row.datev.items() if name in _DATEV}
        return shape(cls, row, address=Address(**row.address), datev=DatevConfig(**known))

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The legal entity that another module points at."""
        row = await info.context.row(models.LegalEntity, id, "invoices:read")
        return cls.of(row) if row else None


_DATEV = frozenset({"consultant", "client", "chart", "account_length", "locked", "fiscal_month"})


@entity(keys=["id"])
class TaxCode:
    """A tax code, from one day to another."""

    id: strawberry.ID
    """The identifier: a UUID."""
    key: str
    """The code: `DE19`."""
    category: TaxCategory
    """The VAT category of EN 16931."""
    rate: Decimal
    """The rate in percent."""
    valid_from: date
    """The first day on which it holds."""
    valid_to: date | None
    """The last day on which it holds."""
    exemption_code: str | None
    """Why nothing is taxed, as a code of the standard (VATEX)."""
    exemption_text: str | None
    """Why nothing is taxed, in the words of the law."""
    revenue_account_skr03: str | None
    """The revenue account in the chart SKR03."""
    revenue_account_skr04: str | None
    """The revenue account in the chart SKR04."""
    version: int
    """Counts changes."""

    @classmethod
    def of(cls, row: models.TaxCode) -> Self:
        """The tax code in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The tax code that another module points at."""
        row = await info.context.row(models.TaxCode, id, READ_PRODUCTS)
        return cls.of(row) if row else None


@entity(keys=["id"])
class Product:
    """Something that is sold."""

    id: strawberry.ID
    """The identifier: a UUID."""
    sku: str
    """The number by which we call it."""
    name: str
    """What it is called on documents."""
    description: str | None
    """What it is, in full."""
    kind: ProductKind
    """What kind of thing it is."""
    supply: SupplyKind
    """Whether it is work or a thing, as VAT sees it."""
    unit_code: str
    """In what it is counted (UN/ECE Recommendation 20): HUR, C62, MON …"""
    sales_price: Decimal | None
    """What one costs, without VAT."""
    tax_code: str
    """The tax code when it is supplied here."""
    reverse_charge_goods: bool
    """Phones, tablets, consoles, integrated circuits: from 5,000 on the buyer owes the tax."""
    revenue_account: str | None
    """Its own revenue account, where the tax code's is not right."""
    commitment_months: int | None
    """For how long it is ordered at its vendor."""
    commitment_reducible: bool
    """Whether there may be fewer before that."""
    active: bool
    """Whether it is still sold."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was entered."""

    @restricted(requires_scopes=[[COSTS]])  # type: ignore[untyped-decorator]
    async def cost(self, info: Info) -> Decimal | None:
        """What one costs us; only for those who may see costs."""
        info.context.caller.require(COSTS)
        row = await info.context.row(models.Product, self.id, READ_PRODUCTS)
        return row.cost if row else None

    @classmethod
    def of(cls, row: models.Product) -> Self:
        """The product in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The product that another module points at."""
        row = await info.context.row(models.Product, id, READ_PRODUCTS)
        return cls.of(row) if row else None


@strawberry.type
class PriceTier:
    """From so many on, each costs so much."""

    from_quantity: Decimal
    """From so many on."""
    unit_price: Decimal
    """What each costs then."""


def tiers(stored: Iterable[Mapping[str, Any]]) -> list[PriceTier]:
    """The steps of a price."""
    return [
        PriceTier(from_quantity=Decimal(one["from_quantity"]), unit_price=Decimal(one["unit_price"])) for one in stored
    ]


@strawberry.type
class PriceListItem:
    """What a product costs on a price list."""

    product_id: strawberry.ID
    """The product."""
    valid_from: date | None
    """The first day on which this price holds."""
    unit_price: Decimal
    """What one costs."""
    stored_tiers: strawberry.Private[list[PriceTier]]

    @strawberry.field
    def tiers(self, limit: Limit = DEFAULT_LIMIT) -> list[PriceTier]:
        """What each costs when there are many."""
        return self.stored_tiers[: bounded(limit)]


@strawberry.type
class PriceList:
    """Prices that differ from the products' own."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What it is called."""
    customer_id: strawberry.ID | None
    """The customer whom it is for; null for everybody."""
    currency: str
    """The currency of its prices."""
    active: bool
    """Whether it counts."""
    version: int
    """Counts changes."""
    stored: strawberry.Private[list[Any]]

    @strawberry.field
    def items(self, limit: Limit = DEFAULT_LIMIT) -> list[PriceListItem]:
        """Its prices."""
        return [
            PriceListItem(
                product_id=strawberry.ID(one["product_id"]),
                valid_from=date.fromisoformat(one["valid_from"]) if one["valid_from"] else None,
                unit_price=Decimal(one["unit_price"]),
                stored_tiers=tiers(one["tiers"]),
            )
            for one in self.stored[: bounded(limit)]
        ]

    @classmethod
    def of(cls, row: models.PriceList) -> Self:
        """The price list in this row."""
        return shape(cls, row, stored=row.items)


@strawberry.type
class RateCardEntry:
    """What an hour of some work costs."""

    work_type: str | None
    """For this work; null for any."""
    role: str | None
    """Done by somebody in this role; null for any."""
    hourly_rate: Decimal
    """What an hour costs."""
    multiplier_after_hours: Decimal
    """What it is multiplied with after hours."""
    multiplier_weekend: Decimal
    """What it is multiplied with at weekends."""


@entity(keys=["id"])
class RateCard:
    """What an hour of work costs, for everybody, a customer or a contract."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What it is called."""
    scope: RateScope
    """Whom it is for."""
    customer_id: strawberry.ID | None
    """The customer whom it is for."""
    contract_id: strawberry.ID | None
    """The contract that it is for."""
    valid_from: date | None
    """The first day on which it holds."""
    version: int
    """Counts changes."""
    stored: strawberry.Private[list[Any]]

    @strawberry.field
    def entries(self, limit: Limit = DEFAULT_LIMIT) -> list[RateCardEntry]:
        """Its rates."""
        names = ("hourly_rate", "multiplier_after_hours", "multiplier_weekend")
        return [
            RateCardEntry(work_type=one["work_type"], role=one["role"], **{name: Decimal(one[name]) for name in names})
            for one in self.stored[: bounded(limit)]
        ]

    @classmethod
    def of(cls, row: models.RateCard) -> Self:
        """The rate card in this row."""
        return shape(cls, row, stored=row.entries)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The rate card that another module points at."""
        row = await info.context.row(models.RateCard, id, READ_RATES)
        return cls.of(row) if row else None


@strawberry.type
class BaseRate:
    """The central bank's base rate from a day on."""

    id: strawberry.ID
    """The identifier: a UUID."""
    valid_from: date
    """The first day on which it holds."""
    percent: Decimal
    """The rate in percent."""

    @classmethod
    def of(cls, row: models.BaseRate) -> Self:
        """The base rate in this row."""
        return shape(cls, row)


@strawberry.type
class LegalEntityPayload:
    """What became of a command on a legal entity."""

    legal_entity: LegalEntity | None = None
    """The legal entity as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class TaxCodePayload:
    """What became of a command on a tax code."""

    tax_code: TaxCode | None = None
    """The tax code as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class ProductPayload:
    """What became of a command on a product."""

    product: Product | None = None
    """The product as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class PriceListPayload:
    """What became of a command on a price list."""

    price_list: PriceList | None = None
    """The price list as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class RateCardPayload:
    """What became of a command on a rate card."""

    rate_card: RateCard | None = None
    """The rate card as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class BaseRatePayload:
    """What became of a command on the base rate."""

    base_rate: BaseRate | None = None
    """The base rate as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
