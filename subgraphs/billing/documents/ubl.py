"""An invoice as UBL 2.1, in the order that its schema wants; a credit note (381) is a document of another kind there."""

from __future__ import annotations

from decimal import Decimal

from subgraphs.billing.documents import profile
from subgraphs.billing.documents.xml import Element, amount, day, element, number, written
from subgraphs.billing.rules.document import (
    Allowance,
    Contact,
    DocumentLine,
    Endpoint,
    InvoiceDocument,
    Party,
    Payment,
    PostalAddress,
    Preceding,
    ServicePeriod,
)
from subgraphs.billing.rules.totals import TaxSubtotal
from subgraphs.billing.rules.vat import TaxCategory

_OASIS = "urn:oasis:names:specification:ubl:schema:xsd:"
_CREDIT_NOTE = "381"


def invoice(document: InvoiceDocument) -> bytes:
    """The document as UBL: an Invoice, or a CreditNote for type 381."""
    kind = "CreditNote" if document.type_code == _CREDIT_NOTE else "Invoice"
    namespaces = {
        "": f"{_OASIS}{kind}-2",
        "cac": f"{_OASIS}CommonAggregateComponents-2",
        "cbc": f"{_OASIS}CommonBasicComponents-2",
    }
    content = _credit_note(document) if kind == "CreditNote" else _invoice(document)
    root = element(kind, *content)
    return written(root, namespaces)


def _invoice(document: InvoiceDocument) -> list[Element | None]:
    return [
        *_head(document),
        element("cbc:IssueDate", day(document.issue_date)),
        element("cbc:DueDate", day(document.due_date)),
        element("cbc:InvoiceTypeCode", document.type_code),
        *(element("cbc:Note", note) for note in document.notes),
        element("cbc:TaxPointDate", day(document.tax_point_date)),
        *_references(document),
        element("cac:ContractDocumentReference", element("cbc:ID", document.contract_reference)),
        element("cac:ProjectReference", element("cbc:ID", document.project_reference)),
        *_parties_and_money(document),
        *(_line(document, line, "Invoice", "InvoicedQuantity") for line in document.lines),
    ]


def _credit_note(document: InvoiceDocument) -> list[Element | None]:
    return [
        *_head(document),
        element("cbc:IssueDate", day(document.issue_date)),
        element("cbc:TaxPointDate", day(document.tax_point_date)),
        element("cbc:CreditNoteTypeCode", document.type_code),
        *(element("cbc:Note", note) for note in document.notes),
        *_references(document),
        element("cac:ContractDocumentReference", element("cbc:ID", document.contract_reference)),
        _project_of_a_credit_note(document.project_reference),
        *_parties_and_money(document),
        *(_line(document, line, "CreditNote", "CreditedQuantity") for line in document.lines),
    ]


def _head(document: InvoiceDocument) -> list[Element | None]:
    return [
        element("cbc:CustomizationID", profile.customization(document)),
        element("cbc:ProfileID", profile.BILLING_PROCESS),
        element("cbc:ID", document.number),
    ]


def _references(document: InvoiceDocument) -> list[Element | None]:
    return [
        element("cbc:DocumentCurrencyCode", document.currency),
        element("cbc:TaxCurrencyCode", document.tax_currency),
        element("cbc:BuyerReference", document.buyer_reference),
        _period(document.period),
        element("cac:OrderReference", element("cbc:ID", document.order_reference)),
        *(_preceding(one) for one in document.preceding),
    ]


def _project_of_a_credit_note(project: str | None) -> Element | None:
    """UBL's credit note has no place for a project; the standard says to write it here, with the code 50."""
    if project is None:
        return None
    return element("cac:AdditionalDocumentReference", element("cbc:ID", project), element("cbc:DocumentTypeCode", "50"))


def _preceding(one: Preceding) -> Element | None:
    reference = element("cbc:ID", one.number), element("cbc:IssueDate", day(one.issue_date))
    return element("cac:BillingReference", element("cac:InvoiceDocumentReference", *reference))


