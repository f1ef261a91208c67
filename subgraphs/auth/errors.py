"""Refusals that only identity can give."""

from subgraphs.kit.errors import Conflict, Invalid, InvalidTransition, PreconditionFailed, Refusal


class EmailTaken(Conflict):
    """Another user of this tenant signs in with this e-mail address already."""

    code = "USER_EMAIL_TAKEN"


class ContactTaken(Conflict):
    """Another user of this tenant is this contact already."""

    code = "USER_CONTACT_TAKEN"


class WrongStatus(InvalidTransition):
    """The user's status does not allow this; the message says what does."""

    code = "USER_WRONG_STATUS"


class NameTaken(Conflict):
    """Another team of this tenant has this name already."""

    code = "TEAM_NAME_TAKEN"


class LastOwner(PreconditionFailed):
    """Nobody else could change what this tenant's people may do; make somebody an owner first."""

    code = "LAST_OWNER"


class RoleNotFitting(Invalid):
    """The role is for people on the other side of the counter."""

    code = "ROLE_NOT_FITTING"


class RoleKeyTaken(Conflict):
    """Another role of this tenant has this key already."""

    code = "ROLE_KEY_TAKEN"


class RoleInUse(PreconditionFailed):
    """Somebody still has the role; take it from them first."""

    code = "ROLE_IN_USE"


class NotProven(Refusal):
    """The password, code or key is not the right one, or has been used."""

    code = "NOT_PROVEN"


class TooSoon(Refusal):
    """There were too many failures; the message says how many seconds to wait."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, seconds: int, field: str | None = None) -> None:
        """Remember how long."""
        super().__init__(message, field=field)
        self.seconds = seconds


class LinkSpent(Refusal):
    """The link was used before, or has expired: ask for a new one."""

    code = "LINK_SPENT"
