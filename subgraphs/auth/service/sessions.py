"""Sessions: a browser in which somebody has signed in, from the first right answer to the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from contracts.events import auth as events
from subgraphs.auth import handles
from subgraphs.auth.models.credentials import Session
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.credentials import PENDING_LONGEST, SESSION_IDLE, SESSION_LONGEST, SessionStatus
from subgraphs.auth.service import logouts, revocations
from subgraphs.kit import audit
from subgraphs.kit.errors import NotFound
from subgraphs.kit.work import Work

_OPEN = (SessionStatus.ACTIVE, SessionStatus.PENDING_MFA)
_SEEN_EVERY = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Opened:
    """A session and the handle that the browser keeps."""

    session: Session
    handle: str


async def start(
    work: Work,
    user: User,
    *,
    amr: Sequence[str],
    complete: bool,
    address: str | None,
    agent: str | None,
) -> Opened:
    """Begin a session; `complete` when nothing more has to be proven."""
    handle = handles.new(work.caller.tenant)
    session = Session(
        user_id=user.id,
        status=SessionStatus.ACTIVE if complete else SessionStatus.PENDING_MFA,
        secret_hash=handles.hashed(handle),
        amr=list(amr),
        authenticated_at=work.at,
        last_seen_at=work.at,
        expires_at=work.at + (SESSION_LONGEST if complete else PENDING_LONGEST),
        address=address,
        agent=(agent or "")[:300] or None,
    )
    work.add(session)
    if complete:
        user.last_login_at = work.at
        await _record(work, session, user)
    return Opened(session, handle)


async def _record(work: Work, session: Session, user: User) -> None:
    """Write down who came in, how, and from where; it is they who did it, though nobody knew them a moment ago."""
    how = {"session": str(session.id), "methods": " ".join(session.amr)}
    they = replace(work, caller=replace(work.caller, subject=user.id, kind=user.kind.value))
    await audit.note(they, "signIn", resource="User", resource_id=user.id, customer=user.customer_id, details=how)


async def complete(work: Work, session: Session, user: User, *, amr: Sequence[str]) -> Opened:
    """Let a session in that has given its second proof; the browser gets a new handle, so that an old one is worth nothing."""
    handle = handles.new(work.caller.tenant)
    session.status = SessionStatus.ACTIVE
    session.secret_hash = handles.hashed(handle)
    session.amr = sorted({*session.amr, *amr, "mfa"})
    session.authenticated_at = session.last_seen_at = work.at
    session.expires_at = work.at + SESSION_LONGEST
    user.last_login_at = work.at
    await _record(work, session, user)
    return Opened(session, handle)


async def of_handle(work: Work, handle: str) -> Session | None:
    """The open session that a browser's handle stands for; None when it has ended."""
    session: Session | None = await work.session.scalar(
        select(Session).where(Session.secret_hash == handles.hashed(handle))
    )
    if session is None or session.status not in _OPEN or not is_alive(session, work):
        return None
    if work.at - session.last_seen_at > _SEEN_EVERY:
        # Past the audit and the version: that somebody is still here is no change of anything.
        seen = update(Session).where(Session.id == session.id).values(last_seen_at=work.at)
        await work.session.execute(seen.execution_options(synchronize_session=False))
    return session


def is_alive(session: Session, work: Work) -> bool:
    """Whether a session has time left."""
    return session.expires_at > work.at and session.last_seen_at + SESSION_IDLE > work.at


async def of_user(work: Work, user: UUID, *, limit: int = 50, offset: int = 0) -> Sequence[Session]:
    """The open sessions of a user, the newest first."""
    query = select(Session).where(
        Session.user_id == user,
        Session.status.in_(_OPEN),
        Session.expires_at > work.at,
        Session.last_seen_at > work.at - SESSION_IDLE,
    )
    return (await work.session.scalars(query.order_by(Session.created_at.desc()).limit(limit).offset(offset))).all()


async def revoke(work: Work, session: Session, *, reason: str = "REVOKED") -> Session:
    """End a session: its cookie, its refresh tokens, and within a minute its access tokens; clients are told."""
    if session.status not in _OPEN:
        return session
    session.status = SessionStatus.REVOKED
    await revocations.of_session(work, session.id)
    await logouts.tell_clients(work, session)
    user = await work.find(User, session.user_id)
    customer = user.customer_id if user else None
    happened = events.SessionRevoked(
        user_id=session.user_id, customer_id=customer, session_id=session.id, reason=reason
    )
    await work.emit(happened, subject=session.user_id, customer=customer)
    return session


async def revoke_by_id(work: Work, session_id: UUID | None, *, of: UUID | None = None) -> Session:
    """End a session by its id; `of` says whose it must be."""
    session = await work.take(Session, session_id, field="id")
    if (of is not None and session.user_id != of) or await work.find(User, session.user_id) is None:
        raise NotFound("There is no session with this id.", field="id")
    return await revoke(work, session)


async def revoke_all(work: Work, user: UUID, *, reason: str, but: UUID | None = None) -> None:
    """End all sessions of a user but one, and take back what was issued in none."""
    for session in await of_user(work, user, limit=1000):
        if session.id != but:
            await revoke(work, session, reason=reason)
    if but is None:
        await revocations.of_user(work, user)
