"""Signing in at a provider that speaks SAML 2.0: the same way there and back as `upstream`, with one stop more.

    leave ─► their page ─► its form posts a response to us ─► judged, kept ─► back in the browser that left ─► a user of ours

The form comes from another site, so the browser sends no cookie of ours with it: the response is judged by itself, used
up, and kept beside the way. Then the browser is sent on to where it does bring its cookie, and who it is decides the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from cryptography.x509 import load_pem_x509_certificate
from sqlalchemy.dialects.postgresql import insert

from subgraphs.auth import handles
from subgraphs.auth.errors import NotProven
from subgraphs.auth.models.oauth import UsedAssertion
from subgraphs.auth.models.upstream import IdentityProvider, UpstreamSignIn
from subgraphs.auth.rules import saml as rules
from subgraphs.auth.rules import saml_documents as documents
from subgraphs.auth.rules.upstream import SAML_CLAIMS, SAML_GROUPS, ProviderType
from subgraphs.auth.service import upstream
from subgraphs.kit.errors import Invalid
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

_LONGEST_ENTITY = 1024


async def create(
    work: Work,
    *,
    name: str,
    domains: Iterable[str],
    metadata: str | None = None,
    entity_id: str | None = None,
    sign_in_url: str | None = None,
    certificates: Sequence[str] = (),
    email_attribute: str | None = None,
    name_attribute: str | None = None,
    group_attribute: str | None = None,
    role_mapping: Mapping[str, str] | None = None,
    default_roles: Iterable[str] = (),
    creates_users: bool = True,
) -> IdentityProvider:
    """Write down a provider, as its metadata describe it or as the single values do."""
    told = documents.provider(metadata) if metadata else documents.Provider("", "", ())
    given = {"email": email_attribute, "name": name_attribute}
    return await upstream.written(
        work,
        type=ProviderType.SAML,
        name=name,
        domains=domains,
        role_mapping=role_mapping,
        default_roles=default_roles,
        issuer=_entity(entity_id or told.entity),
        client_id=upstream.party(work).entity,
        sign_in_url=upstream.address(work, sign_in_url or told.sign_in, field="signInUrl"),
        certificates=documents.certificates(certificates or told.certificates, at=work.at),
        claims_mapping=dict(SAML_CLAIMS) | {claim: line(one, field="claims") for claim, one in given.items() if one},
        scopes="",
        group_claim=line(group_attribute or SAML_GROUPS, field="groupAttribute"),
        creates_users=creates_users,
        trusts_addresses=True,
    )


async def replace_certificates(
    work: Work, provider_id: UUID | None, certificates: Sequence[str], version: int | None = None
) -> IdentityProvider:
    """Trust these certificates of a provider from now on, and no others."""
    row = await work.take(IdentityProvider, provider_id, field="id", version=version)
    if row.type is not ProviderType.SAML:
        raise Invalid("The provider proves itself otherwise.", field="id")
    row.certificates = documents.certificates(certificates, at=work.at)
    return row


async def receive(work: Work, state: str, response: str) -> None:
    """Judge a response and keep what it proves beside the way that it answers; raises `NotProven`, and changes nothing."""
    key = {"tenant_id": work.caller.tenant, "state_hash": handles.hashed(state)}
    way = await work.session.get(UpstreamSignIn, key, with_for_update=True)
    if way is None or way.expires_at <= work.at:
        raise NotProven("Nobody left for there.")
    provider = await upstream.opened(work, way.provider_id)
    if provider.type is not ProviderType.SAML or way.said is not None:
        raise NotProven("The provider has answered already.")
    proven = rules.judged(response, _expected(work, provider, way))
    await _use_up(work, provider, proven)
    way.said = _claims(provider, proven)


def _expected(work: Work, provider: IdentityProvider, way: UpstreamSignIn) -> rules.Expected:
    party = upstream.party(work)
    return rules.Expected(
        issuer=provider.issuer,
        certificates=[load_pem_x509_certificate(one.encode()) for one in provider.certificates],
        audience=party.entity,
        receiver=party.receiver,
        request=way.nonce,
        at=work.at,
    )


async def _use_up(work: Work, provider: IdentityProvider, proven: rules.Proven) -> None:
    """Remember an assertion for as long as it would pass: it proves nothing a second time."""
    row = {
        "tenant_id": work.caller.tenant,
        "jti_hash": handles.hashed(f"saml {provider.id} {proven.id}"),
        "expires_at": proven.valid_until,
    }
    written = insert(UsedAssertion).values(row).on_conflict_do_nothing().returning(UsedAssertion.jti_hash)
    if await work.session.scalar(written) is None:
        raise NotProven("The assertion was used before.")


def _claims(provider: IdentityProvider, proven: rules.Proven) -> dict[str, object]:
    """What was proven, in the words in which other providers say it."""
    first = {claim: next(iter(proven.attributes.get(name, ())), "") for claim, name in provider.claims_mapping.items()}
    email = first.pop("email", "") or (proven.subject if proven.name_format == rules.EMAIL_FORMAT else "")
    return {
        "sub": proven.subject,
        "email": email,
        "email_verified": True,
        **{claim: value for claim, value in first.items() if value},
        provider.group_claim: list(proven.attributes.get(provider.group_claim, ())),
        "amr": ["mfa"] if proven.two_factors else [],
    }


def _entity(text: str) -> str:
    """An entity ID: a URI, and not a long one."""
    if ":" not in text or len(text) > _LONGEST_ENTITY or not text.isprintable() or " " in text:
        raise Invalid("entityId is a URI.", field="entityId")
    return text
