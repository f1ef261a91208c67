"""Refusals that only the service desk can give."""

from subgraphs.kit.errors import Conflict, InvalidTransition, PreconditionFailed


class WrongStatus(InvalidTransition):
    """The ticket's status does not allow this command; the message names the statuses that do."""

    code = "TICKET_WRONG_STATUS"


class NobodyAssigned(PreconditionFailed):
    """Work can only start on a ticket that somebody has."""

    code = "TICKET_NOBODY_ASSIGNED"


class TooLateToReopen(PreconditionFailed):
    """The ticket was resolved too long ago; open a new one."""

    code = "TICKET_TOO_LATE_TO_REOPEN"


class TimeEntryWrongStatus(InvalidTransition):
    """The time entry's status does not allow this command; the message names the statuses that do."""

    code = "TIME_ENTRY_WRONG_STATUS"


class Overlapping(PreconditionFailed):
    """The same person has another entry at the same time; one of the two must be corrected before approval."""

    code = "TIME_ENTRY_OVERLAPS"


class StillOpen(PreconditionFailed):
    """Something of the ticket is not done yet: a timer that runs, a step that is required, an incident below it."""

    code = "TICKET_STILL_OPEN"


class AlreadyRated(Conflict):
    """The customer said before what they thought of this ticket."""

    code = "TICKET_ALREADY_RATED"


class UploadIncomplete(Conflict):
    """Not all parts of the file have come; bring those that are missing."""

    code = "UPLOAD_INCOMPLETE"


class FileRefused(Conflict):
    """A file of this type, or of this size, is not kept here."""

    code = "FILE_REFUSED"


class NotAChange(PreconditionFailed):
    """Approval is asked for changes alone."""

    code = "TICKET_NOT_A_CHANGE"


class NotApproved(PreconditionFailed):
    """The change has to be approved before anybody begins or resolves it."""

    code = "TICKET_NOT_APPROVED"


class NoApprovers(PreconditionFailed):
    """Nobody could approve this: the customer has no contact who decides, or the team nobody but who asks."""

    code = "TICKET_NO_APPROVERS"


class ApprovalClosed(InvalidTransition):
    """The approval has come to an end; the message names its status."""

    code = "TICKET_APPROVAL_CLOSED"


class ApprovalGiven(Conflict):
    """This approver has decided already."""

    code = "TICKET_APPROVAL_GIVEN"
