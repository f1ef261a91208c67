"""Relations between assets: making and ending them, and following them to whoever suffers from a failure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import or_, select

from subgraphs.assets.errors import RelationExists
from subgraphs.assets.models import Asset, AssetRelation
from subgraphs.assets.rules import relations as rules
from subgraphs.assets.rules.relations import Edge, Hit, RelationKind
from subgraphs.kit.errors import Invalid
from subgraphs.kit.work import Work

MOST_HITS = 500
"""More than anybody reads; a failure that big has another name."""

_BY_KIND = (AssetRelation.kind, AssetRelation.created_at, AssetRelation.id)


async def relate(work: Work, *, from_id: UUID | None, to_id: UUID | None, kind: RelationKind) -> AssetRelation:
    """Say that one asset needs another."""
    source = await work.take(Asset, from_id, field="fromId")
    target = await work.take(Asset, to_id, field="toId")
    if target.customer_id not in (None, source.customer_id):
        raise Invalid("These assets belong to different customers.", field="toId")
    edge = Edge(source.id, target.id, kind)
    rules.check(edge, await _above(work, target.id))
    if await _found(work, edge) is not None:
        raise RelationExists(f"This asset {kind.value} that one already.", field="toId")
    return work.add(
        AssetRelation(customer_id=source.customer_id, source_id=edge.source, target_id=edge.target, kind=kind)
    )


async def unrelate(work: Work, id: UUID | None, version: int | None = None) -> AssetRelation:
    """Say that one asset does not need another any more."""
    relation = await work.take(AssetRelation, id, field="id", version=version)
    await work.session.delete(relation)
    return relation


async def of_assets(
    work: Work, assets: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[AssetRelation]]:
    """What each asset needs, and what needs it, by kind."""
    either = or_(AssetRelation.source_id.in_(assets), AssetRelation.target_id.in_(assets))
    rows = (await work.session.scalars(select(AssetRelation).where(either).order_by(*_BY_KIND))).all()
    return {
        one: [row for row in rows if one in (row.source_id, row.target_id)][offset : offset + limit] for one in assets
    }


async def impacts(work: Work, assets: Sequence[UUID], *, depth: int) -> Mapping[UUID, Sequence[Hit]]:
    """Who suffers when each of these assets fails, nearest first: one query for each round of all, at most `depth` of them."""
    hits: dict[UUID, dict[UUID, Hit]] = {start: {} for start in assets}
    fronts: dict[UUID, Iterable[UUID]] = {start: [start] for start in assets}
    for distance in range(1, depth + 1):
        leading = await _leading_to(work, {target for front in fronts.values() for target in front})
        for start, front in list(fronts.items()):
            fronts[start] = found = rules.spread(hits[start], _edges(leading, front), start, distance)
            hits[start] |= found
        fronts = {start: front for start, front in fronts.items() if front}
        if not fronts:
            break
    return {start: list(found.values())[:MOST_HITS] for start, found in hits.items()}


async def _leading_to(work: Work, targets: Collection[UUID]) -> Mapping[UUID, Sequence[AssetRelation]]:
    return await work.per_parent(AssetRelation, AssetRelation.target_id, list(targets), order=_BY_KIND, limit=MOST_HITS)


def _edges(leading: Mapping[UUID, Sequence[AssetRelation]], front: Iterable[UUID]) -> list[Edge]:
    """What leads to a front, the same kinds together and the oldest first, and no more than anybody reads."""
    rows = sorted(
        (row for target in front for row in leading[target]), key=lambda row: (row.kind.value, row.created_at, row.id)
    )
    return [Edge(row.source_id, row.target_id, row.kind) for row in rows[:MOST_HITS]]


async def _above(work: Work, asset: UUID) -> list[UUID]:
    """What an asset runs on or is part of, all the way up."""
    found, front = [asset], [asset]
    while front and len(found) < MOST_HITS:
        up = select(AssetRelation.target_id).where(AssetRelation.source_id.in_(front))
        up = up.where(AssetRelation.kind.in_(rules.HIERARCHIES))
        front = [one for one in await work.session.scalars(up) if one not in found]
        found += front
    return found


async def _found(work: Work, edge: Edge) -> AssetRelation | None:
    same = (
        AssetRelation.source_id == edge.source,
        AssetRelation.target_id == edge.target,
        AssetRelation.kind == edge.kind,
    )
    row: AssetRelation | None = await work.session.scalar(select(AssetRelation).where(*same))
    return row
