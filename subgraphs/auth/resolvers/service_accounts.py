"""Service accounts: what can be asked and what can be done."""

from __future__ import annotations

import strawberry

from subgraphs.auth.models import oauth as models
from subgraphs.auth.service import service_accounts
from subgraphs.auth.types.service_accounts import ServiceAccount, ServiceAccountPayload
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

READ, WRITE = "apikeys:read", "apikeys:write"


@strawberry.type
class ServiceAccountQuery:
    """What can be asked about service accounts."""

    @strawberry.field
    async def service_accounts(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[ServiceAccount]:
        """The service accounts, by name."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = await service_accounts.listed(work, limit=most, offset=first)
        return [ServiceAccount.of(row) for row in rows]


@strawberry.input
class CreateServiceAccountInput(Command):
    """A new service account."""

    name: str
    """What it is called, in one line of at most 200 characters."""
    scopes: list[str]
    """What it may do: permissions that you hold yourself."""
    customer_ids: list[strawberry.ID] | None = None
    """The customers whose rows it sees; all when absent."""
    ip_allow_list: list[str] | None = None
    """From where it may come: addresses, or networks as 203.0.113.0/24; from everywhere when absent."""


@strawberry.input
class ServiceAccountCommandInput(Change):
    """Which service account a command is about."""

    id: strawberry.ID
    """The service account."""


@strawberry.type
class ServiceAccountMutation:
    """What can be done with service accounts."""

    @command(WRITE, ServiceAccountPayload)
    async def create_service_account(work: Work, input: CreateServiceAccountInput) -> models.OAuthClient:
        """Write down a service account; its secret is shown once."""
        return await service_accounts.create(work, **given(input))

    @command(WRITE, ServiceAccountPayload)
    async def rotate_service_account_secret(work: Work, input: ServiceAccountCommandInput) -> models.OAuthClient:
        """Give a service account a new secret, shown once; the old one holds for a day."""
        return await service_accounts.rotate_secret(work, parsed(input.id), input.version)

    @command(WRITE, ServiceAccountPayload)
    async def disable_service_account(work: Work, input: ServiceAccountCommandInput) -> models.OAuthClient:
        """Close every door to a service account: its tokens stop working within a minute."""
        return await service_accounts.disable(work, parsed(input.id), input.version)
