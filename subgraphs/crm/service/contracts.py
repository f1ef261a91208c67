"""Contracts as they are found and as they are written: drafts, their conditions and coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select

from contracts.events import crm as events
from subgraphs.crm.models.contracts import Contract, ContractLine
from subgraphs.crm.models.customers import Customer, Site
from subgraphs.crm.rules import contracts as rules
from subgraphs.crm.rules import customers as looks
from subgraphs.crm.rules import terms
from subgraphs.crm.rules.contracts import (
    ContractLineKind,
    ContractStatus,
    IndexationType,
    Overage,
)
from subgraphs.crm.rules.custom_fields import CustomEntity
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.crm.service import custom_fields
from subgraphs.crm.service.contract_events import document, tell
from subgraphs.crm.service.contract_lines import add_lines, all_lines, lines_of
from subgraphs.crm.service.entering import Clean, changed_by, cleaned, kept, optional
from subgraphs.kit import numbers
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.filters import conditions, containing
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work

BY_NUMBER = Order((Contract.number,))

# --- reading


async def find(work: Work, identity: str) -> Contract | None:
    """The contract with this UUID or number, or None."""
    if (key := parsed(identity)) is not None:
        return await work.find(Contract, key)
    found: Contract | None = await work.session.scalar(select(Contract).where(Contract.number == identity))
    return found


def selected(*, wanted: Any = None, search: str | None = None) -> Select[Contract]:
    """The query for contracts of this filter and search."""
    return select(Contract).where(
        *conditions(Contract, wanted), *containing(search, Contract.title, Contract.number, Contract.po_number)
    )


async def listed(
    work: Work, *, status: ContractStatus | None, customer_id: UUID | None, limit: int, offset: int
) -> Sequence[Contract]:
    """Contracts of the tenant, by number."""
    query = select(Contract).order_by(Contract.number, Contract.id).limit(limit).offset(offset)
    query = query if status is None else query.where(Contract.status == status)
    return (
        await work.session.scalars(query if customer_id is None else query.where(Contract.customer_id == customer_id))
    ).all()


async def expiring(work: Work, *, until: date, limit: int, offset: int) -> Sequence[Contract]:
    """Contracts that hold, and whose last day of notice or last day of all comes until this day; the next one first."""
    next_day = func.coalesce(Contract.notice_deadline, Contract.end_date)
    query = select(Contract).where(Contract.status.in_(rules.IN_FORCE), next_day <= until)
    return (await work.session.scalars(query.order_by(next_day, Contract.id).limit(limit).offset(offset))).all()


async def of_customers(
    work: Work, customers: Sequence[UUID], *, status: ContractStatus | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[Contract]]:
    """The contracts of each customer, the latest first."""
    where = [] if status is None else [Contract.status == status]
    order = (Contract.start_date.desc(), Contract.id)
    return await work.per_parent(
        Contract, Contract.customer_id, customers, where=where, order=order, limit=limit, offset=offset
    )


async def monthly_values_of(work: Work, contracts: Sequence[UUID]) -> Mapping[UUID, Sequence[Decimal]]:
    """What the agreed recurring lines of each contract come to in a month, as one value each; counted ones at their minimum."""
    rows = await work.session.scalars(select(Contract).where(Contract.id.in_(contracts)))
    found: dict[UUID, Sequence[Decimal]] = {}
    lines = await lines_of(work, contracts, on=work.at.date(), limit=rules.MOST_LINES, offset=0)
    for row in rows:
        prices = [_price_of(one) for one in lines[row.id] if one.kind is ContractLineKind.RECURRING]
        found[row.id] = [terms.monthly(prices, row.billing_interval)]
    return found


def _price_of(one: ContractLine) -> Decimal:
    count = rules.bounded(one.quantity, least=one.min_quantity, most=one.max_quantity)
    steps = rules.tiers(
        [(Decimal(tier["from_quantity"]), Decimal(tier["unit_price"])) for tier in one.tiers], field="tiers"
    )
    return count * rules.tier_price(steps, count, one.unit_price) * (100 - one.discount_percent) / 100


# --- drafts


async def create_contract(
    work: Work,
    *,
    customer_id: UUID,
    lines: Sequence[Any] = (),
    number: str | None = None,
    start_date: date,
    term_months: int | None = None,
    end_date: date | None = None,
    quote_id: UUID | None = None,
    **described: Any,
) -> Contract:
    """Write a draft; a term in months says when it ends, unless a day does."""
    customer = await work.take(Customer, customer_id, field="customerId")
    values = {**_DEFAULTS, "currency": customer.currency}
    values |= {name: value for name, value in described.items() if value is not None}
    contract = Contract(
        customer_id=customer.id,
        number=await _number(work, number),
        status=ContractStatus.DRAFT,
        start_date=start_date,
        term_months=rules.months(term_months, field="termMonths"),
        end_date=end_date or (terms.term(start_date, term_months).end if term_months else None),
        reminded=[],
        quote_id=quote_id,
        custom=await custom_fields.applied(work, CustomEntity.CONTRACT, described.get("custom_fields")),
        **cleaned(_HEAD, values),
        **_indexation(described.get("indexation")),
    )
    await settle(work, contract)
    work.add(contract)
    await work.session.flush()
    added = await add_lines(work, contract, lines, start=contract.start_date)
    await tell(work, contract, events.ContractCreated(**await document(work, contract, added)))
    return contract


async def update_contract(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Contract:
    """Rewrite a draft, or the title of what holds; `lines` are all lines, `term_months` says the end again."""
    contract = await taken(work, id, version)
    rules.check_rewriting(contract.status, tuple(changes))
    values = cleaned(_HEAD, changes) | cleaned(_DATES, changes)
    fields = changes.get("custom_fields")
    values["custom"] = await custom_fields.applied(work, CustomEntity.CONTRACT, fields, contract.custom)
    if changes.get("term_months") and "end_date" not in changes:
        values["end_date"] = terms.term(values.get("start_date", contract.start_date), changes["term_months"]).end
    if "indexation" in changes:
        values |= _indexation(changes["indexation"])
    changed = changed_by(contract, values)
    await settle(work, contract)
    if changes.get("lines") is not None:
        for former in await all_lines(work, contract.id):
            await work.session.delete(former)
        await work.session.flush()
        await add_lines(work, contract, changes["lines"], start=contract.start_date)
        changed = (*changed, "lines")
    if changed:
        await tell(work, contract, events.ContractUpdated(**await document(work, contract, changed=changed)))
    return contract


async def _number(work: Work, given: str | None) -> str:
    if given is None:
        year = work.at.year
        return f"V-{year}-{await numbers.following(work, f'contract-{year}'):06d}"
    number = looks.number(given, field="number")
    if await work.session.scalar(select(Contract.id).where(Contract.number == number)):
        raise Invalid(f"Another contract has the number {number}.", field="number")
    return number


async def settle(work: Work, contract: Contract) -> None:
    """Check what depends on each other, and derive the last day of notice."""
    rules.check_term(
        start=contract.start_date,
        end=contract.end_date,
        auto_renew=contract.auto_renew,
        renewal_months=contract.renewal_months,
        notice_months=contract.notice_months,
    )
    await _check_sites(work, contract)
    contract.notice_deadline = (
        terms.notice_deadline(contract.end_date, contract.notice_months or 0)
        if contract.end_date and contract.auto_renew and contract.notice_given_on is None
        else None
    )


async def _check_sites(work: Work, contract: Contract) -> None:
    named = {UUID(site) for rule in contract.coverage for site in rule["site_ids"]}
    if not named:
        return
    known = select(Site.id).where(Site.customer_id == contract.customer_id, Site.id.in_(named))
    if named - set((await work.session.scalars(known)).all()):
        raise NotFound("There is no site with this id at this customer.", field="siteIds")


async def taken(work: Work, id: UUID, version: int | None = None) -> Contract:
    """The contract, to be changed."""
    return await work.take(Contract, id, field="id", version=version)


async def today(work: Work, contract: Contract) -> date:
    """Which day it is where the customer is."""
    zone = await work.session.scalar(select(Customer.time_zone).where(Customer.id == contract.customer_id))
    return work.at.astimezone(ZoneInfo(zone or "UTC")).date()


# --- how what was entered becomes what is stored


def _indexation(entered: Mapping[str, Any] | None) -> dict[str, Any]:
    if entered is None:
        entered = {"type": IndexationType.NONE}
    given, reference = entered.get("percent"), entered.get("reference_index")
    return {
        "indexation_type": entered["type"],
        "indexation_percent": None if given is None else rules.percent(given, field="indexation"),
        "indexation_reference": None if reference is None else rules.quantity(reference, field="indexation") or None,
        "indexation_next": entered.get("next_date"),
    }


_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "auto_renew": False,
        "billing_interval": BillingInterval.MONTHLY,
        "bill_in_advance": True,
        "coverage": (),
        "priority": 100,
        "overage": Overage.BILL_RATE,
    }
)
AMENDABLE: Mapping[str, Clean] = MappingProxyType(
    {
        "auto_renew": looks.present,
        "renewal_months": rules.months,
        "notice_months": kept,
        "coverage": lambda value, *, field: rules.coverage(value or (), field=field),
        "priority": rules.priority,
        "included_hours": optional(rules.quantity),
        "hourly_rate": optional(rules.price),
        "overage": looks.present,
        "sla_policy_id": kept,
    }
)
_HEAD: Mapping[str, Clean] = MappingProxyType(
    {
        **AMENDABLE,
        "title": line,
        "type": looks.present,
        "legal_entity_id": kept,
        "billing_interval": looks.present,
        "billing_anchor_day": rules.anchor_day,
        "bill_in_advance": looks.present,
        "currency": looks.currency,
        "po_number": optional_line,
    }
)
_DATES: Mapping[str, Clean] = MappingProxyType(
    {"start_date": looks.present, "end_date": kept, "term_months": rules.months}
)
