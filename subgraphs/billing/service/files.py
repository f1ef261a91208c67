"""The files of documents and letters as links: whoever may read the row is given one, and it opens the file for five minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from subgraphs.billing.documents.writing import Format
from subgraphs.billing.models.invoices import Invoice, InvoiceFile
from subgraphs.billing.models.receivables import DunningFile, DunningNotice
from subgraphs.billing.service import archive, demands, einvoices
from subgraphs.kit import signed
from subgraphs.kit.errors import Refusal
from subgraphs.kit.files import File
from subgraphs.kit.signed import Proof
from subgraphs.kit.work import Work

PDF: Final = "application/pdf"
XML: Final = "application/xml"


class FileKind(Enum):
    """What a link opens; the value stands in it."""

    PAGE = "page"
    """A document as a page of paper; with ZUGFeRD the data is inside of it."""
    DATA = "data"
    """A document as data: UBL or CII."""
    LETTER = "letter"
    """A letter about late payment."""


@dataclass(frozen=True, slots=True)
class Link:
    """A file and where it is; it has neither length nor checksum while nothing is kept of it."""

    filename: str
    mime_type: str
    size_bytes: int | None
    sha256: str | None
    url: str


def path(tenant: UUID, kind: FileKind, identity: UUID) -> str:
    """Where a file is, without the signature that opens it."""
    return f"/billing/files/{tenant}/{kind.value}/{identity}"


async def pages(work: Work, invoices: Sequence[UUID]) -> Mapping[UUID, Sequence[Link]]:
    """The page of each document, in lists of one; of a draft it is set anew for whoever opens it."""
    kept = (InvoiceFile.pdf_sha256, func.length(InvoiceFile.pdf))
    query = select(Invoice, *kept).outerjoin(InvoiceFile, InvoiceFile.invoice_id == Invoice.id)
    rows = await work.session.execute(query.where(Invoice.id.in_(list(invoices))))
    return {
        row.id: [_link(work, FileKind.PAGE, row.id, row.file_secret, f"{_name(row)}.pdf", PDF, size, sha256)]
        for row, sha256, size in rows
    }


async def data(work: Work, invoices: Sequence[UUID]) -> Mapping[UUID, Sequence[Link]]:
    """The data of each issued document whose customer wants data, in lists of one."""
    kept = (InvoiceFile.xml_sha256, func.length(InvoiceFile.xml))
    query = select(Invoice, *kept).outerjoin(InvoiceFile, InvoiceFile.invoice_id == Invoice.id)
    rows = await work.session.execute(query.where(Invoice.id.in_(list(invoices))))
    return {
        row.id: [_link(work, FileKind.DATA, row.id, row.file_secret, f"{_name(row)}.xml", XML, size, sha256)]
        for row, sha256, size in rows
        if archive.wanted_of(row) is not Format.NONE_PDF
    }


async def letters(work: Work, notices: Sequence[UUID]) -> Mapping[UUID, Sequence[Link]]:
    """The page of each letter, in lists of one."""
    kept = (DunningFile.sha256, func.length(DunningFile.content))
    query = select(DunningNotice, *kept).outerjoin(DunningFile, DunningFile.notice_id == DunningNotice.id)
    rows = await work.session.execute(query.where(DunningNotice.id.in_(list(notices))))
    return {
        row.id: [_link(work, FileKind.LETTER, row.id, row.file_secret, _letter_name(row), PDF, size, sha256)]
        for row, sha256, size in rows
    }


def _link(
    work: Work, kind: FileKind, identity: UUID, secret: str, name: str, mime: str, size: int | None, sha256: str | None
) -> Link:
    url = signed.link(path(work.caller.tenant, kind, identity), bytes.fromhex(secret), work.at + signed.OPEN)
    return Link(name, mime, size, sha256, url)


def _name(invoice: Invoice) -> str:
    return invoice.number or f"Entwurf-{invoice.id}"


def _letter_name(notice: DunningNotice) -> str:
    return f"Mahnung-{notice.on_date:%Y-%m-%d}-{str(notice.id)[-6:]}.pdf"


async def opened(work: Work, kind: FileKind, identity: UUID, proof: Proof) -> File | None:
    """The file behind a link, or None when we gave out no such link, or long ago."""
    letter = await work.find(DunningNotice, identity) if kind is FileKind.LETTER else None
    document = await work.find(Invoice, identity) if kind is not FileKind.LETTER else None
    row = letter or document
    asked = path(work.caller.tenant, kind, identity)
    if row is None or not proof.opens(asked, bytes.fromhex(row.file_secret), work.at):
        return None
    if letter is not None:
        return File(_letter_name(letter), PDF, await demands.content(work, letter), inline=True)
    return await _of_document(work, document, kind) if document is not None else None


async def _of_document(work: Work, invoice: Invoice, kind: FileKind) -> File | None:
    try:
        kept = await einvoices.files(work, str(invoice.id))
    except Refusal:  # a draft that could not be issued as it is has no page yet
        return None
    if kept is None:
        return None
    if kind is FileKind.PAGE:
        return File(f"{_name(invoice)}.pdf", PDF, kept.files.pdf, inline=True)
    if kept.files.xml is None:
        return None
    return File(f"{_name(invoice)}.xml", XML, kept.files.xml, inline=True)
