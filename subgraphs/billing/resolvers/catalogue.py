"""Asking and telling about what is sold: legal entities, products, prices, taxes."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import select

from subgraphs.billing.models import catalogue as models
from subgraphs.billing.rules.products import ProductKind
from subgraphs.billing.rules.rates import RateScope
from subgraphs.billing.rules.vat import SupplyKind, TaxCategory
from subgraphs.billing.service import entities, products, taxes
from subgraphs.billing.types.catalogue import (
    READ_PRODUCTS,
    READ_RATES,
    BaseRatePayload,
    LegalEntity,
    LegalEntityPayload,
    PriceList,
    PriceListPayload,
    Product,
    ProductPayload,
    RateCard,
    RateCardPayload,
    TaxCode,
    TaxCodePayload,
)
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.values import AddressInput
from subgraphs.kit.work import Work

READ = "invoices:read"
WRITE_PRODUCTS = "products:write"
WRITE_RATES = "rates:write"
ADMIN = "tenant:admin"
WRITE_DUNNING = "dunning:write"


Active = Annotated[bool | None, strawberry.argument(description="Only what is sold, or only what is not any more.")]


def plain(entered: Any) -> Any:
    """An input object and those inside of it as mappings; what is absent is left out."""
    if isinstance(entered, list):
        return [plain(one) for one in entered]
    if dataclasses.is_dataclass(entered) and not isinstance(entered, type):
        return {name: plain(value) for name, value in given(entered).items()}
    return entered


def entered(given_input: Any) -> dict[str, Any]:
    """The arguments of a command, inputs inside of it as mappings."""
    return {name: plain(value) for name, value in given(given_input).items()}


def lists(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """The values with empty lists where there is null."""
    return values | {name: values.get(name) or [] for name in names}


@strawberry.type
class CatalogueQuery:
    """What can be asked about what is sold."""

    @strawberry.field
    async def legal_entities(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[LegalEntity]:
        """The companies that sell, by name."""
        async with info.context.work(READ) as work:
            rows = await entities.listed(work, limit=bounded(limit), offset=skipped(offset))
        return [LegalEntity.of(row) for row in rows]

    @strawberry.field
    async def products(
        self,
        info: Info,
        search: str | None = None,
        active: Active = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Product]:
        """What is sold, by SKU; `search` looks into names and SKUs."""
        async with info.context.work(READ_PRODUCTS) as work:
            rows = await products.listed(
                work, search=search, active=active, limit=bounded(limit), offset=skipped(offset)
            )
        return [Product.of(row) for row in rows]

    @strawberry.field
    async def tax_codes(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[TaxCode]:
        """The tax codes, by key, newest first."""
        async with info.context.work(READ_PRODUCTS) as work:
            rows = await taxes.listed(work, limit=bounded(limit), offset=skipped(offset))
        return [TaxCode.of(row) for row in rows]

    @strawberry.field
    async def price_lists(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[PriceList]:
        """The price lists, by name."""
        query = select(models.PriceList).order_by(models.PriceList.name, models.PriceList.id)
        async with info.context.work(READ_PRODUCTS) as work:
            rows = (await work.session.scalars(query.limit(bounded(limit)).offset(skipped(offset)))).all()
        return [PriceList.of(row) for row in rows]

    @strawberry.field
    async def rate_cards(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[RateCard]:
        """What hours cost, by name."""
        query = select(models.RateCard).order_by(models.RateCard.name, models.RateCard.id)
        async with info.context.work(READ_RATES) as work:
            rows = (await work.session.scalars(query.limit(bounded(limit)).offset(skipped(offset)))).all()
        return [RateCard.of(row) for row in rows]


@strawberry.input
class DatevInput:
    """How a company's books are kept at DATEV."""

    consultant: int | None = None
    """The number of the tax adviser (Beraternummer)."""
    client: int | None = None
    """The number of the company at the adviser (Mandantennummer)."""
    chart: str = "03"
    """The chart of accounts: 03 or 04."""
    account_length: int = 4
    """How many digits a G/L account has; a customer's account has one more."""
    locked: bool = False
    """Whether bookings can't be changed after the import (Festschreibung)."""
    fiscal_month: int = 1
    """The month with which fiscal years begin (Wirtschaftsjahr)."""


