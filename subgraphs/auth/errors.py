"""Refusals that only identity can give."""

from subgraphs.kit.errors import Conflict, InvalidTransition


class EmailTaken(Conflict):
    """Another user of this tenant signs in with this e-mail address already."""

    code = "USER_EMAIL_TAKEN"


class WrongStatus(InvalidTransition):
    """The user's status does not allow this; the message says what does."""

    code = "USER_WRONG_STATUS"


class NameTaken(Conflict):
    """Another team of this tenant has this name already."""

    code = "TEAM_NAME_TAKEN"
