"""Who is asking a router that stands alone: tokens of any issuers, whatever they say of their holder.

    token ── header, other headers, cookies ──► the keys that could have signed it, of all key sets
          ── signature, then what that key set's owner has to say (iss, aud, exp, nbf) ──► the claims, all of them

The key decides which algorithms are possible, never the token: a public key is no secret for HMAC, and `none` is no signature.
Subgraphs learn what the header rules tell them; no token of ours is made for them. The platform's own tokens,
with all that they must hold, are the matter of `authentication`.
"""

from __future__ import annotations

import base64
import hashlib
import time
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jws import JWSRegistry
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from contracts import strict_jwt
from contracts.strict_jwt import Misshapen
from router.executor.transport import Exchange
from router.server.authentication import Caller, NotAccepted, TrustedKeys
from router.server.config.jwt import HeaderSource, Jwt, TrustedIssuers
from router.server.lru import Recent
from router.server.refusals import NotNow, Refused

_FITTING: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA", "Ed25519"),
    "oct": ("HS256", "HS384", "HS512"),
}
_CRITICAL: Final = frozenset({"crit", "b64", "zip"})
"""Headers that change what a token means; those that only bring a key along are not looked at."""
_OF_THE_TOKEN: Final = frozenset({"exp", "iat", "nbf", "jti"})
_MOST_TRIES: Final = 16
_REFETCH_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 1.0
"""Whose keys can't be read is left alone for so long: the others' tokens must not wait for them."""
_BELIEVED_SECONDS: Final = 60.0

log = structlog.get_logger(__name__)


class Malformed(Exception):
    """There is something where a token should be that is none; the reason is for the client."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """A key set and its owner's conditions."""

    settings: TrustedIssuers
    keys: TrustedKeys

    @staticmethod
    def of(settings: TrustedIssuers, exchange: Exchange) -> Trusted:
        """Prepare to read it."""
        keys = TrustedKeys(
            settings.url.removeprefix("file://"),
            exchange,
            refetch_seconds=min(settings.poll_interval, _REFETCH_SECONDS),
            stale_seconds=settings.poll_interval,
            retry_seconds=_RETRY_SECONDS,
            headers={line.name: line.value.get_secret_value() for line in settings.headers},
        )
        return Trusted(settings, keys)

    async def fitting(self, header: Mapping[str, Any]) -> list[Any]:
        """Return the keys that could have signed a token with this header."""
        algorithm, kid = header.get("alg"), header.get("kid")
        if self.settings.algorithms is not None and algorithm not in self.settings.algorithms:
            return []
        try:
            known = await self.keys.current()
        except NotAccepted as away:
            log.warning("jwks.away", location=self.settings.url, reason=str(away))
            return []
        return [key for key in known.keys if _fits(key, algorithm, kid)]

    def check(self, claims: Mapping[str, Any], now: float, leeway: float) -> None:
        """Raise NotAccepted unless the claims are what this key set's owner says."""
        wanted = self.settings
        if wanted.issuers is not None and claims.get("iss") not in wanted.issuers:
            raise NotAccepted("it has another issuer")
        if wanted.audiences is not None and not _audiences(claims) & set(wanted.audiences):
            raise NotAccepted("it is for another audience")
        if "exp" not in claims and not wanted.allow_missing_exp:
            raise NotAccepted("it has no end")
        if "exp" in claims and _moment(claims, "exp") + leeway <= now:
            raise NotAccepted("it has expired")
        if "nbf" in claims and _moment(claims, "nbf") - leeway > now:
            raise NotAccepted("it is not good yet")


