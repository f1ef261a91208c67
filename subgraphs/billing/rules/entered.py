"""Amounts and days as people enter them: a function takes what was entered and gives back what is stored, or refuses it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from subgraphs.billing.rules.money import CENT, HUNDRED, QUANTITY, UNIT_PRICE, ZERO, rounded
from subgraphs.kit.errors import Invalid

_LARGEST = Decimal(10) ** 8
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2199, 12, 31)


def money(value: Decimal, *, field: str) -> Decimal:
    """An amount of money, in cents, more than nothing."""
    found = _within(value, CENT, field)
    if found <= 0:
        raise Invalid(f"{field} must be more than 0.", field=field)
    return found


def price(value: Decimal, *, field: str = "unitPrice") -> Decimal:
    """A price, which is never negative; what is taken back has a negative quantity."""
    found = _within(value, UNIT_PRICE, field)
    if found < 0:
        raise Invalid(f"{field} must not be negative.", field=field)
    return found


def quantity(value: Decimal, *, field: str = "quantity", positive: bool = False) -> Decimal:
    """A quantity that is not nothing."""
    found = _within(value, QUANTITY, field)
    if found == 0 or (positive and found < 0):
        raise Invalid(f"{field} must {'be more than' if positive else 'not be'} 0.", field=field)
    return found


def count(value: Decimal, *, field: str = "quantity") -> Decimal:
    """A number of things, which may be none."""
    found = _within(value, QUANTITY, field)
    if found < 0:
        raise Invalid(f"{field} must not be negative.", field=field)
    return found


def percent(value: Decimal, *, field: str = "discountPercent") -> Decimal:
    """A part of a hundred."""
    found = _within(value, UNIT_PRICE, field)
    if not ZERO <= found <= HUNDRED:
        raise Invalid(f"{field} must be between 0 and 100.", field=field)
    return found


def day(value: date, *, field: str) -> date:
    """A day on which something may begin, end or be due; any other is a typing error."""
    if not FIRST_DAY <= value <= LAST_DAY:
        raise Invalid(f"{field} must be between {FIRST_DAY} and {LAST_DAY}, not {value}.", field=field)
    return value


def _within(value: Decimal, step: Decimal, field: str) -> Decimal:
    if not value.is_finite() or abs(value) >= _LARGEST:
        raise Invalid(f"{field} must be a number below {_LARGEST:,.0f}.", field=field)
    return rounded(value, step)
