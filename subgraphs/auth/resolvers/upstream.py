"""Identity providers: what can be asked and what can be done."""

from __future__ import annotations

import strawberry

from subgraphs.auth.models import upstream as models
from subgraphs.auth.service import saml, upstream
from subgraphs.auth.types.upstream import IdentityProvider, IdentityProviderPayload
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

ADMIN = "tenant:admin"


@strawberry.type
class UpstreamQuery:
    """What can be asked about identity providers."""

    @strawberry.field
    async def identity_providers(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[IdentityProvider]:
        """The providers of others at which people sign in, by name."""
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(ADMIN) as work:
            rows = await upstream.listed(work, limit=most, offset=first)
        return [IdentityProvider.of(row) for row in rows]


@strawberry.input
class GroupRoleInput:
    """Which group at a provider is which role here."""

    group: str
    """The group, as the provider names it."""
    role: str
    """The key of the role that its members shall have."""


@strawberry.input
class CreateIdentityProviderInput(Command):
    """A provider of others at which people shall sign in."""

    name: str
    """What it is called on the pages."""
    issuer: str
    """What it calls itself: an https address, below which its configuration is found."""
    client_id: str
    """Under which name we are registered there, with `<this platform>/auth/upstream/callback` as the redirect URI."""
    client_secret: str
    """The secret that we were given there; it is sealed, and never shown."""
    domains: list[str]
    """The mail domains for which it speaks."""
    group_claim: str | None = None
    """Where in its id token the groups are; `groups` when absent."""
    role_mapping: list[GroupRoleInput] = strawberry.field(default_factory=list)
    """Which of its groups is which role here: given and taken at each sign-in."""
    default_roles: list[str] = strawberry.field(default_factory=list)
    """The keys of the roles that new users get."""
    creates_users: bool = True
    """Whether somebody who comes for the first time becomes a user."""
    trusts_addresses: bool = False
    """Whether its addresses are right although it does not say that it verified them, as with Entra ID for one company."""
    scopes: str | None = None
    """What we ask it for; `openid profile email` when absent."""


@strawberry.input
class CreateSamlIdentityProviderInput(Command):
    """A provider that speaks SAML 2.0; `metadata`, or else `entityId`, `signInUrl` and `certificates`, say which."""

    name: str
    """What it is called on the pages."""
    domains: list[str]
    """The mail domains for which it speaks."""
    metadata: str | None = None
    """Its metadata: the XML document with its EntityDescriptor."""
    entity_id: str | None = None
    """What it calls itself; goes before the metadata."""
    sign_in_url: str | None = None
    """Where browsers sign in (HTTP-Redirect); goes before the metadata."""
    certificates: list[str] = strawberry.field(default_factory=list)
    """With whose keys it signs: X.509 certificates as PEM; they go before the metadata."""
    email_attribute: str | None = None
    """The attribute with the mail address; as Entra ID calls it when absent, else the name of the subject."""
    name_attribute: str | None = None
    """The attribute with the name of the person; as Entra ID calls it when absent."""
    group_attribute: str | None = None
    """The attribute with the groups; as Entra ID calls it when absent."""
    role_mapping: list[GroupRoleInput] = strawberry.field(default_factory=list)
    """Which of its groups is which role here: given and taken at each sign-in."""
    default_roles: list[str] = strawberry.field(default_factory=list)
    """The keys of the roles that new users get."""
    creates_users: bool = True
    """Whether somebody who comes for the first time becomes a user."""


@strawberry.input
class ReplaceSamlCertificatesInput(Change):
    """Which certificates of a provider are to be trusted from now on."""

    id: strawberry.ID
    """The identity provider."""
    certificates: list[str]
    """With whose keys it signs: X.509 certificates as PEM; all others are trusted no more."""


@strawberry.input
class IdentityProviderCommandInput(Change):
    """Which identity provider a command is about."""

    id: strawberry.ID
    """The identity provider."""


@strawberry.type
class UpstreamMutation:
    """What can be done with identity providers."""

    @command(ADMIN, IdentityProviderPayload)
    async def create_identity_provider(work: Work, input: CreateIdentityProviderInput) -> models.IdentityProvider:
        """Let people sign in at a provider of others."""
        described = given(input)
        mapping = {one.group: one.role for one in described.pop("role_mapping")}
        return await upstream.create(work, role_mapping=mapping, **described)

    @command(ADMIN, IdentityProviderPayload)
    async def create_saml_identity_provider(
        work: Work, input: CreateSamlIdentityProviderInput
    ) -> models.IdentityProvider:
        """Let people sign in at a provider that speaks SAML 2.0; `clientId` of the answer is where it finds our metadata."""
        described = given(input)
        mapping = {one.group: one.role for one in described.pop("role_mapping")}
        return await saml.create(work, role_mapping=mapping, **described)

    @command(ADMIN, IdentityProviderPayload)
    async def replace_saml_certificates(work: Work, input: ReplaceSamlCertificatesInput) -> models.IdentityProvider:
        """Trust other certificates of a provider that speaks SAML 2.0."""
        return await saml.replace_certificates(work, parsed(input.id), input.certificates, input.version)

    @command(ADMIN, IdentityProviderPayload)
    async def disable_identity_provider(work: Work, input: IdentityProviderCommandInput) -> models.IdentityProvider:
        """Let nobody in by this provider any more; who is signed in stays."""
        return await upstream.disable(work, parsed(input.id), input.version)
