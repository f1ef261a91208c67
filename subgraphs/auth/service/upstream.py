"""Signing in at a provider of others (Entra ID, Keycloak, any that speaks OpenID Connect; `saml` for SAML 2.0).

    leave ─► their page ─► back with a code ─► their token endpoint ─► an id token, judged ─► a user of ours

Whom they name by a subject that we know is that user. Somebody new is known by a verified address of a domain for which
this provider speaks, and only then: any provider can claim any address. Roles follow their groups: those that the mapping
knows are given and taken, all others are left alone.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete, func, select, text

from subgraphs.auth import handles
from subgraphs.auth.errors import LastOwner, NotProven
from subgraphs.auth.models.people import User
from subgraphs.auth.models.upstream import IdentityProvider, IdentityProviderSecret, UpstreamIdentity, UpstreamSignIn
from subgraphs.auth.rules import people as rules
from subgraphs.auth.rules import saml_documents as documents
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.rules.upstream import ProviderType
from subgraphs.auth.service import grants, people
from subgraphs.kit import outside, sealing
from subgraphs.kit.errors import Forbidden, Invalid, Refusal
from subgraphs.kit.ids import uuid7
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

CALLBACK = "/auth/upstream/callback"
SAML = "/auth/saml"
_LIFE = timedelta(minutes=10)
_LEEWAY_SECONDS = 60
_ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "Ed25519"]
_PROVIDERS = text("SELECT tenant_id, id, name FROM providers_of(:domain)")

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """A provider that speaks for somebody's domain."""

    tenant: UUID
    provider: UUID
    name: str


# --- looking after providers


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[IdentityProvider]:
    """The providers of the tenant, by name."""
    query = select(IdentityProvider).order_by(IdentityProvider.name, IdentityProvider.id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def create(
    work: Work,
    *,
    name: str,
    issuer: str,
    client_id: str,
    client_secret: str,
    domains: Iterable[str],
    group_claim: str | None = None,
    role_mapping: Mapping[str, str] | None = None,
    default_roles: Iterable[str] = (),
    creates_users: bool = True,
    trusts_addresses: bool = False,
    scopes: str | None = None,
) -> IdentityProvider:
    """Write down a provider; nobody lets it give roles that they could not give themselves."""
    row = await written(
        work,
        name=name,
        domains=domains,
        role_mapping=role_mapping,
        default_roles=default_roles,
        issuer=address(work, issuer.rstrip("/"), field="issuer"),
        client_id=line(client_id, field="clientId"),
        scopes=line(scopes or "openid profile email", field="scopes"),
        group_claim=line(group_claim or "groups", field="groupClaim", longest=100),
        creates_users=creates_users,
        trusts_addresses=trusts_addresses,
    )
    sealed = sealing.of(work.settings).close(client_secret.encode(), purpose=_purpose(row.id))
    work.session.add(IdentityProviderSecret(provider_id=row.id, sealed=sealed))
    return row


async def written(
    work: Work,
    *,
    name: str,
    domains: Iterable[str],
    role_mapping: Mapping[str, str] | None,
    default_roles: Iterable[str],
    **about: Any,
) -> IdentityProvider:
    """A new provider of either language, if whoever writes it down may give what it will give."""
    if work.caller.customers is not None or work.caller.denied:
        raise Forbidden("A provider lets people in who see every customer: it is for those who do.")
    mapping, defaults = dict(role_mapping or {}), list(dict.fromkeys(default_roles))
    for role in (*mapping.values(), *defaults):
        grants.check_gives(work, await grants.permissions_of(work, role, field="roleMapping"), field="roleMapping")
    spoken_for = [rules.email(f"x@{one}", field="domains").partition("@")[2] for one in domains]
    await _check_may_speak_for(work, spoken_for)
    row = IdentityProvider(
        id=uuid7(),
        name=line(name, field="name", longest=60),
        domains=spoken_for,
        role_mapping=mapping,
        default_roles=defaults,
        **about,
    )
    work.add(row)
    await work.session.flush()
    return row


async def _check_may_speak_for(work: Work, domains: Sequence[str]) -> None:
    """Refuse a provider that could sign somebody in who may more than whoever sets it up."""
    for user in await work.session.scalars(select(User).where(func.split_part(User.email, "@", 2).in_(domains))):
        await grants.check_may_take_over(work, user, field="domains")


async def disable(work: Work, provider_id: UUID | None, version: int | None = None) -> IdentityProvider:
    """Let nobody in by this provider any more."""
    row = await work.take(IdentityProvider, provider_id, field="id", version=version)
    row.disabled_at = row.disabled_at or work.at
    return row


async def for_address(work: Work, address: str) -> list[Choice]:
    """The providers that speak for an address's domain, before any tenant is known."""
    found = await work.session.execute(_PROVIDERS, {"domain": address.rpartition("@")[2].strip()})
    return [Choice(row.tenant_id, row.id, row.name) for row in found]


# --- there and back


async def leave(work: Work, provider_id: UUID, *, browser: str, leads_to: str, hint: str) -> str:
    """Where to send the browser."""
    provider = await opened(work, provider_id)
    state = handles.new(work.caller.tenant)
    await work.session.execute(delete(UpstreamSignIn).where(UpstreamSignIn.expires_at < work.at))
    way = UpstreamSignIn(
        state_hash=handles.hashed(state),
        provider_id=provider.id,
        browser_hash=handles.hashed(browser),
        nonce=f"_{secrets.token_urlsafe(24)}",
        verifier=secrets.token_urlsafe(48),
        leads_to=leads_to,
        expires_at=work.at + _LIFE,
    )
    work.session.add(way)
    if provider.type is ProviderType.SAML:
        where = provider.sign_in_url or ""
        return documents.request_url(party(work), where, request=way.nonce, state=state, at=work.at)
    return await _authorization_url(work, provider, way, state, hint)


def party(work: Work) -> documents.Party:
    """What we are called at the SAML providers of this tenant, and where we receive their responses."""
    here = f"{work.settings.needed('issuer').rstrip('/')}{SAML}/{work.caller.tenant}"
    return documents.Party(f"{here}/metadata", f"{here}/acs")


async def _authorization_url(work: Work, provider: IdentityProvider, way: UpstreamSignIn, state: str, hint: str) -> str:
    told = await _asked(work, f"{provider.issuer}/.well-known/openid-configuration")
    if told.get("issuer", "").rstrip("/") != provider.issuer:
        raise NotProven("The provider calls itself by another name.")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(way.verifier.encode()).digest()).rstrip(b"=").decode()
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": f"{work.settings.needed('issuer')}{CALLBACK}",
        "scope": provider.scopes,
        "state": state,
        "nonce": way.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"login_hint": hint} if hint else {}),
    }
    where = address(work, str(told["authorization_endpoint"]), field="issuer")
    return f"{where}?{urlencode(parameters, quote_via=quote)}"


