"""What a tenant has before its first customer: people who can sign in, a desk, a company that sells, prices.

All of it by the modules' own functions, so that they tell each other of it as always; done again, it finds what is there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from deploy.local import books as demo
from deploy.local.people import Person, Tenant
from deploy.local.scale import desk
from subgraphs.auth.models.credentials import Password
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import grants, passwords, people
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.rules.products import ProductKind
from subgraphs.billing.rules.rates import RateScope
from subgraphs.billing.rules.vat import SupplyKind
from subgraphs.billing.service import entities, products
from subgraphs.kit import database, work
from subgraphs.kit.caller import system
from subgraphs.kit.config import Settings
from subgraphs.kit.work import Work
from subgraphs.tickets.models.desk import Queue
from subgraphs.tickets.models.sla import BusinessCalendar, SlaPolicy
from subgraphs.tickets.models.time_entries import RoundingRule, WorkType
from subgraphs.tickets.rules import policies
from subgraphs.tickets.rules.sla import SlaMetric, Terms
from subgraphs.tickets.rules.tickets import TicketPriority
from subgraphs.tickets.service import calendars, defaults

_SELLER = demo.Seller(
    "Scale GmbH", "Am Großmarkt 1", "20097", "Hamburg", "DE811569869", "20/291/04711", "Kim Petersen", "+49 40 5550100",
    "rechnung@scale.example", "DE02120300000000202051",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ground:
    """What the rows point at."""

    desk: desk.Ground
    entity: LegalEntity


async def laid(modules: Mapping[str, Settings], tenant: Tenant, password: str) -> Ground:
    """Lay the ground of a tenant, or find it."""
    async with _work(modules, "auth", tenant) as job:
        await _people(job, tenant, password)
    async with _work(modules, "tickets", tenant) as job:
        of_desk = await _desk(job, tenant)
    async with _work(modules, "billing", tenant) as job:
        return Ground(of_desk, await _company(job))


@asynccontextmanager
async def _work(modules: Mapping[str, Settings], module: str, tenant: Tenant) -> AsyncIterator[Work]:
    known = modules[module]
    engine = database.engine(known.needed("database_url"), application="psa-seed", pool_size=1)
    try:
        async with work.begin(engine, system(tenant.id), module=module, command="seed", settings=known) as job:
            yield job
    finally:
        await engine.dispose()


async def _people(job: Work, tenant: Tenant, password: str) -> None:
    found = await people.found_tenant(job, slug=tenant.slug, name=tenant.name)
    found.settings = found.settings or {"signIn": {"mfaRequired": False, "mfaRoles": []}}
    there = set(await job.session.scalars(select(User.id)))
    missing = [one for one in tenant.people if one.id not in there]
    hashed = await passwords.hashed(password, job.settings) if missing else ""
    for person in missing:
        user = await _person(job, person)
        job.session.add(Password(user_id=user.id, hash=hashed, changed_at=job.at))


async def _person(job: Work, person: Person) -> User:
    first, _, last = person.name.rpartition(" ")
    user = await people.create(
        job, user_id=person.id, email=person.email, display_name=person.name, first_name=first, last_name=last,
        kind=UserKind(person.kind), status=UserStatus.ACTIVE,
    )  # fmt: skip
    await grants.assign(job, user, person.role)
    return user


async def _desk(job: Work, tenant: Tenant) -> desk.Ground:
    await defaults.settings(job)
    policy = (await job.session.scalars(select(SlaPolicy).where(SlaPolicy.is_default))).one()
    kinds = {
        one.key: one.id for one in await job.session.scalars(select(WorkType).where(WorkType.archived_at.is_(None)))
    }
    rounding = (await job.session.scalars(select(RoundingRule).where(RoundingRule.is_default))).one()
    queues = (await job.session.scalars(select(Queue).where(Queue.archived_at.is_(None)).order_by(Queue.name))).all()
    technicians = [one.id for one in tenant.people if one.role in {"technician", "senior_technician"}]
    return desk.Ground(
        queues=[one.id for one in queues],
        policy=policy.id,
        promises={one.value: await _promise(job, policy, one) for one in TicketPriority},
        remote=kinds["remote"],
        onsite=kinds["onsite"],
        rounding=rounding.id,
        technicians=technicians,
    )


async def _promise(job: Work, policy: SlaPolicy, priority: TicketPriority) -> desk.Promise:
    row = await job.find(BusinessCalendar, policy.calendar_id)
    assert row is not None  # noqa: S101 - a policy points at one that is there
    calendar = (await calendars.revisions(job, [row.revision_id]))[row.revision_id]
    minutes = {
        metric: one["minutes"]
        for metric in (SlaMetric.FIRST_RESPONSE, SlaMetric.RESOLUTION)
        if (one := policies.target(policy.targets, priority, metric))
    }
    first, whole = (Terms(job.at, calendar, timedelta(minutes=one)) for one in minutes.values())
    return desk.Promise(first, whole, desk.stored(minutes, row.revision_id, priority.value, policy.warn_at))


async def _company(job: Work) -> LegalEntity:
    entity = (await job.session.scalars(select(LegalEntity).limit(1))).first()
    if entity is None:
        entity = await entities.create(job, **_seller())
        await job.session.flush()
    for product in demo.PRODUCTS:
        await products.upsert(
            job, sku=product["sku"], name=product["name"], kind=ProductKind(product["kind"]),
            supply=SupplyKind(product.get("supply", "SERVICE")), sales_price=Decimal(product["salesPrice"]),
        )  # fmt: skip
    entries = [
        {"hourly_rate": Decimal(120), "multiplier_after_hours": Decimal("1.5"), "multiplier_weekend": Decimal(2)}
    ]
    await products.upsert_rate_card(job, name="Standard", scope=RateScope.TENANT, entries=entries)
    return entity


def _seller() -> dict[str, object]:
    one = _SELLER
    return {
        "name": one.name, "vat_id": one.vat_id, "tax_number": one.tax_number, "iban": one.iban,
        "address": {"line1": one.street, "postal_code": one.postal_code, "city": one.city, "country": "DE"},
        "contact_name": one.contact, "contact_phone": one.phone, "contact_email": one.email, "approve_issues": False,
    }  # fmt: skip
