"""What is told of an asset without anybody asking: the end of its life and of its warranty, and that nobody has seen it for long.

Each has a timer, and the row says what was told; `rules.assets` decides from both. The nights are those of the tenant.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from contracts.events import assets as events
from contracts.events.envelope import Event
from subgraphs.assets.models import Asset
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.rules.assets import Threshold
from subgraphs.assets.service import zones
from subgraphs.kit import jobs
from subgraphs.kit.work import Work

EOL_JOB = "asset.eol"
WARRANTY_JOB = "asset.warranty"
STALE_JOB = "asset.stale"

# --- when a timer fires


async def tell_eol(work: Work, id: UUID, eol: date, days: int) -> None:
    """Do what the timer set for the threshold `days` before `eol` is there for, if that is still the date."""
    asset = await work.take(Asset, id, field="id")
    if asset.eol_date != eol or asset.status not in rules.ACTIVE:
        return
    telling = rules.fired(eol, asset.eol_told, days, work.at, zone=await zones.of(work))
    if telling.days is not None:
        asset.eol_told = telling.days
        ending = events.AssetEol(**whose(asset), name=asset.name, eol_date=eol, threshold_days=telling.days)
        await say(work, asset, ending)
        if asset.type == rules.CERTIFICATE:
            told = events.CertificateExpiring(
                **whose(asset), name=asset.name, expires_on=eol, threshold_days=telling.days
            )
            await say(work, asset, told)
    await _set_eol_timer(work, asset, telling.then)


async def tell_stale(work: Work, id: UUID) -> None:
    """Tell that nobody has seen an asset in use for long, or look again when it was seen meanwhile."""
    asset = await work.take(Asset, id, field="id")
    if asset.last_seen_at is None or asset.status not in rules.ACTIVE:
        return
    if rules.stale_at(asset.last_seen_at) > work.at:
        await _set_sight_timer(work, asset, asset.last_seen_at)
    elif asset.status in rules.IN_USE:
        unseen = (work.at - asset.last_seen_at).days
        stale = events.AssetStale(
            **whose(asset), name=asset.name, type_key=asset.type, last_seen_at=asset.last_seen_at, days=unseen
        )
        await say(work, asset, stale)


async def tell_warranty(work: Work, id: UUID, until: date, days: int) -> None:
    """Do what the timer set for the threshold `days` before the end of the warranty is there for."""
    asset = await work.take(Asset, id, field="id")
    if asset.warranty_until != until or asset.status not in rules.ACTIVE:
        return
    zone = await zones.of(work)
    telling = rules.fired(until, asset.warranty_told, days, work.at, rules.WARRANTY_THRESHOLDS, zone=zone)
    if telling.days is not None:
        asset.warranty_told = telling.days
        ending = events.AssetWarrantyExpiring(
            **whose(asset), name=asset.name, warranty_until=until, threshold_days=telling.days
        )
        await say(work, asset, ending)
    await _set_warranty_timer(work, asset, telling.then)


# --- setting timers


async def watch_eol(work: Work, asset: Asset) -> None:
    """Set the timer for what is to be told next of the end of an asset's life."""
    if asset.eol_date is not None and asset.status in rules.ACTIVE:
        due = rules.next_threshold(asset.eol_date, asset.eol_told, work.at, zone=await zones.of(work))
        await _set_eol_timer(work, asset, due)


async def rearm_eol(work: Work, asset: Asset) -> None:
    """Begin to watch over another end of its life: what lies ahead of it is told again."""
    asset.eol_told = rules.rearmed(asset.eol_told, asset.eol_date, work.at, zone=await zones.of(work))
    await watch_eol(work, asset)


async def _set_eol_timer(work: Work, asset: Asset, threshold: Threshold | None) -> None:
    if threshold is not None and asset.eol_date is not None:
        payload = {"asset": str(asset.id), "eol": asset.eol_date.isoformat(), "days": threshold.days}
        await jobs.enqueue(work, EOL_JOB, payload, at=threshold.at)


async def watch_warranty(work: Work, asset: Asset) -> None:
    """Set the timer for what is to be told next of the end of its warranty."""
    if asset.warranty_until is not None and asset.status in rules.ACTIVE:
        zone, thresholds = await zones.of(work), rules.WARRANTY_THRESHOLDS
        due = rules.next_threshold(asset.warranty_until, asset.warranty_told, work.at, thresholds, zone=zone)
        await _set_warranty_timer(work, asset, due)


async def rearm_warranty(work: Work, asset: Asset) -> None:
    """The same for another end of its warranty."""
    thresholds, zone = rules.WARRANTY_THRESHOLDS, await zones.of(work)
    asset.warranty_told = rules.rearmed(asset.warranty_told, asset.warranty_until, work.at, thresholds, zone=zone)
    await watch_warranty(work, asset)


async def _set_warranty_timer(work: Work, asset: Asset, threshold: Threshold | None) -> None:
    if threshold is not None and asset.warranty_until is not None:
        payload = {"asset": str(asset.id), "until": asset.warranty_until.isoformat(), "days": threshold.days}
        await jobs.enqueue(work, WARRANTY_JOB, payload, at=threshold.at)


async def watch_sight(work: Work, asset: Asset, *, before: datetime | None) -> None:
    """One timer at a time looks after an asset for as long as it is seen: set when it is first seen, or seen again after all."""
    if asset.last_seen_at is not None and (before is None or rules.stale_at(before) <= work.at):
        await _set_sight_timer(work, asset, asset.last_seen_at)


async def _set_sight_timer(work: Work, asset: Asset, seen: datetime) -> None:
    at = rules.stale_at(seen)
    key = f"{STALE_JOB}/{asset.id}/{at.isoformat()}"
    await jobs.enqueue(work, STALE_JOB, {"asset": str(asset.id)}, at=at, key=key)


# --- how it is told


def whose(asset: Asset) -> dict[str, Any]:
    """Which asset an event is about."""
    return {"asset_id": asset.id, "customer_id": asset.customer_id}


async def say(work: Work, asset: Asset, happened: Event) -> None:
    """Tell something of an asset."""
    await work.emit(happened, subject=asset.id, customer=asset.customer_id)
