"""How service accounts look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from subgraphs.auth.models import oauth as models
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError


@strawberry.type
class ServiceAccount:
    """A program with a name and scopes of its own, that comes in by client credentials (OAuth 2.1)."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What it is called."""
    client_id: str
    """Under which name it asks for tokens."""
    user_id: strawberry.ID | None
    """The user in whose name it acts."""
    scopes: list[str]
    """What it may do."""
    ip_allow_list: list[str]
    """The networks from which it may come; none means: from everywhere."""
    previous_secret_until: datetime | None
    """Until when the secret before this one is still accepted."""
    secret: str | None
    """With what it proves itself: told once, by the command that makes it."""
    disabled_at: datetime | None
    """When it was disabled."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was written down."""

    @classmethod
    def of(cls, row: models.OAuthClient) -> Self:
        """The service account in this row."""
        return shape(cls, row, secret=row.shown)


@strawberry.type
class ServiceAccountPayload:
    """What became of a command on a service account."""

    service_account: ServiceAccount | None = None
    """The service account as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
