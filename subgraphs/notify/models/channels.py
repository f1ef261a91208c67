"""The tables of what a tenant sets up: channels, their secrets, and its own templates."""

from __future__ import annotations

from enum import Enum as PythonEnum
from uuid import UUID

from sqlalchemy import Enum, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.notify.models import Model
from subgraphs.notify.rules.channels import ChannelKind


class MailSecurity(PythonEnum):
    """How the way to a mail server is protected."""

    TLS = "TLS"
    """TLS from the first byte (port 465)."""
    STARTTLS = "STARTTLS"
    """TLS after a plain greeting, or nothing is sent (port 587)."""
    NONE = "NONE"
    """Nothing; only to servers in the platform's own networks."""


class ChannelConfig(tables.Entity, Model):
    """How a tenant reaches people by one channel."""

    __tablename__ = "channel_config"

    kind: Mapped[ChannelKind] = mapped_column(Enum(ChannelKind, native_enum=False))
    name: Mapped[str]
    active: Mapped[bool]
    host: Mapped[str | None]
    port: Mapped[int | None]
    security: Mapped[MailSecurity | None] = mapped_column(Enum(MailSecurity, native_enum=False))
    username: Mapped[str | None]
    sender: Mapped[str | None]
    sender_name: Mapped[str | None]
    url: Mapped[str | None]
    event_patterns: Mapped[list[str]]
    fallback_address: Mapped[str | None]
    locale: Mapped[str]
    daily_limit: Mapped[int | None]


class ChannelSecret(Model):
    """The sealed secret of a channel: a password, the URL of a webhook, or a key."""

    __tablename__ = "channel_secret"

    channel_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)


class NotificationTemplate(tables.Entity, Model):
    """The tenant's own words for one event, channel and language."""

    __tablename__ = "notification_template"

    event_type: Mapped[str]
    channel: Mapped[ChannelKind] = mapped_column(Enum(ChannelKind, native_enum=False))
    locale: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
