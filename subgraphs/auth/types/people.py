"""How users, teams and the tenant look in the graph."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Self

import strawberry
from strawberry.federation import field as restricted
from strawberry.federation import type as entity

from subgraphs.auth.models import people as models
from subgraphs.auth.rules.credentials import Policy
from subgraphs.auth.rules.people import CustomerAccessMode, UserKind, UserStatus
from subgraphs.auth.service import factors, grants, people, teams
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError

READ = "users:read"
NAMES = "users:read.names"
OWN = "account:read"
COSTS = "costs:read"
TENANT = "tenant:admin"

for spoken in (UserKind, UserStatus, CustomerAccessMode):
    strawberry.enum(spoken)


def _scope(info: Info, user: strawberry.ID) -> str:
    """What one must hold to see more of a user: about oneself, what everybody holds."""
    return OWN if user == str(info.context.caller.subject) else READ


@strawberry.type
class CustomerAccess:
    """That a user sees a customer, or must not."""

    id: strawberry.ID
    """The identifier: a UUID."""
    user_id: strawberry.ID
    """The user."""
    customer_id: strawberry.ID
    """The customer."""
    mode: CustomerAccessMode
    """Whether they see the customer."""
    include_children: bool
    """Whether the same goes for everybody who belongs to the customer."""

    @classmethod
    def of(cls, row: models.CustomerAccess) -> Self:
        """The line in this row."""
        return shape(cls, row)


@entity(keys=["id"])
class User:
    """Somebody, or a program, that may come in."""

    id: strawberry.ID
    """The identifier: a UUID."""
    kind: UserKind
    """On which side of the counter they stand."""
    status: UserStatus
    """Whether they may come in."""
    display_name: str
    """What people call them."""
    first_name: str | None
    """Their first name."""
    last_name: str | None
    """Their last name."""
    customer_id: strawberry.ID | None
    """The customer for whom they work; null for staff."""
    contact_id: strawberry.ID | None
    """The contact in customer management that they are."""
    skills: list[str]
    """What they know how to do, by the alphabet."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When they were written down."""
    updated_at: datetime
    """When they were last changed."""
    private: strawberry.Private[models.User]
    """What is theirs, and shown to themselves and to those who look after people."""

    @strawberry.field
    def email(self, info: Info) -> str | None:
        """The address with which they sign in, and to which mails go; not for colleagues."""
        info.context.caller.require(_scope(info, self.id))
        return self.private.email

    @strawberry.field
    def locale(self, info: Info) -> str | None:
        """The language that they are spoken to in: `de-DE`; not for colleagues."""
        info.context.caller.require(_scope(info, self.id))
        return self.private.locale

    @strawberry.field
    def time_zone(self, info: Info) -> str | None:
        """The time zone they live in, a name of the tz database; not for colleagues."""
        info.context.caller.require(_scope(info, self.id))
        return self.private.time_zone

    @strawberry.field
    def weekly_hours(self, info: Info) -> Decimal | None:
        """How many hours a week they work by their contract; not for colleagues."""
        info.context.caller.require(_scope(info, self.id))
        return self.private.weekly_hours

    @strawberry.field
    def last_login_at(self, info: Info) -> datetime | None:
        """When they signed in last; not for colleagues."""
        info.context.caller.require(_scope(info, self.id))
        return self.private.last_login_at

    @strawberry.field
    async def roles(self, info: Info) -> list[str] | None:
        """The keys of their roles; not for colleagues."""
        return list(await info.context.lists(grants.roles_of, self.id, _scope(info, self.id)))

    @strawberry.field
    async def mfa_enrolled(self, info: Info) -> bool | None:
        """Whether they have a second factor; not for colleagues."""
        return bool(await info.context.lists(factors.of_users, self.id, _scope(info, self.id)))

    @strawberry.field
    async def customer_access(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[CustomerAccess] | None:
        """What was said about them and single customers; without any, staff sees every customer. Not for colleagues."""
        most, first = bounded(limit), skipped(offset)
        rows = await info.context.lists(grants.access_of, self.id, _scope(info, self.id), limit=most, offset=first)
        return [CustomerAccess.of(row) for row in rows]

    @strawberry.field
    async def teams(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Team] | None:
        """The teams that they belong to, by name."""
        most, first = bounded(limit), skipped(offset)
        rows = await info.context.lists(teams.of_users, self.id, NAMES, limit=most, offset=first)
        return [Team.of(row) for row in rows]

    @restricted(requires_scopes=[[COSTS]])  # type: ignore[untyped-decorator]
    async def cost_rate(self, info: Info) -> Decimal | None:
        """What an hour of theirs costs; only for those who may see costs."""
        info.context.caller.require(COSTS)
        row = await info.context.row(models.User, self.id, READ)
        return row.cost_rate if row else None

    @classmethod
    def of(cls, row: models.User) -> Self:
        """The user in this row."""
        return shape(cls, row, private=row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The user that another module points at."""
        row = await info.context.row(models.User, id, NAMES)
        return cls.of(row) if row else None


@entity(keys=["id"])
class Contact:
    """As whom a contact comes in; the contact itself is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def portal_user(self, info: Info) -> User | None:
        """The user that this contact is; null if it is none, or not yours to see."""
        rows = await info.context.lists(people.of_contacts, self.id, READ)
        return User.of(rows[0]) if rows else None

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The contact that the graph is at; its user is looked up when it is asked for."""
        return cls(id=id)


@entity(keys=["id"])
class Team:
    """People who share work."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What the team is called."""
    lead_id: strawberry.Private[strawberry.ID | None]
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was written down."""
    updated_at: datetime
    """When it was last changed."""

    @strawberry.field
    async def lead(self, info: Info) -> User | None:
        """Who leads it."""
        row = await info.context.row(models.User, self.lead_id, NAMES)
        return User.of(row) if row else None

    @strawberry.field
    async def members(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[User]:
        """Its people, by name."""
        rows = await info.context.lists(teams.members_of, self.id, NAMES, limit=bounded(limit), offset=skipped(offset))
        return [User.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.Team) -> Self:
        """The team in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The team that another module points at."""
        row = await info.context.row(models.Team, id, NAMES)
        return cls.of(row) if row else None


@strawberry.type
class SignInPolicy:
    """What a tenant asks of those who sign in."""

    mfa_required: bool
    """Whether everybody needs a second factor."""
    mfa_roles: list[str]
    """The keys of the roles whose holders need a second factor even where nobody else does."""


@strawberry.type
class Tenant:
    """The service provider whose platform this is."""

    id: strawberry.ID
    """The identifier: a UUID."""
    slug: str
    """Its short name, as in addresses."""
    name: str
    """What it is called."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    private: strawberry.Private[models.Tenant]
    """What is for those who run it."""

    @strawberry.field
    def sign_in_policy(self, info: Info) -> SignInPolicy | None:
        """What is asked of those who sign in; for administrators of the tenant."""
        info.context.caller.require(TENANT)
        policy = Policy.of(self.private.settings)
        return SignInPolicy(mfa_required=policy.mfa_required, mfa_roles=sorted(policy.mfa_roles))

    @classmethod
    def of(cls, row: models.Tenant) -> Self:
        """The tenant in this row."""
        return shape(cls, row, private=row)


@strawberry.input
class UserFilter:
    """Which users: all that is given must hold."""

    status: list[UserStatus] | None = None
    """In one of these statuses."""
    kind: list[UserKind] | None = None
    """Of one of these kinds."""
    customer_id: strawberry.ID | None = None
    """Working for this customer."""


@strawberry.type
class UserPayload:
    """What became of a command on a user."""

    user: User | None = None
    """The user as they are now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class TenantPayload:
    """What became of a command on the tenant."""

    tenant: Tenant | None = None
    """The tenant as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class TeamPayload:
    """What became of a command on a team."""

    team: Team | None = None
    """The team as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
