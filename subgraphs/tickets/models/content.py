"""The tables of what belongs to a ticket: links, steps, watchers, ratings, files and mails."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Enum, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.kit import tables
from subgraphs.tickets.models.tickets import Model
from subgraphs.tickets.rules.mail import MailOutcome
from subgraphs.tickets.rules.tickets import TicketLinkKind


class TicketLink(tables.Entity, Model):
    """What one ticket is to another."""

    __tablename__ = "ticket_link"

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    other_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[TicketLinkKind] = mapped_column(Enum(TicketLinkKind, native_enum=False))


class ChecklistItem(tables.Entity, Model):
    """A step of a ticket."""

    __tablename__ = "checklist_item"

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    text: Mapped[str]
    position: Mapped[int]
    required: Mapped[bool]
    done_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    done_by: Mapped[UUID | None] = mapped_column(Uuid)


class TicketWatcher(tables.Entity, Model):
    """Somebody who wants to hear of a ticket: a user, or a mail address."""

    __tablename__ = "ticket_watcher"

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    email: Mapped[str | None]


class CsatResponse(tables.Entity, Model):
    """What the customer thought of it."""

    __tablename__ = "csat_response"

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    score: Mapped[int]
    comment: Mapped[str | None]
    responded_at: Mapped[datetime] = mapped_column(tables.Moment)


class Attachment(tables.Entity, Model):
    """A file of a ticket; its content is kept once for each tenant, by its checksum."""

    __tablename__ = "attachment"

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    message_id: Mapped[UUID | None] = mapped_column(Uuid)
    filename: Mapped[str]
    mime_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    is_internal: Mapped[bool]


class AttachmentContent(Model):
    """The bytes of files, where they are kept in the database."""

    __tablename__ = "attachment_content"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class TicketUpload(tables.Entity, Model):
    """A file that comes in parts; it becomes an attachment when all of it is there."""

    __tablename__ = "ticket_upload"

    ticket_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    message_id: Mapped[UUID | None] = mapped_column(Uuid)
    filename: Mapped[str]
    size_bytes: Mapped[int]
    is_internal: Mapped[bool]
    expires_at: Mapped[datetime] = mapped_column(tables.Moment)


class UploadPart(Model):
    """A part of a file; `position` is where in the file it begins."""

    __tablename__ = "upload_part"

    upload_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class InboundMail(tables.Entity, Model):
    """A mail that came in, and what became of it; `raw` is kept while nobody knows whose it is."""

    __tablename__ = "inbound_mail"

    message_id: Mapped[str]
    sender: Mapped[str]
    subject: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(tables.Moment)
    outcome: Mapped[MailOutcome] = mapped_column(Enum(MailOutcome, native_enum=False))
    reason: Mapped[str | None]
    ticket_id: Mapped[UUID | None] = mapped_column(Uuid)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    raw: Mapped[str | None]
