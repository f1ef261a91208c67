"""The tables of what a person sees and says: notifications, preferences, settings."""

from __future__ import annotations

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import Enum, Time, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.notify.models import Model
from subgraphs.notify.rules.channels import ChannelKind
from subgraphs.notify.rules.notices import Category
from subgraphs.notify.rules.quiet import Digest


class Notification(tables.Entity, Model):
    """One thing that one person was told in the app; nobody else sees it."""

    __tablename__ = "notification"

    recipient_id: Mapped[UUID] = mapped_column(Uuid)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    event_type: Mapped[str]
    category: Mapped[Category] = mapped_column(Enum(Category, native_enum=False))
    title: Mapped[str]
    body: Mapped[str]
    url: Mapped[str | None]
    related_type: Mapped[str]
    related_id: Mapped[str]
    about_customer: Mapped[UUID | None] = mapped_column(Uuid)
    """The customer that it is about: whoever may no longer see them does not see it either."""
    read_at: Mapped[datetime | None]


class NotificationPreference(tables.Entity, Model):
    """What a person said about one category and one channel."""

    __tablename__ = "notification_preference"

    user_id: Mapped[UUID] = mapped_column(Uuid)
    category: Mapped[Category] = mapped_column(Enum(Category, native_enum=False))
    channel: Mapped[ChannelKind] = mapped_column(Enum(ChannelKind, native_enum=False))
    enabled: Mapped[bool]
    digest: Mapped[Digest] = mapped_column(Enum(Digest, native_enum=False))


class NotificationSettings(tables.Entity, Model):
    """What a person said about being told at all; its id is the user's."""

    __tablename__ = "notification_settings"

    locale: Mapped[str]
    time_zone: Mapped[str]
    quiet_from: Mapped[time | None] = mapped_column(Time)
    quiet_until: Mapped[time | None] = mapped_column(Time)
    phone: Mapped[str | None]