@strawberry.input
class CreateLegalEntityInput(Command):
    """A company that sells."""

    name: str
    """Its name as the register has it."""
    address: AddressInput
    """Where it sits."""
    contact_name: str
    """Who can be asked about documents."""
    contact_email: str
    """Their address."""
    iban: str
    """The account to pay to."""
    contact_phone: str | None = None
    """Their telephone; XRechnung wants one."""
    vat_id: str | None = None
    """Its VAT id."""
    tax_number: str | None = None
    """Its number at the tax office."""
    register_court: str | None = None
    """The court that keeps its register."""
    register_no: str | None = None
    """Its number there."""
    managing_directors: list[str] | None = None
    """Who manages it."""
    bic: str | None = None
    """Its bank."""
    sepa_creditor_id: str | None = None
    """By which it may collect direct debits."""
    base_currency: str = "EUR"
    """The currency of its books."""
    time_zone: str = "Europe/Berlin"
    """Where it sits: whose day it is when a document is issued."""
    small_business: bool = False
    """Asks for no VAT (§ 19 UStG)."""
    vat_on_receipt: bool = False
    """Owes VAT when it is paid (Ist-Versteuerung)."""
    four_eyes: bool = False
    """Whoever wrote a document does not approve it."""
    approve_issues: bool = True
    """An approved document is issued at once, if whoever approves may issue."""
    datev: DatevInput | None = None
    """How its books are kept at DATEV."""


@strawberry.input
class UpdateLegalEntityInput(Change):
    """Changes to a company that sells; what is absent stays, and issued documents keep what they say."""

    id: strawberry.ID
    """The legal entity."""
    name: str | None = strawberry.UNSET
    """Its name as the register has it."""
    address: AddressInput | None = strawberry.UNSET
    """Where it sits."""
    contact_name: str | None = strawberry.UNSET
    """Who can be asked about documents."""
    contact_email: str | None = strawberry.UNSET
    """Their address."""
    contact_phone: str | None = strawberry.UNSET
    """Their telephone; null removes it."""
    iban: str | None = strawberry.UNSET
    """The account to pay to."""
    bic: str | None = strawberry.UNSET
    """Its bank; null removes it."""
    sepa_creditor_id: str | None = strawberry.UNSET
    """By which it may collect direct debits; null removes it."""
    register_court: str | None = strawberry.UNSET
    """The court that keeps its register; null removes it."""
    register_no: str | None = strawberry.UNSET
    """Its number there; null removes it."""
    vat_on_receipt: bool | None = strawberry.UNSET
    """Owes VAT when the money comes in, not when it is invoiced."""
    vat_id: str | None = strawberry.UNSET
    """Its VAT id; null removes it."""
    tax_number: str | None = strawberry.UNSET
    """Its number at the tax office; null removes it."""
    managing_directors: list[str] | None = strawberry.UNSET
    """Who manages it."""
    small_business: bool | None = strawberry.UNSET
    """Asks for no VAT (§ 19 UStG)."""
    four_eyes: bool | None = strawberry.UNSET
    """Whoever wrote a document does not approve it."""
    approve_issues: bool | None = strawberry.UNSET
    """An approved document is issued at once."""
    books_closed_until: date | None = strawberry.UNSET
    """No document may be dated on this day or before; null opens the books."""
    datev: DatevInput | None = strawberry.UNSET
    """How its books are kept at DATEV."""
    time_zone: str | None = strawberry.UNSET
    """Where it sits: whose day it is when a document is issued; null is Europe/Berlin."""


@strawberry.input
class UpsertProductInput(Command):
    """A product, found by its SKU; what is absent stays as it is."""

    sku: str
    """The number by which we call it."""
    name: str
    """What it is called on documents."""
    kind: ProductKind
    """What kind of thing it is."""
    supply: SupplyKind = SupplyKind.SERVICE
    """Whether it is work or a thing, as VAT sees it."""
    description: str | None = strawberry.UNSET
    """What it is, in full."""
    unit_code: str | None = strawberry.UNSET
    """In what it is counted: HUR, C62, MON, DAY, KMT, LS; C62 unless you say so."""
    sales_price: Decimal | None = strawberry.UNSET
    """What one costs, without VAT."""
    cost: Decimal | None = strawberry.UNSET
    """What one costs us."""
    tax_code: str | None = strawberry.UNSET
    """The tax code when it is supplied here; DE19 unless you say so."""
    reverse_charge_goods: bool | None = strawberry.UNSET
    """Phones, tablets, consoles, integrated circuits: from 5,000 on the buyer owes the tax."""
    revenue_account: str | None = strawberry.UNSET
    """Its own revenue account, where the tax code's is not right."""
    commitment_months: int | None = strawberry.UNSET
    """For how long it is ordered at its vendor."""
    commitment_reducible: bool | None = strawberry.UNSET
    """Whether there may be fewer before that."""
    active: bool | None = strawberry.UNSET
    """Whether it is still sold."""


