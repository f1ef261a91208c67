"""Tax codes and base rates: tables that a tenant maintains, and begins with what the law says today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from subgraphs.billing.models.catalogue import BaseRate, TaxCode
from subgraphs.billing.rules import dunning, entered
from subgraphs.billing.rules.datev import DEFAULT_ACCOUNTS
from subgraphs.billing.rules.vat import DEFAULT_RATES, TaxCategory, TaxRate
from subgraphs.billing.service.uniqueness import added
from subgraphs.kit.errors import Invalid
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work


async def seed(work: Work) -> None:
    """Give a tenant that has none the usual tax codes."""
    if await work.session.scalar(select(TaxCode.id).limit(1)) is not None:
        return
    for rate in DEFAULT_RATES:
        skr03, skr04 = DEFAULT_ACCOUNTS[rate.key]
        work.add(
            TaxCode(
                key=rate.key, category=rate.category, rate=rate.rate, valid_from=rate.valid_from, valid_to=rate.valid_to,
                exemption_code=rate.exemption_code, exemption_text=rate.exemption_text,
                revenue_account_skr03=skr03, revenue_account_skr04=skr04, tax_key="",
            )
        )  # fmt: skip


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[TaxCode]:
    """The tax codes, by key, newest first."""
    query = select(TaxCode).order_by(TaxCode.key, TaxCode.valid_from.desc()).limit(limit).offset(offset)
    return (await work.session.scalars(query)).all()


async def all_codes(work: Work) -> Sequence[TaxCode]:
    """Every row of every code; there are some dozens."""
    return (await work.session.scalars(select(TaxCode))).all()


def rates(codes: Sequence[TaxCode]) -> list[TaxRate]:
    """The rows as the rules see them; a tenant without any has the usual ones."""
    if not codes:
        return list(DEFAULT_RATES)
    return [
        TaxRate(
            code.key,
            code.category,
            code.rate,
            code.valid_from,
            code.valid_to,
            code.exemption_code,
            code.exemption_text,
        )
        for code in codes
    ]


async def upsert(
    work: Work, *, key: str, category: TaxCategory, rate: Decimal, valid_from: date, **more: Any
) -> TaxCode:
    """Enter what holds for a code from a day on, or put it right."""
    key = line(key, field="key", longest=30)
    valid_to = more.pop("valid_to", None)
    if valid_to is not None and valid_to < valid_from:
        raise Invalid("A code can't end before it begins.", field="validTo")
    query = select(TaxCode).where(TaxCode.key == key, TaxCode.valid_from == valid_from).with_for_update()
    row = (await work.session.scalars(query)).one_or_none()
    values = {
        "category": category,
        "rate": entered.percent(rate, field="rate"),
        "valid_to": valid_to,
        **{name: optional_line(text, field=name) for name, text in more.items()},
    }
    if values["rate"] and category is not TaxCategory.S:
        raise Invalid("Only the category S has a rate.", field="rate")
    values["tax_key"] = _tax_key(values.get("tax_key"))
    if row is None:
        new = TaxCode(key=key, valid_from=valid_from, **values)
        return await added(work, new, message="This code was entered a moment ago.", field="key")
    for name, value in values.items():
        setattr(row, name, value)
    return row


def _tax_key(entered_key: str | None) -> str:
    """A tax key as DATEV writes it, or none."""
    if entered_key and not (entered_key.isascii() and entered_key.isdigit() and len(entered_key) <= 4):
        raise Invalid("A tax key has up to four digits.", field="taxKey")
    return entered_key.zfill(4) if entered_key else ""


# --- the central bank's base rate


async def set_base_rate(work: Work, *, valid_from: date, percent: Decimal) -> BaseRate:
    """Enter the base rate from a day on, or put it right."""
    if not percent.is_finite() or abs(percent) > 100:
        raise Invalid("A base rate is between -100 and 100 percent.", field="percent")
    query = select(BaseRate).where(BaseRate.valid_from == valid_from).with_for_update()
    row = (await work.session.scalars(query)).one_or_none()
    if row is None:
        new = BaseRate(valid_from=valid_from, percent=percent)
        return await added(work, new, message="This rate was entered a moment ago.", field="validFrom")
    row.percent = percent
    return row


async def base_rates(work: Work) -> tuple[dunning.BaseRate, ...]:
    """The base rates that a tenant entered, and those that everybody knows."""
    rows = (await work.session.scalars(select(BaseRate))).all()
    known = {rate.valid_from: rate for rate in dunning.DEFAULT_BASE_RATES}
    known |= {row.valid_from: dunning.BaseRate(row.valid_from, row.percent) for row in rows}
    return tuple(known.values())