class ForeignTokens:
    """Verifies what clients show, and remembers good tokens for a while."""

    def __init__(self, settings: Jwt, trusted: Sequence[Trusted]) -> None:
        self._settings = settings
        self._trusted = trusted
        self._known: Recent[bytes, tuple[float, Caller]] = Recent(10_000)

    async def identified(self, headers: Headers, _address: str | None, *, required: bool) -> Caller | None:
        """Return who is asking, or None for nobody; raises `Refused`."""
        caller = None
        try:
            if (token := shown(self._settings, headers)) is not None:
                caller = await self._by_token(token)
        except (Malformed, NotAccepted) as reason:
            self._refuse(reason)
        if caller is None and required:
            raise Refused("AUTH_ERROR", "unauthenticated", headers={"www-authenticate": "Bearer"})
        return caller

    def identified_now(self, _headers: Headers, _address: str | None, *, required: bool) -> Caller | None:
        """Keys of others may have to be fetched at any time."""
        del required
        raise NotNow

    def still(self, _caller: Caller) -> bool:
        """Whether what proved a caller is certainly good yet."""
        return False

    async def taken_back(self, _caller: Caller) -> bool:
        """Whether what proved this caller has been taken back since: nobody tells us."""
        return False

    def _refuse(self, reason: Malformed | NotAccepted) -> None:
        log.info("token.refused", reason=str(reason))
        if self._settings.on_error == "Continue":
            return
        challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
        if isinstance(reason, Malformed):
            raise Refused("AUTH_ERROR", str(reason), headers=challenge, status=400)
        raise Refused("AUTH_ERROR", "The token can't be accepted.", headers=challenge)

    async def _by_token(self, token: str) -> Caller:
        digest, now = hashlib.sha256(token.encode()).digest(), time.time()
        known = self._known.get(digest)
        if known is not None and known[0] > now:
            return known[1]
        claims = await self._verified(token)
        expires_at = _moment(claims, "exp") if "exp" in claims else None
        caller = Caller(dict(claims), _digest(claims), expires_at)
        # No longer than keys are believed, so that one which was taken out of its set opens nothing for long.
        until = now + _BELIEVED_SECONDS
        self._known.put(digest, (until if expires_at is None else min(until, expires_at), caller))
        return caller

    async def _verified(self, token: str) -> Mapping[str, Any]:
        header = _header(token)
        reason = "nobody who may sign tokens has such a key"
        tries = 0
        async for trusted, key in self._candidates(header):
            tries += 1
            if tries > _MOST_TRIES:
                break
            try:
                claims = _decoded(token, key, str(header["alg"]))
                trusted.check(claims, time.time(), self._settings.leeway_seconds)
            except (JoseError, ValueError, NotAccepted) as fault:
                reason = str(fault)
            else:
                return claims
        raise NotAccepted(reason)

    async def _candidates(self, header: Mapping[str, Any]) -> AsyncIterator[tuple[Trusted, Any]]:
        """Go through the keys that could have signed it; then through those of key sets that could be read anew."""
        for trusted in self._trusted:
            for key in await trusted.fitting(header):
                yield trusted, key
        for trusted in self._trusted:
            if await trusted.keys.refresh():
                for key in await trusted.fitting(header):
                    yield trusted, key


def shown(settings: Jwt, headers: Headers) -> str | None:
    """Return the token that comes with a request, from the first place that has one; raises `Malformed`."""
    for found in _places(settings, headers):
        if found is not None:
            return found
    return None


def _places(settings: Jwt, headers: Headers) -> Iterator[str | None]:
    lax = settings.ignore_other_prefixes
    yield _in_header(headers, settings.header_name, settings.header_value_prefix, lax=lax)
    for source in settings.sources:
        if isinstance(source, HeaderSource):
            yield _in_header(headers, source.name, source.value_prefix, lax=lax)
        else:
            yield cookie_parser(headers.get("cookie", "")).get(source.name) or None


def _in_header(headers: Headers, name: str, prefix: str, *, lax: bool) -> str | None:
    value = headers.get(name.lower())
    if value is None:
        return None
    if not prefix:
        return value.strip() or None
    first, _, token = value.strip().partition(" ")
    if first.lower() != prefix.lower():
        if lax:
            return None
        raise Malformed(f"The header {name} has to begin with {prefix}.")
    if not token.strip():
        raise Malformed(f"The header {name} holds no token.")
    return token.strip()


def _header(token: str) -> dict[str, Any]:
    try:
        strict_jwt.check(token, _CRITICAL)
    except Misshapen as reason:
        raise NotAccepted(str(reason)) from reason
    part = token.partition(".")[0]
    header: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header


def _decoded(token: str, key: Any, algorithm: str) -> Mapping[str, Any]:
    with warnings.catch_warnings():
        # EdDSA got another name (RFC 9864), and issuers will go on saying the old one for years.
        warnings.simplefilter("ignore", SecurityWarning)
        registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jwt.decode(token, key, registry=registry).claims


def _fits(key: Any, algorithm: Any, kid: Any) -> bool:
    if algorithm not in _FITTING.get(key.key_type, ()):
        return False
    said = key.as_dict(private=False) if key.key_type != "oct" else key.as_dict()
    if said.get("use", "sig") != "sig" or said.get("alg", algorithm) != algorithm:
        return False
    # A key that says no name may be any; a token that says no name may be anybody's.
    return kid is None or said.get("kid") in (None, kid)


def _audiences(claims: Mapping[str, Any]) -> set[str]:
    said = claims.get("aud")
    several = said if isinstance(said, list) else []
    return {said} if isinstance(said, str) else {one for one in several if isinstance(one, str)}


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAccepted(f"the claim {name} is no moment")
    try:
        return float(value)
    except OverflowError as fault:
        raise NotAccepted(f"the claim {name} is no moment") from fault


def _digest(claims: Mapping[str, Any]) -> bytes:
    """Tell callers apart; a newer token that says the same is the same caller."""
    lasting = {name: value for name, value in claims.items() if name not in _OF_THE_TOKEN}
    try:
        return hashlib.sha256(orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS)).digest()
    except orjson.JSONEncodeError as fault:
        raise NotAccepted(f"its claims can't be told apart: {fault}") from fault
