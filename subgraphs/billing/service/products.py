"""What is sold and at what price: products, price lists and rate cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from contracts.events import billing as events
from subgraphs.billing.models.agreements import BilledContract
from subgraphs.billing.models.catalogue import PriceList, Product, RateCard
from subgraphs.billing.rules import accounts, entered, products
from subgraphs.billing.rules.proration import Tier, tier_price
from subgraphs.billing.rules.rates import Rate, RateScope
from subgraphs.billing.rules.rates import RateCard as Card
from subgraphs.billing.service.uniqueness import added
from subgraphs.kit import references
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.filters import containing
from subgraphs.kit.shapes import camel, line, optional_line, prose
from subgraphs.kit.work import Work

_DEFAULTS: Mapping[str, Any] = {
    "unit_code": "C62",
    "tax_code": "DE19",
    "reverse_charge_goods": False,
    "commitment_reducible": True,
    "active": True,
}


_CHOICES = frozenset(
    {"kind", "supply", "unit_code", "tax_code", "reverse_charge_goods", "commitment_reducible", "active"}
)


async def listed(work: Work, *, search: str | None, active: bool | None, limit: int, offset: int) -> Sequence[Product]:
    """Products by SKU; `search` looks into names and SKUs."""
    query = select(Product).where(*containing(search, Product.name, Product.sku))
    if active is not None:
        query = query.where(Product.active.is_(active))
    return (await work.session.scalars(query.order_by(Product.sku).limit(limit).offset(offset))).all()


async def upsert(work: Work, *, sku: str, **values: Any) -> Product:
    """Enter a product, or change the one with this SKU."""
    sku = line(sku, field="sku", longest=60)
    row = (await work.session.scalars(select(Product).where(Product.sku == sku).with_for_update())).one_or_none()
    cleaned = {name: _clean(name, value) for name, value in values.items() if name not in _CHOICES or value is not None}
    if row is None:
        new = Product(sku=sku, **{**_DEFAULTS, **cleaned})
        await added(work, new, message="This SKU was entered a moment ago.", field="sku")
        await work.emit(events.ProductCreated(**_said(new)), subject=new.id)
        return new
    changed = tuple(camel(name) for name, value in cleaned.items() if getattr(row, name) != value)
    for name, value in cleaned.items():
        setattr(row, name, value)
    if changed:
        await work.emit(events.ProductUpdated(**_said(row), changed=changed), subject=row.id)
    return row


def _said(row: Product) -> dict[str, Any]:
    return {"id": row.id, "sku": row.sku, "name": row.name, "active": row.active}


def _clean(name: str, value: Any) -> Any:
    match name:
        case "name" | "tax_code":
            return line(value, field=name)
        case "description":
            return prose(value, field=name)
        case "unit_code":
            return products.unit(value)
        case "sales_price" | "cost" if value is not None:
            return entered.price(value, field=name)
        case "commitment_months" if value is not None and not 1 <= value <= 120:
            raise Invalid("A commitment has 1 to 120 months.", field="commitmentMonths")
        case "revenue_account":
            return optional_line(value, field="revenueAccount", longest=8)
        case _:
            return value


async def required(work: Work, identity: UUID | None) -> Product | None:
    """The product that an input names; raises `NotFound` for one that is not there."""
    if identity is None:
        return None
    found = await work.find(Product, identity)
    if found is None:
        raise NotFound("There is no product with this id.", field="productId")
    return found


# --- price lists


async def upsert_price_list(
    work: Work,
    *,
    name: str,
    items: Sequence[Mapping[str, Any]],
    customer_id: UUID | None = None,
    currency: str = "EUR",
    active: bool = True,
) -> PriceList:
    """Enter a price list, or replace the one of this name."""
    if customer_id is not None:
        await references.require(work, "Customer", customer_id, field="customerId")
    name = line(name, field="name")
    row = (await work.session.scalars(select(PriceList).where(PriceList.name == name).with_for_update())).one_or_none()
    values: dict[str, Any] = {"customer_id": customer_id, "currency": accounts.currency(currency), "active": active}
    values["items"] = [await _price_item(work, item) for item in items]
    if row is None:
        new = PriceList(name=name, **values)
        return await added(work, new, message="There is a price list of this name.", field="name")
    for key, value in values.items():
        setattr(row, key, value)
    return row


async def _price_item(work: Work, item: Mapping[str, Any]) -> dict[str, Any]:
    await required(work, item["product_id"])
    return {
        "product_id": str(item["product_id"]),
        "valid_from": item["valid_from"].isoformat() if item.get("valid_from") else None,
        "unit_price": str(entered.price(item["unit_price"])),
        "tiers": stored_tiers(item.get("tiers") or ()),
    }


def stored_tiers(tiers: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Steps of a price as they are stored."""
    return [
        {
            "from_quantity": str(entered.count(tier["from_quantity"], field="tiers")),
            "unit_price": str(entered.price(tier["unit_price"], field="tiers")),
        }
        for tier in tiers
    ]


