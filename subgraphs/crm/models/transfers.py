"""The tables of what comes in from files and goes out as a whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Enum, FetchedValue, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from subgraphs.crm.models.customers import Model
from subgraphs.crm.rules.csv_files import ImportEntity
from subgraphs.crm.rules.exports import ExportStatus
from subgraphs.kit import tables


class CsvImport(tables.Entity, Model):
    """A file that came in, and what became of each of its rows."""

    __tablename__ = "csv_import"

    entity: Mapped[ImportEntity] = mapped_column(Enum(ImportEntity, native_enum=False))
    filename: Mapped[str | None]
    sha256: Mapped[str]
    encoding: Mapped[str]
    delimiter: Mapped[str]
    mapping: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    ignored: Mapped[list[str]] = mapped_column(JSONB)
    total: Mapped[int]
    created: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    failed: Mapped[int]
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    rehearsed: Mapped[bool] = mapped_column(default=False)
    """Whether everything was taken back in the end."""


class CsvUpload(tables.Entity, Model):
    """A file on its way, which comes in parts."""

    __tablename__ = "csv_upload"

    filename: Mapped[str]
    size_bytes: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(tables.Moment)
    secret: Mapped[str] = mapped_column(server_default=FetchedValue())
    """What signs the link to bring its parts; PostgreSQL makes it."""


class CsvUploadPart(Model):
    """A part of it."""

    __tablename__ = "csv_upload_part"

    upload_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class TenantExport(tables.Entity, Model):
    """Everything of the tenant that customer management has, as a file."""

    __tablename__ = "tenant_export"

    status: Mapped[ExportStatus] = mapped_column(Enum(ExportStatus, native_enum=False))
    ready_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    expires_at: Mapped[datetime | None] = mapped_column(tables.Moment)
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    contents: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """How many rows of each table are in it."""


class TenantExportFile(Model):
    """The bytes of an export, and what signs links to it; neither is in any record of what was done."""

    __tablename__ = "tenant_export_file"

    export_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    secret: Mapped[str]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
