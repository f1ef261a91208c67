"""Sessions and second factors: one's own, and those of the people whom one looks after."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import strawberry

from subgraphs.auth.models import credentials as models
from subgraphs.auth.models.people import User as UserRow
from subgraphs.auth.service import account, factors, sessions
from subgraphs.auth.types.people import UserPayload
from subgraphs.auth.types.sign_in import MfaFactor, MfaFactorPayload, Session, SessionPayload
from subgraphs.kit.commands import Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.work import Work

SEE, LOOK_AFTER = "account:read", "account:write"
READ, WRITE = "users:read", "users:write"

Whose = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Those of this user, which needs users:read; one's own when absent."),
]


@strawberry.type
class SignInQuery:
    """What can be asked about signing in."""

    @strawberry.field
    async def sessions(
        self, info: Info, user_id: Whose = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[Session]:
        """Where somebody is signed in, the newest first."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(SEE if user_id is None else READ) as work:
            whose = await account.visible(work, _whose(work, user_id))
            rows = await sessions.of_user(work, whose, limit=most, offset=first) if whose else ()
        return [Session.of(row) for row in rows]

    @strawberry.field
    async def mfa_factors(
        self, info: Info, user_id: Whose = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[MfaFactor]:
        """The second factors that somebody has, the oldest first."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(SEE if user_id is None else READ) as work:
            whose = await account.visible(work, _whose(work, user_id))
            rows = await factors.of_user(work, whose, limit=most, offset=first) if whose else ()
        return [MfaFactor.of(row) for row in rows]


def _whose(work: Work, user_id: strawberry.ID | None) -> UUID | None:
    return work.caller.subject if user_id is None else parsed(user_id)


@strawberry.input
class RevokeSessionInput(Command):
    """Which session shall end."""

    id: strawberry.ID
    """The session: one's own, or with users:write one of somebody whom one looks after."""


@strawberry.input
class EnrollMfaInput(Command):
    """A second factor that shall be enrolled."""

    label: str
    """A name by which you recognise it."""


@strawberry.input
class ConfirmMfaInput(Command):
    """The proof that a second factor works."""

    id: strawberry.ID
    """The factor that is being enrolled."""
    code: str
    """The six digits that the app shows."""


@strawberry.input
class RemoveMfaInput(Command):
    """Which second factor shall go."""

    id: strawberry.ID
    """The factor, one's own."""
    code: str
    """The six digits that an app shows, or a recovery code: whoever takes a factor away proves that they have one."""


@strawberry.input
class ResetMfaInput(Command):
    """Whose second factors shall go."""

    user_id: strawberry.ID
    """The user, who has lost them all."""


@strawberry.type
class SignInMutation:
    """What can be done about signing in."""

    @command(LOOK_AFTER, SessionPayload)
    async def revoke_session(work: Work, input: RevokeSessionInput) -> models.Session:
        """End a session: its cookie is worth nothing at once, its tokens within a minute."""
        return await account.revoke_session(work, parsed(input.id))

    @command(LOOK_AFTER, MfaFactorPayload)
    async def enroll_mfa(work: Work, input: EnrollMfaInput) -> models.MfaFactor:
        """Begin to enrol an authenticator app for oneself; it counts once `confirmMfa` was given a code of it.

        Passkeys are enrolled on the account page, since they belong to a browser.
        """
        return await account.enroll(work, input.label)

    @command(LOOK_AFTER, MfaFactorPayload)
    async def confirm_mfa(work: Work, input: ConfirmMfaInput) -> models.MfaFactor:
        """Show that the authenticator app works, with a code of it."""
        return await account.confirm(work, parsed(input.id), input.code[:40])

    @command(LOOK_AFTER, MfaFactorPayload)
    async def remove_mfa(work: Work, input: RemoveMfaInput) -> models.MfaFactor:
        """Take one of one's own factors away, unless it is the last one where one is needed."""
        return await account.remove_factor(work, parsed(input.id), input.code[:40])

    @command(WRITE, UserPayload)
    async def reset_mfa(work: Work, input: ResetMfaInput) -> UserRow:
        """Take all second factors of somebody away who lost them, and end their sessions: they enrol anew."""
        return await account.reset(work, parsed(input.user_id))
