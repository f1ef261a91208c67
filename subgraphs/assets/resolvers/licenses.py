"""The ways into licences by GraphQL."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry

from subgraphs.assets import models
from subgraphs.assets.rules.licenses import LicenseMetric
from subgraphs.assets.service import licenses as service
from subgraphs.assets.types.licenses import READ, License, LicenseFilter, LicensePayload, LicenseSeatPayload
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import Connection, counts, cut, page
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.values import Date
from subgraphs.kit.work import Work

WRITE = "licenses:write"


@strawberry.type
class LicenseQuery:
    """What can be asked about licences."""

    @strawberry.field
    async def license(self, info: Info, id: strawberry.ID) -> License | None:
        """One licence, by its UUID; null when it is not there or not yours."""
        row = await info.context.row(models.License, id, READ)
        return License.of(row) if row else None

    @strawberry.field
    async def licenses_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: LicenseFilter | None = None,
        search: str | None = None,
    ) -> Connection[License]:
        """Licences page by page, by product; `search` looks into products and vendors."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = service.selected(wanted=filter, search=search)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(work, query, models.License, service.BY_PRODUCT, wanted, License.of, count=count)


@strawberry.input
class CreateLicenseInput(Command):
    """What a customer bought."""

    customer_id: strawberry.ID
    """The customer."""
    product: str
    """What may be used."""
    purchased: int
    """For how many."""
    metric: LicenseMetric = LicenseMetric.USER
    """What is counted."""
    includes: list[str] | None = None
    """The products that it includes, when it is a suite; at most 50."""
    vendor: str | None = None
    """Who sells it."""
    commitment_end: Date | None = None
    """Until when it can't be reduced."""
    renewal_date: Date | None = None
    """When it is to be renewed."""
    end_date: Date | None = None
    """The last day on which it holds."""
    key_ref: str | None = None
    """Where its key is kept; never the key itself."""
    vendor_subscription_id: str | None = None
    """What the vendor calls the subscription."""
    cost_per_unit: Decimal | None = None
    """What one costs us."""


@strawberry.input
class UpdateLicenseInput(Change):
    """Changes to what was bought; what is absent stays."""

    id: strawberry.ID
    """The licence."""
    purchased: int | None = strawberry.UNSET
    """For how many."""
    metric: LicenseMetric | None = strawberry.UNSET
    """What is counted."""
    includes: list[str] | None = strawberry.UNSET
    """The products that it includes, when it is a suite; at most 50."""
    vendor: str | None = strawberry.UNSET
    """Who sells it; null removes it."""
    commitment_end: Date | None = strawberry.UNSET
    """Until when it can't be reduced; null removes it."""
    renewal_date: Date | None = strawberry.UNSET
    """When it is to be renewed; null removes it."""
    end_date: Date | None = strawberry.UNSET
    """The last day on which it holds; null removes it."""
    key_ref: str | None = strawberry.UNSET
    """Where its key is kept; null removes it."""
    vendor_subscription_id: str | None = strawberry.UNSET
    """What the vendor calls the subscription; null removes it."""
    cost_per_unit: Decimal | None = strawberry.UNSET
    """What one costs us; null removes it."""


@strawberry.input
class AssignLicenseInput(Command):
    """Who gets a seat."""

    license_id: strawberry.ID
    """The licence."""
    principal: str
    """The account: a user principal name, an address, the name of a device."""
    directory: str | None = None
    """Which directory the account is in; the same name in two directories is two accounts."""
    contact_id: strawberry.ID | None = None
    """The person behind the account."""
    asset_id: strawberry.ID | None = None
    """The device that uses it."""
    last_active_at: datetime | None = None
    """When the account was last used."""


@strawberry.input
class RevokeLicenseInput(Change):
    """Whose seat is taken back."""

    id: strawberry.ID
    """The seat."""


@strawberry.input
class ObserveLicenseSeatInput(Change):
    """What a directory says of whoever holds a seat."""

    id: strawberry.ID
    """The seat."""
    last_active_at: datetime | None = None
    """When the account was last used."""
    principal_disabled: bool | None = None
    """Whether the account is disabled."""


@strawberry.type
class LicenseMutation:
    """What can be done with licences."""

    @command(WRITE, LicensePayload)
    async def create_license(work: Work, input: CreateLicenseInput) -> models.License:
        """Record what a customer bought."""
        return await service.create(work, **given(input))

    @command(WRITE, LicensePayload)
    async def update_license(work: Work, input: UpdateLicenseInput) -> models.License:
        """Change what was bought."""
        return await service.change(work, **given(input))

    @command(WRITE, LicenseSeatPayload, rest=Rest(path="/licenses/{id}/actions/assign"))
    async def assign_license(work: Work, input: AssignLicenseInput) -> models.LicenseSeat:
        """Give somebody a seat; more seats than were bought are recorded, and told as under-licensed."""
        return await service.assign(work, **given(input))

    @command(WRITE, LicenseSeatPayload, rest=Rest(path="/license-seats/{id}/actions/revoke"))
    async def revoke_license(work: Work, input: RevokeLicenseInput) -> models.LicenseSeat:
        """Take a seat back."""
        return await service.revoke(work, **given(input))

    @command(WRITE, LicenseSeatPayload, rest=Rest(path="/license-seats/{id}/actions/observe"))
    async def observe_license_seat(work: Work, input: ObserveLicenseSeatInput) -> models.LicenseSeat:
        """Write down what a directory says of whoever holds a seat."""
        return await service.observe(work, **given(input))
