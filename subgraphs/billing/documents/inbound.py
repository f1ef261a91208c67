"""Invoices of suppliers, read: XRechnung and other EN 16931 invoices in UBL or CII, and ZUGFeRD.

Names are looked up without their namespaces: whether they are the right ones the official schema says, in words that help the supplier.
Nothing here raises for what an invoice lacks; only what is no invoice at all is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from lxml import etree

from subgraphs.billing.documents import zugferd
from subgraphs.billing.documents.check import Syntax
from subgraphs.billing.rules.inbound import InboundFormat, Said
from subgraphs.kit.errors import Invalid

LARGEST: Final = 10_000_000
_PDF: Final = b"%PDF"
_LONGEST: Final = 300
_MOST: Final = Decimal("999999999999.99")
_PARSER: Final = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


@dataclass(frozen=True, slots=True)
class Read:
    """What came, taken apart."""

    format: InboundFormat
    xml: bytes
    said: Said
    page_differs: bool = False

    @property
    def syntax(self) -> Syntax:
        """How the data is written."""
        return Syntax.UBL if self.format is InboundFormat.UBL else Syntax.CII


async def read(file: bytes, *, field: str) -> Read:
    """Take an invoice apart; raises `Invalid` for what is none."""
    if not file or len(file) > LARGEST:
        raise Invalid(f"An invoice has up to {LARGEST:,} bytes.", field=field)
    if file.lstrip()[:4] != _PDF:
        return _read(file, field=field)
    try:
        found = await zugferd.received(file)
    except zugferd.NoInvoiceInside as reason:
        raise Invalid(f"{reason}"[:_LONGEST], field=field) from None
    inside = _read(found.xml, field=field)
    return Read(InboundFormat.ZUGFERD, found.xml, inside.said, found.differs)


def text(xml: bytes) -> str:
    """The data as text, whichever encoding it came in."""
    root = etree.fromstring(xml, etree.XMLParser(**_PARSER))
    written: str = etree.tostring(root.getroottree(), encoding="unicode")
    return written


def _read(xml: bytes, *, field: str) -> Read:
    try:
        root = etree.fromstring(xml, etree.XMLParser(**_PARSER))
    except (etree.XMLSyntaxError, ValueError) as reason:
        raise Invalid(f"This is neither a PDF nor XML: {reason}"[:_LONGEST], field=field) from None
    if root.getroottree().docinfo.doctype:
        # No invoice has one; what has one wants other files to be read.
        raise Invalid("An invoice has no document type declaration.", field=field)
    match etree.QName(root).localname:
        case "Invoice" | "CreditNote":
            return Read(InboundFormat.UBL, xml, _said(root, _UBL))
        case "CrossIndustryInvoice":
            return Read(InboundFormat.CII, xml, _said(root, _CII))
        case other:
            raise Invalid(f"This is no invoice in UBL or CII: its root is {other}."[:_LONGEST], field=field)


_UBL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "number": ("ID",),
        "type_code": ("InvoiceTypeCode", "CreditNoteTypeCode"),
        "profile": ("CustomizationID",),
        "issue_date": ("IssueDate",),
        "due_date": ("DueDate", "PaymentMeans/PaymentDueDate"),
        "currency": ("DocumentCurrencyCode",),
        "supplier": (
            "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName",
            "AccountingSupplierParty/Party/PartyName/Name",
        ),
        "supplier_vat_id": ("AccountingSupplierParty/Party/PartyTaxScheme[TaxScheme/ID='VAT']/CompanyID",),
        "supplier_tax_number": ("AccountingSupplierParty/Party/PartyTaxScheme[TaxScheme/ID!='VAT']/CompanyID",),
        "buyer": (
            "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName",
            "AccountingCustomerParty/Party/PartyName/Name",
        ),
        "buyer_vat_id": ("AccountingCustomerParty/Party/PartyTaxScheme[TaxScheme/ID='VAT']/CompanyID",),
        "iban": ("PaymentMeans/PayeeFinancialAccount/ID",),
        "net": ("LegalMonetaryTotal/TaxExclusiveAmount",),
        "tax": ("TaxTotal/TaxAmount[@currencyID=/*/DocumentCurrencyCode]", "TaxTotal/TaxAmount"),
        "gross": ("LegalMonetaryTotal/TaxInclusiveAmount",),
        "payable": ("LegalMonetaryTotal/PayableAmount",),
    }
)
_DEAL: Final = "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement"
_PAID: Final = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement"
_SUMS: Final = f"{_PAID}/SpecifiedTradeSettlementHeaderMonetarySummation"
_CII: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "number": ("ExchangedDocument/ID",),
        "type_code": ("ExchangedDocument/TypeCode",),
        "profile": ("ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID",),
        "issue_date": ("ExchangedDocument/IssueDateTime/DateTimeString",),
        "due_date": (f"{_PAID}/SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString",),
        "currency": (f"{_PAID}/InvoiceCurrencyCode",),
        "supplier": (f"{_DEAL}/SellerTradeParty/Name",),
        "supplier_vat_id": (f"{_DEAL}/SellerTradeParty/SpecifiedTaxRegistration/ID[@schemeID='VA']",),
        "supplier_tax_number": (f"{_DEAL}/SellerTradeParty/SpecifiedTaxRegistration/ID[@schemeID='FC']",),
        "buyer": (f"{_DEAL}/BuyerTradeParty/Name",),
        "buyer_vat_id": (f"{_DEAL}/BuyerTradeParty/SpecifiedTaxRegistration/ID[@schemeID='VA']",),
        "iban": (f"{_PAID}/SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount/IBANID",),
        "net": (f"{_SUMS}/TaxBasisTotalAmount",),
        "tax": (f"{_SUMS}/TaxTotalAmount[@currencyID=//InvoiceCurrencyCode]", f"{_SUMS}/TaxTotalAmount"),
        "gross": (f"{_SUMS}/GrandTotalAmount",),
        "payable": (f"{_SUMS}/DuePayableAmount",),
    }
)
_DAYS: Final = frozenset({"issue_date", "due_date"})
_AMOUNTS: Final = frozenset({"net", "tax", "gross", "payable"})


def _said(root: etree._Element, places: Mapping[str, tuple[str, ...]]) -> Said:
    bare = _without_namespaces(root)
    found: dict[str, object] = {}
    for name, paths in places.items():
        text = next((said for path in paths if (said := _first(bare, path))), None)
        found[name] = _day(text) if name in _DAYS else _amount(text) if name in _AMOUNTS else text
    return Said(**found)  # type: ignore[arg-type]


def _without_namespaces(root: etree._Element) -> etree._Element:
    """The same tree by local names, so that paths are short; a copy, for the original is the invoice."""
    bare = etree.fromstring(etree.tostring(root), etree.XMLParser(**_PARSER))
    for one in bare.iter():
        if isinstance(one.tag, str):
            one.tag = etree.QName(one).localname
    return bare


def _first(bare: etree._Element, path: str) -> str | None:
    for one in bare.xpath(path):
        if text := " ".join("".join(one.itertext()).split()):
            return text[:_LONGEST]
    return None


def _day(text: str | None) -> date | None:
    for pattern in ("%Y-%m-%d", "%Y%m%d"):
        try:
            return datetime.strptime((text or "")[:10], pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def _amount(text: str | None) -> Decimal | None:
    try:
        found = Decimal(text) if text else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() and abs(found) <= _MOST else None