async def come_back(work: Work, state: str, *, browser: str) -> UpstreamSignIn:
    """The way that a browser was on, used up by this; raises `NotProven` when it is not this browser's."""
    key = {"tenant_id": work.caller.tenant, "state_hash": handles.hashed(state)}
    row = await work.session.get(UpstreamSignIn, key, with_for_update=True)
    if row is None:
        raise NotProven("Nobody left for there.")
    await work.session.delete(row)
    if row.expires_at <= work.at or row.browser_hash != handles.hashed(browser):
        raise NotProven("Nobody left for there in this browser.")
    return row


async def claims(work: Work, way: UpstreamSignIn, code: str, issuer: str | None) -> Claims:
    """What the provider says about whoever comes back, judged; raises `NotProven`."""
    provider = await opened(work, way.provider_id)
    if provider.type is ProviderType.SAML:
        if way.said is None:
            raise NotProven("The provider has said nothing yet.")
        return way.said
    if issuer is not None and issuer.rstrip("/") != provider.issuer:
        raise NotProven("Another provider answers.")
    told = await _asked(work, f"{provider.issuer}/.well-known/openid-configuration")
    answer = await _redeemed(work, provider, told, way, code)
    keys = await _asked(work, str(told["jwks_uri"]))
    return _judged(work, provider, keys, str(answer.get("id_token", "")), way.nonce)


async def user(work: Work, way: UpstreamSignIn, said: Claims) -> User:
    """The user whom the provider names, written down if they are new, with the roles of their groups."""
    provider = await opened(work, way.provider_id)
    key = {"tenant_id": work.caller.tenant, "provider_id": provider.id, "subject": str(said["sub"])[:255]}
    known = await work.session.get(UpstreamIdentity, key)
    found = await work.find(User, known.user_id) if known else await _introduced(work, provider, said)
    if found is None or found.status is not UserStatus.ACTIVE:
        raise NotProven("They may not come in.")
    if known and not await grants.may_let_in(work, provider.created_by, found):
        raise NotProven("They became an owner since, for whom the provider's maker may not speak.")
    if found.kind is UserKind.STAFF:
        await _follow_groups(work, provider, found, said)
    return found


async def _introduced(work: Work, provider: IdentityProvider, said: Claims) -> User | None:
    """Somebody who comes for the first time: a user with this address, or a new one."""
    address = rules.email(str(said.get("email", "")))
    verified = said.get("email_verified") is True or (provider.trusts_addresses and "email_verified" not in said)
    if not verified or address.rpartition("@")[2] not in provider.domains:
        raise NotProven("The provider does not speak for this address.")
    found: User | None = await work.session.scalar(select(User).where(User.email == address))
    if found is None:
        if not provider.creates_users:
            return None
        name = str(said.get("name") or address)
        found = await people.create(
            work,
            email=address,
            display_name=name[:200],
            kind=UserKind.STAFF,
            status=UserStatus.ACTIVE,
            **_language(said),
        )
        for role in await _given(work, provider, provider.default_roles):
            await grants.assign(work, found, role)
    elif not await grants.may_take_over(work, provider.created_by, found):
        raise NotProven("The provider was set up by somebody who may not speak for them.")
    elif found.status is UserStatus.INVITED:
        await people.activate(work, found.id)
    work.session.add(UpstreamIdentity(provider_id=provider.id, subject=str(said["sub"])[:255], user_id=found.id))
    await work.session.flush()
    return found


