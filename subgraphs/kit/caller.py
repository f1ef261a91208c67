"""Who is asking: read from the router's internal token, and from nowhere else.

The network is not trusted: a request without a token that the router signed for exactly this module has no caller
and gets no answer.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args
from uuid import UUID

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from contracts import strict_jwt
from contracts.identity import (
    CLOCK_LEEWAY_SECONDS,
    EVERY_CUSTOMER,
    INTERNAL_ISSUER,
    INTERNAL_TOKEN_TYPE,
    SIGNING_ALGORITHM,
    CallerKind,
)
from contracts.scopes import covers, known
from subgraphs.kit.errors import Forbidden

SYSTEM = UUID(int=0)
"""The subject of what nobody asked for: consumers and jobs."""

_OUTSIDE = frozenset({"CUSTOMER", "COMANAGED"})
_LONGEST_LIFE_SECONDS = 3600
"""The router signs for half a minute; who holds a token for longer than an hour has it from somewhere else."""
_REFRESH_SECONDS = 10.0
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Caller:
    """One verified identity: the tenant, the subject, what it may do and whose rows it may see."""

    tenant: UUID
    subject: UUID
    kind: CallerKind
    scopes: frozenset[str] = frozenset()
    customers: frozenset[UUID] | None = None
    """The customers whose rows are visible; None means all of the tenant's."""
    denied: frozenset[UUID] = frozenset()
    roles: frozenset[str] = frozenset()
    narrowed: frozenset[str] = frozenset()
    """Those of `scopes` that are held for one's own rows only; the database knows which rows these are."""
    contact: UUID | None = None
    """The contact in customer management that this user is."""
    impersonator: UUID | None = None
    """Who acts in the subject's name, while somebody does."""
    session: UUID | None = None
    key: UUID | None = None
    """The API key that stands for the subject, if it is one."""
    correlation: str | None = None
    address: str | None = field(default=None, compare=False)

    def require(self, scope: str) -> None:
        """Refuse unless the caller holds `scope`."""
        if not self.holds(scope):
            raise Forbidden(f"This needs the permission {scope!r}, which you do not have.")

    def holds(self, scope: str) -> bool:
        """Whether the caller holds `scope`, or the whole of which it is a part."""
        if not known(scope):
            raise LookupError(f"{scope!r} is not in contracts/scopes.py")
        return covers(self.scopes, scope)


class NotVerified(Exception):
    """The token is missing, forged, expired, or meant for somebody else."""


