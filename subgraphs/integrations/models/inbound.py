"""The tables of what we are told: endpoints, and the messages that came in through them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Enum, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.integrations.models import Model
from subgraphs.integrations.rules.inbound import InboundAuth, SignatureStyle
from subgraphs.kit import tables


class InboundEndpoint(tables.Entity, Model):
    """A door for one other system."""

    __tablename__ = "inbound_endpoint"

    name: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    auth: Mapped[InboundAuth] = mapped_column(Enum(InboundAuth, native_enum=False))
    signature_style: Mapped[SignatureStyle | None] = mapped_column(Enum(SignatureStyle, native_enum=False))
    header: Mapped[str | None]
    """The header with the token or the signature."""
    username: Mapped[str | None]
    certificate: Mapped[str | None]
    """The distinguished name of the certificate that the other system shows."""
    id_header: Mapped[str | None]
    max_bytes: Mapped[int]
    replay_window_seconds: Mapped[int]
    active: Mapped[bool]

    shown: ClassVar[str | None] = None
    """The secret itself, on the row that was just made and nowhere else; no column, so it is never written."""


class InboundSecret(Model):
    """With what the other system proves itself, sealed."""

    __tablename__ = "inbound_secret"

    endpoint_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_secret_until: Mapped[datetime | None]


class InboundMessage(tables.Entity, Model):
    """Something that came in; the log of what a machine did, not audited."""

    __tablename__ = "inbound_message"

    endpoint_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    message_id: Mapped[str]
    counts_until: Mapped[datetime]
    """Until when another message with this id is the same one."""
    content_type: Mapped[str | None]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