def _language(said: Claims) -> dict[str, Any]:
    """The language that the provider knows somebody to speak, if we do, too."""
    try:
        return {"locale": rules.locale(str(said["locale"]))}
    except (KeyError, Invalid):
        return {}


async def _follow_groups(work: Work, provider: IdentityProvider, found: User, said: Claims) -> None:
    groups = said.get(provider.group_claim)
    if not provider.role_mapping or not isinstance(groups, list):
        return
    wanted = {provider.role_mapping[one] for one in groups if isinstance(one, str) and one in provider.role_mapping}
    has = set((await grants.roles_of(work, [found.id]))[found.id])
    for role in await _given(work, provider, sorted(wanted - has)):
        await grants.assign(work, found, role)
    for role in sorted((set(provider.role_mapping.values()) & has) - wanted):
        with suppress(LastOwner):
            await grants.revoke(work, found, role)


async def _given(work: Work, provider: IdentityProvider, roles: Sequence[str]) -> list[str]:
    """Those of these roles that there are, and that give no more than whoever set the provider up may give.

    One of the tenant's own may have been put away since, or may have grown.
    """
    gone = await grants.unknown_roles(work, roles)
    there = [role for role in roles if role not in gone]
    return [role for role in there if await grants.may_give(work, provider.created_by, role)]


# --- asking the provider


async def opened(work: Work, provider_id: UUID) -> IdentityProvider:
    """A provider that may be used; raises `NotProven`."""
    provider = await work.find(IdentityProvider, provider_id)
    if provider is None or provider.disabled_at is not None:
        raise NotProven("There is no such provider.")
    return provider


async def _asked(work: Work, url: str) -> dict[str, Any]:
    async with outside.client(outside.neighbours(work.settings)) as http:
        response = await http.get(url, headers={"accept": "application/json"})
    return _object(response)


async def _redeemed(
    work: Work, provider: IdentityProvider, told: Claims, way: UpstreamSignIn, code: str
) -> dict[str, Any]:
    kept = await work.session.get(IdentityProviderSecret, {"tenant_id": work.caller.tenant, "provider_id": provider.id})
    secret = sealing.of(work.settings).open(kept.sealed, purpose=_purpose(provider.id)).decode() if kept else ""
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": f"{work.settings.needed('issuer')}{CALLBACK}",
        "code_verifier": way.verifier,
    }
    proof = (quote(provider.client_id, safe=""), quote(secret, safe=""))
    async with outside.client(outside.neighbours(work.settings)) as http:
        response = await http.post(str(told["token_endpoint"]), data=fields, auth=proof)
    return _object(response)


def _object(response: httpx2.Response) -> dict[str, Any]:
    if response.status_code != 200 or len(response.content) > outside.LARGEST:
        raise NotProven(f"The provider answers {response.status_code}.")
    try:
        read = response.json()
    except ValueError as error:
        raise NotProven("The provider's answer is no JSON.") from error
    if not isinstance(read, dict):
        raise NotProven("The provider's answer is no object.")
    return read


def _judged(work: Work, provider: IdentityProvider, keys: Claims, token: str, nonce: str) -> Claims:
    """An id token's claims (OpenID Connect Core section 3.1.3.7)."""
    registry = jwt.JWTClaimsRegistry(
        now=lambda: int(work.at.timestamp()),
        leeway=_LEEWAY_SECONDS,
        iss={"essential": True},
        aud={"essential": True, "value": provider.client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        read = jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=_ALGORITHMS)  # type: ignore[arg-type]
        registry.validate(read.claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotProven(f"The id token is not valid: {error}") from error
    said = read.claims
    several = isinstance(said["aud"], list) and len(said["aud"]) > 1
    if said["iss"].rstrip("/") != provider.issuer or said.get("azp", provider.client_id) != provider.client_id:
        raise NotProven("The id token is somebody else's.")
    if several and "azp" not in said:
        raise NotProven("The id token does not say for whom it is.")
    return said


def address(work: Work, url: str, *, field: str) -> str:
    """An address at a provider: https, or http where the whole platform is on this machine."""
    secure = url.startswith("https://") or (url.startswith("http://") and outside.runs_on_loopback(work.settings))
    if (
        not secure
        or not url.isascii()
        or not url.isprintable()
        or any(one in url for one in ' "<>\\')
        or len(url) > 500
    ):
        raise Invalid(f"{field} is an https address.", field=field)
    return url


def _purpose(provider: UUID) -> str:
    return f"identity provider {provider}"


Trouble = (Refusal, httpx2.HTTPError, KeyError)
"""What can go wrong on the way there and back."""
