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
