"""What billing tells the others: documents from draft to payment, what is asked for late, what was paid before, what is sold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.envelope import Event, Payload, catalogue


class Amount(Payload):
    """An amount of money; the amount is text, so that no reader makes a float of it."""

    amount: Decimal
    currency: str


class LegalAddress(Payload):
    """Where a company sits."""

    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    city: str | None = None
    country: str | None = None


class DocumentTotals(Payload):
    """What a document comes to."""

    net: Amount
    tax: Amount
    gross: Amount


class _InvoiceFact(Event):
    subject_type = "Invoice"

    id: UUID


class InvoiceGenerated(_InvoiceFact):
    """A draft of an invoice was made, by hand or by a billing run; it has no number yet."""

    type = "invoice.generated"

    customer_id: UUID
    kind: str
    """INVOICE, PARTIAL, FINAL, CANCELLATION, CREDIT_NOTE or SELF_BILLED."""
    totals: DocumentTotals
    billing_run_id: UUID | None = None


class InvoiceUpdated(_InvoiceFact):
    """A draft was changed, thrown away or taken back from approval, or a document was disputed or blocked from dunning."""

    type = "invoice.updated"

    changed: tuple[str, ...]
    """The fields that changed, by their names in GraphQL."""


class InvoiceApproved(_InvoiceFact):
    """Somebody looked at a draft and found it right."""

    type = "invoice.approved"

    approved_by: UUID
    at: AwareDatetime


class InvoiceIssued(_InvoiceFact):
    """A document got its number, and can't be changed any more."""

    type = "invoice.issued"

    number: str
    kind: str
    customer_id: UUID
    issue_date: date
    due_date: date | None = None
    totals: DocumentTotals
    format: str
    """How the customer wants it: NONE_PDF, ZUGFERD_EN16931, XRECHNUNG_UBL or XRECHNUNG_CII."""


class InvoiceSent(_InvoiceFact):
    """A document was handed over for delivery."""

    type = "invoice.sent"

    number: str
    customer_id: UUID
    to: str | None = None
    """The address it went to."""


class _InvoicePayment(_InvoiceFact):
    number: str
    customer_id: UUID
    open: Amount
    """What is still open."""


class InvoicePaid(_InvoicePayment):
    """Nothing of a document is open any more."""

    type = "invoice.paid"


class InvoicePartiallyPaid(_InvoicePayment):
    """A part of a document was paid."""

    type = "invoice.partially_paid"


class InvoiceOverdue(_InvoicePayment):
    """The day has passed on which a document had to be paid, and something of it is open: told once."""

    type = "invoice.overdue"

    due_date: date


class InvoiceWrittenOff(_InvoicePayment):
    """Nobody expects the rest of a document any more."""

    type = "invoice.written_off"

    reason: str


class InvoiceCancelled(_InvoiceFact):
    """A document was undone by another one; what it billed can be billed again."""

    type = "invoice.cancelled"

    number: str
    customer_id: UUID
    cancellation_id: UUID
    cancellation_number: str
    reason: str
    time_entry_ids: tuple[UUID, ...] = ()
    """The time entries that are open again."""


class TimeEntryBilled(Event):
    """Time entries stand on an issued document: they can't be changed any more."""

    type = "time_entry.billed"
    subject_type = "Invoice"

    ids: tuple[UUID, ...]
    invoice_id: UUID


class PaymentReceived(Event):
    """Money came in."""

    type = "payment.received"
    subject_type = "Payment"

    id: UUID
    customer_id: UUID
    invoice_ids: tuple[UUID, ...]
    amount: Amount
    value_date: date


class PaymentReversed(Event):
    """A payment was taken back: what it paid is open again."""

    type = "payment.reversed"
    subject_type = "Payment"

    id: UUID
    customer_id: UUID
    invoice_ids: tuple[UUID, ...]
    amount: Amount
    reason: str


class DunningNoticeSent(Event):
    """A customer was asked for money that is late."""

    type = "dunning.notice_sent"
    subject_type = "DunningNotice"

    id: UUID
    customer_id: UUID
    level: int
    """0 is the friendly reminder, 3 the last one."""
    invoice_ids: tuple[UUID, ...]
    fee: Amount
    interest: Amount


class BillingRunCompleted(Event):
    """A billing run made its drafts; somebody has to look at them."""

    type = "billing_run.completed"
    subject_type = "BillingRun"

    id: UUID
    drafts: int
    net: Amount
    warnings: int