def _parties_and_money(document: InvoiceDocument) -> list[Element | None]:
    creditor = document.payment.creditor_id
    return [
        element("cac:AccountingSupplierParty", _party(document.seller, creditor=creditor)),
        element("cac:AccountingCustomerParty", _party(document.buyer)),
        element(
            "cac:Delivery",
            element("cbc:ActualDeliveryDate", day(document.delivery_date)),
            element("cac:DeliveryLocation", _address("cac:Address", document.delivery_address)),
        ),
        _payment(document),
        element("cac:PaymentTerms", element("cbc:Note", profile.payment_terms(document))),
        *(_allowance(one, document.currency) for one in document.allowances),
        _tax_total(document),
        _tax_in_accounting_currency(document),
        _totals(document),
    ]


# --- who


def _party(party: Party, *, creditor: str | None = None) -> Element | None:
    return element(
        "cac:Party",
        _endpoint(party.endpoint),
        element("cac:PartyIdentification", element("cbc:ID", party.identifier)),
        # BT-90 stands with the seller, of all places.
        element("cac:PartyIdentification", element("cbc:ID", creditor, schemeID="SEPA")),
        element("cac:PartyName", element("cbc:Name", party.trading_name)),
        _address("cac:PostalAddress", party.address),
        _tax_scheme(party.vat_id, "VAT"),
        _tax_scheme(party.tax_number, "FC"),
        element(
            "cac:PartyLegalEntity",
            element("cbc:RegistrationName", party.name),
            element("cbc:CompanyID", party.registration),
            element("cbc:CompanyLegalForm", party.legal_information),
        ),
        _contact(party.contact),
    )


def _endpoint(endpoint: Endpoint | None) -> Element | None:
    return element("cbc:EndpointID", endpoint.value, schemeID=endpoint.scheme) if endpoint else None


def _address(name: str, address: PostalAddress | None) -> Element | None:
    if address is None:
        return None
    return element(
        name,
        element("cbc:StreetName", address.line1),
        element("cbc:AdditionalStreetName", address.line2),
        element("cbc:CityName", address.city),
        element("cbc:PostalZone", address.postal_code),
        element("cac:Country", element("cbc:IdentificationCode", address.country)),
    )


def _tax_scheme(number_: str | None, scheme: str) -> Element | None:
    if number_ is None:
        return None
    return element(
        "cac:PartyTaxScheme", element("cbc:CompanyID", number_), element("cac:TaxScheme", element("cbc:ID", scheme))
    )


def _contact(contact: Contact | None) -> Element | None:
    if contact is None:
        return None
    return element(
        "cac:Contact",
        element("cbc:Name", contact.name),
        element("cbc:Telephone", contact.phone),
        element("cbc:ElectronicMail", contact.email),
    )


# --- money


def _payment(document: InvoiceDocument) -> Element | None:
    payment = document.payment
    due = document.due_date if document.type_code == _CREDIT_NOTE else None
    return element(
        "cac:PaymentMeans",
        element("cbc:PaymentMeansCode", payment.means_code),
        element("cbc:PaymentDueDate", day(due)),
        element("cbc:PaymentID", payment.reference),
        _account(payment),
        element(
            "cac:PaymentMandate",
            element("cbc:ID", payment.mandate_reference),
            element("cac:PayerFinancialAccount", element("cbc:ID", payment.debited_iban)),
        ),
    )


def _account(payment: Payment) -> Element | None:
    return element(
        "cac:PayeeFinancialAccount",
        element("cbc:ID", payment.iban),
        element("cbc:Name", payment.account_name),
        element("cac:FinancialInstitutionBranch", element("cbc:ID", payment.bic)),
    )


def _allowance(one: Allowance, currency: str) -> Element | None:
    return element(
        "cac:AllowanceCharge",
        element("cbc:ChargeIndicator", "false"),
        element("cbc:AllowanceChargeReason", one.reason),
        element("cbc:MultiplierFactorNumeric", number(one.percent)),
        _money("cbc:Amount", one.amount, currency),
        _money("cbc:BaseAmount", one.base_amount, currency),
        _category("cac:TaxCategory", one.category, one.rate),
    )


