"""Who sells: the companies that stand on the documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select

from contracts.events import billing as events
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.rules import accounts, days, sepa
from subgraphs.billing.service import taxes
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[LegalEntity]:
    """The legal entities, by name."""
    query = select(LegalEntity).order_by(LegalEntity.name, LegalEntity.id).limit(limit).offset(offset)
    return (await work.session.scalars(query)).all()


async def create(work: Work, **values: Any) -> LegalEntity:
    """Enter a company that sells; the first one brings the usual tax codes with it."""
    entity = LegalEntity(
        name="", address={}, managing_directors=[], contact_name="", contact_email="", iban="", datev={},
        base_currency="EUR", small_business=False, vat_on_receipt=False, four_eyes=False, approve_issues=True,
        time_zone=days.TIME_ZONE,
    )  # fmt: skip
    _fill(entity, values)
    await taxes.seed(work)
    work.add(entity)
    await work.emit(events.LegalEntityCreated(**_document(entity)), subject=entity.id)
    return entity


async def change(work: Work, id: UUID, version: int | None = None, **values: Any) -> LegalEntity:
    """Change a company that sells; documents that were issued keep what they say."""
    entity = await work.take(LegalEntity, id, field="id", version=version)
    _fill(entity, values)
    await work.emit(events.LegalEntityUpdated(**_document(entity)), subject=entity.id)
    return entity


def _document(entity: LegalEntity) -> dict[str, Any]:
    names = (
        "id", "name", "address", "vat_id", "tax_number", "register_court", "register_no", "managing_directors",
        "contact_name", "contact_phone", "contact_email", "time_zone", "small_business",
    )  # fmt: skip
    return {name: getattr(entity, name) for name in names}


async def the_one(work: Work, identity: UUID | None) -> LegalEntity:
    """The legal entity that is meant: the one that was named, or the only one that there is."""
    if identity is not None:
        found = await work.find(LegalEntity, identity)
        if found is None:
            raise NotFound("There is no legal entity with this id.", field="legalEntityId")
        return found
    some = (await work.session.scalars(select(LegalEntity).order_by(LegalEntity.created_at).limit(2))).all()
    if len(some) != 1:
        raise NotFound("Say which legal entity; there is not exactly one.", field="legalEntityId")
    return some[0]


def closed_until(entity: LegalEntity) -> date | None:
    """Until when its books are closed."""
    return entity.books_closed_until


def _fill(entity: LegalEntity, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in _SWITCHES and value is None:
            continue
        cleaner = _CLEANERS.get(name)
        setattr(entity, name, cleaner(value) if cleaner else value)


def address(value: Mapping[str, Any] | None, *, field: str) -> dict[str, str]:
    """A postal address as it is stored: without its empty lines."""
    found = {
        name: line(text, field=field) for name, text in (value or {}).items() if isinstance(text, str) and text.strip()
    }
    if "country" in found:
        found["country"] = accounts.country(found["country"], field=f"{field}.country")
    return found


def _datev(value: Mapping[str, Any] | None) -> dict[str, Any]:
    found = {name: one for name, one in (value or {}).items() if one is not None}
    if found.get("chart") not in (None, "03", "04"):
        raise Invalid("The chart of accounts is 03 or 04.", field="datev.chart")
    if not 4 <= found.get("account_length", 4) <= 8:
        raise Invalid("A G/L account has 4 to 8 digits.", field="datev.accountLength")
    for name, digits in (("consultant", 7), ("client", 5)):
        if not 1 <= found.get(name, 1) < 10**digits:
            raise Invalid(f"The number of the {name} has up to {digits} digits.", field=f"datev.{name}")
    if not 1 <= found.get("fiscal_month", 1) <= 12:
        raise Invalid("A fiscal year begins with one of the months 1 to 12.", field="datev.fiscalMonth")
    return found


_SWITCHES = frozenset({"small_business", "vat_on_receipt", "four_eyes", "approve_issues"})

_CLEANERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "name": lambda value: line(value, field="name"),
        "contact_name": lambda value: line(value, field="contactName"),
        "contact_email": lambda value: line(value, field="contactEmail"),
        "contact_phone": lambda value: optional_line(value, field="contactPhone"),
        "tax_number": lambda value: optional_line(value, field="taxNumber"),
        "register_court": lambda value: optional_line(value, field="registerCourt"),
        "register_no": lambda value: optional_line(value, field="registerNo"),
        "sepa_creditor_id": sepa.creditor_id,
        "iban": lambda value: accounts.iban(value or ""),
        "bic": accounts.bic,
        "vat_id": accounts.vat_id,
        "base_currency": lambda value: accounts.currency(value or "", field="baseCurrency"),
        "address": lambda value: address(value, field="address"),
        "managing_directors": lambda value: [line(one, field="managingDirectors") for one in value or ()],
        "datev": _datev,
        "time_zone": days.zone,
    }
)
