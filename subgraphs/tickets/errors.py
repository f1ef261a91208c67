"""Refusals that only the service desk can give."""

from subgraphs.kit.errors import InvalidTransition, PreconditionFailed


class WrongStatus(InvalidTransition):
    """The ticket's status does not allow this command; the message names the statuses that do."""

    code = "TICKET_WRONG_STATUS"


class NobodyAssigned(PreconditionFailed):
    """Work can only start on a ticket that somebody has."""

    code = "TICKET_NOBODY_ASSIGNED"


class TooLateToReopen(PreconditionFailed):
    """The ticket was resolved too long ago; open a new one."""

    code = "TICKET_TOO_LATE_TO_REOPEN"