def _tax_total(document: InvoiceDocument) -> Element | None:
    return element(
        "cac:TaxTotal",
        _money("cbc:TaxAmount", document.tax, document.currency),
        *(_subtotal(one, document.currency) for one in document.breakdown),
    )


def _subtotal(one: TaxSubtotal, currency: str) -> Element | None:
    return element(
        "cac:TaxSubtotal",
        _money("cbc:TaxableAmount", one.taxable, currency),
        _money("cbc:TaxAmount", one.tax, currency),
        _category("cac:TaxCategory", one.category, one.rate, one.exemption_code, one.exemption_text),
    )


def _tax_in_accounting_currency(document: InvoiceDocument) -> Element | None:
    if document.tax_in_tax_currency is None or document.tax_currency is None:
        return None
    return element("cac:TaxTotal", _money("cbc:TaxAmount", document.tax_in_tax_currency, document.tax_currency))


def _totals(document: InvoiceDocument) -> Element | None:
    allowances = document.allowance_total if document.allowances else None
    paid = document.paid or None
    return element(
        "cac:LegalMonetaryTotal",
        _money("cbc:LineExtensionAmount", document.lines_net, document.currency),
        _money("cbc:TaxExclusiveAmount", document.net, document.currency),
        _money("cbc:TaxInclusiveAmount", document.gross, document.currency),
        _money("cbc:AllowanceTotalAmount", allowances, document.currency),
        _money("cbc:PrepaidAmount", paid, document.currency),
        _money("cbc:PayableAmount", document.due, document.currency),
    )


def _line(document: InvoiceDocument, line: DocumentLine, kind: str, quantity: str) -> Element | None:
    return element(
        f"cac:{kind}Line",
        element("cbc:ID", line.position),
        element("cbc:Note", line.note),
        element(f"cbc:{quantity}", number(line.quantity), unitCode=line.unit_code),
        _money("cbc:LineExtensionAmount", line.net, document.currency),
        element("cbc:AccountingCost", line.cost_centre),
        _period(line.period),
        element("cac:OrderLineReference", element("cbc:LineID", line.order_line)),
        _line_discount(line, document.currency),
        element(
            "cac:Item",
            element("cbc:Description", line.description),
            element("cbc:Name", line.name),
            element("cac:SellersItemIdentification", element("cbc:ID", line.seller_identifier)),
            _category("cac:ClassifiedTaxCategory", line.category, line.rate),
        ),
        element("cac:Price", element("cbc:PriceAmount", number(line.unit_price), currencyID=document.currency)),
    )


def _line_discount(line: DocumentLine, currency: str) -> Element | None:
    if not line.discount_amount:
        return None
    return element(
        "cac:AllowanceCharge",
        element("cbc:ChargeIndicator", "false"),
        element("cbc:AllowanceChargeReason", "Rabatt"),
        element("cbc:MultiplierFactorNumeric", number(line.discount_percent)),
        _money("cbc:Amount", line.discount_amount, currency),
        _money("cbc:BaseAmount", line.net + line.discount_amount, currency),
    )


def _period(period: ServicePeriod | None) -> Element | None:
    if period is None:
        return None
    return element(
        "cac:InvoicePeriod", element("cbc:StartDate", day(period.start)), element("cbc:EndDate", day(period.end))
    )


def _category(
    name: str, category: TaxCategory, rate: Decimal, code: str | None = None, reason: str | None = None
) -> Element | None:
    return element(
        name,
        element("cbc:ID", category.value),
        # What is not taxable has no rate, not even zero (BR-O-05).
        element("cbc:Percent", None if category is TaxCategory.O else number(rate)),
        element("cbc:TaxExemptionReasonCode", code),
        element("cbc:TaxExemptionReason", reason),
        element("cac:TaxScheme", element("cbc:ID", "VAT")),
    )


def _money(name: str, value: Decimal | None, currency: str) -> Element | None:
    return None if value is None else element(name, amount(value), currencyID=currency)
