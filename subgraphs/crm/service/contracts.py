"""Contracts as they are written: drafts, their lines and coverage, and amendments from a day on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, or_, select

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
    ProrationMode,
    QuantityMode,
    QuantityPolicy,
)
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.crm.service.entering import Clean, changed_by, cleaned, kept
from subgraphs.kit import numbers, references
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


async def lines_of(
    work: Work, contracts: Sequence[UUID], *, on: date | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[ContractLine]]:
    """The lines of each contract in their order, every version, or only those that hold on a day."""
    holds = (
        (ContractLine.valid_from <= on, or_(ContractLine.valid_to.is_(None), ContractLine.valid_to >= on)) if on else ()
    )
    order = (ContractLine.position, ContractLine.valid_from, ContractLine.id)
    return await work.per_parent(
        ContractLine, ContractLine.contract_id, contracts, where=holds, order=order, limit=limit, offset=offset
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
        **cleaned(_HEAD, values),
        **_indexation(described.get("indexation")),
    )
    await settle(work, contract)
    work.add(contract)
    await work.session.flush()
    added = await _add_lines(work, contract, lines, start=contract.start_date)
    await tell(work, contract, events.ContractCreated(**await document(work, contract, added)))
    return contract


async def update_contract(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Contract:
    """Rewrite a draft, or the title of what holds; `lines` are all lines, `term_months` says the end again."""
    contract = await taken(work, id, version)
    rules.check_rewriting(contract.status, tuple(changes))
    values = cleaned(_HEAD, changes) | cleaned(_DATES, changes)
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
        await _add_lines(work, contract, changes["lines"], start=contract.start_date)
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


# --- lines


async def all_lines(work: Work, contract_id: UUID) -> Sequence[ContractLine]:
    """Every version of every line of a contract, in their order."""
    query = select(ContractLine).where(ContractLine.contract_id == contract_id)
    return (
        await work.session.scalars(query.order_by(ContractLine.position, ContractLine.valid_from, ContractLine.id))
    ).all()


async def _add_lines(work: Work, contract: Contract, entered: Sequence[Any], *, start: date) -> Sequence[ContractLine]:
    before = await work.session.scalar(
        select(func.coalesce(func.max(ContractLine.position), 0)).where(ContractLine.contract_id == contract.id)
    )
    if (before or 0) + len(entered) > rules.MOST_LINES:
        raise Invalid(f"A contract may have at most {rules.MOST_LINES} lines.", field="lines")
    return [
        work.add(await _new_line(work, contract, one, position=position, start=start))
        for position, one in enumerate(entered, start=(before or 0) + 1)
    ]


async def _new_line(
    work: Work, contract: Contract, one: Mapping[str, Any], *, position: int, start: date
) -> ContractLine:
    values = {**_LINE_DEFAULTS} | {name: value for name, value in one.items() if value is not None}
    valid_from = max(one.get("valid_from") or start, start)
    row = ContractLine(
        customer_id=contract.customer_id,
        contract_id=contract.id,
        position=position,
        valid_from=valid_from,
        valid_to=one.get("valid_to"),
        **cleaned(_LINE, values),
    )
    await _check_line(work, row)
    return row


async def _check_line(work: Work, row: ContractLine) -> None:
    rules.check_line(start=row.valid_from, end=row.valid_to, least=row.min_quantity, most=row.max_quantity)
    for asset in row.asset_ids:
        known = await references.require(work, "Asset", UUID(asset), field="assetIds")
        if known.customer_id not in {None, row.customer_id}:
            raise Invalid("This asset belongs to another customer than the contract.", field="assetIds")


# --- amendments


async def amend_contract(
    work: Work,
    id: UUID,
    *,
    effective_date: date,
    version: int | None = None,
    add: Sequence[Mapping[str, Any]] = (),
    change: Sequence[Mapping[str, Any]] = (),
    end: Sequence[UUID] = (),
    **head: Any,
) -> Contract:
    """Let other lines and conditions hold from a day on; what held before stays as it was."""
    contract = await taken(work, id, version)
    earliest = terms.running_period(contract.start_date, contract.billing_interval, await today(work, contract))
    rules.check_amending(contract.status, effective=effective_date, earliest=earliest, last=contract.end_date)
    lines = {one.id: one for one in await all_lines(work, contract.id)}
    for one in change:
        await _follow(work, _line_of(lines, one["line_id"], effective_date), effective_date, one)
    for line_id in end:
        _line_of(lines, line_id, effective_date).valid_to = effective_date - terms.DAY
    await _add_lines(work, contract, add, start=effective_date)
    changed_by(contract, cleaned(_AMENDABLE, head))
    await settle(work, contract)
    contract.updated_at = work.at  # a change of lines alone is a change of the contract, too
    await tell(
        work,
        contract,
        events.ContractAmended(**await document(work, contract, effective=effective_date, changed=("lines",))),
    )
    return contract


def _line_of(lines: Mapping[UUID, ContractLine], id: Any, effective: date) -> ContractLine:
    identity = id if isinstance(id, UUID) else parsed(str(id))
    row = lines.get(identity) if identity else None
    if row is None or (row.valid_to is not None and row.valid_to < effective):
        raise NotFound("The contract has no line with this id that holds on this day.", field="lineId")
    return row


async def _follow(work: Work, former: ContractLine, effective: date, changes: Mapping[str, Any]) -> ContractLine:
    """End a version of a line, and begin another one that is the same but for the changes."""
    begins = max(effective, former.valid_from)
    values = {name: getattr(former, name) for name in (*_LINE, "customer_id", "contract_id", "position", "valid_to")}
    given = {name: value for name, value in changes.items() if value is not None}
    row = ContractLine(**(values | cleaned(_LINE, given)), replaces_id=former.id, valid_from=begins)
    await _check_line(work, row)
    former.valid_to = begins - terms.DAY
    return work.add(row)


async def index_contract(
    work: Work,
    id: UUID,
    *,
    effective_date: date | None = None,
    percent: Decimal | None = None,
    reference: Decimal | None = None,
    version: int | None = None,
) -> Contract:
    """Let all prices follow the times from a day on: by the agreed percentage, a given one, or as the index rose."""
    contract = await taken(work, id, version)
    day = effective_date or contract.indexation_next
    if day is None:
        raise Invalid("Say from which day on; the contract names none.", field="effectiveDate")
    rate = _rate(contract, percent, reference)
    earliest = terms.running_period(contract.start_date, contract.billing_interval, await today(work, contract))
    rules.check_amending(contract.status, effective=day, earliest=earliest, last=contract.end_date)
    for row in await all_lines(work, contract.id):
        if row.valid_to is None or row.valid_to >= day:
            steps = [{**tier, "unit_price": terms.indexed(Decimal(tier["unit_price"]), rate)} for tier in row.tiers]
            await _follow(work, row, day, {"unit_price": terms.indexed(row.unit_price, rate), "tiers": steps})
    contract.indexation_next = terms.plus_months(day, 12)
    contract.indexation_reference = reference or contract.indexation_reference
    await tell(
        work,
        contract,
        events.ContractAmended(**await document(work, contract, effective=day, changed=("lines", "indexation"))),
    )
    return contract


def _rate(contract: Contract, percent: Decimal | None, reference: Decimal | None) -> Decimal:
    if percent is not None:
        return rules.percent(percent, field="percent")
    if reference is not None and contract.indexation_reference:
        return max(terms.index_change(contract.indexation_reference, reference), Decimal(0))
    if contract.indexation_type is IndexationType.FIXED_PERCENT and contract.indexation_percent is not None:
        return contract.indexation_percent
    raise Invalid("Say by how many percent, or what the index is now.", field="percent")


# --- telling


async def tell(work: Work, contract: Contract, happened: events.ContractFact) -> None:
    """Tell what happened with a contract; whoever keeps a copy of contracts hears `contract.updated`, too."""
    await work.emit(happened, subject=contract.id, customer=contract.customer_id)
    if not isinstance(happened, events.ContractCreated | events.ContractUpdated):
        copy = events.ContractUpdated(**happened.model_dump(by_alias=False))
        await work.emit(copy, subject=contract.id, customer=contract.customer_id)


async def document(
    work: Work,
    contract: Contract,
    lines: Sequence[ContractLine] | None = None,
    *,
    effective: date | None = None,
    changed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The whole contract as it is now, for those who are told."""
    await work.session.flush()
    found = _document(contract, lines if lines is not None else await all_lines(work, contract.id))
    return found | {"effective_date": effective, "changed": changed}


