"""The ways into imports, their doubts, and relations by GraphQL."""

from __future__ import annotations

from datetime import datetime

import strawberry

from subgraphs.assets import models
from subgraphs.assets.rules.matching import Decision
from subgraphs.assets.rules.relations import RelationKind
from subgraphs.assets.service import imports as service
from subgraphs.assets.service import long_imports, relations
from subgraphs.assets.types.assets import READ, AssetPayload
from subgraphs.assets.types.imports import (
    AssetImport,
    AssetImportPayload,
    AssetRelationPayload,
    MatchCandidate,
    MatchCandidatePayload,
)
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import Connection, counts, cut, page
from subgraphs.kit.partners import Rest
from subgraphs.kit.progress import Job
from subgraphs.kit.progress_log import JobPayload
from subgraphs.kit.shapes import given
from subgraphs.kit.values import JSON, Date
from subgraphs.kit.work import Work

WRITE = "assets:write"


@strawberry.type
class ImportQuery:
    """What can be asked about imports."""

    @strawberry.field
    async def asset_import(self, info: Info, id: strawberry.ID) -> AssetImport | None:
        """Devices that came in together; null when they are not there."""
        row = await info.context.row(models.AssetImport, id, READ)
        return AssetImport.of(row) if row else None

    @strawberry.field
    async def match_candidates_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[MatchCandidate]:
        """What came in and may be a device that we know, the oldest first: somebody has to decide."""
        wanted = cut(first=first, after=after, last=last, before=before)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(
                work,
                service.waiting(),
                models.MatchCandidate,
                service.OLDEST_FIRST,
                wanted,
                MatchCandidate.of,
                count=count,
            )


@strawberry.input
class ImportedAsset:
    """One device that comes in."""

    name: str
    """What people call it."""
    type: str
    """The key of its asset type."""
    serial_number: str | None = None
    """The maker's number of this one piece."""
    manufacturer: str | None = None
    """Who made it."""
    model: str | None = None
    """What its maker calls it."""
    asset_tag: str | None = None
    """What the label on it says."""
    hostname: str | None = None
    """What it is called in the network."""
    mac_addresses: list[str] | None = None
    """Its hardware addresses; at most 100."""
    ip_addresses: list[str] | None = None
    """Its addresses in the network; at most 100."""
    os: str | None = None
    """The operating system that runs on it."""
    os_version: str | None = None
    """The version of its operating system."""
    warranty_until: Date | None = None
    """The last day of its warranty."""
    purchase_date: Date | None = None
    """When it was bought."""
    last_seen_at: datetime | None = None
    """When it was last seen to be alive."""
    attributes: JSON | None = None
    """Whatever else is known about it, as an object."""


@strawberry.input
class BulkImportAssetsInput(Command):
    """Devices of one customer that come in together."""

    customer_id: strawberry.ID
    """The customer."""
    source: str
    """Where they come from: the name of a tool, or of a file."""
    rows: list[ImportedAsset]
    """The devices: 1 to 500."""


@strawberry.input
class StartAssetImportInput(Command):
    """Devices of one customer that a worker takes in."""

    customer_id: strawberry.ID
    """The customer."""
    source: str
    """Where they come from: the name of a tool, or of a file."""
    rows: list[ImportedAsset]
    """The devices: 1 to 5,000."""


@strawberry.input
class DecideMatchInput(Change):
    """What something that came in is."""

    id: strawberry.ID
    """The match."""
    decision: Decision
    """UPDATE: it is that device; CREATE: it is a new one; IGNORE: it is not wanted."""


@strawberry.input
class MergeAssetsInput(Command):
    """Two records of one device."""

    keep_id: strawberry.ID
    """The one that stays."""
    merge_id: strawberry.ID
    """The one that goes; what the other does not know is taken from it."""


@strawberry.input
class RelateAssetsInput(Command):
    """One asset needs another."""

    from_id: strawberry.ID
    """The asset that needs: the virtual machine."""
    to_id: strawberry.ID
    """The asset that is needed: its host."""
    kind: RelationKind
    """How it needs it."""


@strawberry.input
class UnrelateAssetsInput(Change):
    """One asset does not need another any more."""

    id: strawberry.ID
    """The relation."""


@strawberry.type
class ImportMutation:
    """What can be done with imports and relations."""

    @command(WRITE, AssetImportPayload)
    async def bulk_import_assets(work: Work, input: BulkImportAssetsInput) -> models.AssetImport:
        """Take in devices: known ones are updated, new ones created, and doubtful ones wait for a decision."""
        return await service.take_in(work, **{**given(input), "rows": [given(row) for row in input.rows]})

    @command(WRITE, JobPayload, rest=Rest(method="POST", path="/jobs/assets/actions/import"))
    async def start_asset_import(work: Work, input: StartAssetImportInput) -> Job:
        """Have devices taken in by a worker: as `bulkImportAssets`, for up to 5,000 at once."""
        return await long_imports.start(work, **{**given(input), "rows": [given(row) for row in input.rows]})

    @command(WRITE, MatchCandidatePayload)
    async def decide_match(work: Work, input: DecideMatchInput) -> models.MatchCandidate:
        """Decide what something that came in is."""
        return await service.decide(work, **given(input))

    @command(WRITE, AssetPayload)
    async def merge_assets(work: Work, input: MergeAssetsInput) -> models.Asset:
        """Make one of two records of the same device; this can't be undone."""
        return await service.merge(work, **given(input))

    @command(WRITE, AssetRelationPayload, rest=Rest(path="/assets/{fromId}/actions/relate"))
    async def relate_assets(work: Work, input: RelateAssetsInput) -> models.AssetRelation:
        """Say that one asset needs another."""
        return await relations.relate(work, **given(input))

    @command(WRITE, AssetRelationPayload, rest=Rest(path="/asset-relations/{id}/actions/unrelate"))
    async def unrelate_assets(work: Work, input: UnrelateAssetsInput) -> models.AssetRelation:
        """Say that one asset does not need another any more."""
        return await relations.unrelate(work, **given(input))
