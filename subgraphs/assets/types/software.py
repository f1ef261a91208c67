"""How software looks in the graph: products with the day on which their makers drop them, and where they are installed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.assets import models
from subgraphs.assets.service import software as service
from subgraphs.kit.context import Info
from subgraphs.kit.filters import DateRange
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import Date, UserError

if TYPE_CHECKING:
    from subgraphs.assets.types.assets import Asset

READ = "assets:read"
LazyAsset = Annotated["Asset", strawberry.lazy("subgraphs.assets.types.assets")]


@entity(keys=["id"])
class SoftwareProduct:
    """A product in one release, as it was found on devices."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What it is called."""
    vendor: str | None
    """Who makes it."""
    release: str | None
    """Which release it is: `24.09`, `16.0.17932`."""
    eol_date: Date | None
    """When its maker drops it; null: nobody has said it."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was found first."""
    updated_at: datetime
    """When it was last changed."""

    @strawberry.field
    async def install_count(self, info: Info) -> int | None:
        """On how many devices it is installed."""
        found = await info.context.lists(service.counted, self.id, READ)
        return found[0] if found else None

    @strawberry.field
    async def installs(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[SoftwareInstall] | None:
        """Where it is installed, the first found first."""
        rows = await info.context.lists(
            service.of_products, self.id, READ, limit=bounded(limit), offset=skipped(offset)
        )
        return [SoftwareInstall.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.SoftwareProduct) -> Self:
        """The product in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The product that another module points at."""
        row = await info.context.row(models.SoftwareProduct, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class SoftwareInstall:
    """A product on a device."""

    asset_id: strawberry.ID
    """The device."""
    product_id: strawberry.ID
    """The product."""
    source: str
    """Who found it: the name of an agent, or of a person's list."""
    detected_at: datetime
    """When it was found there first."""

    @strawberry.field
    async def product(self, info: Info) -> SoftwareProduct | None:
        """The product."""
        row = await info.context.row(models.SoftwareProduct, self.product_id, READ)
        return SoftwareProduct.of(row) if row else None

    @strawberry.field
    async def asset(self, info: Info) -> LazyAsset | None:
        """The device."""
        from subgraphs.assets.types.assets import Asset  # noqa: PLC0415 - the two types know each other

        row = await info.context.row(models.Asset, self.asset_id, READ)
        return Asset.of(row) if row else None

    @classmethod
    def of(cls, row: models.SoftwareInstall) -> Self:
        """The installation in this row."""
        return shape(cls, row)


@strawberry.input
class SoftwareFilter:
    """Which products: all that is given must hold."""

    vendor: list[str] | None = None
    """Of one of these makers."""
    eol_date: DateRange | None = None
    """Dropped by their makers in this span of days."""


@strawberry.type
class SoftwareProductPayload:
    """What became of a command on a product."""

    software_product: SoftwareProduct | None = None
    """The product as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
