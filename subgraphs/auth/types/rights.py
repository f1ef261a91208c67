"""How roles, API keys, and who sees which customer look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from contracts.scopes import ROLE_NAMES, ROLES
from subgraphs.auth.models import people
from subgraphs.auth.models import rights as models
from subgraphs.auth.types.people import READ as READ_USERS
from subgraphs.auth.types.people import CustomerAccess, User
from subgraphs.kit.context import Info
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError


@strawberry.type
class Role:
    """A set of permissions with a name; the system's are the same for every tenant, others are the tenant's own."""

    id: strawberry.ID | None
    """The identifier of a tenant's own role: a UUID; null for the system's."""
    key: str
    """The word by which it is given: `technician`."""
    name: str
    """What people call it."""
    permissions: list[str]
    """What it allows: `tickets:read`, or `tickets:read.own` where it is only one's own."""
    denied: list[str]
    """What it denies, whatever other roles allow."""
    system: bool
    """Whether it is one of the system's, which nobody changes."""
    version: int | None
    """Counts changes of a tenant's own role; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.Role) -> Self:
        """The role in this row."""
        return shape(cls, row, system=False)

    @classmethod
    def of_system(cls, key: str) -> Self:
        """The role of the system with this key."""
        permissions = sorted(ROLES[key])
        name = ROLE_NAMES[key]
        return cls(id=None, key=key, name=name, permissions=permissions, denied=[], system=True, version=None)


@entity(keys=["id"])
class ApiKey:
    """A key with which a program acts for its owner, and may some of what its owner may."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What it is for."""
    prefix: str
    """The part of the key that may be seen: to find out which key is which."""
    owner_id: strawberry.Private[strawberry.ID]
    scopes: list[str]
    """What it may do, as far as its owner may at that moment."""
    customer_ids: list[strawberry.ID]
    """The customers to which it is limited; none means: as its owner is."""
    ip_allow_list: list[str]
    """The networks from which it opens; none means: from everywhere."""
    rate_limit: int | None
    """Requests in a minute; null for what is usual."""
    expires_at: datetime | None
    """When it stops opening anything."""
    last_used_at: datetime | None
    """When it was used last, to the minute."""
    revoked_at: datetime | None
    """When it was taken back."""
    secret: str | None
    """The whole key; only in the answer to the command that made it, and never again."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was made."""

    @strawberry.field
    async def owner(self, info: Info) -> User | None:
        """For whom it stands; null when you may not see users."""
        row = await info.context.row(people.User, self.owner_id, READ_USERS)
        return User.of(row) if row else None

    @classmethod
    def of(cls, row: models.ApiKey) -> Self:
        """The key in this row."""
        return shape(cls, row, secret=row.shown)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The key that another module points at."""
        row = await info.context.row(models.ApiKey, id, "apikeys:read")
        return cls.of(row) if row else None


@strawberry.type
class RolePayload:
    """What became of a command on a role."""

    role: Role | None = None
    """The role as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class CustomerAccessPayload:
    """What became of a command on who sees whom."""

    customer_access: CustomerAccess | None = None
    """What is said now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class ApiKeyPayload:
    """What became of a command on an API key."""

    api_key: ApiKey | None = None
    """The key as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
