"""Who is asking, and how subgraphs are told.

    client ── access token (auth's key) ──► router ── internal token (router's key, aud = one module) ──► module

An API key is exchanged at auth for the claims of whom it stands for (`api_keys`), and what was taken back since a token
was issued is looked up with every request (`revocations`). The client's token ends here: a module that is broken into has nothing that opens its neighbour's door. Two algorithms
are accepted, named explicitly, whatever a token's header says, and a token must be written plainly (`contracts.strict_jwt`); a key set that changed is read again when a token names
a key that we don't know, but not for every forged token.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast, get_args
from uuid import UUID

import orjson
import structlog
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey, JWKRegistry, KeySet
from starlette.datastructures import Headers

from contracts import strict_jwt
from contracts.identity import (
    EVERY_CUSTOMER,
    INTERNAL_ISSUER,
    INTERNAL_TOKEN_SECONDS,
    INTERNAL_TOKEN_TYPE,
    SIGNING_ALGORITHM,
    Actor,
    CallerClaims,
    CallerKind,
)
from contracts.strict_jwt import Misshapen
from router.executor.transport import Exchange, TransportFailure
from router.server.api_keys import PREFIX, ApiKeys, WrongKey
from router.server.client_address import inside
from router.server.config import Authentication
from router.server.head import Head
from router.server.lru import Recent
from router.server.refusals import NotNow, Refused
from router.server.revocations import Revocations

ALGORITHMS: Final = ("ES256", "RS256")
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
"""What an access token says it is (RFC 9068 section 4); an ID token says `JWT`, and opens nothing."""
_OURS: Final = frozenset({"ip", "key"})
_CLAIMS: Final = tuple(name for name in CallerClaims.__annotations__ if name not in _OURS)
_KEPT: Final = "caller"
_PROOFS: Final = frozenset({"authorization", "x-api-key"})
_REVOCABLE: Final = ("sub", "sid", "grant", "jti")
_FETCH_SECONDS: Final = 5.0
_RENEW_SECONDS: Final = 10
_STALE_SECONDS: Final = 600.0

log = structlog.get_logger(__name__)


class NotAccepted(Exception):
    """The token is no proof; the reason is for our log."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified claims, and their digest: what is made for one caller is kept by it."""

    claims: Mapping[str, Any]
    digest: bytes
    expires_at: float | None = None
    """When the token by which they came is no proof any more (seconds since 1970)."""
    issued_at: float = 0.0
    """When the claims were true, in Unix time."""
    subjects: frozenset[str] = frozenset()
    """What may have been taken back since: the ids of the user, the session, the grant, the token, the key."""
    rate_limit: int | None = None
    """Requests in a minute, where the caller's API key has a limit of its own."""

    @property
    def tenant(self) -> str | None:
        """The tenant, where the token names one."""
        return _name(self.claims.get("tid"))

    @property
    def subject(self) -> str | None:
        """Whom the token is about, where it says so."""
        return _name(self.claims.get("sub"))

    @staticmethod
    def of(claims: CallerClaims, **known: Any) -> Caller:
        """Take the digest of the claims."""
        return Caller(claims, hashlib.sha256(orjson.dumps(claims, option=orjson.OPT_SORT_KEYS)).digest(), **known)


