"""How impersonations look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from subgraphs.auth.models import impersonation as models
from subgraphs.auth.models import people
from subgraphs.auth.types.people import NAMES, User
from subgraphs.kit.context import Info
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError


@strawberry.type
class Impersonation:
    """That somebody acts in a user's name for a while: to be shown to both as long as it lasts."""

    id: strawberry.ID
    """The identifier: a UUID."""
    user_id: strawberry.ID
    """In whose name."""
    impersonator_id: strawberry.ID
    """Who really acts."""
    reason: str
    """Why, in the words of who acts."""
    created_at: datetime
    """When it began."""
    expires_at: datetime
    """When its time is up."""
    ended_at: datetime | None
    """When it ended; null while it lasts."""
    access_token: str | None
    """What to send as a bearer token to act in their name; told once, by the command that begins it."""

    @strawberry.field
    async def user(self, info: Info) -> User | None:
        """In whose name; null for those who see no names."""
        row = await info.context.row(people.User, self.user_id, NAMES)
        return User.of(row) if row else None

    @strawberry.field
    async def impersonator(self, info: Info) -> User | None:
        """Who really acts; null for those who see no names."""
        row = await info.context.row(people.User, self.impersonator_id, NAMES)
        return User.of(row) if row else None

    @classmethod
    def of(cls, row: models.Impersonation) -> Self:
        """The impersonation in this row."""
        return shape(cls, row, access_token=row.shown)


@strawberry.type
class ImpersonationPayload:
    """What became of a command on an impersonation."""

    impersonation: Impersonation | None = None
    """The impersonation as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
