"""Who is asking, and how subgraphs are told.

    client ── access token (auth's key) ──► router ── internal token (router's key, aud = one module) ──► module

The client's token ends here: a module that is broken into has nothing that opens its neighbour's door. Two algorithms
are accepted, named explicitly, whatever a token's header says; a key set that changed is read again when a token names
a key that we don't know, but not for every forged token.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast, get_args

import orjson
import structlog
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey, KeySet

from contracts.identity import (
    EVERY_CUSTOMER,
    INTERNAL_ISSUER,
    INTERNAL_TOKEN_SECONDS,
    INTERNAL_TOKEN_TYPE,
    SIGNING_ALGORITHM,
    CallerClaims,
    CallerKind,
)
from router.executor.transport import Exchange, TransportFailure
from router.server.config import Authentication
from router.server.lru import Recent
from router.server.refusals import Refused

ALGORITHMS: Final = ("ES256", "RS256")
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})
_CLAIMS: Final = tuple(CallerClaims.__annotations__)
_FETCH_SECONDS: Final = 5.0
_RENEW_SECONDS: Final = 60
_STALE_SECONDS: Final = 600.0
_LONGEST_TOKEN: Final = 16_384

log = structlog.get_logger(__name__)


class NotAccepted(Exception):
    """The token is no proof; the reason is for our log."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified claims, and their digest: what is made for one caller is kept by it."""

    claims: CallerClaims
    digest: bytes
    expires_at: float | None = None
    """When the token by which they came is no proof any more (seconds since 1970)."""

    @staticmethod
    def of(claims: CallerClaims, expires_at: float | None = None) -> Caller:
        """Take the digest of the claims."""
        digest = hashlib.sha256(orjson.dumps(claims, option=orjson.OPT_SORT_KEYS)).digest()
        return Caller(claims, digest, expires_at)


class TrustedKeys:
    """The issuer's public keys, read when they are first needed and again when they may have changed."""

    def __init__(self, location: str, exchange: Exchange, *, refetch_seconds: float) -> None:
        self._location = location
        self._exchange = exchange
        self._refetch_seconds = refetch_seconds
        self._keys: KeySet | None = None
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def current(self) -> KeySet:
        """Return the keys; raises NotAccepted when they were never readable."""
        if self._keys is None or time.monotonic() - self._read_at > _STALE_SECONDS:
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
                self._keys = KeySet.import_key_set(orjson.loads(await self._read()))
            except (TransportFailure, OSError, ValueError, JoseError) as fault:
                log.warning("jwks.unreadable", location=self._location, reason=str(fault))
                if self._keys is None:
                    # Nobody can come in: try again with the next request, not after the pause.
                    self._read_at = float("-inf")
                return False
            return True

    async def _read(self) -> bytes:
        if "://" not in self._location:
            return await asyncio.to_thread(Path(self._location).read_bytes)
        deadline = asyncio.get_running_loop().time() + _FETCH_SECONDS
        answer = await self._exchange.exchange("GET", self._location, body=b"", headers={}, deadline=deadline)
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        return answer.body


class Authenticator:
    """Verifies clients' bearer tokens, and remembers good ones until they expire."""

    def __init__(self, settings: Authentication, keys: TrustedKeys) -> None:
        self._keys = keys
        self._leeway = settings.leeway_seconds
        self._known: Recent[bytes, tuple[float, Caller]] = Recent(10_000)
        self._rules = jwt.JWTClaimsRegistry(
            leeway=settings.leeway_seconds,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
            tid={"essential": True},
        )

    async def caller(self, authorization: str | None) -> Caller:
        """Return the caller that a header proves; raises `Refused` with 401 otherwise."""
        if not authorization:
            raise Refused("UNAUTHENTICATED", "A bearer token is needed.", headers={"www-authenticate": "Bearer"})
        try:
            return await self._caller(_token(authorization))
        except NotAccepted as reason:
            log.info("token.refused", reason=str(reason))
            challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
            raise Refused("UNAUTHENTICATED", "The token can't be accepted.", headers=challenge) from None

    async def _caller(self, token: str) -> Caller:
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known[0] + self._leeway > time.time():
            return known[1]
        claims = await self._verified(token)
        caller = Caller.of(caller_claims(claims), float(claims["exp"]))
        self._known.put(digest, (float(claims["exp"]), caller))
        return caller

    async def _verified(self, token: str) -> Mapping[str, Any]:
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
            self._rules.validate(decoded.claims)
        except InvalidKeyIdError as unknown:
            if last:
                raise NotAccepted(str(unknown)) from unknown
            raise
        except (JoseError, ValueError) as fault:
            raise NotAccepted(str(fault)) from fault
        if str(decoded.header.get("typ", "")).lower() not in _TYPES:
            raise NotAccepted("the token is of another type")
        return decoded.claims


def _token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN or not token.isascii():
        raise NotAccepted("the header holds no bearer token")
    return token


def caller_claims(claims: Mapping[str, Any]) -> CallerClaims:
    """Pick what the modules are told; raises NotAccepted when a claim has the wrong shape."""
    picked = {name: claims[name] for name in _CLAIMS if name in claims}
    for name, value in picked.items():
        if not _fits(name, value):
            raise NotAccepted(f"the claim {name} has the wrong shape")
    return cast("CallerClaims", picked)


def _fits(name: str, value: Any) -> bool:
    match name:
        case "kind":
            # SYSTEM is the platform acting on its own: nobody comes in as it.
            return value in get_args(CallerKind) and value != "SYSTEM"
        case "customers":
            return value == EVERY_CUSTOMER or _strings(value)
        case "roles" | "deny":
            return _strings(value)
        case _:
            return isinstance(value, str)


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


class Minter:
    """Signs internal tokens, each for one caller and one module."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self._minted: Recent[tuple[bytes, str], tuple[float, str]] = Recent(20_000)

    def token(self, caller: Caller, module: str) -> str:
        """Return a token that is good for a while yet."""
        now = int(time.time())
        kept = self._minted.get((caller.digest, module))
        if kept is not None and kept[0] - now > _RENEW_SECONDS:
            return kept[1]
        expires = now + INTERNAL_TOKEN_SECONDS
        claims = {**caller.claims, "iss": INTERNAL_ISSUER, "aud": module, "iat": now, "nbf": now, "exp": expires}
        header = {"alg": SIGNING_ALGORITHM, "typ": INTERNAL_TOKEN_TYPE, "kid": self._key.kid}
        token = jwt.encode(header, claims, self._key, algorithms=[SIGNING_ALGORITHM])
        self._minted.put((caller.digest, module), (expires, token))
        return token

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
