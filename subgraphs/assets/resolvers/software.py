"""The ways into software by GraphQL."""

from __future__ import annotations

import strawberry

from subgraphs.assets import models
from subgraphs.assets.service import licenses
from subgraphs.assets.service import software as service
from subgraphs.assets.types.assets import READ, AssetPayload
from subgraphs.assets.types.licenses import LicensePayload
from subgraphs.assets.types.software import SoftwareFilter, SoftwareProduct, SoftwareProductPayload
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import Connection, counts, cut, page
from subgraphs.kit.shapes import given
from subgraphs.kit.values import Date
from subgraphs.kit.work import Work

WRITE = "assets:write"


@strawberry.type
class SoftwareQuery:
    """What can be asked about software."""

    @strawberry.field
    async def software_product(self, info: Info, id: strawberry.ID) -> SoftwareProduct | None:
        """One product in one release, by its UUID; null when it is not there or not yours."""
        row = await info.context.row(models.SoftwareProduct, id, READ)
        return SoftwareProduct.of(row) if row else None

    @strawberry.field
    async def software_products_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: SoftwareFilter | None = None,
        search: str | None = None,
    ) -> Connection[SoftwareProduct]:
        """Products that were found on devices, by name; `search` looks into names and makers."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = service.selected(wanted=filter, search=search)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(
                work, query, models.SoftwareProduct, service.BY_NAME, wanted, SoftwareProduct.of, count=count
            )


@strawberry.input
class ReportedSoftware:
    """A product that was found on a device."""

    name: str
    """What it is called."""
    vendor: str | None = None
    """Who makes it."""
    release: str | None = None
    """Which release it is."""


@strawberry.input
class ReportSoftwareInput(Command):
    """What was found on a device."""

    asset_id: strawberry.ID
    """The device."""
    source: str
    """Who found it: the name of an agent, or of a person's list."""
    items: list[ReportedSoftware]
    """What was found: at most 2,000 products."""
    complete: bool = True
    """Whether this is all: then whatever is not among it is gone."""


@strawberry.input
class SetSoftwareEolInput(Change):
    """When the maker of a product drops it."""

    id: strawberry.ID
    """The product."""
    eol_date: Date | None = None
    """The day; null: nobody knows it."""


@strawberry.input
class RecomputeComplianceInput(Change):
    """Which licence is looked at again."""

    id: strawberry.ID
    """The licence."""


@strawberry.type
class SoftwareMutation:
    """What can be done with software."""

    @command(WRITE, AssetPayload)
    async def report_software(work: Work, input: ReportSoftwareInput) -> models.Asset:
        """Take in what was found on a device; what a complete report does not name is gone from it."""
        return await service.report(work, **given(input) | {"items": [given(one) for one in input.items]})

    @command(WRITE, SoftwareProductPayload)
    async def set_software_eol(work: Work, input: SetSoftwareEolInput) -> models.SoftwareProduct:
        """Say when the maker of a product drops it."""
        return await service.set_eol(work, **given(input))

    @command("licenses:write", LicensePayload)
    async def recompute_compliance(work: Work, input: RecomputeComplianceInput) -> models.License:
        """Look again whether what was bought fits what is used, and tell it when that has changed."""
        return await licenses.recompute(work, **given(input))
