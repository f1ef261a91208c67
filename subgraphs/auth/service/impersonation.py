"""Acting in somebody else's name: to see what they see, for a quarter of an hour, and never in secret.

    startImpersonation ─► an access token: sub = the user, act.sub = who really acts (RFC 8693, 4.1) ─► ends, or runs out

The token may what the user may *and* who acts may, without what opens doors for later: passwords, factors, keys, roles,
users. So nobody climbs by it, and nothing of it stays. Every entry of every module's audit names both; the user and whoever looks
after security are told when it begins and when it ends. It falls with the session in which it was begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select

from contracts.events import auth as events
from contracts.scopes import NOT_IN_ANOTHERS_NAME
from subgraphs.auth.models.impersonation import Impersonation
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.grants import common
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import grants, keys, revocations
from subgraphs.auth.service.tokens import AUDIENCE
from subgraphs.kit import audit, jobs
from subgraphs.kit.errors import Forbidden, Invalid, NotFound, PreconditionFailed
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

LONGEST_MINUTES = int(revocations.LONGEST_ACCESS.total_seconds() // 60)
_SHORTEST_REASON = 10
_NAME = "auth.impersonation"


async def start(work: Work, user_id: UUID | None, *, reason: str, minutes: int) -> Impersonation:
    """Let the caller act in a user's name; raises `Forbidden` for whoever may more, sees more, or is an owner."""
    words = line(reason, field="reason", longest=500)
    if len(words) < _SHORTEST_REASON:
        raise Invalid(f"reason must have {_SHORTEST_REASON} characters or more: a sentence.", field="reason")
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise Invalid(f"minutes is 1 to {LONGEST_MINUTES}.", field="minutes")
    _check_person(work)
    user = await work.take(User, user_id, field="userId")
    if await work.find(User, work.caller.subject) is None:  # a token outlives its user by some minutes
        raise Forbidden("Only who has an account here acts in somebody else's name.")
    await _check_may_be(work, user)
    row = Impersonation(
        customer_id=user.customer_id,
        user_id=user.id,
        impersonator_id=work.caller.subject,
        reason=words,
        expires_at=work.at + timedelta(minutes=minutes),
    )
    work.add(row)
    await work.session.flush()
    row.shown = await _token(work, row, user)  # type: ignore[misc] # on this row alone
    await _tell_start(work, row)
    return row


def _check_person(work: Work) -> None:
    """Refuse a caller who is not really there: another impersonation, or a key."""
    if work.caller.impersonator is not None:
        raise Forbidden("You act in somebody else's name already.")
    if work.caller.key is not None or work.caller.kind != "STAFF":
        raise Forbidden("Only staff acts in somebody else's name, and no program.")


async def _check_may_be(work: Work, user: User) -> None:
    if user.id == work.caller.subject:
        raise Invalid("This is you.", field="userId")
    if user.kind is UserKind.SERVICE:
        raise Forbidden("A program has no name to act in.", field="userId")
    if user.status is not UserStatus.ACTIVE:
        raise PreconditionFailed("They may not come in themselves.", field="userId")
    if grants.OWNER in (await grants.of(work, user)).roles:
        raise Forbidden("Nobody acts in an owner's name.", field="userId")
    await grants.check_may_take_over(work, user, field="userId")


async def _token(work: Work, row: Impersonation, user: User) -> str:
    granted = await grants.of(work, user)
    may = common(granted.permissions, work.caller.scopes) - NOT_IN_ANOTHERS_NAME
    claims = {
        **granted.claims(user, may),
        "iss": work.settings.needed("issuer"),
        "aud": AUDIENCE,
        "client_id": _NAME,
        "iat": int(work.at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
        "jti": str(row.id),
        "act": {"sub": str(row.impersonator_id)},
        **({"sid": str(work.caller.session)} if work.caller.session else {}),
    }
    return (await keys.ring(work)).signed(claims, "ES256", kind="at+jwt")


async def _tell_start(work: Work, row: Impersonation) -> None:
    happened = events.ImpersonationStarted(
        user_id=row.user_id,
        customer_id=row.customer_id,
        impersonation_id=row.id,
        impersonator_id=row.impersonator_id,
        reason=row.reason,
        expires_at=row.expires_at,
    )
    await work.emit(happened, subject=row.user_id, customer=row.customer_id)
    await _note(work, row, "startImpersonation", reason=row.reason)
    payload = {"impersonation": str(row.id)}
    await jobs.enqueue(work, _NAME, payload, at=row.expires_at, key=f"{_NAME}/{row.id}")


async def stop(work: Work, impersonation_id: UUID | None) -> Impersonation:
    """End an impersonation: whoever began it, whoever it is about, and whoever looks after people may."""
    row = await work.take(Impersonation, impersonation_id, field="id")
    caller = work.caller
    if caller.subject not in {row.user_id, row.impersonator_id} and not caller.holds("users:write"):
        raise NotFound("There is no impersonation with this id.", field="id")
    if row.ended_at is None:
        await revocations.revoke(work, "TOKEN", row.id)
        await _end(work, row, "STOPPED")
    return row


async def _end(work: Work, row: Impersonation, reason: str) -> None:
    row.ended_at = work.at
    happened = events.ImpersonationEnded(
        user_id=row.user_id,
        customer_id=row.customer_id,
        impersonation_id=row.id,
        impersonator_id=row.impersonator_id,
        reason=reason,
    )
    await work.emit(happened, subject=row.user_id, customer=row.customer_id)
    await _note(work, row, "stopImpersonation", reason=reason)


async def _note(work: Work, row: Impersonation, action: str, *, reason: str) -> None:
    details = {"impersonation": str(row.id), "impersonator": str(row.impersonator_id), "reason": reason}
    await audit.note(work, action, resource="User", resource_id=row.user_id, customer=row.customer_id, details=details)


async def listed(work: Work, *, about: UUID | None = None, limit: int, offset: int) -> Sequence[Impersonation]:
    """Impersonations, the newest first: all, or those by and of one user."""
    query = select(Impersonation).order_by(Impersonation.created_at.desc(), Impersonation.id)
    if about is not None:
        query = query.where(or_(Impersonation.user_id == about, Impersonation.impersonator_id == about))
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def _run_out(work: Work, payload: Payload) -> None:
    row = await work.find(Impersonation, UUID(payload["impersonation"]))
    if row is not None and row.ended_at is None:
        await _end(work, row, "EXPIRED")


EXPIRE = Job(_NAME, _run_out)
"""Write down that an impersonation's time is up; its token knows by itself."""