def _document(contract: Contract, lines: Sequence[ContractLine]) -> dict[str, Any]:
    head = {name: getattr(contract, name) for name in _TOLD}
    enums = ("status", "billing_interval", "overage")
    return {
        **head,
        **{name: getattr(contract, name).value for name in enums},
        "contract_type": contract.type.value,
        "coverage": tuple(events.ContractCoverage(**rule) for rule in contract.coverage),
        "asset_ids": tuple(dict.fromkeys(asset for one in lines for asset in one.asset_ids)),
        "lines": tuple(_told_line(one) for one in lines),
    }


_TOLD = (
    "id", "customer_id", "number", "title", "status", "legal_entity_id", "start_date", "end_date", "notice_deadline",
    "auto_renew", "billing_interval", "billing_anchor_day", "bill_in_advance", "currency", "priority", "included_hours",
    "hourly_rate", "overage", "sla_policy_id", "po_number",
)  # fmt: skip
_TOLD_OF_LINES = (
    "id", "replaces_id", "product_id", "description", "quantity", "min_quantity", "max_quantity", "unit_code",
    "unit_price", "discount_percent", "included_hours", "hourly_rate_overage", "tax_code", "valid_from", "valid_to",
)  # fmt: skip


def _told_line(one: ContractLine) -> events.ContractLineTold:
    return events.ContractLineTold(
        **{name: getattr(one, name) for name in _TOLD_OF_LINES},
        kind=one.kind.value,
        quantity_mode=one.quantity_mode.value,
        quantity_policy=one.quantity_policy.value,
        prorate=one.prorate.value,
        tiers=tuple(events.ContractTier(**tier) for tier in one.tiers),
        asset_ids=tuple(UUID(asset) for asset in one.asset_ids),
    )


