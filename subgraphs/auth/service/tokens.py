"""What a client holds: codes, refresh tokens and access tokens; issued, turned into one another, and taken back."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from joserfc.errors import JoseError

from contracts import strict_jwt
from contracts.scopes import PERMISSIONS
from subgraphs.auth import handles
from subgraphs.auth.models.credentials import Session
from subgraphs.auth.models.oauth import AuthorizationCode, OAuthClient, RefreshToken
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.credentials import SessionStatus
from subgraphs.auth.rules.grants import common
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import grants, keys, revocations
from subgraphs.kit import audit
from subgraphs.kit.ids import parsed, uuid7
from subgraphs.kit.work import Work

AUDIENCE = "psa"
ACCESS_SECONDS = 600
ID_TOKEN_SECONDS = 3600
CODE_LIFE = timedelta(minutes=1)
REFRESH_IDLE = timedelta(days=14)
OPENID_SCOPES = ("openid", "profile", "email", "offline_access")
EVERYTHING = "*"
_AHEAD_SECONDS = 60

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Holder:
    """For whom something is issued, in what session, and to which grant it belongs."""

    user: User
    grant_id: UUID
    session: Session | None = None
    nonce: str | None = None


def scopes_supported() -> list[str]:
    """Every scope that can be asked for."""
    return [*OPENID_SCOPES, *PERMISSIONS]


def allowed_scopes(client: OAuthClient, asked: Iterable[str]) -> list[str]:
    """Which of these scopes a client may have; one of ours that names no permission is given all that the user has."""
    wanted = list(dict.fromkeys(asked))
    if EVERYTHING not in client.scopes:
        return [scope for scope in wanted if scope in client.scopes]
    named = any(scope in PERMISSIONS for scope in wanted)
    return wanted if named else [*wanted, EVERYTHING]


# --- codes


async def new_code(
    work: Work, client: OAuthClient, holder: Holder, *, redirect_uri: str, scope: str, challenge: str
) -> str:
    """A code for the client to turn into tokens within a minute."""
    handle = handles.new(work.caller.tenant)
    row = AuthorizationCode(
        code_hash=handles.hashed(handle),
        grant_id=holder.grant_id,
        client_id=client.client_id,
        user_id=holder.user.id,
        session_id=holder.session.id if holder.session else uuid7(),
        redirect_uri=redirect_uri,
        scope=scope,
        nonce=holder.nonce,
        code_challenge=challenge,
        code_challenge_method="S256",
        expires_at=work.at + CODE_LIFE,
    )
    work.session.add(row)
    return handle


async def redeem_code(work: Work, handle: str, client: OAuthClient) -> AuthorizationCode | None:
    """The code's row, used up by this; a code that comes a second time takes back all that the first one brought."""
    key = {"tenant_id": work.caller.tenant, "code_hash": handles.hashed(handle)}
    code = await work.session.get(AuthorizationCode, key, with_for_update=True, populate_existing=True)
    if code is None or code.client_id != client.client_id:
        return None
    if code.used_at is not None:
        if not await revocations.revoked(work, 0.0, str(code.grant_id)):
            await _tell_reuse(work, code, "authorization code")
        await revocations.grant(work, code.grant_id)
        return None
    code.used_at = work.at
    return code if code.expires_at > work.at else None


async def _tell_reuse(work: Work, row: AuthorizationCode | RefreshToken, what: str) -> None:
    """Write down that somebody has a copy: once, since all that belongs to it is taken back by this."""
    user = await work.find(User, row.user_id)
    details = {"what": what, "client": row.client_id, "grant": str(row.grant_id)}
    customer = user.customer_id if user else None
    await audit.note(
        work,
        "tokenReuse",
        outcome="REFUSED",
        resource="User",
        resource_id=row.user_id,
        customer=customer,
        details=details,
    )


# --- refresh tokens


async def new_refresh_token(work: Work, client_id: str, holder: Holder, scope: str) -> str:
    """The next link of a grant's chain."""
    handle = handles.new(work.caller.tenant)
    row = RefreshToken(
        token_hash=handles.hashed(handle),
        grant_id=holder.grant_id,
        client_id=client_id,
        user_id=holder.user.id,
        session_id=holder.session.id if holder.session else None,
        scope=scope,
        issued_at=work.at,
        expires_at=work.at + REFRESH_IDLE,
    )
    work.session.add(row)
    return handle


async def present_refresh_token(work: Work, handle: str, client: OAuthClient) -> RefreshToken | None:
    """The token's row, locked; one that was used before takes its whole family along: somebody has a copy."""
    token = await find_refresh_token(work, handle, lock=True)
    if token is None or token.client_id != client.client_id:
        return None
    if token.used_at is not None:
        if token.revoked_at is None:
            await _tell_reuse(work, token, "refresh token")
        await revocations.grant(work, token.grant_id)
        return None
    return token if await is_good(work, token) else None


async def find_refresh_token(work: Work, handle: str, *, lock: bool = False) -> RefreshToken | None:
    """The row of a refresh token, good or not."""
    key = {"tenant_id": work.caller.tenant, "token_hash": handles.hashed(handle)}
    return await work.session.get(RefreshToken, key, with_for_update=lock or None, populate_existing=True)


async def is_good(work: Work, token: RefreshToken) -> bool:
    """Whether a refresh token can still be used: it is fresh, and its session lasts, or the user is not needed for it."""
    if token.revoked_at is not None or token.used_at is not None or token.expires_at <= work.at:
        return False
    if token.session_id is None or "offline_access" in token.scope.split():
        return True
    session = await work.find(Session, token.session_id)
    return session is not None and session.status is SessionStatus.ACTIVE and session.expires_at > work.at


