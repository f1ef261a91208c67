"""The tables of what we say and know about customers: groups, activities, consents, and fields of one's own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Enum, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.crm.models.customers import Model
from subgraphs.crm.rules.activities import ActivityKind
from subgraphs.crm.rules.consents import LegalBasis
from subgraphs.crm.rules.custom_fields import CustomEntity, CustomFieldType
from subgraphs.kit import tables


class CustomerGroup(tables.Entity, Model):
    """Customers that belong together, other than as holding and branch."""

    __tablename__ = "customer_group"

    name: Mapped[str]
    count_users_once_per_group: Mapped[bool]


class Activity(tables.Entity, Model):
    """A call, a mail, a meeting, a note or a task."""

    __tablename__ = "activity"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    opportunity_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[ActivityKind] = mapped_column(Enum(ActivityKind, native_enum=False))
    subject: Mapped[str]
    body: Mapped[str | None]
    happened_at: Mapped[datetime] = mapped_column(tables.Moment)
    due_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    done_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    owner_id: Mapped[UUID | None] = mapped_column(Uuid)


class ConsentRecord(tables.Entity, Model):
    """What somebody allowed us, on what ground, and how we can show it."""

    __tablename__ = "consent_record"

    customer_id: Mapped[UUID] = mapped_column(Uuid)
    contact_id: Mapped[UUID] = mapped_column(Uuid)
    purpose: Mapped[str]
    basis: Mapped[LegalBasis] = mapped_column(Enum(LegalBasis, native_enum=False))
    given_at: Mapped[datetime] = mapped_column(tables.Moment)
    proof: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    withdrawal_proof: Mapped[str | None]


class CustomField(tables.Entity, Model):
    """A field that the tenant added to a kind of thing."""

    __tablename__ = "custom_field"

    entity: Mapped[CustomEntity] = mapped_column(Enum(CustomEntity, native_enum=False))
    key: Mapped[str]
    label: Mapped[str]
    type: Mapped[CustomFieldType] = mapped_column(Enum(CustomFieldType, native_enum=False))
    options: Mapped[list[str]] = mapped_column(JSONB)
    required: Mapped[bool]
    shared: Mapped[bool]
    position: Mapped[int]
