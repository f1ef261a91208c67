"""An invoice as UN/CEFACT Cross Industry Invoice (D16B), in the order that its schema wants; what ZUGFeRD carries inside."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from subgraphs.billing.documents import profile
from subgraphs.billing.documents.xml import Element, amount, element, number, written
from subgraphs.billing.rules.document import (
    Allowance,
    Contact,
    DocumentLine,
    InvoiceDocument,
    Party,
    Payment,
    PostalAddress,
    Preceding,
    ServicePeriod,
)
from subgraphs.billing.rules.totals import TaxSubtotal
from subgraphs.billing.rules.vat import TaxCategory

_NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}
_YEAR_MONTH_DAY = "102"
"""The format of a date: CCYYMMDD (UNTDID 2379)."""


def invoice(document: InvoiceDocument) -> bytes:
    """The document as CII; credit notes differ in their type code only."""
    root = element(
        "rsm:CrossIndustryInvoice",
        _context(document),
        _head(document),
        element(
            "rsm:SupplyChainTradeTransaction",
            *(_line(line) for line in document.lines),
            _agreement(document),
            _delivery(document),
            _settlement(document),
        ),
    )
    return written(root, _NAMESPACES)


def _context(document: InvoiceDocument) -> Element | None:
    return element(
        "rsm:ExchangedDocumentContext",
        element("ram:BusinessProcessSpecifiedDocumentContextParameter", element("ram:ID", profile.BILLING_PROCESS)),
        element("ram:GuidelineSpecifiedDocumentContextParameter", element("ram:ID", profile.customization(document))),
    )


def _head(document: InvoiceDocument) -> Element | None:
    return element(
        "rsm:ExchangedDocument",
        element("ram:ID", document.number),
        element("ram:TypeCode", document.type_code),
        _day("ram:IssueDateTime", document.issue_date),
        *(element("ram:IncludedNote", element("ram:Content", note)) for note in document.notes),
    )


# --- who


def _agreement(document: InvoiceDocument) -> Element | None:
    return element(
        "ram:ApplicableHeaderTradeAgreement",
        element("ram:BuyerReference", document.buyer_reference),
        _party("ram:SellerTradeParty", document.seller),
        _party("ram:BuyerTradeParty", document.buyer),
        element("ram:BuyerOrderReferencedDocument", element("ram:IssuerAssignedID", document.order_reference)),
        element("ram:ContractReferencedDocument", element("ram:IssuerAssignedID", document.contract_reference)),
        _project(document.project_reference),
    )


def _project(project: str | None) -> Element | None:
    """The schema wants a name beside the reference; the standard knows only the reference."""
    if project is None:
        return None
    return element(
        "ram:SpecifiedProcuringProject", element("ram:ID", project), element("ram:Name", "Project reference")
    )


def _party(name: str, party: Party) -> Element | None:
    endpoint = party.endpoint
    return element(
        name,
        element("ram:ID", party.identifier),
        element("ram:Name", party.name),
        element("ram:Description", party.legal_information),
        element(
            "ram:SpecifiedLegalOrganization",
            element("ram:ID", party.registration),
            element("ram:TradingBusinessName", party.trading_name),
        ),
        _contact(party.contact),
        _address(party.address),
        element(
            "ram:URIUniversalCommunication",
            element("ram:URIID", endpoint.value, schemeID=endpoint.scheme) if endpoint else None,
        ),
        element("ram:SpecifiedTaxRegistration", element("ram:ID", party.vat_id, schemeID="VA")),
        element("ram:SpecifiedTaxRegistration", element("ram:ID", party.tax_number, schemeID="FC")),
    )


def _contact(contact: Contact | None) -> Element | None:
    if contact is None:
        return None
    return element(
        "ram:DefinedTradeContact",
        element("ram:PersonName", contact.name),
        element("ram:TelephoneUniversalCommunication", element("ram:CompleteNumber", contact.phone)),
        element("ram:EmailURIUniversalCommunication", element("ram:URIID", contact.email)),
    )


def _address(address: PostalAddress) -> Element | None:
    return element(
        "ram:PostalTradeAddress",
        element("ram:PostcodeCode", address.postal_code),
        element("ram:LineOne", address.line1),
        element("ram:LineTwo", address.line2),
        element("ram:CityName", address.city),
        element("ram:CountryID", address.country),
    )


def _delivery(document: InvoiceDocument) -> Element | None:
    address = document.delivery_address
    shipped = element("ram:ShipToTradeParty", _address(address)) if address else None
    event = element("ram:ActualDeliverySupplyChainEvent", _day("ram:OccurrenceDateTime", document.delivery_date))
    # The one element that the schema wants even when it is empty.
    content = tuple(one for one in (shipped, event) if one)
    return Element("ram:ApplicableHeaderTradeDelivery", None, content, ())


# --- money


def _settlement(document: InvoiceDocument) -> Element | None:
    return element(
        "ram:ApplicableHeaderTradeSettlement",
        element("ram:CreditorReferenceID", document.payment.creditor_id),
        element("ram:PaymentReference", document.payment.reference),
        element("ram:TaxCurrencyCode", document.tax_currency),
        element("ram:InvoiceCurrencyCode", document.currency),
        _payment(document.payment),
        *(_tax(one, document.tax_point_date) for one in document.breakdown),
        _period(document.period),
        *(_allowance(one) for one in document.allowances),
        element(
            "ram:SpecifiedTradePaymentTerms",
            element("ram:Description", profile.payment_terms(document)),
            _day("ram:DueDateDateTime", document.due_date),
            element("ram:DirectDebitMandateID", document.payment.mandate_reference),
        ),
        _totals(document),
        *(_preceding(one) for one in document.preceding),
    )


def _payment(payment: Payment) -> Element | None:
    return element(
        "ram:SpecifiedTradeSettlementPaymentMeans",
        element("ram:TypeCode", payment.means_code),
        element("ram:PayerPartyDebtorFinancialAccount", element("ram:IBANID", payment.debited_iban)),
        element(
            "ram:PayeePartyCreditorFinancialAccount",
            element("ram:IBANID", payment.iban),
            element("ram:AccountName", payment.account_name),
        ),
        element("ram:PayeeSpecifiedCreditorFinancialInstitution", element("ram:BICID", payment.bic)),
    )


def _tax(one: TaxSubtotal, tax_point: date | None) -> Element | None:
    return element(
        "ram:ApplicableTradeTax",
        element("ram:CalculatedAmount", amount(one.tax)),
        element("ram:TypeCode", "VAT"),
        element("ram:ExemptionReason", one.exemption_text),
        element("ram:BasisAmount", amount(one.taxable)),
        element("ram:CategoryCode", one.category.value),
        element("ram:ExemptionReasonCode", one.exemption_code),
        _tax_point(tax_point),
        _rate(one.category, one.rate),
    )


def _tax_point(day: date | None) -> Element | None:
    if day is None:
        return None
    return element("ram:TaxPointDate", element("udt:DateString", _digits(day), format=_YEAR_MONTH_DAY))


def _rate(category: TaxCategory, rate: Decimal) -> Element | None:
    """What is not taxable has no rate, not even zero (BR-O-05)."""
    return None if category is TaxCategory.O else element("ram:RateApplicablePercent", number(rate))


def _allowance(one: Allowance) -> Element | None:
    return element(
        "ram:SpecifiedTradeAllowanceCharge",
        element("ram:ChargeIndicator", element("udt:Indicator", "false")),
        element("ram:CalculationPercent", number(one.percent)),
        element("ram:BasisAmount", amount(one.base_amount)),
        element("ram:ActualAmount", amount(one.amount)),
        element("ram:Reason", one.reason),
        element(
            "ram:CategoryTradeTax",
            element("ram:TypeCode", "VAT"),
            element("ram:CategoryCode", one.category.value),
            _rate(one.category, one.rate),
        ),
    )


def _totals(document: InvoiceDocument) -> Element | None:
    other = document.tax_in_tax_currency
    return element(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        element("ram:LineTotalAmount", amount(document.lines_net)),
        element("ram:AllowanceTotalAmount", amount(document.allowance_total) if document.allowances else None),
        element("ram:TaxBasisTotalAmount", amount(document.net)),
        element("ram:TaxTotalAmount", amount(document.tax), currencyID=document.currency),
        element("ram:TaxTotalAmount", None if other is None else amount(other), currencyID=document.tax_currency),
        element("ram:GrandTotalAmount", amount(document.gross)),
        element("ram:TotalPrepaidAmount", amount(document.paid) if document.paid else None),
        element("ram:DuePayableAmount", amount(document.due)),
    )


def _preceding(one: Preceding) -> Element | None:
    digits = element("qdt:DateTimeString", _digits(one.issue_date), format=_YEAR_MONTH_DAY)
    return element(
        "ram:InvoiceReferencedDocument",
        element("ram:IssuerAssignedID", one.number),
        element("ram:FormattedIssueDateTime", digits),
    )


# --- lines


def _line(line: DocumentLine) -> Element | None:
    return element(
        "ram:IncludedSupplyChainTradeLineItem",
        element(
            "ram:AssociatedDocumentLineDocument",
            element("ram:LineID", line.position),
            element("ram:IncludedNote", element("ram:Content", line.note)),
        ),
        element(
            "ram:SpecifiedTradeProduct",
            element("ram:SellerAssignedID", line.seller_identifier),
            element("ram:Name", line.name),
            element("ram:Description", line.description),
        ),
        element(
            "ram:SpecifiedLineTradeAgreement",
            element("ram:BuyerOrderReferencedDocument", element("ram:LineID", line.order_line)),
            element("ram:NetPriceProductTradePrice", element("ram:ChargeAmount", number(line.unit_price))),
        ),
        element(
            "ram:SpecifiedLineTradeDelivery",
            element("ram:BilledQuantity", number(line.quantity), unitCode=line.unit_code),
        ),
        _line_settlement(line),
    )


def _line_settlement(line: DocumentLine) -> Element | None:
    return element(
        "ram:SpecifiedLineTradeSettlement",
        element(
            "ram:ApplicableTradeTax",
            element("ram:TypeCode", "VAT"),
            element("ram:CategoryCode", line.category.value),
            _rate(line.category, line.rate),
        ),
        _period(line.period),
        _line_discount(line),
        element("ram:SpecifiedTradeSettlementLineMonetarySummation", element("ram:LineTotalAmount", amount(line.net))),
        element("ram:ReceivableSpecifiedTradeAccountingAccount", element("ram:ID", line.cost_centre)),
    )


def _line_discount(line: DocumentLine) -> Element | None:
    if not line.discount_amount:
        return None
    return element(
        "ram:SpecifiedTradeAllowanceCharge",
        element("ram:ChargeIndicator", element("udt:Indicator", "false")),
        element("ram:CalculationPercent", number(line.discount_percent)),
        element("ram:BasisAmount", amount(line.net + line.discount_amount)),
        element("ram:ActualAmount", amount(line.discount_amount)),
        element("ram:Reason", "Rabatt"),
    )


def _period(period: ServicePeriod | None) -> Element | None:
    if period is None:
        return None
    return element(
        "ram:BillingSpecifiedPeriod", _day("ram:StartDateTime", period.start), _day("ram:EndDateTime", period.end)
    )


def _day(name: str, day: date | None) -> Element | None:
    if day is None:
        return None
    return element(name, element("udt:DateTimeString", _digits(day), format=_YEAR_MONTH_DAY))


def _digits(day: date) -> str:
    return f"{day:%Y%m%d}"
