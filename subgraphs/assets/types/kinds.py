"""How kinds of assets look in the graph: those that every tenant knows, and its own."""

from __future__ import annotations

from typing import Self, cast

import strawberry

from subgraphs.assets import models
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.rules.assets import SystemType
from subgraphs.assets.service import kinds
from subgraphs.kit.context import Info
from subgraphs.kit.values import JSON, UserError

READ = "assets:read"


@strawberry.type
class AssetType:
    """A kind of asset: one that every tenant knows, or one of your own."""

    key: str
    """What it is called in filters and events: `server`, `access_point`, …"""
    name: str
    """What people call it."""
    counts_as_device: bool
    """Whether contracts that bill per device count it."""
    icon: str | None
    """The name of its picture."""
    attribute_schema: JSON | None
    """What fields of their own such assets have, as JSON Schema; null: whatever one likes."""
    holds_data: bool | None
    """Whether such things may hold data of people; null: as the wider kind does."""
    parent_key: strawberry.Private[str | None]

    @strawberry.field
    async def parent(self, info: Info) -> AssetType | None:
        """The wider kind that it belongs to."""
        return await type_of(info, self.parent_key) if self.parent_key else None

    @classmethod
    def of(cls, row: models.AssetType | SystemType) -> Self:
        """The asset type in this row, or among those that every tenant knows."""
        return cls(
            key=row.key,
            name=row.name,
            counts_as_device=row.counts_as_device,
            icon=row.icon,
            attribute_schema=cast("JSON | None", row.attribute_schema) if isinstance(row, models.AssetType) else None,
            holds_data=row.holds_data if isinstance(row, models.AssetType) else None,
            parent_key=row.parent,
        )


async def types_known(info: Info) -> dict[str, models.AssetType | SystemType]:
    """All asset types by key: first those that every tenant knows; the tenant's own are read once for each request."""
    own = await info.context.lists(kinds.own_types, info.context.caller.tenant, READ)
    return {**rules.SYSTEM_TYPES, **{row.key: row for row in own}}


async def type_of(info: Info, key: str) -> AssetType | None:
    """The asset type with this key."""
    found = rules.SYSTEM_TYPES.get(key) or (await types_known(info)).get(key)
    return AssetType.of(found) if found else None


@strawberry.type
class AssetTypePayload:
    """What became of a command on an asset type."""

    asset_type: AssetType | None = None
    """The asset type as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
