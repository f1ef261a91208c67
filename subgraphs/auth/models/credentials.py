"""The tables of how users prove who they are. Secrets are hashes, or sealed, and stand in tables that are not audited."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Enum, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.auth.models.people import Model
from subgraphs.auth.rules.credentials import FactorKind, MailPurpose, SessionStatus
from subgraphs.kit import tables


class Password(Model):
    """What a user's password hashes to (argon2id)."""

    __tablename__ = "password"

    user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    hash: Mapped[str]
    changed_at: Mapped[datetime]


class MfaFactor(tables.Entity, Model):
    """A second proof that a user can give; a passkey is first and second at once."""

    __tablename__ = "mfa_factor"

    user_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[FactorKind] = mapped_column(Enum(FactorKind, native_enum=False))
    label: Mapped[str]
    confirmed_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    shown: ClassVar[str | None] = None
    """What an app must know, on the row that was just made and nowhere else; no column, so it is never written."""


class FactorSecret(Model):
    """What a factor is recognised by: a sealed TOTP secret, or a passkey's public key."""

    __tablename__ = "factor_secret"

    factor_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    """The time step of the last code that was accepted: none is accepted twice."""
    credential_id: Mapped[bytes | None] = mapped_column(LargeBinary)
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)


class RecoveryCode(Model):
    """One of the codes that a user has on paper, for the day when the telephone is gone."""

    __tablename__ = "recovery_code"

    user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]


class MailToken(Model):
    """A link that was sent by mail, and may be followed once."""

    __tablename__ = "mail_token"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    purpose: Mapped[MailPurpose] = mapped_column(Enum(MailPurpose, native_enum=False))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Session(tables.Entity, Model):
    """A browser in which a user has signed in."""

    __tablename__ = "session"

    user_id: Mapped[UUID] = mapped_column(Uuid)
    status: Mapped[SessionStatus] = mapped_column(Enum(SessionStatus, native_enum=False))
    secret_hash: Mapped[str]
    amr: Mapped[list[str]] = mapped_column(JSONB)
    """How they proved who they are (RFC 8176): `pwd`, `otp`, `hwk`, `mfa`."""
    authenticated_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str | None]
    agent: Mapped[str | None]
