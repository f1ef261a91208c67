"""Refusals that only integrations can give."""

from subgraphs.kit.errors import Conflict, Invalid, PreconditionFailed


class CursorExpired(Conflict):
    """What changed after this cursor is no longer kept; begin again, without a cursor, after reading everything anew."""

    code = "CURSOR_EXPIRED"


class WebhookDisabled(PreconditionFailed):
    """The webhook is switched off; enable it first."""

    code = "WEBHOOK_DISABLED"


class StillOnItsWay(Conflict):
    """This delivery is still being tried; only what has come to an end can be sent again."""

    code = "DELIVERY_PENDING"


class NotReachable(Invalid):
    """The URL is none that webhooks are sent to: it must be https, and lead to where the whole internet can go."""

    code = "URL_NOT_ALLOWED"


class TooManyWebhooks(Conflict):
    """You have as many webhooks, or endpoints, as there may be."""

    code = "WEBHOOK_LIMIT"