def from_claims(
    claims: Mapping[str, Any],
    *,
    correlation: str | None = None,
    narrows: Collection[str] = (),
    teams: Collection[str] = (),
    company: Collection[str] = (),
) -> Caller:
    """The caller that the claims of `contracts.identity` describe; raises NotVerified when one is missing or odd.

    `narrows` are the permissions whose `.own` the module understands: there, `tickets:read.own` is `tickets:read` for
    the rows that its walls let through. Elsewhere it is not. `teams` are those whose `.team` it understands: its walls find
    `time:read.team` beside `time:read` among what is narrowed, and let a team's rows through. `company` are those whose `.company` it understands: for a
    customer's people, whom the walls show their customers' rows and no others, `users:read.company` is `users:read`.
    """
    try:
        kind, customers = _kind(claims["kind"]), claims.get("customers", [])
        scopes = frozenset(_text(claims.get("scope", "")).split())
        narrowed = frozenset(scope for scope in narrows if scope not in scopes and f"{scope}.own" in scopes)
        of_teams = frozenset(scope for scope in teams if scope not in scopes and f"{scope}.team" in scopes)
        narrowed |= of_teams | {f"{scope}.team" for scope in of_teams}
        walled = kind in _OUTSIDE and customers != EVERY_CUSTOMER
        within = frozenset(scope for scope in company if walled and f"{scope}.company" in scopes)
        return Caller(
            tenant=_id(claims["tid"]),
            subject=_id(claims["sub"]),
            kind=kind,
            scopes=scopes | narrowed | within,
            customers=None if customers == EVERY_CUSTOMER else frozenset(map(_id, _list(customers))),
            denied=frozenset(map(_id, _list(claims.get("deny", [])))),
            roles=frozenset(map(_text, _list(claims.get("roles", [])))),
            narrowed=narrowed,
            contact=_uuid(claims.get("contact")),
            impersonator=_uuid(claims["act"]["sub"] if "act" in claims else None),
            session=_uuid(claims.get("sid")),
            key=_uuid(claims.get("key")),
            correlation=correlation,
            address=claims.get("ip"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotVerified(f"claim {error}") from error


def _text(value: object) -> str:
    if not strict_jwt.is_plain_text(value):
        raise TypeError("a text has the wrong shape")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("what should be a list is none")
    return value


def _id(value: object) -> UUID:
    read = UUID(_text(value))
    if str(read) != value:
        raise ValueError("an id is written in another way than we write it")
    return read


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else _id(text)


def _kind(text: str) -> CallerKind:
    if text not in get_args(CallerKind):
        raise ValueError("kind")
    return cast("CallerKind", text)


def system(tenant: UUID, *, correlation: str | None = None) -> Caller:
    """The platform itself, acting for one tenant because an event arrived or a timer fired."""
    return Caller(tenant=tenant, subject=SYSTEM, kind="SYSTEM", correlation=correlation)


KeySource = Callable[[], Awaitable[dict[str, Any]]]


def keys_from(location: str) -> KeySource:
    """Where the router's public keys are: an http(s) URL, or a file with a JSON Web Key Set."""

    async def from_url() -> dict[str, Any]:
        async with httpx2.AsyncClient(timeout=5) as client:
            response = await client.get(location)
            response.raise_for_status()
            keys: dict[str, Any] = response.json()
            return keys

    async def from_file() -> dict[str, Any]:
        text = await asyncio.to_thread(Path(location).read_text, encoding="utf-8")
        keys: dict[str, Any] = json.loads(text)
        return keys

    return from_url if location.startswith(("http://", "https://")) else from_file


class Verifier:
    """Verifies internal tokens for one module against the router's keys, and remembers good ones until they expire."""

    def __init__(
        self,
        audience: str,
        keys: KeySource,
        *,
        narrows: Collection[str] = (),
        teams: Collection[str] = (),
        company: Collection[str] = (),
    ) -> None:
        self._source = keys
        self._narrows = narrows
        self._teams = teams
        self._company = company
        self._keys: KeySet | None = None
        self._ask_again_at = 0.0
        self._one_at_a_time = asyncio.Lock()
        self._known: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._rules = jwt.JWTClaimsRegistry(
            leeway=CLOCK_LEEWAY_SECONDS,
            iss={"essential": True, "value": INTERNAL_ISSUER},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
            tid={"essential": True},
        )

    async def caller(self, token: str, *, correlation: str | None = None) -> Caller:
        """The caller that `token` stands for; raises NotVerified with a reason for our log, not for the client."""
        known = self._known.get(token)
        if known and known[0] > time.time():
            return self._meaning(known[1], correlation)
        claims = await self._verified(token)
        self._remember(token, claims)
        return self._meaning(claims, correlation)

    def _meaning(self, claims: Mapping[str, Any], correlation: str | None) -> Caller:
        understood = {"narrows": self._narrows, "teams": self._teams, "company": self._company}
        return from_claims(claims, correlation=correlation, **understood)

    async def _verified(self, token: str) -> Mapping[str, Any]:
        try:
            return self._decoded(token, await self._current_keys())
        except (JoseError, ValueError) as first:
            # The router may have rotated its key since we asked: ask once more, but not for every forged token.
            if not await self._refresh():
                raise NotVerified(str(first)) from first
        try:
            return self._decoded(token, await self._current_keys())
        except (JoseError, ValueError) as error:
            raise NotVerified(str(error)) from error

    def _decoded(self, token: str, keys: KeySet) -> Mapping[str, Any]:
        strict_jwt.check(token)
        decoded = jwt.decode(token, keys, algorithms=[SIGNING_ALGORITHM])
        if decoded.header.get("typ") != INTERNAL_TOKEN_TYPE:
            raise ValueError("this is not an internal token")
        strict_jwt.check_times(decoded.claims, time.time(), leeway=CLOCK_LEEWAY_SECONDS, longest=_LONGEST_LIFE_SECONDS)
        self._rules.validate(decoded.claims)
        return decoded.claims

    async def _current_keys(self) -> KeySet:
        if self._keys is None and not await self._refresh():
            raise NotVerified("the router's keys cannot be read")
        assert self._keys is not None  # noqa: S101 - the line above made sure
        return self._keys

    async def _refresh(self) -> bool:
        """Read the keys again; False when they cannot be read, or were read too recently to be worth it."""
        known = self._keys
        async with self._one_at_a_time:
            # Requests that came while another one asked have their answer; without it, a cold start would refuse them.
            return self._keys is not known or await self._ask()

    async def _ask(self) -> bool:
        if time.monotonic() < self._ask_again_at:
            return False
        self._ask_again_at = time.monotonic() + _RETRY_SECONDS
        try:
            self._keys = KeySet.import_key_set(await self._source())  # type: ignore[arg-type]
        except (httpx2.HTTPError, OSError, ValueError, JoseError):
            return False
        self._ask_again_at = time.monotonic() + _REFRESH_SECONDS
        return True

    def _remember(self, token: str, claims: Mapping[str, Any]) -> None:
        if len(self._known) >= 10_000:
            self._known.clear()
        self._known[token] = (float(claims["exp"]), claims)