@strawberry.input
class UpsertTaxCodeInput(Command):
    """What holds for a tax code from a day on; found by both."""

    key: str
    """The code: `DE19`."""
    category: TaxCategory
    """The VAT category of EN 16931."""
    rate: Decimal
    """The rate in percent; 0 for all categories but S."""
    valid_from: date
    """The first day on which it holds."""
    valid_to: date | None = None
    """The last day on which it holds."""
    exemption_code: str | None = None
    """Why nothing is taxed, as a code of the standard (VATEX)."""
    exemption_text: str | None = None
    """Why nothing is taxed, in the words of the law."""
    revenue_account_skr03: str | None = None
    """The revenue account in the chart SKR03."""
    revenue_account_skr04: str | None = None
    """The revenue account in the chart SKR04."""
    tax_key: str | None = None
    """The tax key (BU-Schlüssel), for accounts that do not know their tax by themselves."""


@strawberry.input
class PriceTierInput:
    """From so many on, each costs so much."""

    from_quantity: Decimal
    """From so many on."""
    unit_price: Decimal
    """What each costs then."""


@strawberry.input
class PriceListItemInput:
    """What a product costs on a price list."""

    product_id: strawberry.ID
    """The product."""
    unit_price: Decimal
    """What one costs."""
    valid_from: date | None = None
    """The first day on which this price holds."""
    tiers: list[PriceTierInput] | None = None
    """What each costs when there are many."""


@strawberry.input
class UpsertPriceListInput(Command):
    """A price list, found by its name and replaced as a whole."""

    name: str
    """What it is called."""
    items: list[PriceListItemInput]
    """Its prices."""
    customer_id: strawberry.ID | None = None
    """The customer whom it is for; null for everybody."""
    currency: str = "EUR"
    """The currency of its prices."""
    active: bool = True
    """Whether it counts."""


@strawberry.input
class RateCardEntryInput:
    """What an hour of some work costs."""

    hourly_rate: Decimal
    """What an hour costs."""
    work_type: str | None = None
    """For this work; null for any."""
    role: str | None = None
    """Done by somebody in this role; null for any."""
    multiplier_after_hours: Decimal | None = None
    """What it is multiplied with after hours; 1 unless you say so."""
    multiplier_weekend: Decimal | None = None
    """What it is multiplied with at weekends; 1 unless you say so."""


@strawberry.input
class UpsertRateCardInput(Command):
    """A rate card, found by its name and replaced as a whole."""

    name: str
    """What it is called."""
    scope: RateScope
    """Whom it is for."""
    entries: list[RateCardEntryInput]
    """Its rates."""
    customer_id: strawberry.ID | None = None
    """The customer whom it is for, with the scope CUSTOMER."""
    contract_id: strawberry.ID | None = None
    """The contract that it is for, with the scope CONTRACT."""
    valid_from: date | None = None
    """The first day on which it holds."""


@strawberry.input
class SetBaseRateInput(Command):
    """The central bank's base rate from a day on."""

    valid_from: date
    """The first day on which it holds."""
    percent: Decimal
    """The rate in percent."""


@strawberry.type
class CatalogueMutation:
    """What can be done with what is sold."""

    @command(ADMIN, LegalEntityPayload)
    async def create_legal_entity(work: Work, input: CreateLegalEntityInput) -> models.LegalEntity:
        """Enter a company that sells; the first one brings the usual tax codes with it."""
        return await entities.create(work, **entered(input))

    @command(ADMIN, LegalEntityPayload)
    async def update_legal_entity(work: Work, input: UpdateLegalEntityInput) -> models.LegalEntity:
        """Change a company that sells; documents that were issued keep what they say."""
        return await entities.change(work, **entered(input))

    @command(WRITE_PRODUCTS, ProductPayload)
    async def upsert_product(work: Work, input: UpsertProductInput) -> models.Product:
        """Enter a product, or change the one with this SKU."""
        return await products.upsert(work, **entered(input))

    @command(WRITE_PRODUCTS, TaxCodePayload)
    async def upsert_tax_code(work: Work, input: UpsertTaxCodeInput) -> models.TaxCode:
        """Enter what holds for a tax code from a day on, or put it right."""
        return await taxes.upsert(work, **entered(input))

    @command(WRITE_PRODUCTS, PriceListPayload)
    async def upsert_price_list(work: Work, input: UpsertPriceListInput) -> models.PriceList:
        """Enter a price list, or replace the one of this name."""
        return await products.upsert_price_list(work, **entered(input))

    @command(WRITE_RATES, RateCardPayload)
    async def upsert_rate_card(work: Work, input: UpsertRateCardInput) -> models.RateCard:
        """Enter a rate card, or replace the one of this name."""
        return await products.upsert_rate_card(work, **entered(input))

    @command(WRITE_DUNNING, BaseRatePayload, rest=Rest(path="/dunning-policy/actions/set-base-rate"))
    async def set_base_rate(work: Work, input: SetBaseRateInput) -> models.BaseRate:
        """Enter the central bank's base rate from a day on, or put it right."""
        return await taxes.set_base_rate(work, **entered(input))
