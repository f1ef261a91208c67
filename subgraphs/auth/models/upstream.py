"""The tables of signing in at providers of others."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.auth.models.people import Model
from subgraphs.auth.rules.upstream import ProviderType
from subgraphs.kit import tables


class IdentityProvider(tables.Entity, Model):
    """A provider of others at which people of this tenant sign in."""

    __tablename__ = "identity_provider"

    type: Mapped[ProviderType] = mapped_column(Enum(ProviderType, native_enum=False), default=ProviderType.OIDC)
    name: Mapped[str]
    issuer: Mapped[str]
    """What it calls itself: its issuer, or its entity ID."""
    client_id: Mapped[str]
    """What we are called there: our client's id, or our entity ID."""
    sign_in_url: Mapped[str | None]
    """Where browsers sign in, if it does not say so itself."""
    certificates: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """With whose keys its assertions are signed, as PEM."""
    claims_mapping: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    """Which of our claims is which attribute there."""
    scopes: Mapped[str]
    domains: Mapped[list[str]] = mapped_column(JSONB)
    """The mail domains for which it speaks: an address of another one proves nothing here."""
    group_claim: Mapped[str]
    role_mapping: Mapped[dict[str, str]] = mapped_column(JSONB)
    """Which group there is which role here."""
    default_roles: Mapped[list[str]] = mapped_column(JSONB)
    creates_users: Mapped[bool]
    trusts_addresses: Mapped[bool]
    """Whether its addresses are right although it does not say that it verified them."""
    disabled_at: Mapped[datetime | None]


class IdentityProviderSecret(Model):
    """With what we prove ourselves there, sealed."""

    __tablename__ = "identity_provider_secret"

    provider_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class UpstreamIdentity(Model):
    """As whom a user is known there."""

    __tablename__ = "upstream_identity"

    provider_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid)


class UpstreamSignIn(Model):
    """A browser that is on the way there and back."""

    __tablename__ = "upstream_sign_in"

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    provider_id: Mapped[UUID] = mapped_column(Uuid)
    browser_hash: Mapped[str]
    nonce: Mapped[str]
    verifier: Mapped[str]
    leads_to: Mapped[str]
    expires_at: Mapped[datetime]
    said: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What the provider said meanwhile, where it speaks to us by another page's form."""
