"""Documents as files: what the official rules say before a number is given, and what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from subgraphs.billing.documents import cii, ubl, writing
from subgraphs.billing.documents.check import Syntax, findings
from subgraphs.billing.documents.writing import Files, Format, Rejected
from subgraphs.billing.errors import EInvoiceInvalid
from subgraphs.billing.models.invoices import Invoice, InvoiceLine
from subgraphs.billing.rules.einvoice import Finding, fatal
from subgraphs.billing.service import documents, snapshots
from subgraphs.kit.work import Work

_NUMBERED_LATER = "ENTWURF"


async def check(work: Work, invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    """Raise `EInvoiceInvalid` when the rules of XRechnung refuse a document that is to become one; no number is used."""
    wanted = Format(str((invoice.buyer_snapshot or {}).get("einvoice_format")))
    if wanted not in {Format.XRECHNUNG_UBL, Format.XRECHNUNG_CII}:
        return
    preceding = await work.find(Invoice, invoice.preceding_id) if invoice.preceding_id else None
    document = replace(snapshots.document(invoice, lines, preceding=preceding), number=_NUMBERED_LATER)
    syntax = Syntax.UBL if wanted is Format.XRECHNUNG_UBL else Syntax.CII
    xml = ubl.invoice(document) if syntax is Syntax.UBL else cii.invoice(document)
    _refuse(fatal(await findings(xml, syntax, xrechnung=True)))


async def files(work: Work, identity: str) -> tuple[Invoice, Format, Files] | None:
    """The files of a document: a draft is a page alone, an issued one what its customer wants."""
    invoice = await documents.find(work, identity)
    if invoice is None:
        return None
    document = await documents.whole(work, invoice)
    stored = (invoice.buyer_snapshot or {}).get("einvoice_format", Format.NONE_PDF.value)
    wanted = Format.NONE_PDF if document.is_draft else Format(stored)
    try:
        return invoice, wanted, await writing.files(document, wanted)
    except Rejected as refusal:
        _refuse(refusal.findings)
        raise


def _refuse(found: Sequence[Finding]) -> None:
    if found:
        raise EInvoiceInvalid("; ".join(f"{one.rule}: {one.message}" for one in found), field="id")
