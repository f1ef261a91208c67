"""Roles, who sees which customer, and API keys: what can be asked and what can be done."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import strawberry

from contracts.scopes import ROLES
from subgraphs.auth.models import people, rights
from subgraphs.auth.rules import grants as rules
from subgraphs.auth.rules.people import CustomerAccessMode
from subgraphs.auth.service import api_keys, grants, roles
from subgraphs.auth.types.people import UserPayload
from subgraphs.auth.types.rights import (
    ApiKey,
    ApiKeyPayload,
    CustomerAccessPayload,
    Role,
    RolePayload,
)
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

USERS = "users:write"
ROLES_READ, ROLES_WRITE = "roles:read", "roles:write"
KEYS_READ, KEYS_WRITE = "apikeys:read", "apikeys:write"


@strawberry.type
class RightsQuery:
    """What can be asked about who may do what."""

    @strawberry.field
    async def roles(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[Role]:
        """All roles: the system's, then the tenant's own by key."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(ROLES_READ) as work:
            rows = await roles.listed(work)
        every = [*map(Role.of_system, ROLES), *map(Role.of, rows)]
        return every[first : first + most]

    @strawberry.field
    async def api_keys(
        self, info: Info, owner_id: strawberry.ID | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[ApiKey]:
        """API keys, the newest first; of one owner, if one is named."""
        most, first = bounded(limit), skipped(offset)
        owner = parsed(owner_id) if owner_id is not None else None
        if owner_id is not None and owner is None:
            info.context.caller.require(KEYS_READ)
            return []
        async with info.context.work(KEYS_READ) as work:
            rows = await api_keys.listed(work, owner=owner, limit=most, offset=first)
        return [ApiKey.of(row) for row in rows]


@strawberry.input
class RoleAssignmentInput(Command):
    """A user and a role."""

    user_id: strawberry.ID
    """The user."""
    role_key: str
    """The role, by its key: `technician`."""


@strawberry.input
class SetCostRateInput(Change):
    """What an hour of somebody costs."""

    id: strawberry.ID
    """The user."""
    cost_rate: Decimal | None = None
    """The costs of an hour, in the tenant's currency; null when nobody knows."""


@strawberry.input
class CreateRoleInput(Command):
    """A new role."""

    key: str
    """The word by which it is given: small letters, digits and _."""
    name: str
    """What people call it."""
    permissions: list[str]
    """What it allows; only what you hold yourself."""
    denied: list[str] | None = None
    """What it denies, whatever other roles allow."""


@strawberry.input
class UpdateRoleInput(Change):
    """Changes to a role; what is absent stays."""

    id: strawberry.ID
    """The role."""
    name: str | None = strawberry.UNSET
    """What people call it."""
    permissions: list[str] | None = strawberry.UNSET
    """All that it allows; only what you hold yourself."""
    denied: list[str] | None = strawberry.UNSET
    """All that it denies; null for nothing."""


@strawberry.input
class DeleteRoleInput(Change):
    """A role that nobody needs."""

    id: strawberry.ID
    """The role."""


@strawberry.input
class GrantCustomerAccessInput(Command):
    """A user who shall see a customer."""

    user_id: strawberry.ID
    """The user."""
    customer_id: strawberry.ID
    """The customer; whoever has such a line sees no customer without one."""
    include_children: bool = False
    """Whether they also see everybody who belongs to the customer."""


@strawberry.input
class DenyCustomerAccessInput(Command):
    """A user who shall not see a customer."""

    user_id: strawberry.ID
    """The user."""
    customer_id: strawberry.ID
    """The customer, hidden whatever else is allowed."""
    include_children: bool = False
    """Whether everybody who belongs to the customer is hidden, too."""


@strawberry.input
class CreateApiKeyInput(Command):
    """A new API key."""

    name: str
    """What it is for."""
    scopes: list[str]
    """What it may do, as permissions; only what you hold yourself."""
    owner_id: strawberry.ID | None = None
    """For whom it stands; for you when absent."""
    customer_ids: list[str] | None = None
    """The customers to which it is limited, by their UUIDs; as its owner is when absent."""
    ip_allow_list: list[str] | None = None
    """From where it opens: addresses, or networks as 203.0.113.0/24; from everywhere when absent."""
    rate_limit: int | None = None
    """Requests in a minute."""
    expires_at: datetime | None = None
    """When it stops opening anything; never when absent."""


@strawberry.input
class ApiKeyCommandInput(Change):
    """Which API key a command is about."""

    id: strawberry.ID
    """The API key."""


@strawberry.type
class RightsMutation:
    """What can be done about who may do what."""

    @command(USERS, UserPayload)
    async def assign_role(work: Work, input: RoleAssignmentInput) -> people.User:
        """Give a user a role; only one that gives nothing that you lack."""
        user = await work.take(people.User, parsed(input.user_id), field="userId")
        await grants.assign(work, user, input.role_key)
        return user

    @command(USERS, UserPayload)
    async def revoke_role(work: Work, input: RoleAssignmentInput) -> people.User:
        """Take a role from a user; tokens that still claim it are refused within a minute. The last owner stays."""
        user = await work.take(people.User, parsed(input.user_id), field="userId")
        await grants.revoke(work, user, input.role_key)
        return user

    @command(USERS, UserPayload)
    async def set_cost_rate(work: Work, input: SetCostRateInput) -> people.User:
        """Say what an hour of somebody costs; only for those who may see costs."""
        work.caller.require("costs:read")
        user = await work.take(people.User, parsed(input.id), field="id", version=input.version)
        user.cost_rate = None if input.cost_rate is None else rules.cost_rate(input.cost_rate)
        return user

    @command(USERS, CustomerAccessPayload, rest=Rest(path="/users/{userId}/actions/grant-customer-access"))
    async def grant_customer_access(work: Work, input: GrantCustomerAccessInput) -> people.CustomerAccess:
        """Let a user see a customer; from the first one on they see no others."""
        values = given(input)
        user = await work.take(people.User, values["user_id"], field="userId")
        allow, children = CustomerAccessMode.ALLOW, input.include_children
        return await grants.say(work, user, values["customer_id"], allow, children=children)

    @command(USERS, CustomerAccessPayload, rest=Rest(path="/users/{userId}/actions/deny-customer-access"))
    async def deny_customer_access(work: Work, input: DenyCustomerAccessInput) -> people.CustomerAccess:
        """Hide a customer from a user, whatever else is allowed."""
        values = given(input)
        user = await work.take(people.User, values["user_id"], field="userId")
        deny, children = CustomerAccessMode.DENY, input.include_children
        return await grants.say(work, user, values["customer_id"], deny, children=children)

    @command(ROLES_WRITE, RolePayload)
    async def create_role(work: Work, input: CreateRoleInput) -> rights.Role:
        """Make a role of permissions that you hold."""
        return await roles.create(work, **given(input))

    @command(ROLES_WRITE, RolePayload)
    async def update_role(work: Work, input: UpdateRoleInput) -> rights.Role:
        """Change a role of the tenant's own, for everybody who has it."""
        return await roles.update(work, **given(input))

    @command(ROLES_WRITE, RolePayload)
    async def delete_role(work: Work, input: DeleteRoleInput) -> rights.Role:
        """Put a role of the tenant's own away; refused while somebody has it."""
        return await roles.delete(work, **given(input))

    @command(KEYS_WRITE, ApiKeyPayload)
    async def create_api_key(work: Work, input: CreateApiKeyInput) -> rights.ApiKey:
        """Make an API key; the answer is the only place where it can be read."""
        return await api_keys.create(work, **given(input))

    @command(KEYS_WRITE, ApiKeyPayload)
    async def rotate_api_key(work: Work, input: ApiKeyCommandInput) -> rights.ApiKey:
        """Give an API key a new secret; the old one opens nothing from now on."""
        return await api_keys.rotate(work, **given(input))

    @command(KEYS_WRITE, ApiKeyPayload)
    async def revoke_api_key(work: Work, input: ApiKeyCommandInput) -> rights.ApiKey:
        """Take an API key back; it opens nothing within a minute, wherever it was used."""
        return await api_keys.revoke(work, **given(input))
