"""ZUGFeRD: the page for people and the XML for machines in one PDF/A-3; and the way back, for those that we receive."""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from lxml import etree

from subgraphs.billing.documents import cii, page
from subgraphs.billing.rules.document import InvoiceDocument

_RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


@dataclass(frozen=True, slots=True)
class Received:
    """What was found in a PDF that somebody sent."""

    xml: bytes
    sha256: str
    """Of the XML, in hexadecimal."""
    number: str | None
    gross: Decimal | None
    """What the XML says is to pay in all; the XML is the invoice, the page only shows it."""
    differs: bool
    """The page does not show that amount: somebody should look at it."""


class NoInvoiceInside(Exception):
    """The file is no PDF, or has no invoice inside."""


async def pdf(document: InvoiceDocument) -> bytes:
    """The document as ZUGFeRD, profile EN 16931: PDF/A-3b with `factur-x.xml` attached as the alternative."""
    shown, xml = await page.pdf(document), cii.invoice(document)
    return await asyncio.to_thread(_attached, shown, xml, document)


def _attached(shown: bytes, xml: bytes, document: InvoiceDocument) -> bytes:
    import facturx  # noqa: PLC0415 - half a PDF library

    made: bytes = facturx.generate_from_binary(
        shown,
        xml,
        flavor="factur-x",
        level="en16931",
        check_xsd=False,  # checked before, with all the other rules
        check_schematron=False,
        pdf_metadata={
            "author": document.seller.name,
            "keywords": "Factur-X, ZUGFeRD",
            "title": document.number,
            "subject": f"{document.seller.name}: {document.number}, {document.issue_date.isoformat()}",
        },
        lang="de-DE" if document.language.startswith("de") else "en-GB",
        afrelationship="alternative",
    )
    return made


async def received(file: bytes) -> Received:
    """Take the invoice out of a PDF.

    Raises `NoInvoiceInside` for what has none.
    """
    return await asyncio.to_thread(_received, file)


def _received(file: bytes) -> Received:
    import facturx  # noqa: PLC0415 - half a PDF library

    try:
        name, xml = facturx.get_xml_from_pdf(file, check_xsd=False, check_schematron=False)
    except Exception as reason:  # it says of broken files whatever its PDF library says
        raise NoInvoiceInside(f"This is no PDF with an invoice inside: {reason}") from reason
    if not name or not xml:
        raise NoInvoiceInside("This PDF has no invoice inside: factur-x.xml is not attached.")
    try:
        tree = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except (etree.XMLSyntaxError, ValueError) as reason:
        raise NoInvoiceInside(f"What is attached to this PDF is no XML: {reason}") from reason
    gross = _amount(tree.findtext(f".//{_RAM}GrandTotalAmount"))
    number = tree.findtext("{*}ExchangedDocument/" + f"{_RAM}ID")
    return Received(xml, hashlib.sha256(xml).hexdigest(), number, gross, differs=not _shows(file, gross))


def _amount(text: str | None) -> Decimal | None:
    try:
        return Decimal(text.strip()) if text else None
    except InvalidOperation:
        return None


def _shows(file: bytes, gross: Decimal | None) -> bool:
    """Whether the amount stands somewhere on the pages, with a comma or a point."""
    from pypdf import PdfReader  # noqa: PLC0415 - it comes with facturx

    if gross is None:
        return False
    try:
        text = "".join(one.extract_text() for one in PdfReader(io.BytesIO(file)).pages)
    except Exception:  # noqa: BLE001 - a page that can't be read shows no amount
        return False
    plain = f"{gross:,.2f}"
    spellings = {plain, plain.translate(str.maketrans(",.", ".,")), f"{gross:.2f}", f"{gross:.2f}".replace(".", ",")}
    return any(spelling in text for spelling in spellings)