def tiers(stored: Iterable[Mapping[str, str]]) -> list[Tier]:
    """Steps of a price as the rules see them."""
    return [Tier(Decimal(tier["from_quantity"]), Decimal(tier["unit_price"])) for tier in stored]


async def price_of(work: Work, product: Product, *, customer_id: UUID, quantity: Decimal, on: date) -> Decimal | None:
    """What a product costs a customer: from their own list, from everybody's, or its own price."""
    query = select(PriceList).where(
        PriceList.active.is_(True), or_(PriceList.customer_id == customer_id, PriceList.customer_id.is_(None))
    )
    lists = sorted((await work.session.scalars(query)).all(), key=lambda one: one.customer_id is None)
    for one in lists:
        fitting = [
            item
            for item in one.items
            if item["product_id"] == str(product.id)
            and (item["valid_from"] is None or date.fromisoformat(item["valid_from"]) <= on)
        ]
        if fitting:
            newest = max(fitting, key=lambda item: item["valid_from"] or "")
            return tier_price(tiers(newest["tiers"]), quantity, Decimal(newest["unit_price"]))
    return product.sales_price


# --- rate cards


async def upsert_rate_card(
    work: Work,
    *,
    name: str,
    scope: RateScope,
    entries: Sequence[Mapping[str, Any]],
    customer_id: UUID | None = None,
    contract_id: UUID | None = None,
    valid_from: date | None = None,
) -> RateCard:
    """Enter a rate card, or replace the one of this name."""
    customer_id = await _whose(work, scope, customer_id, contract_id)
    name = line(name, field="name")
    row = (await work.session.scalars(select(RateCard).where(RateCard.name == name).with_for_update())).one_or_none()
    values = {
        "scope": scope,
        "customer_id": customer_id,
        "contract_id": contract_id,
        "valid_from": valid_from,
        "entries": [_rate(entry) for entry in entries],
    }
    if row is None:
        new = RateCard(name=name, **values)
        return await added(work, new, message="There is a rate card of this name.", field="name")
    for key, value in values.items():
        setattr(row, key, value)
    return row


async def _whose(work: Work, scope: RateScope, customer_id: UUID | None, contract_id: UUID | None) -> UUID | None:
    if (scope is RateScope.CONTRACT) != (contract_id is not None):
        raise Invalid("A card for a contract names it, and no other does.", field="contractId")
    if scope is RateScope.CONTRACT:
        contract = await work.find(BilledContract, contract_id) if contract_id else None
        if contract is None:
            raise NotFound("There is no contract with this id.", field="contractId")
        return contract.customer_id
    if (scope is RateScope.CUSTOMER) != (customer_id is not None):
        raise Invalid("A card for a customer names it, and no other does.", field="customerId")
    if customer_id is not None:
        await references.require(work, "Customer", customer_id, field="customerId")
    return customer_id


def _rate(entry: Mapping[str, Any]) -> dict[str, str | None]:
    return {
        "work_type": optional_line(entry.get("work_type"), field="entries"),
        "role": optional_line(entry.get("role"), field="entries"),
        "hourly_rate": str(entered.price(entry["hourly_rate"], field="entries")),
        "multiplier_after_hours": str(
            entered.count(entry.get("multiplier_after_hours") or Decimal(1), field="entries")
        ),
        "multiplier_weekend": str(entered.count(entry.get("multiplier_weekend") or Decimal(1), field="entries")),
    }


async def cards(work: Work, *, customer_id: UUID, contract_id: UUID | None, on: date) -> list[Card]:
    """The rate cards that can apply to work for a customer, as the rules see them."""
    query = select(RateCard).where(
        or_(
            RateCard.scope == RateScope.TENANT,
            (RateCard.scope == RateScope.CUSTOMER) & (RateCard.customer_id == customer_id),
            (RateCard.scope == RateScope.CONTRACT) & (RateCard.contract_id == contract_id),
        ),
        or_(RateCard.valid_from.is_(None), RateCard.valid_from <= on),
    )
    rows = (await work.session.scalars(query.order_by(RateCard.valid_from.desc().nulls_last()))).all()
    return [Card(row.scope, tuple(_as_rate(entry) for entry in row.entries)) for row in rows]


def _as_rate(entry: Mapping[str, Any]) -> Rate:
    return Rate(
        Decimal(entry["hourly_rate"]),
        entry["work_type"],
        entry["role"],
        Decimal(entry["multiplier_after_hours"]),
        Decimal(entry["multiplier_weekend"]),
    )
