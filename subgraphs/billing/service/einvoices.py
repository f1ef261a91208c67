"""Documents as files: what the official rules say before a number is given, and what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from subgraphs.billing.documents import cii, ubl, writing
from subgraphs.billing.documents.check import Syntax, findings
from subgraphs.billing.documents.writing import Files, Format, Rejected
from subgraphs.billing.errors import EInvoiceInvalid
from subgraphs.billing.models.invoices import Invoice, InvoiceFile, InvoiceLine
from subgraphs.billing.rules.einvoice import Finding, fatal
from subgraphs.billing.service import archive, documents, snapshots
from subgraphs.kit.work import Work

_NUMBERED_LATER = "ENTWURF"


async def check(work: Work, invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    """Raise `EInvoiceInvalid` when the official rules refuse a document that is to become data; no number is used."""
    wanted = Format(str((invoice.buyer_snapshot or {}).get("einvoice_format")))
    if wanted is Format.NONE_PDF:
        return
    preceding = await work.find(Invoice, invoice.preceding_id) if invoice.preceding_id else None
    document = replace(snapshots.document(invoice, lines, preceding=preceding), number=_NUMBERED_LATER)
    syntax = Syntax.UBL if wanted is Format.XRECHNUNG_UBL else Syntax.CII
    xml = ubl.invoice(document) if syntax is Syntax.UBL else cii.invoice(document)
    _refuse(fatal(await findings(xml, syntax, xrechnung=document.xrechnung)))


@dataclass(frozen=True, slots=True)
class Kept:
    """The files of a document, and what the archive says of them."""

    invoice: Invoice
    format: Format
    files: Files
    archived: InvoiceFile | None


async def files(work: Work, identity: str) -> Kept | None:
    """The files of a document: a draft is a page alone, an issued one what its customer wanted, as it was archived."""
    invoice = await documents.find(work, identity)
    if invoice is None:
        return None
    row = await archive.find(work, invoice.id)
    if row is not None:
        return Kept(invoice, Format(row.format), archive.files(row), row)
    wanted = archive.wanted_of(invoice)
    try:
        return Kept(invoice, wanted, await writing.files(await documents.whole(work, invoice), wanted), None)
    except Rejected as refusal:
        _refuse(refusal.findings)
        raise


def _refuse(found: Sequence[Finding]) -> None:
    if found:
        raise EInvoiceInvalid("; ".join(f"{one.rule}: {one.message}" for one in found), field="id")
