"""Refusals that only billing can give."""

from subgraphs.kit.errors import Conflict, Invalid, InvalidTransition, PreconditionFailed


class WrongInvoiceStatus(InvalidTransition):
    """The document's status does not allow this command; the message names the statuses that do."""

    code = "INVALID_TRANSITION"


class WrongRunStatus(InvalidTransition):
    """The billing run's status does not allow this command; the message names the statuses that do."""

    code = "INVALID_TRANSITION"


class WrongItemStatus(InvalidTransition):
    """The billable item's status does not allow this command; the message names the statuses that do."""

    code = "INVALID_TRANSITION"


class Immutable(Conflict):
    """An issued document can't be changed or deleted; cancel it by a document of its own."""

    code = "IMMUTABLE"


class TaxReview(PreconditionFailed):
    """No rule says which VAT is due; somebody has to look at it before it can be invoiced."""

    code = "TAX_REVIEW"


class BackDated(PreconditionFailed):
    """The date of issue lies before the last document of the same number range, or in a closed period."""

    code = "ISSUE_DATE_BACK_DATED"


class NothingToBill(PreconditionFailed):
    """There is nothing that could be on an invoice."""

    code = "NOTHING_TO_BILL"


class OverAllocated(Invalid):
    """More of a payment was allocated than there is of it, or than the document still asks for."""

    code = "OVER_ALLOCATED"


class InsufficientBalance(PreconditionFailed):
    """The prepaid balance does not hold so much."""

    code = "INSUFFICIENT_BALANCE"


class DuplicateExport(PreconditionFailed):
    """This period was exported before; say that you want a second batch, and it is marked as a duplicate."""

    code = "DUPLICATE_EXPORT"


class NotEncodable(Invalid):
    """The bookings can't be written as the accounting system wants them; the message says which value is to blame."""

    code = "EXPORT_INVALID"


class PaymentsStale(PreconditionFailed):
    """Payments were imported too long ago: a dunning run now would warn people who have paid."""

    code = "PAYMENTS_STALE"


class EInvoiceInvalid(PreconditionFailed):
    """The official rules for e-invoices refuse the document; the message names them, and no number was used."""

    code = "EINVOICE_INVALID"