class BillingRunFailed(Event):
    """A billing run that a worker was asked for could not be made: there are no drafts, and somebody has to look why."""

    type = "billing_run.failed"
    subject_type = "BillingRun"

    id: UUID
    until: date
    """What is due on this day was to be billed."""
    legal_entity_id: UUID
    """Who sells."""
    reason: str
    """The code of the refusal, or INTERNAL: then it can be tried again, as a dead letter."""
    message: str


class BillingRunDiscarded(Event):
    """The drafts of a billing run were thrown away, all of them together; what was on them can be billed again."""

    type = "billing_run.discarded"
    subject_type = "BillingRun"

    id: UUID
    drafts: int
    """How many there were."""


class ContractQuantityVarianceDetected(Event):
    """A source counts another number than the contract bills."""

    type = "contract.quantity_variance_detected"
    subject_type = "Contract"

    contract_id: UUID
    contract_line_id: UUID
    source_quantity: Decimal
    billed_quantity: Decimal
    monthly_impact: Amount


class _PrepaidFact(Event):
    subject_type = "Contract"

    contract_id: UUID
    customer_id: UUID
    unit: str
    """HOURS, MONEY or TICKETS."""


class PrepaidLow(_PrepaidFact):
    """Less than a fifth is left of what was paid before."""

    type = "prepaid.low"

    remaining: Decimal


class PrepaidExhausted(_PrepaidFact):
    """Nothing is left of what was paid before."""

    type = "prepaid.exhausted"


class PrepaidExpired(_PrepaidFact):
    """What was left of a balance is gone, because its time was up."""

    type = "prepaid.expired"

    quantity: Decimal


class DatevExported(Event):
    """Bookings were exported for DATEV."""

    type = "datev.exported"
    subject_type = "ExportBatch"

    id: UUID
    period_start: date
    period_end: date
    rows: int
    sha256: str
    duplicate: bool


class InboundInvoiceReceived(Event):
    """An invoice of a supplier came in; somebody has to look at it."""

    type = "inbound_invoice.received"
    subject_type = "InboundInvoice"

    id: UUID
    format: str
    """UBL, CII or ZUGFERD."""
    number: str | None = None
    supplier: str | None = None
    gross: Amount | None = None
    valid: bool
    """The official rules have nothing fatal against it."""


class _ProductFact(Event):
    subject_type = "Product"

    id: UUID
    sku: str
    name: str
    active: bool


class ProductCreated(_ProductFact):
    """Something can be sold that could not be sold before."""

    type = "product.created"


class ProductUpdated(_ProductFact):
    """A product was changed."""

    type = "product.updated"

    changed: tuple[str, ...]
    """The fields that changed, by their names in GraphQL."""


class _LegalEntityFact(Event):
    """Who sells, as it stands on documents; nothing of banks and books."""

    subject_type = "LegalEntity"

    id: UUID
    name: str
    address: LegalAddress
    vat_id: str | None = None
    tax_number: str | None = None
    register_court: str | None = None
    register_no: str | None = None
    managing_directors: tuple[str, ...] = ()
    contact_name: str
    contact_phone: str | None = None
    contact_email: str
    time_zone: str
    small_business: bool = False
    """Asks for no VAT (§ 19 UStG)."""


class LegalEntityCreated(_LegalEntityFact):
    """A company that sells was entered."""

    type = "legal_entity.created"


class LegalEntityUpdated(_LegalEntityFact):
    """A company that sells was changed; documents that were issued keep what they say."""

    type = "legal_entity.updated"


CATALOGUE = catalogue(
    InvoiceGenerated,
    InvoiceUpdated,
    InvoiceApproved,
    InvoiceIssued,
    InvoiceSent,
    InvoicePaid,
    InvoicePartiallyPaid,
    InvoiceOverdue,
    InvoiceWrittenOff,
    InvoiceCancelled,
    TimeEntryBilled,
    PaymentReceived,
    PaymentReversed,
    DunningNoticeSent,
    BillingRunCompleted,
    BillingRunFailed,
    BillingRunDiscarded,
    ContractQuantityVarianceDetected,
    PrepaidLow,
    PrepaidExhausted,
    PrepaidExpired,
    DatevExported,
    InboundInvoiceReceived,
    ProductCreated,
    ProductUpdated,
    LegalEntityCreated,
    LegalEntityUpdated,
)
"""Every event of billing by its type."""