class TrustedKeys:
    """The issuer's public keys, read when they are first needed and again when they may have changed."""

    def __init__(
        self,
        location: str,
        exchange: Exchange,
        *,
        refetch_seconds: float,
        stale_seconds: float = _STALE_SECONDS,
        retry_seconds: float = 0.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._location = location
        self._exchange = exchange
        self._refetch_seconds = refetch_seconds
        self._stale_seconds = stale_seconds
        self._retry_seconds = retry_seconds
        self._headers = headers or {}
        self._keys: KeySet | None = None
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def current(self) -> KeySet:
        """Return the keys; raises NotAccepted when they were never readable."""
        if self._keys is None or time.monotonic() - self._read_at > self._stale_seconds:
            await self.refresh()
        if self._keys is None:
            raise NotAccepted("the issuer's keys can't be read")
        return self._keys

    async def refresh(self) -> bool:
        """Read the keys again unless that was done a moment ago; tells whether it was done."""
        async with self._lock:
            if time.monotonic() - self._read_at < self._refetch_seconds:
                return False
            self._read_at = time.monotonic()
            try:
                self._keys = _key_set(orjson.loads(await self._read()))
            except (TransportFailure, OSError, ValueError, TypeError, JoseError) as fault:
                log.warning("jwks.unreadable", location=self._location, reason=str(fault))
                if self._keys is None:
                    # Nobody can come in: try again soon, not after the pause.
                    self._read_at += min(self._retry_seconds, self._refetch_seconds) - self._refetch_seconds
                return False
            return True

    async def _read(self) -> bytes:
        if "://" not in self._location:
            return await asyncio.to_thread(Path(self._location).read_bytes)
        deadline = asyncio.get_running_loop().time() + _FETCH_SECONDS
        answer = await self._exchange.exchange(
            "GET", self._location, body=b"", headers=self._headers, deadline=deadline
        )
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        return answer.body


def _key_set(read: Any) -> KeySet:
    """Take the keys that we understand: a set may hold newer ones, which are for others."""
    given = read.get("keys") if isinstance(read, dict) else None
    if not isinstance(given, list):
        raise TypeError("it is no key set")
    keys = []
    for one in given:
        try:
            keys.append(JWKRegistry.import_key(one))
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as fault:
            log.info("jwks.key_left_out", reason=str(fault))
    if not keys:
        raise ValueError("it holds no key that can be read")
    return KeySet(keys)


class Authenticator:
    """Verifies what clients show, and remembers good tokens until they expire."""

    def __init__(
        self,
        settings: Authentication,
        keys: TrustedKeys,
        *,
        revocations: Revocations | None = None,
        api_keys: ApiKeys | None = None,
    ) -> None:
        self._keys = keys
        self._revocations = revocations
        self._api_keys = api_keys
        self._leeway = settings.leeway_seconds
        self._known: Recent[tuple[bytes, str | None], tuple[float, Caller]] = Recent(10_000)
        self._rules = jwt.JWTClaimsRegistry(
            leeway=settings.leeway_seconds,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
            tid={"essential": True},
        )

    async def identified(self, headers: Headers, address: str | None, *, required: bool) -> Caller | None:
        """Return who is asking, or None for nobody, where nobody has to say so; raises `Refused`."""
        if not required and _PROOFS.isdisjoint(headers.keys()):
            return None
        if _said_twice(headers):
            raise _not_accepted("a proof is shown twice", address)
        return await self.caller(headers.get("authorization"), api_key=headers.get("x-api-key"), address=address)

    def identified_now(self, headers: Headers, address: str | None, *, required: bool) -> Caller | None:
        """Return who is asking where that is known already; raises `NotNow` where somebody has to be waited for."""
        authorization = headers.get("authorization")
        if authorization is None or "x-api-key" in headers:
            if required or not _PROOFS.isdisjoint(headers.keys()):
                raise NotNow
            return None
        # Heads that are equal are one, which remembers whom it proved.
        notes = headers.notes if isinstance(headers, Head) else {}
        known: tuple[float, Caller] | None = notes.get(_KEPT, {}).get(address)
        if known is None:
            _, _, token = authorization.partition(" ")
            known = self._known.get((hashlib.sha256(token.strip().encode()).digest(), address))
            if known is None or authorization[:7].lower() != "bearer " or _said_twice(headers):
                raise NotNow
            notes[_KEPT] = {address: known}
        if not self.still(known[1]):
            raise NotNow
        return known[1]

    def still(self, caller: Caller) -> bool:
        """Whether what proved a caller is certainly good yet."""
        if caller.expires_at is None or caller.expires_at + self._leeway <= time.time():
            return False
        revocations = self._revocations
        return revocations is None or revocations.hit_now(caller.subjects, caller.issued_at) is False

    async def caller(
        self, authorization: str | None, *, api_key: str | None = None, address: str | None = None
    ) -> Caller:
        """Return the caller that the headers prove; raises `Refused` with 401 otherwise."""
        if not authorization and not api_key:
            raise Refused("UNAUTHENTICATED", "A bearer token is needed.", headers={"www-authenticate": "Bearer"})
        try:
            return await self._proven(authorization, api_key, address)
        except (NotAccepted, WrongKey) as reason:
            raise _not_accepted(str(reason), address) from None

    async def _proven(self, authorization: str | None, api_key: str | None, address: str | None) -> Caller:
        if authorization and api_key:
            raise NotAccepted("there are a token and a key")
        shown = api_key or _token(authorization or "")
        if api_key or shown.startswith(PREFIX):
            return await self._by_key(shown, address)
        caller = await self._by_token(shown, address)
        if await self.taken_back(caller):
            raise NotAccepted("it was taken back")
        return caller

    async def taken_back(self, caller: Caller) -> bool:
        """Whether what proved this caller has been taken back since."""
        return self._revocations is not None and await self._revocations.hit(caller.subjects, caller.issued_at)

    async def _by_key(self, key: str, address: str | None) -> Caller:
        if self._api_keys is None:
            raise NotAccepted("API keys are not accepted here")
        caller = await self._of_key(self._api_keys, key, address)
        if await self.taken_back(caller):
            # Perhaps a role, perhaps the key itself: auth knows, and it knows it now.
            self._api_keys.forget(key)
            return await self._of_key(self._api_keys, key, address)
        return caller

    async def _of_key(self, keys: ApiKeys, key: str, address: str | None) -> Caller:
        grant = await keys.grant(key, address)
        claims = caller_claims(grant.claims, address, key=str(grant.claims["key"]))
        subjects = frozenset({claims["sub"], claims["key"]})
        return Caller.of(claims, issued_at=grant.asked_at, subjects=subjects, rate_limit=grant.rate_limit)

    async def _by_token(self, token: str, address: str | None) -> Caller:
        digest = hashlib.sha256(token.encode()).digest(), address
        known = self._known.get(digest)
        if known is not None and known[0] + self._leeway > time.time():
            return known[1]
        claims = await self._verified(token)
        _check_network(claims, address)
        told = caller_claims(claims, address)
        subjects = frozenset(str(claims[name]) for name in _REVOCABLE if name in claims)
        if "act" in told:
            subjects |= {told["act"]["sub"]}
        caller = Caller.of(
            told,
            expires_at=float(claims["exp"]),
            issued_at=float(claims.get("iat", 0)),
            subjects=subjects,
        )
        self._known.put(digest, (float(claims["exp"]), caller))
        return caller

    async def _verified(self, token: str) -> Mapping[str, Any]:
        try:
            strict_jwt.check(token)
        except Misshapen as reason:
            raise NotAccepted(str(reason)) from reason
        keys = await self._keys.current()
        try:
            return self._decoded(token, keys)
        except InvalidKeyIdError as unknown:
            if not await self._keys.refresh():
                raise NotAccepted(str(unknown)) from unknown
        return self._decoded(token, await self._keys.current(), last=True)

    def _decoded(self, token: str, keys: KeySet, *, last: bool = False) -> Mapping[str, Any]:
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
            strict_jwt.check_times(decoded.claims, time.time(), leeway=self._leeway)
            self._rules.validate(decoded.claims)
        except InvalidKeyIdError as unknown:
            if last:
                raise NotAccepted(str(unknown)) from unknown
            raise
        except (JoseError, ValueError) as fault:
            raise NotAccepted(str(fault)) from fault
        if str(decoded.header.get("typ", "")).lower() not in _TYPES:
            raise NotAccepted("the token is of another type")
        _check_shape(decoded.claims)
        return decoded.claims


def _check_shape(claims: Mapping[str, Any]) -> None:
    """Refuse what is well signed and says what no token of ours says."""
    if "cnf" in claims:
        # It is bound to a key (RFC 7800) that nobody shows here: whoever has only the token is not its holder.
        raise NotAccepted("the token needs a proof that we don't ask for")
    for name in _REVOCABLE:
        if name in claims and not strict_jwt.is_plain_text(claims[name]):
            raise NotAccepted(f"the claim {name} has the wrong shape")
    if str(UUID(int=0)) in (claims.get("tid"), claims.get("sub")):
        raise NotAccepted("nobody comes in as the platform")


def _check_network(claims: Mapping[str, Any], address: str | None) -> None:
    """Refuse a token that is good only from some networks (`net`), anywhere else."""
    if "net" not in claims:
        return
    named = claims["net"]
    try:
        networks = [ipaddress.ip_network(one) for one in named] if _are_texts(named) else []
    except ValueError as fault:
        raise NotAccepted("the claim net has the wrong shape") from fault
    if address is None or not inside(address, networks):
        raise NotAccepted(f"not from {address}")


def _said_twice(headers: Headers) -> bool:
    """Whether a request shows two proofs of a kind: whoever stands before us may have looked at the other one."""
    return any(len(headers.getlist(name)) > 1 for name in _PROOFS)


def _not_accepted(reason: str, address: str | None) -> Refused:
    """Return what a client is told, which is not the reason; that is for our log."""
    log.info("token.refused", reason=reason, address=address)
    challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
    return Refused("UNAUTHENTICATED", "The token can't be accepted.", headers=challenge)


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > strict_jwt.LONGEST or not token.isascii():
        raise NotAccepted("the header holds no bearer token")
    return token


def caller_claims(claims: Mapping[str, Any], address: str | None = None, **ours: str) -> CallerClaims:
    """Pick what the modules are told, and add what only we know; raises NotAccepted when a claim has the wrong shape."""
    picked = {name: claims[name] for name in _CLAIMS if name in claims}
    for name, value in picked.items():
        if not _fits(name, value):
            raise NotAccepted(f"the claim {name} has the wrong shape")
    known = {**ours, "ip": address} if address else ours
    return cast("CallerClaims", picked | known)


def _fits(name: str, value: Any) -> bool:
    match name:
        case "kind":
            # SYSTEM is the platform acting on its own: nobody comes in as it.
            return value in get_args(CallerKind) and value != "SYSTEM"
        case "customers" | "deny":
            everybody = name == "customers" and value == EVERY_CUSTOMER
            return everybody or (isinstance(value, list) and all(map(strict_jwt.is_plain_id, value)))
        case "roles":
            return _are_texts(value)
        case "act":
            return (
                isinstance(value, dict)
                and value.keys() == Actor.__annotations__.keys()
                and strict_jwt.is_plain_id(value["sub"])
            )
        case "scope":
            return strict_jwt.is_plain_text(value)
        case _:
            return strict_jwt.is_plain_id(value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(strict_jwt.is_plain_text, value))


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


_OURSELVES: Final = Caller.of({"tid": str(UUID(int=0)), "sub": str(UUID(int=0)), "kind": "SYSTEM"})


class Minter:
    """Signs internal tokens, each for one caller and one module."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self._minted: Recent[tuple[bytes, str], tuple[float, str, bytes]] = Recent(20_000)

    def token(self, caller: Caller, module: str) -> str:
        """Return a token that is good for a while yet."""
        return self._good(caller, module)[1]

    def line(self, caller: Caller, module: str) -> bytes:
        """Return the line of a request's head that holds it."""
        return self._good(caller, module)[2]

    def _good(self, caller: Caller, module: str) -> tuple[float, str, bytes]:
        now = int(time.time())
        kept = self._minted.get((caller.digest, module))
        if kept is not None and kept[0] - now > _RENEW_SECONDS:
            return kept
        expires = now + INTERNAL_TOKEN_SECONDS
        claims = {**caller.claims, "iss": INTERNAL_ISSUER, "aud": module, "iat": now, "nbf": now, "exp": expires}
        header = {"alg": SIGNING_ALGORITHM, "typ": INTERNAL_TOKEN_TYPE, "kid": self._key.kid}
        token = jwt.encode(header, claims, self._key, algorithms=[SIGNING_ALGORITHM])
        good = expires, token, f"authorization: Bearer {token}\r\n".encode()
        self._minted.put((caller.digest, module), good)
        return good

    def own_token(self) -> str:
        """Return a token for our own questions to auth: the platform's, which no client can have."""
        return self.token(_OURSELVES, "auth")

    def public_keys(self) -> dict[str, Any]:
        """Return the key set with which modules verify our tokens."""
        return {"keys": [{**self._key.as_dict(private=False), "use": "sig", "alg": SIGNING_ALGORITHM}]}


def signing_key(file: Path | None) -> ECKey:
    """Read the router's key, or make one that lives as long as this process."""
    if file is None:
        return ECKey.generate_key("P-256", auto_kid=True)
    key = ECKey.import_key(_key_material(file.read_bytes()))
    if not key.is_private or key.curve_name != "P-256":
        raise ValueError(f"{file} must hold a private key of the curve P-256")
    key.ensure_kid()
    return key


def _key_material(text: bytes) -> Any:
    return orjson.loads(text) if text.lstrip().startswith(b"{") else text
