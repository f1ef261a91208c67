"""The tables of signing in at providers of others."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.auth.models.people import Model
from subgraphs.kit import tables


class IdentityProvider(tables.Entity, Model):
    """A provider of others (OpenID Connect) at which people of this tenant sign in."""

    __tablename__ = "identity_provider"

    name: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
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
