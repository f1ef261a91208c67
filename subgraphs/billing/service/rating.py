"""Work, rated: who pays for it, what it is taken from, what it costs, and why.

time ──► coverage ──► covered     an item of 0.00 that keeps what it would have cost
├─► prepaid     taken from the balance; what is too much is billed, held, or bought anew
├─► billable    an item for each rate: business hours, after hours, weekend
└─► held        somebody has to decide
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from subgraphs.billing.models.agreements import BilledContract
from subgraphs.billing.models.invoices import BillableItem
from subgraphs.billing.rules import coverage, entered, prepaid, rates
from subgraphs.billing.rules.contracts import CalendarPart, ContractType
from subgraphs.billing.rules.coverage import Coverage, CoverageEffect, Project, WorkDone
from subgraphs.billing.rules.items import BillableSource, BillableStatus
from subgraphs.billing.rules.money import ONE, UNIT_PRICE, ZERO, product, ratio, rounded
from subgraphs.billing.rules.periods import month_of
from subgraphs.billing.rules.rates import MINUTES, Rate, Segment
from subgraphs.billing.service import accounts, contracts, ticket_packs
from subgraphs.billing.service import prepaid as balances
from subgraphs.billing.service import products as catalogue
from subgraphs.kit.errors import Conflict, Invalid
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

NO_RATE = "NO_RATE"
EXHAUSTED = "PREPAID_EXHAUSTED"
LONGEST_WORK = 16 * 60
MOST_BLOCKS = 20
"""So many are bought at once for one piece of work; whoever sells smaller ones bills the rest."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A piece of work with all that its price depends on."""

    done: WorkDone
    time_entry_id: UUID
    customer_id: UUID
    minutes: int
    after_hours_minutes: int
    weekend_minutes: int
    role: str | None
    description: str
    ticket_id: UUID | None
    cost_rate: Decimal | None
    multiplier: Decimal | None = None
    """What normal minutes are multiplied with, when the kind of work says so."""
    after_hours_multiplier: Decimal | None = None
    """The same after hours, when the kind of work says so and not the rate card."""


async def rate_time(
    work: Work,
    *,
    time_entry_id: UUID,
    customer_id: UUID,
    service_date: date,
    minutes: int,
    after_hours_minutes: int = 0,
    weekend_minutes: int = 0,
    description: str,
    work_type: str | None = None,
    role: str | None = None,
    ticket_id: UUID | None = None,
    ticket_type: str | None = None,
    asset_id: UUID | None = None,
    asset_type: str | None = None,
    site_id: UUID | None = None,
    project_id: UUID | None = None,
    project_fixed_price: bool = False,
    contract_id: UUID | None = None,
    ticket_contract_id: UUID | None = None,
    cost_rate: Decimal | None = None,
    multiplier: Decimal | None = None,
    after_hours_multiplier: Decimal | None = None,
) -> BillableItem:
    """Rate approved work: find who pays, take it from a balance or price it, and keep why; the answer is its first item."""
    customer_id = (await accounts.of(work, customer_id)).customer_id
    entered.day(service_date, field="serviceDate")
    _check_minutes(minutes, after_hours_minutes, weekend_minutes)
    await _check_new(work, time_entry_id)
    business = after_hours_minutes + weekend_minutes < minutes
    done = WorkDone(
        service_date=service_date,
        hours=ratio(Decimal(minutes), MINUTES),
        work_type=work_type,
        ticket_type=ticket_type,
        asset_id=asset_id,
        asset_type=asset_type,
        site_id=site_id,
        calendar_part=CalendarPart.BUSINESS if business else CalendarPart.AFTER_HOURS,
        contract_id=contract_id,
        ticket_contract_id=ticket_contract_id,
        project=Project(project_id, fixed_price=project_fixed_price) if project_id else None,
    )
    what = line(description, field="description", longest=500)
    cost = None if cost_rate is None else entered.price(cost_rate, field="costRate")
    worked = Worked(
        done, time_entry_id, customer_id, minutes, after_hours_minutes, weekend_minutes, role, what, ticket_id, cost,
        multiplier, after_hours_multiplier,
    )  # fmt: skip
    found = await _covered(work, worked)
    return (await _rated(work, worked, found))[0]


def _check_minutes(minutes: int, after_hours: int, weekend: int) -> None:
    if not 0 < minutes <= LONGEST_WORK:
        raise Invalid(f"Work takes 1 to {LONGEST_WORK} minutes.", field="minutes")
    if after_hours < 0 or weekend < 0 or after_hours + weekend > minutes:
        raise Invalid("Minutes after hours and at the weekend are part of the minutes.", field="afterHoursMinutes")


async def _check_new(work: Work, time_entry_id: UUID) -> None:
    query = select(BillableItem.id).where(
        BillableItem.source == BillableSource.TIME_ENTRY, BillableItem.source_id == time_entry_id
    )
    if (await work.session.scalars(query.limit(1))).first() is not None:
        raise Conflict("This time entry was rated before.", field="timeEntryId")


