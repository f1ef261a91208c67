"""Users, teams and the tenant: what can be asked and what can be done."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import strawberry

from subgraphs.auth.models import people as models
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import people, teams
from subgraphs.auth.types.people import (
    NAMES,
    READ,
    TENANT,
    Team,
    TeamPayload,
    Tenant,
    TenantPayload,
    User,
    UserFilter,
    UserPayload,
)
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

WRITE = "users:write"
SELF = "account:read"

Search = Annotated[
    str | None,
    strawberry.argument(description="Words that occur in their names, or in their addresses for those who see them."),
]


@strawberry.type
class PeopleQuery:
    """What can be asked about people."""

    @strawberry.field
    async def me(self, info: Info) -> User | None:
        """Who asks; null for what is nobody, as a service without a user of its own."""
        async with info.context.work(SELF) as work:
            row = await work.find(models.User, work.caller.subject)
        return User.of(row) if row else None

    @strawberry.field
    async def tenant(self, info: Info) -> Tenant | None:
        """The service provider whose platform this is."""
        async with info.context.work(SELF) as work:
            row = await work.find(models.Tenant, work.caller.tenant)
        return Tenant.of(row) if row else None

    @strawberry.field
    async def user(self, info: Info, id: strawberry.ID) -> User | None:
        """One user, by their UUID; null when they are not there or not yours."""
        identity = parsed(id)
        if identity is None:
            return None
        async with info.context.work(READ) as work:
            row = await work.find(models.User, identity)
        return User.of(row) if row else None

    @strawberry.field
    async def users(
        self,
        info: Info,
        search: Search = None,
        status: Annotated[UserStatus | None, strawberry.argument(description="Only users in this status.")] = None,
        kind: Annotated[UserKind | None, strawberry.argument(description="Only users of this kind.")] = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[User]:
        """Users, by name."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = await people.listed(work, search=search, status=status, kind=kind, limit=most, offset=first)
        return [User.of(row) for row in rows]

    @strawberry.field
    async def colleagues(
        self, info: Info, search: Search = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[User]:
        """Staff who may come in, by name: to whom work can be given. Their names are there for all staff, the rest is not."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(NAMES) as work:
            rows = await people.colleagues(work, search=search, limit=most, offset=first)
        return [User.of(row) for row in rows]

    @strawberry.field
    async def users_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: UserFilter | None = None,
        search: Search = None,
    ) -> Connection[User]:
        """Users page by page, by name."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = people.selected(wanted=filter, search=search, by_address=True)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(work, query, models.User, people.BY_NAME, wanted, User.of, count=count)

    @strawberry.field
    async def teams(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Team]:
        """Teams, by name."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(NAMES) as work:
            rows = await teams.listed(work, limit=most, offset=first)
        return [Team.of(row) for row in rows]


@strawberry.input
class InviteUserInput(Command):
    """Somebody who shall come in."""

    email: str
    """The address with which they will sign in; the invitation is sent there."""
    display_name: str
    """What people call them."""
    kind: UserKind = UserKind.STAFF
    """On which side of the counter they stand."""
    customer_id: strawberry.ID | None = None
    """The customer for whom they work; needed for people of a customer, absent for staff."""
    contact_id: strawberry.ID | None = None
    """The contact of this customer that they are: what is about it is their own."""
    roles: list[str]
    """The keys of the roles that they get."""
    first_name: str | None = None
    """Their first name."""
    last_name: str | None = None
    """Their last name."""
    locale: str | None = None
    """The language that they are spoken to in; de-DE when absent."""
    time_zone: str | None = None
    """The time zone they live in; Europe/Berlin when absent."""


@strawberry.input
class UpdateUserInput(Change):
    """Changes to a user; what is absent stays."""

    id: strawberry.ID
    """The user."""
    contact_id: strawberry.ID | None = strawberry.UNSET
    """The contact of their customer that they are: what is about it is their own."""
    display_name: str | None = strawberry.UNSET
    """What people call them."""
    first_name: str | None = strawberry.UNSET
    """Their first name."""
    last_name: str | None = strawberry.UNSET
    """Their last name."""
    locale: str | None = strawberry.UNSET
    """The language that they are spoken to in."""
    time_zone: str | None = strawberry.UNSET
    """The time zone they live in."""
    skills: list[str] | None = strawberry.UNSET
    """What they know how to do, all of it; null for nothing."""
    weekly_hours: Decimal | None = strawberry.UNSET
    """How many hours a week they work by their contract, 0 to 168; null for not known."""


@strawberry.input
class UserCommandInput(Change):
    """Which user a command is about."""

    id: strawberry.ID
    """The user."""


@strawberry.input
class CreateTeamInput(Command):
    """A new team."""

    name: str
    """What the team is called."""
    lead_id: strawberry.ID | None = None
    """Who leads it."""
    member_ids: list[strawberry.ID] = strawberry.field(default_factory=list)
    """Who belongs to it; who leads it belongs to it anyway."""


@strawberry.input
class SetSignInPolicyInput(Change):
    """What is asked of those who sign in; what is absent stays."""

    mfa_required: bool | None = None
    """Whether everybody needs a second factor."""
    mfa_roles: list[str] | None = None
    """The keys of the roles whose holders need a second factor even where nobody else does; owner and admin as long as
    nobody said otherwise."""


@strawberry.type
class PeopleMutation:
    """What can be done with people."""

    @command(TENANT, TenantPayload)
    async def set_sign_in_policy(work: Work, input: SetSignInPolicyInput) -> models.Tenant:
        """Say who needs a second factor; who has none enrols one when they sign in next."""
        return await people.set_sign_in_policy(work, **given(input))

    @command(WRITE, UserPayload, rest=Rest(path="/users", method="POST"))
    async def invite_user(work: Work, input: InviteUserInput) -> models.User:
        """Invite somebody: they are sent a link with which they choose how to sign in."""
        return await people.invite(work, **given(input))

    @command(WRITE, UserPayload)
    async def update_user(work: Work, input: UpdateUserInput) -> models.User:
        """Change what describes a user."""
        changes = given(input)
        return await people.update(work, changes.pop("id"), changes.pop("version"), **changes)

    @command(WRITE, UserPayload)
    async def activate_user(work: Work, input: UserCommandInput) -> models.User:
        """Let a user sign in again who was locked or disabled, or one who was invited sign in without a link."""
        return await people.activate(work, parsed(input.id), input.version)

    @command(WRITE, UserPayload)
    async def disable_user(work: Work, input: UserCommandInput) -> models.User:
        """Close every door to a user: sessions, tokens and keys stop working within a minute."""
        return await people.disable(work, parsed(input.id), input.version)

    @command(WRITE, TeamPayload)
    async def create_team(work: Work, input: CreateTeamInput) -> models.Team:
        """Write down a team with its people."""
        return await teams.create(work, **given(input))
