"""Devices that come in by the hundred: which are new, which we know, and which somebody has to look at; and making one of two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, or_, select, update

from contracts.events import assets as events
from subgraphs.assets.errors import Decided
from subgraphs.assets.models import Asset, AssetImport, AssetRelation, AssetStay, LicenseSeat, MatchCandidate
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.rules import matching
from subgraphs.assets.rules.assets import AssetStatus
from subgraphs.assets.rules.matching import Decision, Traits
from subgraphs.assets.service import assets, software, timers
from subgraphs.kit import references
from subgraphs.kit.errors import Invalid, Refusal
from subgraphs.kit.paging import Order
from subgraphs.kit.progress import Progress
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

MOST_ROWS = 500
"""So many that a small customer fits in, so few that the transaction stays short."""
MOST_ROWS_OF_A_JOB = 5_000
"""So many that the request which brings them stays below the limit of a body."""
OLDEST_FIRST = Order((MatchCandidate.created_at,))

_MOST_CANDIDATES = 20


def waiting() -> Select[MatchCandidate]:
    """The query for what somebody has to decide."""
    return select(MatchCandidate).where(MatchCandidate.decision == Decision.REVIEW)


async def take_in(
    work: Work,
    *,
    customer_id: UUID | None,
    source: str,
    rows: Sequence[Mapping[str, Any]],
    progress: Progress | None = None,
) -> AssetImport:
    """Take in the devices of a customer; with a `progress` to tell, as many as a worker may."""
    known = await references.require(work, "Customer", customer_id, field="customerId")
    check_size(rows, MOST_ROWS if progress is None else MOST_ROWS_OF_A_JOB)
    made = work.add(AssetImport(customer_id=known.id, source=line(source, field="source"), items=[]))
    await work.session.flush()
    traits = [_traits(known.id, row) for row in rows]
    twins = matching.twins(traits)
    items: list[dict[str, Any]] = []
    for place, row in enumerate(rows):
        if progress is not None:
            await progress.tell(place, len(rows))
        if place in twins:
            items.append({"decision": Decision.IGNORE.value, "twinOf": twins[place]})
        else:
            items.append(await _take_in(work, made, row, traits[place]))
    made.items = items
    return made


def check_size(rows: Sequence[Mapping[str, Any]], most: int) -> None:
    """Raise `Invalid` for too many rows, or none at all."""
    if not 1 <= len(rows) <= most:
        raise Invalid(f"An import has 1 to {most} rows, not {len(rows)}.", field="rows")


async def _take_in(work: Work, made: AssetImport, row: Mapping[str, Any], traits: Traits) -> dict[str, Any]:
    """What became of one row; a row that makes no sense does not spoil the others."""
    found = matching.match(traits, await _sharing(work, traits))
    best = found.best
    said: dict[str, Any] = {"decision": found.decision.value}
    if best is not None:
        said |= {"assetId": str(best.asset), "score": best.score}
    try:
        async with work.session.begin_nested():
            return said | await _carry_out(work, made, row, found)
    except Refusal as refused:
        return {**said, "error": {"code": refused.code, "message": str(refused), "field": refused.field}}


async def _carry_out(work: Work, made: AssetImport, row: Mapping[str, Any], found: matching.Match) -> dict[str, Any]:
    best = found.best
    if found.decision is Decision.CREATE or best is None:
        return {"assetId": str((await _create(work, made.customer_id, row)).id)}
    if found.decision is Decision.UPDATE:
        await assets.change(work, best.asset, **_described(row))
        return {}
    candidate = MatchCandidate(
        customer_id=made.customer_id,
        import_id=made.id,
        asset_id=best.asset,
        score=best.score,
        incoming=plain(row),
        decision=Decision.REVIEW,
    )
    work.add(candidate)
    await work.session.flush()
    return {"candidateId": str(candidate.id)}


async def decide(work: Work, id: UUID | None, version: int | None = None, *, decision: Decision) -> MatchCandidate:
    """Decide about a match: it is that device, it is a new one, or it is not wanted."""
    candidate = await work.take(MatchCandidate, id, field="id", version=version)
    if candidate.decision is not Decision.REVIEW:
        raise Decided(f"Somebody has decided already: {candidate.decision.value}.", field="id")
    if decision is Decision.REVIEW:
        raise Invalid("Decide for UPDATE, CREATE or IGNORE.", field="decision")
    candidate.decision = decision
    if decision is Decision.UPDATE:
        await assets.change(work, candidate.asset_id, **entered(candidate.incoming))
        candidate.decided_asset_id = candidate.asset_id
    if decision is Decision.CREATE:
        candidate.decided_asset_id = (await _create(work, candidate.customer_id, entered(candidate.incoming))).id
    return candidate


async def merge(work: Work, *, keep_id: UUID | None, merge_id: UUID | None) -> Asset:
    """Make one of two records of the same device: relations, seats and stays move, and the second is archived."""
    await work.lock(Asset, filter(None, (keep_id, merge_id)))
    keep = await work.take(Asset, keep_id, field="keepId")
    gone = await work.take(Asset, merge_id, field="mergeId")
    if keep.id == gone.id:
        raise Invalid("An asset is not merged with itself.", field="mergeId")
    if keep.customer_id != gone.customer_id:
        raise Invalid("These assets belong to different customers.", field="mergeId")
    rules.check_changeable(keep.status)
    rules.check_changeable(gone.status)
    await _move(work, gone.id, keep.id)
    seen = keep.last_seen_at
    await software.forget(work, gone.id)  # the next report of the agent says what is on the one that stays
    _complete(keep, gone)
    await timers.watch_sight(work, keep, before=seen)
    gone.merged_into, gone.archived_at = keep.id, work.at
    gone.status, gone.retired_at = AssetStatus.RETIRED, gone.retired_at or work.at
    told = events.AssetMerged(asset_id=gone.id, customer_id=gone.customer_id, into_id=keep.id)
    await work.emit(told, subject=gone.id, customer=gone.customer_id)
    return keep


async def _move(work: Work, gone: UUID, keep: UUID) -> None:
    relations = (
        await work.session.scalars(
            select(AssetRelation).where(or_(AssetRelation.source_id == gone, AssetRelation.target_id == gone))
        )
    ).all()
    theirs = select(AssetRelation.source_id, AssetRelation.target_id, AssetRelation.kind).where(
        or_(AssetRelation.source_id == keep, AssetRelation.target_id == keep)
    )
    known = {tuple(row) for row in await work.session.execute(theirs)}
    for one in relations:
        source, target = (keep if end == gone else end for end in (one.source_id, one.target_id))
        if source == target or (source, target, one.kind) in known:
            await work.session.delete(one)
        else:
            one.source_id, one.target_id = source, target
            known.add((source, target, one.kind))
    for table in (LicenseSeat, AssetStay):
        await work.session.execute(update(table).where(table.asset_id == gone).values(asset_id=keep))


def _complete(keep: Asset, gone: Asset) -> None:
    """What one record does not know, the other may."""
    for name in ("asset_tag", "serial_number", "manufacturer", "model", "hostname", "os", "os_version", *_DAYS):
        if getattr(keep, name) is None:
            setattr(keep, name, getattr(gone, name))
    keep.mac_addresses = list(dict.fromkeys([*keep.mac_addresses, *gone.mac_addresses]))[: rules.MOST_ADDRESSES]
    keep.ip_addresses = list(dict.fromkeys([*keep.ip_addresses, *gone.ip_addresses]))[: rules.MOST_ADDRESSES]
    keep.attributes = {**gone.attributes, **keep.attributes}
    seen = [one for one in (keep.last_seen_at, gone.last_seen_at) if one is not None]
    keep.last_seen_at = max(seen, default=None)


_DAYS = ("purchase_date", "warranty_until", "eos_date")

# --- rows


async def _create(work: Work, customer: UUID, row: Mapping[str, Any]) -> Asset:
    unsaid = {"mac_addresses": None, "ip_addresses": None, "attributes": None}
    described = {"managed": True, "criticality": rules.AssetCriticality.MEDIUM, **unsaid, **_described(row)}
    return await assets.create(work, status=AssetStatus.DEPLOYED, customer_id=customer, **described)


def _described(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


_MOMENTS: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
    {
        "warranty_until": date.fromisoformat,
        "purchase_date": date.fromisoformat,
        "last_seen_at": datetime.fromisoformat,
    }
)


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON holds it, without what it does not say."""
    return {name: value.isoformat() if name in _MOMENTS else value for name, value in _described(row).items()}


