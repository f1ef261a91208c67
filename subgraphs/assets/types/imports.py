"""How imports and their doubts look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.assets import models
from subgraphs.assets.rules.matching import Decision
from subgraphs.assets.types.assets import READ, Asset, AssetRelation
from subgraphs.kit.context import Info
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, UserError

strawberry.enum(Decision)


@entity(keys=["id"])
class AssetImport:
    """Devices that came in together, and what became of each."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """The customer whose they are."""
    source: str
    """Where they came from."""
    items: JSON
    """What became of each row, in order: `decision`, and `assetId`, `score`, `candidateId`, `twinOf` or `error`."""
    created_at: datetime
    """When they came in."""
    version: int
    """Counts changes."""

    @classmethod
    def of(cls, row: models.AssetImport) -> Self:
        """The import in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The import that another module points at."""
        row = await info.context.row(models.AssetImport, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class MatchCandidate:
    """Something that came in and may be a device that we know: somebody decides."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """The customer whose it is."""
    asset_id: strawberry.ID
    """The device that it may be."""
    score: int
    """How sure that is, in hundredths."""
    incoming: JSON
    """What came in."""
    decision: Decision
    """What was decided; REVIEW until somebody has."""
    decided_asset_id: strawberry.ID | None
    """The device that it became."""
    created_at: datetime
    """When it came in."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @strawberry.field
    async def asset(self, info: Info) -> Asset | None:
        """The device that it may be."""
        row = await info.context.row(models.Asset, self.asset_id, READ)
        return Asset.of(row) if row else None

    @classmethod
    def of(cls, row: models.MatchCandidate) -> Self:
        """The candidate in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The candidate that another module points at."""
        row = await info.context.row(models.MatchCandidate, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class AssetImportPayload:
    """What became of an import."""

    asset_import: AssetImport | None = None
    """The import; absent when it was refused as a whole."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why it was refused; empty when it was done. What is wrong with one row stands in `items`."""


@strawberry.type
class MatchCandidatePayload:
    """What became of a decision."""

    match_candidate: MatchCandidate | None = None
    """The match as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class AssetRelationPayload:
    """What became of a command on a relation."""

    asset_relation: AssetRelation | None = None
    """The relation; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