async def holder_of(
    work: Work, user_id: UUID, session_id: UUID | None, grant_id: UUID, nonce: str | None
) -> Holder | None:
    """Who holds a grant, if they may still come in."""
    user = await work.find(User, user_id)
    if user is None or user.status is not UserStatus.ACTIVE:
        return None
    session = await work.find(Session, session_id) if session_id else None
    if session is not None and session.status is SessionStatus.REVOKED:
        return None
    return Holder(user, grant_id, session, nonce)


# --- what is signed


async def access_token(work: Work, client: OAuthClient, holder: Holder, scope: str) -> tuple[str, str]:
    """An access token (RFC 9068), and the scopes that it really has: those that the user has, too."""
    granted = await grants.of(work, holder.user)
    if holder.user.kind is UserKind.SERVICE:
        # A program has no role: what it may do stands with its credentials.
        granted = replace(granted, permissions=frozenset(client.scopes))
    asked = scope.split()
    permissions = granted.permissions if EVERYTHING in asked else common(granted.permissions, asked)
    openid = [one for one in asked if one in OPENID_SCOPES]
    claims: Claims = {
        **granted.claims(holder.user, permissions),
        "iss": work.settings.needed("issuer"),
        "aud": AUDIENCE,
        "client_id": client.client_id,
        "iat": _now(work),
        "exp": _now(work) + ACCESS_SECONDS,
        "jti": str(uuid7()),
        "grant": str(holder.grant_id),
        **_of_session(holder),
        **({"net": client.ip_allow_list} if client.ip_allow_list else {}),
    }
    claims["scope"] = " ".join([*openid, *claims["scope"].split()])
    return (await keys.ring(work)).signed(claims, "ES256", kind="at+jwt"), claims["scope"]


async def id_token(work: Work, client: OAuthClient, holder: Holder, scope: str, access: str) -> str:
    """Who has signed in, for the client (OpenID Connect Core)."""
    claims: Claims = {
        "iss": work.settings.needed("issuer"),
        "sub": str(holder.user.id),
        "aud": client.client_id,
        "azp": client.client_id,
        "iat": _now(work),
        "exp": _now(work) + ID_TOKEN_SECONDS,
        "at_hash": _half_hash(access),
        **({"nonce": holder.nonce} if holder.nonce else {}),
        **_of_session(holder),
        **userinfo(holder.user, scope),
    }
    return (await keys.ring(work)).signed(claims, client.id_token_alg, kind="JWT")


def userinfo(user: User, scope: str) -> Claims:
    """What these scopes let a client know about a user."""
    scopes = scope.split()
    claims: Claims = {"sub": str(user.id)}
    if "profile" in scopes:
        claims |= {
            "name": user.display_name,
            "given_name": user.first_name,
            "family_name": user.last_name,
            "preferred_username": user.email,
            "locale": user.locale,
            "zoneinfo": user.time_zone,
            "updated_at": int(user.updated_at.timestamp()),
        }
    if "email" in scopes:
        claims |= {"email": user.email, "email_verified": user.status is UserStatus.ACTIVE}
    return {name: value for name, value in claims.items() if value is not None}


def acr(amr: Iterable[str]) -> str:
    """How sure we are (NIST SP 800-63B): `aal2` with two factors, `aal1` with one."""
    return "aal2" if "mfa" in amr else "aal1"


def _of_session(holder: Holder) -> Claims:
    if holder.session is None:
        return {}
    return {
        "sid": str(holder.session.id),
        "auth_time": int(holder.session.authenticated_at.timestamp()),
        "amr": list(holder.session.amr),
        "acr": acr(holder.session.amr),
    }


def _half_hash(token: str) -> str:
    """The left half of the token's hash (OpenID Connect Core section 3.1.3.6); SHA-256 for ES256 and RS256 alike."""
    digest = hashlib.sha256(token.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _now(work: Work) -> int:
    return int(work.at.timestamp())


# --- looking at what was issued


async def read_access_token(work: Work, token: str) -> Claims | None:
    """The claims of an access token of ours that still holds; None otherwise."""
    claims = await verified(work, token, "at+jwt")
    if claims is None or claims.get("aud") != AUDIENCE or int(claims["exp"]) <= work.at.timestamp():
        return None
    if claims.get("tid") != str(work.caller.tenant):
        return None
    subjects = [claims.get(name) for name in ("jti", "grant", "sid", "sub")]
    subjects += [claims["act"]["sub"]] if "act" in claims else []
    if await revocations.revoked(work, float(claims["iat"]), *subjects):
        return None
    user = await work.find(User, UUID(claims["sub"]))
    return claims if user is not None and user.status is UserStatus.ACTIVE else None


async def verified(work: Work, token: str, kind: str) -> Claims | None:
    """The claims of a JWT of ours of this type, whether it has expired or not; None when it is not ours."""
    try:
        strict_jwt.check(token)
        read = (await keys.ring(work)).verified(token)
    except (JoseError, ValueError):
        return None
    claims: Claims = dict(read.claims)
    good = read.header.get("typ") == kind and claims.get("iss") == work.settings.needed("issuer")
    return claims if good and _has_shape(claims, _now(work)) else None


def _has_shape(claims: Claims, now: int) -> bool:
    """Whether claims are such as we write them: whoever has our key can sign anything, also by mistake."""
    moments = [claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)]
    if not all(type(one) is int for one in moments) or max(claims["iat"], claims.get("nbf", 0)) > now + _AHEAD_SECONDS:
        return False
    named = [claims[name] for name in ("tid", "sub") if name in claims]
    return all(isinstance(one, str) and str(parsed(one)) == one for one in named) and isinstance(
        claims.get("scope", ""), str
    )