# --- how what was entered becomes what is stored


def _optional(clean: Clean) -> Clean:
    return lambda value, *, field: None if value is None else clean(value, field=field)


def _texts(value: Sequence[Any] | None, *, field: str) -> list[str]:
    found = list(dict.fromkeys(str(one) for one in value or ()))
    if len(found) > rules.MOST_RULES or any(parsed(one) is None for one in found):
        raise Invalid(f"{field} may be at most {rules.MOST_RULES} identifiers.", field=field)
    return found


def _reference(value: Any, *, field: str) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    if (found := parsed(str(value))) is None:
        raise NotFound("There is no such thing with this id.", field=field)
    return found


def _tiers(value: Sequence[Mapping[str, Any]] | None, *, field: str) -> list[dict[str, str]]:
    entered = [(Decimal(one["from_quantity"]), Decimal(one["unit_price"])) for one in value or ()]
    return [tier.stored() for tier in rules.tiers(entered, field=field)]


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
_LINE_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "kind": ContractLineKind.RECURRING,
        "quantity_mode": QuantityMode.FIXED,
        "quantity_policy": QuantityPolicy.PRORATED_CHANGES,
        "quantity": Decimal(1),
        "unit_code": "MON",
        "discount_percent": Decimal(0),
        "tiers": (),
        "tax_code": "DE19",
        "prorate": ProrationMode.DAILY,
        "asset_ids": (),
    }
)
_AMENDABLE: Mapping[str, Clean] = MappingProxyType(
    {
        "auto_renew": looks.present,
        "renewal_months": rules.months,
        "notice_months": kept,
        "coverage": lambda value, *, field: rules.coverage(value or (), field=field),
        "priority": rules.priority,
        "included_hours": _optional(rules.quantity),
        "hourly_rate": _optional(rules.price),
        "overage": looks.present,
        "sla_policy_id": kept,
    }
)
_HEAD: Mapping[str, Clean] = MappingProxyType(
    {
        **_AMENDABLE,
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
_LINE: Mapping[str, Clean] = MappingProxyType(
    {
        "product_id": _reference,
        "kind": looks.present,
        "description": line,
        "quantity_mode": looks.present,
        "quantity_policy": looks.present,
        "quantity": rules.quantity,
        "min_quantity": _optional(rules.quantity),
        "max_quantity": _optional(rules.quantity),
        "unit_code": lambda value, *, field: line(value, field=field, longest=10),
        "unit_price": rules.price,
        "discount_percent": rules.percent,
        "included_hours": _optional(rules.quantity),
        "hourly_rate_overage": _optional(rules.price),
        "tiers": _tiers,
        "tax_code": lambda value, *, field: line(value, field=field, longest=40),
        "prorate": looks.present,
        "count_query": kept,
        "asset_ids": _texts,
    }
)
