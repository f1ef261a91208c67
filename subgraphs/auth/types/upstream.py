"""How identity providers look in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from subgraphs.auth.models import upstream as models
from subgraphs.auth.rules.upstream import ProviderType
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError

strawberry.enum(ProviderType, name="IdentityProviderType")


@strawberry.type
class GroupRole:
    """Which group at a provider is which role here."""

    group: str
    """The group, as the provider names it."""
    role: str
    """The key of the role that its members have here."""


@strawberry.type
class ClaimMapping:
    """By which name a provider knows what we want to know."""

    claim: str
    """What we want to know: `email`, `name`."""
    attribute: str
    """The attribute in its assertions."""


@strawberry.type
class IdentityProvider:
    """A provider of others at which people sign in: Entra ID, Keycloak and others."""

    id: strawberry.ID
    """The identifier: a UUID."""
    type: ProviderType
    """Which language it speaks."""
    name: str
    """What it is called on the pages."""
    issuer: str
    """What it calls itself: its issuer, or its entity ID."""
    client_id: str
    """Under which name we ask it: our client's id, or our entity ID, where our metadata are."""
    sign_in_url: str | None
    """Where browsers sign in, if it speaks SAML."""
    certificates: list[str]
    """With whose keys its assertions are signed, as PEM; none if it does not speak SAML."""
    claims: strawberry.Private[list[ClaimMapping]]
    domains: list[str]
    """The mail domains for which it speaks."""
    group_claim: str
    """Where in its id token the groups are."""
    mapping: strawberry.Private[list[GroupRole]]
    default_roles: list[str]
    """The keys of the roles that new users get."""
    creates_users: bool
    """Whether somebody who comes for the first time becomes a user."""
    trusts_addresses: bool
    """Whether its addresses are right although it does not say that it verified them."""
    disabled_at: datetime | None
    """When it was disabled."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was written down."""

    @strawberry.field
    def claims_mapping(self, limit: Limit = DEFAULT_LIMIT) -> list[ClaimMapping]:
        """By which names it knows what we want to know."""
        return self.claims[: bounded(limit)]

    @strawberry.field
    def role_mapping(self, limit: Limit = DEFAULT_LIMIT) -> list[GroupRole]:
        """Which of its groups is which role here."""
        return self.mapping[: bounded(limit)]

    @classmethod
    def of(cls, row: models.IdentityProvider) -> Self:
        """The provider in this row."""
        mapping = [GroupRole(group=one, role=role) for one, role in row.role_mapping.items()]
        claims = [ClaimMapping(claim=claim, attribute=one) for claim, one in row.claims_mapping.items()]
        return shape(cls, row, mapping=mapping, claims=claims)


@strawberry.type
class IdentityProviderPayload:
    """What became of a command on an identity provider."""

    identity_provider: IdentityProvider | None = None
    """The provider as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
