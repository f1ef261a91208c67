"""From a document to the files that are sent and kept, with what the official rules say of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from subgraphs.billing.documents import check, cii, page, ubl, zugferd
from subgraphs.billing.documents.check import Syntax
from subgraphs.billing.rules.document import InvoiceDocument
from subgraphs.billing.rules.einvoice import Finding, fatal


class Format(Enum):
    """How a customer wants invoices."""

    NONE_PDF = "NONE_PDF"
    """A page of paper only; no e-invoice in the sense of the law."""
    ZUGFERD_EN16931 = "ZUGFERD_EN16931"
    """A page with the XML inside."""
    XRECHNUNG_UBL = "XRECHNUNG_UBL"
    """XRechnung in UBL, and a page to look at."""
    XRECHNUNG_CII = "XRECHNUNG_CII"
    """XRechnung in CII, and a page to look at."""


@dataclass(frozen=True, slots=True)
class Files:
    """What is sent and kept, byte for byte."""

    pdf: bytes
    xml: bytes | None
    findings: tuple[Finding, ...]
    """Warnings and hints; with anything graver there are no files."""


class Rejected(Exception):
    """The official rules refuse the document; nothing was written."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(f"{one.rule}: {one.message}" for one in findings))
        self.findings = findings


async def files(document: InvoiceDocument, wanted: Format) -> Files:
    """Write a document in the format that its buyer wants.

    Raises `Rejected` with every fatal finding, before any page is set.
    """
    if wanted is Format.NONE_PDF:
        return Files(await page.pdf(document), None, ())
    syntax = Syntax.UBL if wanted is Format.XRECHNUNG_UBL else Syntax.CII
    xml = ubl.invoice(document) if syntax is Syntax.UBL else cii.invoice(document)
    found = await check.findings(xml, syntax, xrechnung=document.xrechnung)
    if fatal(found):
        raise Rejected(fatal(found))
    shown = await (zugferd.pdf(document) if wanted is Format.ZUGFERD_EN16931 else page.pdf(document))
    return Files(shown, xml, found)
