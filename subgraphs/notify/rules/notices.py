"""The table of what is told: which event is told to whom, by which channels, and whether one may say no.

An event is read as its data lie in the envelope, and what an older writer did not say is absent: nobody is told by a
field that is not there. Adding a line here is all that it takes to tell people of one more event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from subgraphs.notify.rules.channels import ChannelKind

IN_APP, EMAIL, TEAMS, SMS = ChannelKind.IN_APP, ChannelKind.EMAIL, ChannelKind.TEAMS, ChannelKind.SMS


class Category(Enum):
    """What a notification is about; preferences are set for each."""

    TICKETS = "TICKETS"
    """Tickets: opened, assigned, answered, resolved."""
    SLA = "SLA"
    """What was promised: nearly late, or late."""
    INVOICES = "INVOICES"
    """Invoices: drafted and issued."""
    ASSETS = "ASSETS"
    """Devices whose life ends."""
    INTEGRATIONS = "INTEGRATIONS"
    """Connections to other systems that do not work."""
    ACCOUNT = "ACCOUNT"
    """One's own account; can't be switched off."""
    ON_CALL = "ON_CALL"
    """Calls of those who are on call; can't be switched off."""


class Audience(Enum):
    """Who is told, as seen from the event."""

    ASSIGNEE = "ASSIGNEE"
    CONTACT = "CONTACT"
    WATCHERS = "WATCHERS"
    OWNER = "OWNER"
    APPROVERS = "APPROVERS"
    REQUESTER = "REQUESTER"
    USER = "USER"
    ROLES = "ROLES"


@dataclass(frozen=True, slots=True)
class Line:
    """To whom one event is told, and how."""

    audience: Audience
    channels: tuple[ChannelKind, ...]
    roles: tuple[str, ...] = ()
    staff_only: bool = True
    kinds: tuple[str, ...] = ()
    """Only for these kinds of messages."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One event that people are told of."""

    category: Category
    lines: tuple[Line, ...]
    mandatory: bool = False
    urgent: bool = False
    """Told at once: not put together with others."""


def _ticket(*lines: Line, urgent: bool = False) -> Notice:
    return Notice(Category.TICKETS, lines, urgent=urgent)


def _account(*lines: Line) -> Notice:
    return Notice(Category.ACCOUNT, lines or (_USER,), mandatory=True, urgent=True)


_USER: Final = Line(Audience.USER, (IN_APP, EMAIL), staff_only=False)
_ASSIGNEE: Final = Line(Audience.ASSIGNEE, (IN_APP, EMAIL))
_CONTACT: Final = Line(Audience.CONTACT, (EMAIL,), staff_only=False)
_PUBLIC: Final = ("PUBLIC_REPLY", "CUSTOMER_MESSAGE")
_ALL_KINDS: Final = (*_PUBLIC, "INTERNAL_NOTE")

NOTICES: Final[Mapping[str, Notice]] = MappingProxyType(
    {
        "ticket.created": _ticket(_CONTACT, Line(Audience.ROLES, (IN_APP,), roles=("dispatcher",))),
        "ticket.assigned": _ticket(_ASSIGNEE),
        "ticket.replied": _ticket(
            Line(Audience.ASSIGNEE, (IN_APP, EMAIL), kinds=_ALL_KINDS),
            Line(Audience.WATCHERS, (IN_APP,), kinds=_ALL_KINDS),
            Line(Audience.CONTACT, (EMAIL,), staff_only=False, kinds=("PUBLIC_REPLY",)),
        ),
        "ticket.approval_requested": _ticket(Line(Audience.APPROVERS, (IN_APP, EMAIL)), _CONTACT),
        "ticket.approval_decided": _ticket(
            Line(Audience.REQUESTER, (IN_APP, EMAIL)), Line(Audience.ASSIGNEE, (IN_APP,))
        ),
        "ticket.resolved": _ticket(_CONTACT, Line(Audience.ASSIGNEE, (IN_APP,))),
        "sla.warning": Notice(Category.SLA, (_ASSIGNEE,)),
        "sla.breached": Notice(
            Category.SLA,
            (
                Line(Audience.ASSIGNEE, (IN_APP, EMAIL, SMS)),
                Line(Audience.ROLES, (IN_APP, EMAIL), roles=("dispatcher",)),
            ),
            urgent=True,
        ),
        "invoice.generated": Notice(Category.INVOICES, (Line(Audience.ROLES, (IN_APP,), roles=("accountant",)),)),
        "invoice.issued": Notice(Category.INVOICES, (Line(Audience.ROLES, (IN_APP,), roles=("accountant",)),)),
        "asset.eol": Notice(Category.ASSETS, (Line(Audience.ROLES, (IN_APP, EMAIL), roles=("vcio",)),)),
        "notification.bounced": Notice(
            Category.INTEGRATIONS,
            # In the app alone: what tells by mail that mails come back would go round and round.
            (Line(Audience.ASSIGNEE, (IN_APP,)), Line(Audience.ROLES, (IN_APP,), roles=("admin",))),
        ),
        "webhook.disabled": Notice(Category.INTEGRATIONS, (Line(Audience.OWNER, (IN_APP, EMAIL)),)),
        "user.invited": _account(Line(Audience.USER, (IN_APP,), staff_only=False)),
        "api_key.created": _account(Line(Audience.OWNER, (IN_APP, EMAIL), staff_only=False)),
        "mfa.reset": _account(),
        "auth.login_failed_threshold": _account(),
        "impersonation.started": _account(),
    }
)
"""Every event that people are told of."""

SETTLES: Final = frozenset({"ticket.resolved", "ticket.closed", "ticket.cancelled", "ticket.merged"})
"""After these nobody is called for a ticket any more."""

COLLAPSE_SECONDS: Final = 120
"""For so long what happens to one thing is gathered before one person is told by one channel."""

_MOST_URGENT: Final = "P1"


def applies(line: Line, data: Mapping[str, Any]) -> bool:
    """Whether a line is for this event: of messages only some kinds are."""
    return not line.kinds or data.get("kind") in line.kinds


def is_critical(priority: str | None) -> bool:
    """Whether a text message may disturb the quiet hours."""
    return priority == _MOST_URGENT


def thing(subject: str, data: Mapping[str, Any]) -> tuple[str, str]:
    """What an event is about, as people see it: the clock of a promise is about its ticket, a message about its thing."""
    kind, _, identity = subject.partition("/")
    if kind == "Delivery" and data.get("relatedType") and data.get("relatedId"):
        return str(data["relatedType"]), str(data["relatedId"])
    return ("Ticket", str(data["ticketId"])) if kind == "SlaClock" and "ticketId" in data else (kind, identity)