async def forget_untouched(work: Work, time_entry_id: UUID) -> bool:
    """Make room for a time entry that is approved again; False when what it became was used or billed."""
    query = select(BillableItem).where(
        BillableItem.source == BillableSource.TIME_ENTRY, BillableItem.source_id == time_entry_id
    )
    rows = (await work.session.scalars(query.with_for_update())).all()
    if any(row.effect is CoverageEffect.PREPAID or row.status in _SETTLED for row in rows):
        return False
    for row in rows:
        await work.session.delete(row)
    await work.session.flush()
    return True


_SETTLED = frozenset({BillableStatus.INVOICED, BillableStatus.WRITTEN_OFF})


async def _covered(work: Work, worked: Worked) -> Coverage:
    known = await contracts.of_customer(work, worked.customer_id)
    used = await _used_hours(work, worked)
    return coverage.resolve(worked.done, known, used_hours=used)


async def _used_hours(work: Work, worked: Worked) -> dict[UUID, Decimal]:
    """The hours that each contract of the customer has covered in the calendar month of the work, whichever day was approved first."""
    month = month_of(worked.done.service_date)
    query = select(BillableItem.contract_id, func.sum(BillableItem.minutes)).where(
        BillableItem.customer_id == worked.customer_id,
        BillableItem.contract_id.is_not(None),
        BillableItem.status == BillableStatus.COVERED,
        BillableItem.effect.in_([CoverageEffect.COVERED, CoverageEffect.PARTLY_COVERED]),
        BillableItem.service_from >= month.start,
        BillableItem.service_from < month.end,
    )
    found = await work.session.execute(query.group_by(BillableItem.contract_id))
    return {contract: ratio(Decimal(minutes or 0), MINUTES) for contract, minutes in found if contract is not None}


async def _rated(work: Work, worked: Worked, found: Coverage) -> list[BillableItem]:
    contract = await work.find(BilledContract, found.contract_id) if found.contract_id else None
    on = worked.done.service_date
    cards = await catalogue.cards(work, customer_id=worked.customer_id, contract_id=found.contract_id, on=on)
    rate = rates.rate_for(cards, work_type=worked.done.work_type, role=worked.role)
    if contract is not None and contract.hourly_rate is not None and found.effect is not CoverageEffect.COVERED:
        rate = _at_rate(rate, contract.hourly_rate)
    parts = _segments(worked, rate)
    match found.effect:
        case CoverageEffect.COVERED:
            return [_covered_item(work, worked, found, parts, rate)]
        case CoverageEffect.HELD:
            return [_held_item(work, worked, found, found.hold_reason or coverage.AMBIGUOUS)]
        case CoverageEffect.PREPAID if contract is not None:
            return await _prepaid(work, worked, found, contract, parts, rate)
        case CoverageEffect.PARTLY_COVERED:
            first = _covered_item(work, worked, found, _until(parts, found.covered_hours), rate)
            return [first, *_billed(work, worked, found, rates.beyond(parts, found.covered_hours), rate, first_part=1)]
        case _:
            return _billed(work, worked, found, parts, rate)


def _segments(worked: Worked, rate: Rate | None) -> tuple[Segment, ...]:
    """The minutes by what they are multiplied with: by the kind of work where it says so, else by the rate card."""
    known = rate or Rate(ZERO)
    if worked.after_hours_multiplier is not None:
        known = replace(known, multiplier_after_hours=worked.after_hours_multiplier)
    return rates.segments(
        known,
        minutes=worked.minutes,
        after_hours=worked.after_hours_minutes,
        weekend=worked.weekend_minutes,
        normal=ONE if worked.multiplier is None else worked.multiplier,
    )


def _at_rate(rate: Rate | None, hourly: Decimal) -> Rate:
    """The contract's own rate, with the multipliers of the card."""
    if rate is None:
        return Rate(hourly)
    return Rate(hourly, rate.work_type, rate.role, rate.multiplier_after_hours, rate.multiplier_weekend)


def _until(parts: Sequence[Segment], hours: Decimal) -> tuple[Segment, ...]:
    """The first hours of the segments."""
    left, found = product(hours, MINUTES), []
    for part in parts:
        taken = min(left, part.minutes)
        left -= taken
        if taken > 0:
            found.append(Segment(taken, part.multiplier))
    return tuple(found)


def _item(worked: Worked, found: Coverage, part: int, **values: Any) -> BillableItem:
    plain = {
        "customer_id": worked.customer_id,
        "source": BillableSource.TIME_ENTRY,
        "source_id": worked.time_entry_id,
        "part": part,
        "contract_id": found.contract_id,
        "project_id": found.project_id,
        "ticket_id": worked.ticket_id,
        "description": worked.description,
        "unit_code": "HUR",
        "unit_price": ZERO,
        "discount_percent": ZERO,
        "notional_value": ZERO,
        "cost": worked.cost_rate,
        "tax_code": "DE19",
        "service_from": worked.done.service_date,
        "effect": found.effect,
        "rule_id": found.rule_id,
        "explanation": list(found.explanation),
    }
    return BillableItem(**plain | values)


