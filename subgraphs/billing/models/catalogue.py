"""The tables of what is sold: who sells it, at what price, and with which tax."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Numeric, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from subgraphs.billing.rules.products import ProductKind
from subgraphs.billing.rules.rates import RateScope
from subgraphs.billing.rules.vat import SupplyKind, TaxCategory
from subgraphs.kit import tables

Money = Numeric(14, 2)
UnitPrice = Numeric(14, 4)
Quantity = Numeric(12, 4)
Percent = Numeric(7, 4)


class Model(tables.Row, DeclarativeBase):
    """What the tables of this module have in common."""


class LegalEntity(tables.Entity, Model):
    """Who sells: the company that stands on the invoice."""

    __tablename__ = "legal_entity"

    name: Mapped[str]
    address: Mapped[dict[str, Any]] = mapped_column(JSONB)
    vat_id: Mapped[str | None]
    tax_number: Mapped[str | None]
    register_court: Mapped[str | None]
    register_no: Mapped[str | None]
    managing_directors: Mapped[list[str]] = mapped_column(JSONB)
    contact_name: Mapped[str]
    contact_phone: Mapped[str | None]
    contact_email: Mapped[str]
    iban: Mapped[str]
    bic: Mapped[str | None]
    sepa_creditor_id: Mapped[str | None]
    base_currency: Mapped[str]
    time_zone: Mapped[str]
    small_business: Mapped[bool]
    vat_on_receipt: Mapped[bool]
    four_eyes: Mapped[bool]
    approve_issues: Mapped[bool]
    books_closed_until: Mapped[date | None]
    datev: Mapped[dict[str, Any]] = mapped_column(JSONB)


class TaxCode(tables.Entity, Model):
    """A tax code from one day to another."""

    __tablename__ = "tax_code"

    key: Mapped[str]
    category: Mapped[TaxCategory] = mapped_column(Enum(TaxCategory, native_enum=False))
    rate: Mapped[Decimal] = mapped_column(Percent)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    exemption_code: Mapped[str | None]
    exemption_text: Mapped[str | None]
    revenue_account_skr03: Mapped[str | None]
    revenue_account_skr04: Mapped[str | None]
    tax_key: Mapped[str]

    def revenue_account(self, chart: str) -> str | None:
        """The revenue account in a chart of accounts."""
        return self.revenue_account_skr03 if chart == "03" else self.revenue_account_skr04


class Product(tables.Entity, Model):
    """Something that is sold."""

    __tablename__ = "product"

    sku: Mapped[str]
    name: Mapped[str]
    description: Mapped[str | None]
    kind: Mapped[ProductKind] = mapped_column(Enum(ProductKind, native_enum=False))
    supply: Mapped[SupplyKind] = mapped_column(Enum(SupplyKind, native_enum=False))
    unit_code: Mapped[str]
    sales_price: Mapped[Decimal | None] = mapped_column(UnitPrice)
    cost: Mapped[Decimal | None] = mapped_column(UnitPrice)
    tax_code: Mapped[str]
    reverse_charge_goods: Mapped[bool]
    revenue_account: Mapped[str | None]
    commitment_months: Mapped[int | None]
    commitment_reducible: Mapped[bool]
    active: Mapped[bool]


class PriceList(tables.Entity, Model):
    """Prices that differ from the products' own, for everybody or for one customer."""

    __tablename__ = "price_list"

    name: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    currency: Mapped[str]
    items: Mapped[list[Any]] = mapped_column(JSONB)
    active: Mapped[bool]


class RateCard(tables.Entity, Model):
    """What an hour of work costs: for everybody, for a customer, or for a contract."""

    __tablename__ = "rate_card"

    name: Mapped[str]
    scope: Mapped[RateScope] = mapped_column(Enum(RateScope, native_enum=False))
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    contract_id: Mapped[UUID | None] = mapped_column(Uuid)
    entries: Mapped[list[Any]] = mapped_column(JSONB)
    valid_from: Mapped[date | None]


class BaseRate(tables.Entity, Model):
    """The central bank's base rate from a day on."""

    __tablename__ = "base_rate"

    valid_from: Mapped[date]
    percent: Mapped[Decimal] = mapped_column(Percent)
