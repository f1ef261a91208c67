"""The tables of the OAuth provider: clients, what users allowed them, what they hold, and the keys that sign it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.auth.models.people import Model
from subgraphs.kit import tables


class OAuthClient(tables.Entity, Model):
    """A program that asks for tokens; one with a user of its own is a service account."""

    __tablename__ = "oauth_client"

    client_id: Mapped[str]
    name: Mapped[str]
    first_party: Mapped[bool]
    """Ours: nobody is asked whether it may."""
    secret_hash: Mapped[str | None]
    previous_secret_hash: Mapped[str | None]
    previous_secret_until: Mapped[datetime | None]
    auth_method: Mapped[str]
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    redirect_uris: Mapped[list[str]] = mapped_column(JSONB)
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(JSONB)
    grant_types: Mapped[list[str]] = mapped_column(JSONB)
    scopes: Mapped[list[str]] = mapped_column(JSONB)
    """The scopes that it may ask for; `*` stands for every permission."""
    id_token_alg: Mapped[str]
    backchannel_logout_uri: Mapped[str | None]
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    registration_hash: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    ip_allow_list: Mapped[list[str]] = mapped_column(JSONB, default=list)
    """The networks from which its tokens open anything; none means: from everywhere."""

    shown: ClassVar[str | None] = None
    """The secret itself, on the row that was just made and nowhere else; no column, so it is never written."""


class Consent(tables.Entity, Model):
    """That a user allowed a client some scopes."""

    __tablename__ = "consent"

    user_id: Mapped[UUID] = mapped_column(Uuid)
    client_id: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(JSONB)


class AuthorizationCode(Model):
    """A code that a client turns into tokens, once."""

    __tablename__ = "authorization_code"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    grant_id: Mapped[UUID] = mapped_column(Uuid)
    client_id: Mapped[str]
    user_id: Mapped[UUID] = mapped_column(Uuid)
    session_id: Mapped[UUID] = mapped_column(Uuid)
    redirect_uri: Mapped[str]
    scope: Mapped[str]
    nonce: Mapped[str | None]
    code_challenge: Mapped[str]
    code_challenge_method: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RefreshToken(Model):
    """One link of the chain of refresh tokens that began with one grant."""

    __tablename__ = "refresh_token"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    grant_id: Mapped[UUID] = mapped_column(Uuid)
    client_id: Mapped[str]
    user_id: Mapped[UUID] = mapped_column(Uuid)
    session_id: Mapped[UUID | None] = mapped_column(Uuid)
    scope: Mapped[str]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class DeviceCode(Model):
    """A device that waits for somebody to let it in; nobody's until they do, so it is the platform's."""

    __tablename__ = "device_code"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    user_code: Mapped[str]
    client_id: Mapped[str]
    scope: Mapped[str]
    status: Mapped[str]
    seconds_between: Mapped[int]
    expires_at: Mapped[datetime]
    polled_at: Mapped[datetime | None]
    for_tenant_id: Mapped[UUID | None] = mapped_column(Uuid)
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    session_id: Mapped[UUID | None] = mapped_column(Uuid)


class InitialAccessToken(Model):
    """What lets a program register itself as a client (RFC 7591)."""

    __tablename__ = "initial_access_token"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]
    uses_left: Mapped[int]


class UsedAssertion(Model):
    """The id of an assertion with which a client proved itself: it proves nothing a second time."""

    __tablename__ = "used_assertion"

    jti_hash: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class Revocation(Model):
    """Something that tokens still claim and that is no longer so; kept until the last of those tokens has expired."""

    __tablename__ = "revocation"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SigningKey(Model):
    """A key of the platform's; the private half is sealed."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(primary_key=True)
    algorithm: Mapped[str]
    state: Mapped[str]
    public: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    published_until: Mapped[datetime | None]


class Throttle(Model):
    """How often somebody failed to prove who they are, from where."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime]
