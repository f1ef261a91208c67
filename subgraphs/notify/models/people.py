"""Short copies of what others own and we must know to tell people: users, contacts, customers, and what a ticket is called."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.notify.models import Model
from subgraphs.notify.rules.access import Sight


class Person(Model):
    """A user, as auth told of them."""

    __tablename__ = "person"

    user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[str]
    name: Mapped[str]
    email: Mapped[str | None]
    status: Mapped[str]
    roles: Mapped[list[str]]
    customers: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    """The customers whom they see; absent: all that their kind sees."""
    denied: Mapped[list[str]] = mapped_column(server_default="[]")
    at: Mapped[datetime]
    access_at: Mapped[datetime | None]
    """Of when the customers are: they come by an event of their own."""

    @property
    def sight(self) -> Sight:
        """Whose rows they see."""
        named = None if self.customers is None else frozenset(map(UUID, self.customers))
        return Sight(self.kind, self.customer_id, named, frozenset(map(UUID, self.denied)))


class ContactCopy(Model):
    """Somebody at a customer, as crm told of them."""

    __tablename__ = "contact_copy"

    contact_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str]
    email: Mapped[str | None]
    active: Mapped[bool]
    at: Mapped[datetime]


class CustomerCopy(Model):
    """In which language a customer is written to, as crm told of it."""

    __tablename__ = "customer_copy"

    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    language: Mapped[str]
    at: Mapped[datetime]


class TicketCopy(Model):
    """What a ticket is called, and who is busy with it, as tickets told of it."""

    __tablename__ = "ticket_copy"

    ticket_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    number: Mapped[str | None]
    title: Mapped[str | None]
    priority: Mapped[str | None]
    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    assignee_id: Mapped[UUID | None] = mapped_column(Uuid)
    at: Mapped[datetime]