def _covered_item(
    work: Work, worked: Worked, found: Coverage, parts: Sequence[Segment], rate: Rate | None
) -> BillableItem:
    """Nothing is billed, and what it would have cost is kept for the effective rate."""
    minutes = int(sum((part.minutes for part in parts), ZERO))
    notional = rates.price(parts, rate.hourly_rate) if rate else ZERO
    hours = rounded(ratio(Decimal(minutes), MINUTES), UNIT_PRICE)
    values = {"quantity": hours, "minutes": minutes, "notional_value": notional, "status": BillableStatus.COVERED}
    return work.add(_item(worked, found, 0, **values))


def _held_item(work: Work, worked: Worked, found: Coverage, reason: str, part: int = 0) -> BillableItem:
    hours = rounded(worked.done.hours, UNIT_PRICE)
    values = {"quantity": hours, "minutes": worked.minutes, "status": BillableStatus.HELD, "hold_reason": reason}
    return work.add(_item(worked, found, part, **values))


def _billed(
    work: Work, worked: Worked, found: Coverage, parts: Sequence[Segment], rate: Rate | None, *, first_part: int = 0
) -> list[BillableItem]:
    """An item for each rate; without a rate nobody guesses."""
    if rate is None:
        return [_held_item(work, worked, found, NO_RATE, first_part)]
    items = []
    for number, part in enumerate(parts, first_part):
        hours, price = rates.as_line(part, rate.hourly_rate)
        values = {"quantity": hours, "minutes": int(part.minutes), "unit_price": price, "status": BillableStatus.READY}
        items.append(work.add(_item(worked, found, number, **values)))
    return items


async def _prepaid(
    work: Work,
    worked: Worked,
    found: Coverage,
    contract: BilledContract,
    parts: Sequence[Segment],
    rate: Rate | None,
) -> list[BillableItem]:
    """Take it from the balance; what that can't give is billed, held, or bought anew, as the contract says."""
    on = worked.done.service_date
    if contract.type is ContractType.PER_TICKET and not await ticket_packs.pays(work, contract, worked.ticket_id, on):
        found = replace(
            found,
            effect=CoverageEffect.BILLABLE,
            explanation=(*found.explanation, f"no ticket is left in the pack of {contract.title}"),
        )
        return _billed(work, worked, found, parts, rate)
    amount = _worth(contract.type, parts, rate)
    if amount is None:
        return [_held_item(work, worked, found, NO_RATE)]
    over = await balances.consume(work, contract, amount, worked.done.service_date, worked.time_entry_id)
    if over and contract.overage is prepaid.Overage.AUTO_REPLENISH:
        over = await _replenished(work, contract, over, worked)
    taken = _covered_item(work, worked, found, parts, rate)
    taken.explanation = [*taken.explanation, f"taken from the balance: {(amount - over).normalize():f}"]
    if not over:
        return [taken]
    return [taken, _overage(work, worked, found, contract, over, rate)]


def _worth(kind: ContractType, parts: Sequence[Segment], rate: Rate | None) -> Decimal | None:
    """What a piece of work takes from a balance, in the balance's unit."""
    match kind:
        case ContractType.BLOCK_HOURS:
            return rates.weighted_hours(parts)
        case ContractType.RETAINER:
            return rates.price(parts, rate.hourly_rate) if rate else None
        case _:
            return ZERO  # a pack of tickets counts tickets, not hours


def _overage(
    work: Work, worked: Worked, found: Coverage, contract: BilledContract, over: Decimal, rate: Rate | None
) -> BillableItem:
    because = [*found.explanation, f"the balance lacks {over.normalize():f}"]
    if contract.overage is prepaid.Overage.BLOCK:
        item = _held_item(work, worked, found, EXHAUSTED, 1)
    elif contract.type is ContractType.RETAINER:
        item = _item(
            worked, found, 1, quantity=Decimal(1), unit_code="LS", unit_price=over, status=BillableStatus.READY
        )
    elif rate is None:
        item = _held_item(work, worked, found, NO_RATE, 1)
    else:
        price = rate.hourly_rate
        item = _item(worked, found, 1, quantity=over, unit_price=price, status=BillableStatus.READY)
    item.explanation = because
    return work.add(item)


async def _replenished(work: Work, contract: BilledContract, over: Decimal, worked: Worked) -> Decimal:
    """Buy blocks of the size and at the price of the last one until they give the rest; where nobody knows a price, none is bought."""
    on = worked.done.service_date
    last = await balances.last_of(work, contract.id)
    price = None if last is None else await balances.price_of(work, contract, last)
    for _ in range(MOST_BLOCKS):
        if not over or last is None or price is None:
            break
        await balances.purchase(work, contract_id=contract.id, quantity=last.purchased, price=price, bought_on=on)
        await work.session.flush()
        over = await balances.consume(work, contract, over, on, worked.time_entry_id)
    return over
