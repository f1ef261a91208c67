"""What tokens still claim and is no longer so: written down for as long as such tokens live."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from contracts import strict_jwt
from subgraphs.auth.models.oauth import RefreshToken, Revocation
from subgraphs.kit.ids import uuid7
from subgraphs.kit.work import Work

LONGEST_ACCESS = timedelta(minutes=15)
"""No access token that we sign lives longer."""
_KEEP = timedelta(seconds=strict_jwt.LONGEST_LIFE_SECONDS, minutes=5)
"""Whoever else has the issuer's key (the command that makes tokens for a demo) signs for longer; what would live longer
than this is let in by nobody, so what was taken back is forgotten no sooner than the last token that claims it (and a
little for clocks)."""


async def revoke(work: Work, kind: str, subject: UUID | str, *, keep: timedelta = _KEEP) -> None:
    """Take back what was said of a SESSION, a USER, a GRANT, a TOKEN or a KEY, in tokens issued until now."""
    row = Revocation(id=uuid7(), kind=kind, subject=str(subject), at=work.at, expires_at=work.at + keep)
    work.session.add(row)


async def grant(work: Work, grant_id: UUID) -> None:
    """Take back all that came of one grant: its refresh tokens, and its access tokens."""
    await _refresh_tokens(work, RefreshToken.grant_id == grant_id)
    await revoke(work, "GRANT", grant_id)


async def of_session(work: Work, session: UUID) -> None:
    """Take back what was issued in a session."""
    await _refresh_tokens(work, RefreshToken.session_id == session)
    await revoke(work, "SESSION", session)


async def of_user(work: Work, user: UUID) -> None:
    """Take back everything that a user or a program in their name holds."""
    await _refresh_tokens(work, RefreshToken.user_id == user)
    await revoke(work, "USER", user)


async def revoked(work: Work, issued_at: float, *subjects: str | None) -> bool:
    """Whether something that a token of then claims was taken back since."""
    query = select(Revocation.at).where(Revocation.subject.in_([one for one in subjects if one]))
    # A token's moment is in whole seconds; one that is as old as the revocation is not let in.
    return any(int(at.timestamp()) >= int(issued_at) for at in await work.session.scalars(query))


async def _refresh_tokens(work: Work, which) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - SQLAlchemy's
    await work.session.flush()
    still = update(RefreshToken).where(which, RefreshToken.revoked_at.is_(None)).values(revoked_at=work.at)
    await work.session.execute(still.execution_options(synchronize_session=False))