def entered(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it was entered, from what JSON holds of it."""
    return {name: _MOMENTS[name](value) if name in _MOMENTS else value for name, value in row.items()}


def _traits(customer: UUID, row: Mapping[str, Any]) -> Traits:
    try:
        macs = frozenset(rules.mac_addresses(row.get("mac_addresses") or ()))
    except Refusal:
        macs = frozenset()  # the row is refused for it when it is written
    return Traits(
        customer=customer,
        serial=row.get("serial_number"),
        manufacturer=row.get("manufacturer"),
        tag=row.get("asset_tag"),
        hostname=row.get("hostname"),
        macs=macs,
    )


async def _sharing(work: Work, traits: Traits) -> list[tuple[UUID, Traits]]:
    """The customer's devices that share a key with what came in."""
    keys = [
        column.ilike(value.strip(), escape="\\") if not set(value) & set("%_\\") else column == value.strip()
        for column, value in (
            (Asset.serial_number, traits.serial if matching.telling(traits.serial) else None),
            (Asset.asset_tag, traits.tag if matching.telling(traits.tag) else None),
            (Asset.hostname, traits.hostname if matching.named(traits.hostname) else None),
        )
        if value and value.strip()
    ]
    keys += [Asset.mac_addresses.contains([mac]) for mac in sorted(matching.cards(traits.macs))]
    if not keys:
        return []
    query = select(Asset).where(
        Asset.customer_id == traits.customer,
        Asset.archived_at.is_(None),
        Asset.status != AssetStatus.DISPOSED,
        or_(*keys),
    )
    rows = await work.session.scalars(query.order_by(Asset.created_at, Asset.id).limit(_MOST_CANDIDATES))
    return [(row.id, _of(row)) for row in rows]


def _of(row: Asset) -> Traits:
    return Traits(
        customer=row.customer_id,
        serial=row.serial_number,
        manufacturer=row.manufacturer,
        tag=row.asset_tag,
        hostname=row.hostname,
        macs=frozenset(row.mac_addresses),
    )
