"""What people do with accounts by the graph: their own, and those of the people whom they look after."""

from __future__ import annotations

from uuid import UUID

from subgraphs.auth.errors import NotProven
from subgraphs.auth.models.credentials import MfaFactor, Session
from subgraphs.auth.models.people import Tenant, User
from subgraphs.auth.rules.credentials import Policy
from subgraphs.auth.service import factors, grants, sessions, throttling
from subgraphs.kit.errors import Conflict, Forbidden, NotFound
from subgraphs.kit.work import Work

_WRITE = "users:write"


async def visible(work: Work, user: UUID | None) -> UUID | None:
    """A user whom the caller sees, or None."""
    found = await work.find(User, user) if user else None
    return found.id if found else None


async def revoke_session(work: Work, session_id: UUID | None) -> Session:
    """End a session of the caller's own, or of somebody whom they may change."""
    session = await work.take(Session, session_id, field="id")
    if session.user_id != work.caller.subject:
        user = await work.find(User, session.user_id)
        if user is None or not work.caller.holds(_WRITE):
            raise NotFound("There is no session with this id.", field="id")
        await grants.check_may_change(work, user, field="id")
    return await sessions.revoke(work, session)


async def enroll(work: Work, label: str) -> MfaFactor:
    """Begin to enrol an app for the caller; what it must know is shown on this row and nowhere else.

    Whoever has a factor already enrols another on the account page, where they are asked for the one that they have.
    """
    _refuse_a_key(work)
    user = await work.take(User, work.caller.subject, field="id")
    if await factors.of_user(work, user.id):
        raise Conflict("You have a second factor: enrol another one on your account page.")
    offer = await factors.offer_totp(work, user, label)
    offer.factor.shown = offer.uri  # type: ignore[misc]
    return offer.factor


async def confirm(work: Work, factor_id: UUID | None, code: str) -> MfaFactor:
    """Show that the app works that the caller enrols."""
    _refuse_a_key(work)
    return await factors.confirm_totp(work, work.caller.subject, factor_id, code)


def _refuse_a_key(work: Work) -> None:
    """Refuse a program that acts for somebody: it would have the factor without which they can't come in any more."""
    if work.caller.key is not None:
        raise Forbidden("An API key enrols no second factor: sign in yourself.")


async def remove_factor(work: Work, factor_id: UUID | None, code: str) -> MfaFactor:
    """Take one of the caller's factors away, against a proof of one."""
    user = await work.take(User, work.caller.subject, field="id")
    counted = throttling.keys(account=f"second factor of {user.id}", address="anywhere", known_browser=None)
    await throttling.attempt(work, {key: free for key, free in counted.items() if free == 0})
    if not (await factors.prove_totp(work, user.id, code) or await factors.prove_recovery_code(work, user.id, code)):
        raise NotProven("The code is not right.", field="code")
    gone = await factors.remove(work, user.id, factor_id)
    await refuse_without(work, user)
    return gone


async def refuse_without(work: Work, user: User) -> None:
    """Refuse to leave a user without a second factor where one is needed."""
    tenant = await work.find(Tenant, user.tenant_id)
    roles = frozenset((await grants.of(work, user)).roles)
    needed = Policy.of(tenant.settings if tenant else {}).needs_second_factor(roles)
    if needed and not await factors.of_user(work, user.id):
        raise Conflict("Your company asks for a second factor: add another one first.")


async def reset(work: Work, user_id: UUID | None) -> User:
    """Take all factors of somebody away whom the caller may change; one's own are not lost while one is here."""
    user = await work.take(User, user_id, field="userId")
    if user.id == work.caller.subject:
        raise Conflict("Somebody else has to reset your factors.", field="userId")
    await grants.check_may_take_over(work, user, field="userId")
    return await factors.reset(work, user.id)
