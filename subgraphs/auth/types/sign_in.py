"""How sessions and second factors look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from subgraphs.auth.models import credentials as models
from subgraphs.auth.rules.credentials import FactorKind, SessionStatus
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError

for spoken in (FactorKind, SessionStatus):
    strawberry.enum(spoken)


@strawberry.type
class Session:
    """A browser in which a user has signed in."""

    id: strawberry.ID
    """The identifier: a UUID."""
    user_id: strawberry.ID
    """Who has signed in."""
    status: SessionStatus
    """Where it is in its life."""
    amr: list[str]
    """How they proved who they are, in the words of RFC 8176: `pwd`, `otp`, `hwk`, `mfa`."""
    address: str | None
    """From where they came."""
    agent: str | None
    """What their browser calls itself."""
    authenticated_at: datetime
    """When they proved who they are."""
    last_seen_at: datetime
    """When the session was last used, to a few minutes."""
    expires_at: datetime
    """When it ends at the latest."""
    created_at: datetime
    """When it began."""

    @classmethod
    def of(cls, row: models.Session) -> Self:
        """The session in this row."""
        return shape(cls, row)


@strawberry.type
class MfaFactor:
    """A second proof that a user can give."""

    id: strawberry.ID
    """The identifier: a UUID."""
    user_id: strawberry.ID
    """Whose it is."""
    kind: FactorKind
    """What it is."""
    label: str
    """The name by which they recognise it."""
    confirmed_at: datetime | None
    """When it was shown to work; it counts from then on."""
    last_used_at: datetime | None
    """When it was last used."""
    version: int
    """Counts changes."""
    created_at: datetime
    """When it was begun."""
    uri: str | None
    """What an authenticator app needs to know (`otpauth://…`): told once, by the command that begins to enrol one."""

    @classmethod
    def of(cls, row: models.MfaFactor) -> Self:
        """The factor in this row."""
        return shape(cls, row, uri=row.shown)


@strawberry.type
class SessionPayload:
    """What became of a command on a session."""

    session: Session | None = None
    """The session as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class MfaFactorPayload:
    """What became of a command on a second factor."""

    factor: MfaFactor | None = None
    """The factor as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
