"""The tables of people: tenants, users, teams, and what users are granted."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from subgraphs.auth.rules.people import CustomerAccessMode, UserKind, UserStatus
from subgraphs.kit import tables


class Model(tables.Row, DeclarativeBase):
    """What the tables of this module have in common."""


class Tenant(tables.Entity, Model):
    """A managed service provider; its row is its own tenant's, so that it sees itself and nobody else."""

    __tablename__ = "tenant"

    slug: Mapped[str]
    name: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What a tenant decides for itself; read through `rules.policy`."""


class User(tables.Entity, Model):
    """Somebody, or a program, that may come in."""

    __tablename__ = "user_account"

    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    """The customer for whom a person of a customer works; None for staff."""
    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    """The contact in customer management that this person is."""
    cost_rate: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    """What an hour of theirs costs; nobody sees it without `costs:read`."""
    kind: Mapped[UserKind] = mapped_column(Enum(UserKind, native_enum=False))
    status: Mapped[UserStatus] = mapped_column(Enum(UserStatus, native_enum=False))
    email: Mapped[str]
    display_name: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    locale: Mapped[str]
    time_zone: Mapped[str]
    skills: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    """What they know how to do."""
    weekly_hours: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    """How many hours a week they work, by their contract."""
    last_login_at: Mapped[datetime | None]


class Team(tables.Entity, Model):
    """People who share work."""

    __tablename__ = "team"

    name: Mapped[str]
    lead_id: Mapped[UUID | None] = mapped_column(Uuid)


class TeamMember(tables.Entity, Model):
    """That a user belongs to a team."""

    __tablename__ = "team_member"

    team_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID] = mapped_column(Uuid)


class RoleAssignment(tables.Entity, Model):
    """That a user has a role."""

    __tablename__ = "role_assignment"

    user_id: Mapped[UUID] = mapped_column(Uuid)
    role_key: Mapped[str]


class CustomerAccess(tables.Entity, Model):
    """That a user sees a customer, or must not."""

    __tablename__ = "customer_access"

    user_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    mode: Mapped[CustomerAccessMode] = mapped_column(Enum(CustomerAccessMode, native_enum=False))
    include_children: Mapped[bool] = mapped_column(default=False)
