"""The tables of customer management."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, FetchedValue, Numeric, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from subgraphs.crm.rules.customers import CustomerKind, CustomerStatus
from subgraphs.kit import tables


class Model(tables.Row, DeclarativeBase):
    """What the tables of this module have in common."""


class UserCopy(Model):
    """A user, as identity told of them: that they are there, and on which side of the counter they stand."""

    __tablename__ = "user_copy"

    user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str]
    status: Mapped[str]
    at: Mapped[datetime] = mapped_column(tables.Moment)


class Customer(tables.Entity, Model):
    """A company or a person that we do business with."""

    __tablename__ = "customer"

    customer_id: Mapped[UUID] = mapped_column(Uuid, FetchedValue())
    """Its own id again, made by PostgreSQL: a customer belongs to itself, behind the same wall as all that is its."""
    number: Mapped[str]
    name: Mapped[str]
    legal_name: Mapped[str | None]
    kind: Mapped[CustomerKind] = mapped_column(Enum(CustomerKind, native_enum=False))
    status: Mapped[CustomerStatus] = mapped_column(Enum(CustomerStatus, native_enum=False))
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    vat_id: Mapped[str | None]
    is_business: Mapped[bool]
    currency: Mapped[str]
    language: Mapped[str]
    time_zone: Mapped[str]
    website: Mapped[str | None]
    industry: Mapped[str | None]
    invoice_email: Mapped[str | None]
    billing_address: Mapped[dict[str, str]] = mapped_column(JSONB)
    tags: Mapped[list[str]] = mapped_column(JSONB)
    account_manager_id: Mapped[UUID | None] = mapped_column(Uuid)
    group_id: Mapped[UUID | None] = mapped_column(Uuid)
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """The values of the tenant's own fields, by key."""
    merged_into_id: Mapped[UUID | None] = mapped_column(Uuid)
    tax_number: Mapped[str | None]
    leitweg_id: Mapped[str | None]
    small_business: Mapped[bool]
    shipping_address: Mapped[dict[str, str]] = mapped_column(JSONB)
    employees: Mapped[int | None]
    holiday_region: Mapped[str | None]
    credit_limit: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    health_score: Mapped[int | None]
    avv_signed_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    source: Mapped[str | None]
    external_ids: Mapped[list[dict[str, str]]] = mapped_column(JSONB)


class Site(tables.Entity, Model):
    """A place where a customer is."""

    __tablename__ = "site"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str]
    address: Mapped[dict[str, str]] = mapped_column(JSONB)
    time_zone: Mapped[str | None]
    is_headquarters: Mapped[bool]
    access_notes: Mapped[str | None]
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class Contact(tables.Entity, Model):
    """A person who works for a customer; `roles` are the values of `ContactRole`."""

    __tablename__ = "contact"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    site_id: Mapped[UUID | None] = mapped_column(Uuid)
    salutation: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    mobile: Mapped[str | None]
    position: Mapped[str | None]
    roles: Mapped[list[str]] = mapped_column(JSONB)
    is_primary: Mapped[bool]
    is_vip: Mapped[bool]
    active: Mapped[bool]
    left_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    merged_into_id: Mapped[UUID | None] = mapped_column(Uuid)
    erased_at: Mapped[datetime | None] = mapped_column(tables.Moment)
