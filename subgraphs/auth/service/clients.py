"""Clients: the programs that ask for tokens, ours, those of others, and service accounts."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from subgraphs.auth import handles
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.oauth import Consent, OAuthClient
from subgraphs.auth.rules import clients as rules
from subgraphs.auth.service.elsewhere import behind
from subgraphs.kit import outside
from subgraphs.kit.work import Work

EXPLORER = f"{handles.short(PLATFORM)[:22]}explorer"
"""The id of the developers' page, which has it written down."""

OVERLAP = timedelta(hours=24)
"""How long an old secret is accepted after a new one was made."""


async def find(work: Work, client_id: str) -> OAuthClient | None:
    """The client with this id, of the tenant or of the platform, unless it is disabled."""
    tenant = handles.tenant_of(client_id)
    if tenant is None or tenant not in {PLATFORM, work.caller.tenant}:
        return None
    async with behind(work, tenant):
        query = select(OAuthClient).where(OAuthClient.tenant_id == tenant, OAuthClient.client_id == client_id)
        client: OAuthClient | None = await work.session.scalar(query)
    return client if client and client.disabled_at is None else None


async def create(
    work: Work,
    *,
    name: str,
    redirect_uris: Sequence[str] = (),
    post_logout_redirect_uris: Sequence[str] = (),
    grant_types: Sequence[str] = ("authorization_code", "refresh_token"),
    scopes: Sequence[str] = ("openid", "profile", "email"),
    auth_method: str = "client_secret_basic",
    first_party: bool = False,
    client_id: str | None = None,
    user_id: UUID | None = None,
    jwks: dict[str, Any] | None = None,
    id_token_alg: str = "RS256",  # noqa: S107 - an algorithm's name
    backchannel_logout_uri: str | None = None,
) -> tuple[OAuthClient, str | None]:
    """Write down a client; the secret is told once, and None for one that has no secret."""
    secret = handles.new(work.caller.tenant) if auth_method.startswith("client_secret") else None
    loopback = outside.runs_on_loopback(work.settings)
    client = OAuthClient(
        client_id=client_id or handles.short(work.caller.tenant),
        name=name,
        first_party=first_party,
        secret_hash=handles.hashed(secret) if secret else None,
        auth_method=auth_method,
        jwks=jwks,
        redirect_uris=[rules.redirect_uri(one) for one in redirect_uris],
        post_logout_redirect_uris=[rules.redirect_uri(one) for one in post_logout_redirect_uris],
        grant_types=list(grant_types),
        scopes=list(scopes),
        id_token_alg=id_token_alg,
        backchannel_logout_uri=rules.notified_uri(backchannel_logout_uri, loopback=loopback),
        user_id=user_id,
    )
    return work.add(client), secret


async def keep_explorer(work: Work) -> OAuthClient:
    """The developers' page as a client, at the address that it has now; in a work of the platform's own."""
    issuer = work.settings.needed("issuer")
    homes = [f"{issuer}/"]
    if outside.runs_on_loopback(work.settings):
        homes.append("http://127.0.0.1/")  # at whatever port (RFC 8252 section 7.3)
    found: OAuthClient | None = await work.session.scalar(
        select(OAuthClient).where(OAuthClient.client_id == EXPLORER).with_for_update()
    )
    if found is not None:
        if found.redirect_uris != homes:
            found.redirect_uris = found.post_logout_redirect_uris = homes
        return found
    client, _ = await create(
        work,
        name="Schema explorer",
        client_id=EXPLORER,
        first_party=True,
        auth_method="none",
        redirect_uris=homes,
        post_logout_redirect_uris=homes,
        scopes=["*"],
    )
    return client


async def rotate_secret(work: Work, client: OAuthClient) -> str:
    """Give a client a new secret; the old one holds for a day, so that nothing stands still meanwhile."""
    secret = handles.new(work.caller.tenant)
    client.previous_secret_hash, client.previous_secret_until = client.secret_hash, work.at + OVERLAP
    client.secret_hash = handles.hashed(secret)
    return secret


def secret_is(client: OAuthClient, secret: str, work: Work) -> bool:
    """Whether this is the client's secret, or was until a moment ago."""
    given = handles.hashed(secret)
    if client.secret_hash and hmac.compare_digest(client.secret_hash, given):
        return True
    former, until = client.previous_secret_hash, client.previous_secret_until
    return bool(former and until and until > work.at and hmac.compare_digest(former, given))


async def consented(work: Work, user: UUID, client: OAuthClient, scopes: Sequence[str]) -> bool:
    """Whether nobody need be asked: the client is ours, or the user allowed it all of this before."""
    if client.first_party:
        return True
    row = await _consent(work, user, client)
    return row is not None and set(scopes) <= set(row.scopes)


async def allow(work: Work, user: UUID, client: OAuthClient, scopes: Sequence[str]) -> Consent:
    """Remember what a user allows a client."""
    row = await _consent(work, user, client)
    if row is None:
        return work.add(Consent(user_id=user, client_id=client.client_id, scopes=sorted(set(scopes))))
    row.scopes = sorted({*row.scopes, *scopes})
    return row


async def _consent(work: Work, user: UUID, client: OAuthClient) -> Consent | None:
    query = select(Consent).where(Consent.user_id == user, Consent.client_id == client.client_id)
    found: Consent | None = await work.session.scalar(query)
    return found
