"""The positions of a quote: as they are entered, as they lie in the row of their quote, and as the rules see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import uuid4

from subgraphs.crm.models.sales import Quote
from subgraphs.crm.rules import contracts as bounds
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.quotes import QuoteLine
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.ids import parsed
from subgraphs.kit.shapes import line, optional_line


def lines_of(quote: Quote) -> list[QuoteLine]:
    """The lines of a quote as the rules see them."""
    return [_line(stored) for stored in quote.lines]


def _line(stored: Mapping[str, Any]) -> QuoteLine:
    numbers_ = {name: Decimal(stored[name]) for name in ("quantity", "unit_price", "discount_percent")}
    cost = None if stored["cost"] is None else Decimal(stored["cost"])
    return QuoteLine(**{**stored, **numbers_, "cost": cost, "recurring": BillingInterval(stored["recurring"])})


def _stored(one: QuoteLine) -> dict[str, Any]:
    return {
        name: value.value if isinstance(value, Enum) else str(value) if isinstance(value, Decimal) else value
        for name, value in asdict(one).items()
    }


def entered(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines as they were entered, as the row of their quote has them."""
    if len(lines) > rules.MOST_LINES:
        raise Invalid(f"A quote may have at most {rules.MOST_LINES} lines.", field="lines")
    return [_stored(_new_line(one)) for one in lines]


def _product(value: Any) -> str | None:
    if value is None:
        return None
    if (found := parsed(str(value))) is None:
        raise NotFound("There is no product with this id.", field="productId")
    return str(found)


def _new_line(one: Mapping[str, Any]) -> QuoteLine:
    optional = bool(one.get("optional"))
    return QuoteLine(
        id=str(uuid4()),
        description=line(one["description"], field="description"),
        quantity=bounds.quantity(one.get("quantity") or Decimal(1), field="quantity"),
        unit_price=bounds.price(one["unit_price"], field="unitPrice"),
        unit_code=line(one.get("unit_code") or "C62", field="unitCode", longest=10),
        product_id=_product(one.get("product_id")),
        cost=None if one.get("cost") is None else bounds.price(one["cost"], field="cost"),
        discount_percent=bounds.percent(one.get("discount_percent") or Decimal(0), field="discountPercent"),
        tax_code=line(one.get("tax_code") or "DE19", field="taxCode", longest=40),
        recurring=one.get("recurring") or BillingInterval.ONE_TIME,
        optional=optional,
        selected=bool(one.get("selected", not optional)) if optional else True,
        group=optional_line(one.get("group"), field="group"),
    )
