"""The keys that sign what we say, and how they change without anybody noticing.

For each algorithm there are three kinds, and everybody may read the public halves of all of them:

    NEXT ──rotation──► CURRENT ──rotation──► RETIRED ──when nothing it signed is valid any more──► gone
    known beforehand    signs                 verifies

So whoever keeps a copy of our keys knows a new one before it signs anything, and an old one for as long as it is needed.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey
from sqlalchemy import delete, func, or_, select

from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.oauth import SigningKey
from subgraphs.auth.service.elsewhere import behind
from subgraphs.kit import jobs, sealing
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work

ALGORITHMS = ("ES256", "RS256")
ROTATE_EVERY = timedelta(days=30)
_VERIFIES_FOR = timedelta(days=2)
"""Longer than anything that was signed is valid: an id token may be a hint when somebody signs out."""
_REMEMBER = timedelta(seconds=30)
_ROTATE = "auth.rotate_keys"

Key = ECKey | RSAKey


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys as they are at this moment."""

    current: Mapping[str, Key] = field(repr=False)
    published: tuple[dict[str, Any], ...]
    read_at: datetime

    def signed(self, claims: Mapping[str, Any], algorithm: str, *, kind: str) -> str:
        """A JWT of ours of this type (`typ`)."""
        key = self.current[algorithm]
        header = {"alg": algorithm, "typ": kind, "kid": key.kid}
        return jwt.encode(header, dict(claims), key, algorithms=[algorithm])

    def verified(self, token: str) -> jwt.Token:
        """A JWT of ours; its claims are not judged yet. Raises JoseError and ValueError."""
        return jwt.decode(token, KeySet.import_key_set({"keys": list(self.published)}), algorithms=list(ALGORITHMS))


_rings: weakref.WeakKeyDictionary[object, Ring] = weakref.WeakKeyDictionary()


async def ring(work: Work) -> Ring:
    """The keys; read again every half minute, since another process may have changed them."""
    bind = work.session.bind
    known = _rings.get(bind)
    if known is not None and work.at - known.read_at < _REMEMBER and work.at >= known.read_at:
        return known
    async with behind(work):
        found = await _read(work)
    if found.current:
        _rings[bind] = found
    return found


async def ensure(work: Work) -> Ring:
    """The keys, made if there are none; in a work of the platform's own."""
    found = await ring(work)
    if all(algorithm in found.current for algorithm in ALGORITHMS):
        return found
    await alone(work)
    there = {row.algorithm for row in await _rows(work) if row.state == "CURRENT"}
    for algorithm in ALGORITHMS:
        if algorithm not in there:
            _make(work, algorithm, "CURRENT")
            _make(work, algorithm, "NEXT")
    await work.session.flush()
    await jobs.enqueue(work, _ROTATE, {}, at=work.at + ROTATE_EVERY, key=_ROTATE)
    return await _read(work)


async def adopt(work: Work, private: dict[str, Any]) -> None:
    """Let a key that was made elsewhere sign access tokens from now on, unless it does already; in a work of the platform's own."""
    await ensure(work)
    key = ECKey.import_key(private)
    rows = await _rows(work)
    if any(row.kid == key.kid for row in rows):
        return
    for row in [one for one in rows if one.algorithm == "ES256" and one.state == "CURRENT"]:
        row.state, row.published_until = "RETIRED", work.at + _VERIFIES_FOR
    await work.session.flush()
    _keep(work, key, "ES256", "CURRENT")
    await work.session.flush()
    _rings.pop(work.session.bind, None)


async def rotate(work: Work) -> None:
    """Let the next keys sign from now on, and make new next ones; in a work of the platform's own."""
    await alone(work)
    rows = await _rows(work)
    for state in ("CURRENT", "NEXT"):
        for row in [one for one in rows if one.state == state]:
            row.state = "RETIRED" if state == "CURRENT" else "CURRENT"
            row.published_until = work.at + _VERIFIES_FOR if state == "CURRENT" else None
        await work.session.flush()  # an index allows one of each: those that leave go first
    for algorithm in ALGORITHMS:
        _make(work, algorithm, "NEXT")
    await work.session.flush()
    await work.session.execute(delete(SigningKey).where(SigningKey.published_until < work.at))
    _rings.pop(work.session.bind, None)


async def _rotate_and_again(work: Work, _payload: Payload) -> None:
    await rotate(work)
    await jobs.enqueue(work, _ROTATE, {}, at=work.at + ROTATE_EVERY)


ROTATE = Job(_ROTATE, _rotate_and_again)


async def alone(work: Work) -> None:
    """Two processes may start at once: one makes keys, and the other finds them."""
    await work.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("auth.keys", 0))))


async def _rows(work: Work) -> list[SigningKey]:
    alive = or_(SigningKey.published_until.is_(None), SigningKey.published_until > work.at)
    query = select(SigningKey).where(SigningKey.tenant_id == PLATFORM, alive).order_by(SigningKey.created_at.desc())
    return list((await work.session.scalars(query)).all())


async def _read(work: Work) -> Ring:
    seal = sealing.of(work.settings)
    rows = await _rows(work)
    current = {row.algorithm: _opened(seal, row) for row in rows if row.state == "CURRENT"}
    return Ring(current, tuple(row.public for row in rows), work.at)


def _make(work: Work, algorithm: str, state: str) -> None:
    parameters: KeyParameters = {"use": "sig", "alg": algorithm}
    key: Key = (
        ECKey.generate_key("P-256", parameters, auto_kid=True)
        if algorithm == "ES256"
        else RSAKey.generate_key(2048, parameters, auto_kid=True)
    )
    _keep(work, key, algorithm, state)


def _keep(work: Work, key: Key, algorithm: str, state: str) -> None:
    private = json.dumps(key.as_dict(private=True)).encode()
    sealed = sealing.of(work.settings).close(private, purpose=_purpose(str(key.kid)))
    row = SigningKey(
        kid=str(key.kid),
        algorithm=algorithm,
        state=state,
        public=dict(key.as_dict(private=False)),
        sealed=sealed,
        created_at=work.at,
    )
    work.session.add(row)


def _opened(seal: sealing.Seal, row: SigningKey) -> Key:
    private = json.loads(seal.open(row.sealed, purpose=_purpose(row.kid)))
    return ECKey.import_key(private) if row.algorithm == "ES256" else RSAKey.import_key(private)


def _purpose(kid: str) -> str:
    return f"signing key {kid}"
