"""The files of issued documents: made once, right after the number was given, and served from then on as they were made.

    issue ──► number, hash ──commit──► archive: page and data, with their hashes ──► whoever asks gets these bytes

A page takes a moment to set, and whoever issues holds the number range meanwhile; so it is set right afterwards, from what the
document froze when it was issued. Who asks in between gets what will be archived: it comes from the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import select

from subgraphs.billing.documents import writing
from subgraphs.billing.documents.writing import Files, Format
from subgraphs.billing.models.invoices import Invoice, InvoiceFile
from subgraphs.billing.rules.einvoice import Finding, Severity
from subgraphs.billing.service import documents
from subgraphs.kit import jobs
from subgraphs.kit.work import Work

JOB = "invoice.archive"


async def later(work: Work, invoice: Invoice) -> None:
    """Have the files of a document made as soon as it is issued."""
    await jobs.enqueue(work, JOB, {"invoice": str(invoice.id)})


async def make(work: Work, invoice_id: UUID) -> None:
    """Make the files of an issued document and keep them, unless that was done before."""
    invoice = await work.find(Invoice, invoice_id)
    if invoice is None or invoice.number is None or await find(work, invoice_id) is not None:
        return
    wanted = wanted_of(invoice)
    made = await writing.files(await documents.whole(work, invoice), wanted)
    work.session.add(
        InvoiceFile(
            customer_id=invoice.customer_id,
            invoice_id=invoice.id,
            format=wanted.value,
            pdf=made.pdf,
            pdf_sha256=hashlib.sha256(made.pdf).hexdigest(),
            xml=made.xml,
            xml_sha256=hashlib.sha256(made.xml).hexdigest() if made.xml is not None else None,
            findings=[{**asdict(one), "severity": one.severity.value} for one in made.findings],
            archived_at=work.at,
        )
    )


async def find(work: Work, invoice_id: UUID) -> InvoiceFile | None:
    """The archived files of a document, or None while there are none."""
    found: InvoiceFile | None = await work.session.scalar(
        select(InvoiceFile).where(InvoiceFile.invoice_id == invoice_id)
    )
    return found


def wanted_of(invoice: Invoice) -> Format:
    """The format that a document was issued in; a draft is a page alone."""
    stored = (invoice.buyer_snapshot or {}).get("einvoice_format", Format.NONE_PDF.value)
    return Format(stored) if invoice.number is not None else Format.NONE_PDF


def files(row: InvoiceFile) -> Files:
    """The files in this row."""
    return Files(
        row.pdf, row.xml, tuple(Finding(**{**one, "severity": Severity(one["severity"])}) for one in row.findings)
    )
