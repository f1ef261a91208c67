"""Refusals that only notify can give."""

from subgraphs.kit.errors import Conflict, Invalid, PreconditionFailed


class Mandatory(Invalid):
    """Notifications of this kind can't be switched off, put together or put off."""

    code = "NOTIFICATION_MANDATORY"


class BadTemplate(Invalid):
    """The template can't be read, or uses what templates may not use."""

    code = "TEMPLATE_INVALID"


class StillOnItsWay(Conflict):
    """This delivery is still being tried; only what has come to an end can be sent again."""

    code = "DELIVERY_PENDING"


class NoChannel(PreconditionFailed):
    """Nothing is set up for this channel, or it is switched off."""

    code = "CHANNEL_NOT_CONFIGURED"


class NotReachable(Invalid):
    """The address is none that we connect to: it must lead to where the whole internet can go."""

    code = "URL_NOT_ALLOWED"
