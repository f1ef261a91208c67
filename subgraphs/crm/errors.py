"""Refusals that only customer management can give."""

from subgraphs.kit.errors import Conflict, InvalidTransition, PreconditionFailed


class NumberTaken(Conflict):
    """Another customer has this number already; choose another one, or none to get the next that is free."""

    code = "CUSTOMER_NUMBER_TAKEN"


class WrongStatus(InvalidTransition):
    """The customer's status does not allow this; the message says what does."""

    code = "CUSTOMER_WRONG_STATUS"


class Circle(Conflict):
    """A customer cannot belong to itself, nor to one that belongs to it."""

    code = "CUSTOMER_PARENT_CIRCLE"


class ContactGone(PreconditionFailed):
    """The person is deactivated, and only an active one can be or do this."""

    code = "CONTACT_INACTIVE"


class ContractWrongStatus(InvalidTransition):
    """The contract's status does not allow this; the message says which one does."""

    code = "CONTRACT_WRONG_STATUS"


class ContractInForce(Conflict):
    """The contract is no draft any more: contents change by amendments, from a day on."""

    code = "CONTRACT_IN_FORCE"


class ContractIncomplete(PreconditionFailed):
    """Something is missing without which the contract cannot hold."""

    code = "CONTRACT_INCOMPLETE"


class ContractTerm(PreconditionFailed):
    """The term of the contract does not allow this day."""

    code = "CONTRACT_TERM"


class QuoteWrongStatus(InvalidTransition):
    """The quote's status does not allow this; the message says which one does."""

    code = "QUOTE_WRONG_STATUS"


class QuoteNotAcceptable(PreconditionFailed):
    """The revision is expired or superseded, or the acceptance link is not the one that was sent."""

    code = "QUOTE_NOT_ACCEPTABLE"


class OpportunityClosed(InvalidTransition):
    """The opportunity is won or lost already."""

    code = "OPPORTUNITY_CLOSED"


class UploadIncomplete(Conflict):
    """Not all parts of the file have come; bring those that are missing."""

    code = "CSV_UPLOAD_INCOMPLETE"
