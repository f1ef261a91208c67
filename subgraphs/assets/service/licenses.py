"""Licences: what was bought, who holds a seat, and telling when the two begin or cease to fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from contracts.events import assets as events
from contracts.events.envelope import Event
from subgraphs.assets.errors import SeatTaken
from subgraphs.assets.models import Asset, License, LicenseSeat
from subgraphs.assets.rules import assets as dates
from subgraphs.assets.rules import licenses as rules
from subgraphs.assets.rules.licenses import ComplianceStatus, Principal, Seat, Standing
from subgraphs.assets.service import zones
from subgraphs.kit import jobs, references
from subgraphs.kit.errors import Invalid
from subgraphs.kit.filters import conditions, containing
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work

BY_PRODUCT = Order((License.product,))
RENEWAL_JOB = "license.renewal"

_RENEWAL_DAYS = (60, 14)
_MOST_INCLUDED = 50
_MOST_SEATS = 200

# --- reading


def selected(*, wanted: Any = None, search: str | None = None) -> Select[License]:
    """The query for licences of this filter and search."""
    return select(License).where(*conditions(License, wanted), *containing(search, License.product, License.vendor))


async def of_customers(
    work: Work, customers: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[License]]:
    """The licences of each customer, by product."""
    order = (License.product, License.id)
    return await work.per_parent(License, License.customer_id, customers, order=order, limit=limit, offset=offset)


async def seats_of(
    work: Work, licenses: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[LicenseSeat]]:
    """Who holds a seat of each licence now, in the order in which they got it."""
    held, order = (LicenseSeat.revoked_at.is_(None),), (LicenseSeat.assigned_at, LicenseSeat.id)
    return await work.per_parent(
        LicenseSeat, LicenseSeat.license_id, licenses, where=held, order=order, limit=limit, offset=offset
    )


async def standings(work: Work, licenses: Sequence[UUID]) -> Mapping[UUID, Standing]:
    """How each licence stands; seats of suites that include its product count, for the same customer."""
    wanted = await work.those(License, licenses)
    customers = {one.customer_id for one in wanted.values()}
    every = (await work.session.scalars(select(License).where(License.customer_id.in_(customers)))).all()
    held = select(LicenseSeat).where(
        LicenseSeat.revoked_at.is_(None), LicenseSeat.license_id.in_([one.id for one in every])
    )
    seats = (await work.session.scalars(held)).all()
    at = work.at.astimezone(await zones.of(work))  # a licence ends with its last day where the tenant is
    return {key: _standing(one, every, seats, at) for key, one in wanted.items()}


def _standing(bought: License, every: Sequence[License], seats: Sequence[LicenseSeat], at: datetime) -> Standing:
    """Everything bought of this product against everybody who uses it, directly or in a suite."""
    theirs = [one for one in every if one.customer_id == bought.customer_id]
    products = {one.id: one.product for one in theirs}
    suites = [one.product for one in theirs if bought.product in one.includes]
    used = [_seat(seat, products[seat.license_id]) for seat in seats if seat.license_id in products]
    counting = rules.holding(bought.product, used, suites)
    live = [one for one in theirs if one.product in {bought.product, *suites} and not _ended(one, at.date())]
    purchased = sum(one.purchased for one in live) if not _ended(bought, at.date()) else bought.purchased
    return rules.standing(counting, purchased=purchased, end=bought.end_date, at=at)


def _ended(bought: License, today: date) -> bool:
    return bought.end_date is not None and bought.end_date < today


def _seat(seat: LicenseSeat, product: str) -> Seat:
    who = Principal(seat.principal, seat.directory)
    return Seat(who, product, disabled=seat.principal_disabled, last_active=seat.last_active_at)


# --- buying


async def create(
    work: Work,
    *,
    customer_id: UUID | None,
    product: str,
    purchased: int,
    includes: Sequence[str] | None = None,
    **described: Any,
) -> License:
    """Record what a customer bought."""
    known = await references.require(work, "Customer", customer_id, field="customerId")
    bought = work.add(
        License(
            customer_id=known.id,
            product=line(product, field="product"),
            purchased=rules.check_purchased(purchased),
            includes=_included(includes),
            compliance=ComplianceStatus.COMPLIANT,
            **_checked(described),
        )
    )
    await work.session.flush()
    await _remind(work, bought)
    await _judge(work, bought)
    return bought


async def change(work: Work, id: UUID | None, version: int | None = None, **described: Any) -> License:
    """Change what was bought."""
    bought = await work.take(License, id, field="id", version=version)
    before = bought.renewal_date
    if "purchased" in described:
        bought.purchased = rules.check_purchased(described.pop("purchased"))
    if "includes" in described:
        bought.includes = _included(described.pop("includes"))
    for name, value in _checked(described).items():
        setattr(bought, name, value)
    if bought.renewal_date != before:
        await _remind(work, bought)
    await _judge(work, bought)
    return bought


def _included(products: Sequence[str] | None) -> list[str]:
    found = [line(one, field="includes") for one in products or ()]
    if len(found) > _MOST_INCLUDED:
        raise Invalid(f"A suite includes at most {_MOST_INCLUDED} products.", field="includes")
    return list(dict.fromkeys(found))


def _checked(described: Mapping[str, Any]) -> dict[str, Any]:
    checks: dict[str, Callable[[Any], Any]] = {
        "vendor": lambda text: optional_line(text, field="vendor"),
        "key_ref": lambda text: optional_line(text, field="keyRef"),
        "vendor_subscription_id": lambda text: optional_line(text, field="vendorSubscriptionId"),
        "commitment_end": lambda day: dates.check_day(day, field="commitmentEnd"),
        "renewal_date": lambda day: dates.check_day(day, field="renewalDate"),
        "end_date": lambda day: dates.check_day(day, field="endDate"),
        "cost_per_unit": _cost,
        "metric": _metric,
    }
    return {name: checks[name](value) for name, value in described.items()}


def _metric(metric: rules.LicenseMetric | None) -> rules.LicenseMetric:
    if metric is None:
        raise Invalid("metric must not be removed.", field="metric")
    return metric


def _cost(cost: Decimal | None) -> Decimal | None:
    if cost is not None and not (cost.is_finite() and Decimal(0) <= cost < Decimal(10) ** 9):
        raise Invalid("costPerUnit must be between 0 and 1,000,000,000.", field="costPerUnit")
    return cost


# --- seats


async def assign(
    work: Work,
    *,
    license_id: UUID | None,
    principal: str,
    directory: str | None = None,
    contact_id: UUID | None = None,
    asset_id: UUID | None = None,
    last_active_at: datetime | None = None,
) -> LicenseSeat:
    """Give somebody a seat."""
    dates.check_moment(last_active_at, field="lastActiveAt")
    bought = await work.take(License, license_id, field="licenseId")
    who = rules.principal(line(principal, field="principal"), optional_line(directory, field="directory"))
    assert who is not None  # noqa: S101 - a line is never empty
    await _check_asset(work, asset_id, bought.customer_id)
    if await _holder(work, bought.id, who) is not None:
        raise SeatTaken(f"{who.name} holds a seat of this licence already.", field="principal")
    seat = work.add(
        LicenseSeat(
            license_id=bought.id,
            customer_id=bought.customer_id,
            principal=who.name,
            directory=who.directory,
            contact_id=contact_id,
            asset_id=asset_id,
            assigned_at=work.at,
            last_active_at=last_active_at,
            principal_disabled=False,
        )
    )
    given = events.LicenseAssigned(
        **_what(bought), seat_id=seat.id, principal=who.name, contact_id=contact_id, asset_id=asset_id
    )
    await _say(work, bought, given)
    await work.session.flush()
    await _judge(work, bought)
    return seat


async def revoke(work: Work, id: UUID | None, version: int | None = None) -> LicenseSeat:
    """Take a seat back."""
    seat = await work.take(LicenseSeat, id, field="id", version=version)
    if seat.revoked_at is None:
        bought = await work.take(License, seat.license_id, field="id")
        await _take_back(work, bought, seat)
        await work.session.flush()
        await _judge(work, bought)
    return seat


async def observe(
    work: Work,
    id: UUID | None,
    version: int | None = None,
    *,
    last_active_at: datetime | None = None,
    principal_disabled: bool | None = None,
) -> LicenseSeat:
    """Write down what a directory says of whoever holds a seat."""
    dates.check_moment(last_active_at, field="lastActiveAt")
    seat = await work.take(LicenseSeat, id, field="id", version=version)
    if last_active_at is not None:
        seat.last_active_at = last_active_at
    if principal_disabled is not None:
        seat.principal_disabled = principal_disabled
    return seat


async def end_those_of(work: Work, asset: Asset) -> None:
    """Take back every seat that an asset holds: it is gone."""
    held = select(LicenseSeat).where(LicenseSeat.asset_id == asset.id, LicenseSeat.revoked_at.is_(None))
    for seat in (await work.session.scalars(held.limit(_MOST_SEATS))).all():
        bought = await work.take(License, seat.license_id, field="id")
        await _take_back(work, bought, seat)
        await work.session.flush()
        await _judge(work, bought)


async def _take_back(work: Work, bought: License, seat: LicenseSeat) -> None:
    seat.revoked_at = work.at
    await _say(work, bought, events.LicenseRevoked(**_what(bought), seat_id=seat.id, principal=seat.principal))


async def _holder(work: Work, bought: UUID, who: Principal) -> LicenseSeat | None:
    query = select(LicenseSeat).where(
        LicenseSeat.license_id == bought,
        LicenseSeat.principal == who.name,
        LicenseSeat.directory.is_not_distinct_from(who.directory),
        LicenseSeat.revoked_at.is_(None),
    )
    found: LicenseSeat | None = await work.session.scalar(query)
    return found


async def _check_asset(work: Work, asset_id: UUID | None, customer: UUID) -> None:
    if asset_id is not None and (await work.take(Asset, asset_id, field="assetId")).customer_id != customer:
        raise Invalid("This asset is not one of the licence's customer.", field="assetId")


async def recompute(work: Work, id: UUID, version: int | None = None) -> License:
    """Look again whether what was bought fits what is used: time alone makes licences end and seats idle."""
    bought = await work.take(License, id, field="id", version=version)
    await _judge(work, bought)
    return bought


# --- telling


async def _judge(work: Work, bought: License) -> None:
    """Tell when the standing is another than the one told last."""
    now = (await standings(work, [bought.id]))[bought.id]
    if now.status is bought.compliance:
        return
    bought.compliance = now.status
    counts = {"entitled": now.entitled, "consumed": now.consumed, "reclaimable": now.reclaimable}
    await _say(work, bought, events.LicenseComplianceChanged(**_what(bought), status=now.status.value, **counts))


async def _remind(work: Work, bought: License) -> None:
    """Set a timer for each reminder that still lies ahead."""
    if bought.renewal_date is None:
        return
    zone = await zones.of(work)
    for days in _RENEWAL_DAYS:
        at = dates.moment(bought.renewal_date, days, zone)
        if at > work.at:
            payload = {"license": str(bought.id), "renewal": bought.renewal_date.isoformat(), "days": days}
            await jobs.enqueue(work, RENEWAL_JOB, payload, at=at)


async def tell_renewal(work: Work, id: UUID, renewal: date, days: int) -> None:
    """Do what the timer is there for, if the licence is still to be renewed on that day."""
    bought = await work.take(License, id, field="id")
    if bought.renewal_date == renewal and not _ended(bought, await zones.today(work)):
        due = events.LicenseRenewalDue(**_what(bought), renewal_date=renewal, threshold_days=days)
        await _say(work, bought, due)


def _what(bought: License) -> dict[str, Any]:
    return {"license_id": bought.id, "customer_id": bought.customer_id, "product": bought.product}


async def _say(work: Work, bought: License, happened: Event) -> None:
    await work.emit(happened, subject=bought.id, customer=bought.customer_id)
