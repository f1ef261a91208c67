"""Where a tenant is: whose nights and days count. Billing tells it of the companies that sell; the first one is home."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from contracts.events import billing
from contracts.events.envelope import Envelope
from subgraphs.assets.models import TenantZone
from subgraphs.kit import copies
from subgraphs.kit.work import Work

USUAL: Final = "Europe/Berlin"
"""Where a tenant is of which nobody has said it."""

_TOLD: Final[Mapping[str, type[billing.LegalEntityCreated | billing.LegalEntityUpdated]]] = {
    event.type: event for event in (billing.LegalEntityCreated, billing.LegalEntityUpdated)
}
EVENTS: Final = tuple(_TOLD)


async def learn(work: Work, envelope: Envelope) -> None:
    """Remember where a company is that sells; an older event never overwrites a newer one."""
    told = envelope.read(_TOLD[envelope.type])
    said = {"time_zone": told.time_zone}
    await copies.learn(work, TenantZone, {"legal_entity_id": told.id}, said, at=envelope.time)


async def of(work: Work) -> ZoneInfo:
    """The time zone of the tenant."""
    name = await work.session.scalar(select(TenantZone.time_zone).order_by(TenantZone.legal_entity_id).limit(1))
    return ZoneInfo(name or USUAL)


async def today(work: Work) -> date:
    """Which day it is where the tenant is."""
    return work.at.astimezone(await of(work)).date()
