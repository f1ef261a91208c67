"""What is true about tickets, with no I/O: their statuses, the moves between them, and who may read what.

    createTicket ──► NEW ──assign──► OPEN ──start──► IN_PROGRESS ──resolve──► RESOLVED ──close──► CLOSED
                      └── schedule ─► SCHEDULED ──start──┘ │                      │
                                       ▲  waitForCustomer  │ waitForVendor        └──reopen──► OPEN
                                       └── reply ◄── WAITING_*

Any ticket that is not done can be cancelled, or merged into another one of the same customer. The table `MOVES` is the whole truth; everything else asks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import MappingProxyType

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.errors import TooLateToReopen, WrongStatus
from subgraphs.tickets.rules import calendars
from subgraphs.tickets.rules.calendars import Calendar


class TicketStatus(Enum):
    """Where a ticket is on its way from new to done."""

    NEW = "NEW"
    """Nobody has looked at it."""
    OPEN = "OPEN"
    """Somebody has it."""
    IN_PROGRESS = "IN_PROGRESS"
    """Somebody works on it."""
    SCHEDULED = "SCHEDULED"
    """There is an appointment for it."""
    WAITING_CUSTOMER = "WAITING_CUSTOMER"
    """The customer was asked something."""
    WAITING_VENDOR = "WAITING_VENDOR"
    """A vendor was asked something."""
    RESOLVED = "RESOLVED"
    """Done, as far as we know; the customer may object."""
    CLOSED = "CLOSED"
    """Done for good."""
    CANCELLED = "CANCELLED"
    """Will not be done."""
    MERGED = "MERGED"
    """Continued in another ticket."""


class TicketStatusCategory(Enum):
    """What a status means for whoever plans the day."""

    OPEN = "OPEN"
    """We have to act."""
    WAITING = "WAITING"
    """Somebody else has to act."""
    DONE = "DONE"
    """Nobody has to act."""


class TicketType(Enum):
    """What kind of work a ticket is."""

    INCIDENT = "INCIDENT"
    """Something is broken."""
    SERVICE_REQUEST = "SERVICE_REQUEST"
    """Somebody wants something."""
    PROBLEM = "PROBLEM"
    """The cause behind incidents."""
    CHANGE = "CHANGE"
    """A planned change."""
    TASK = "TASK"
    """Work that nobody outside waits for."""
    ALERT = "ALERT"
    """A machine complains."""


class TicketPriority(Enum):
    """How urgent a ticket is."""

    P1 = "P1"
    """Everything stands still."""
    P2 = "P2"
    """Many cannot work properly."""
    P3 = "P3"
    """Somebody cannot work properly."""
    P4 = "P4"
    """It can wait."""


class TicketSource(Enum):
    """How a ticket came in."""

    EMAIL = "EMAIL"
    """By mail."""
    PORTAL = "PORTAL"
    """Through the customer portal."""
    PHONE = "PHONE"
    """By telephone."""
    API = "API"
    """By a program."""
    ALERT = "ALERT"
    """From monitoring."""
    CHAT = "CHAT"
    """In a chat."""
    RECURRING = "RECURRING"
    """By a schedule."""
    MANUAL = "MANUAL"
    """Written by hand."""


class TicketMessageKind(Enum):
    """Who said something about a ticket, and who may read it."""

    PUBLIC_REPLY = "PUBLIC_REPLY"
    """From us to the customer."""
    INTERNAL_NOTE = "INTERNAL_NOTE"
    """Among us; customers never see it."""
    SYSTEM = "SYSTEM"
    """From the platform."""
    CUSTOMER_MESSAGE = "CUSTOMER_MESSAGE"
    """From the customer to us."""


class QueueVisibility(Enum):
    """Who sees the tickets of a queue."""

    INTERNAL = "INTERNAL"
    """We, and the customers whose tickets they are; not the technicians who work together with us."""
    SHARED = "SHARED"
    """Also the customer's own technicians."""


class TicketLinkKind(Enum):
    """What a ticket is to another."""

    DUPLICATE_OF = "DUPLICATE_OF"
    """It says the same again."""
    CAUSED_BY = "CAUSED_BY"
    """The other is its cause."""
    BLOCKS = "BLOCKS"
    """The other has to wait for it."""
    FOLLOW_UP_OF = "FOLLOW_UP_OF"
    """It goes on where the other ended."""
    RELATED = "RELATED"
    """They have to do with each other."""


class MessageChannel(Enum):
    """How a message came or went."""

    PORTAL = "PORTAL"
    """Through the platform."""
    EMAIL = "EMAIL"
    """By mail."""


class Move(Enum):
    """The commands that move a ticket, by their GraphQL names."""

    ASSIGN = "assignTicket"
    START = "startTicket"
    SCHEDULE = "scheduleTicket"
    WAIT_FOR_CUSTOMER = "waitForCustomer"
    WAIT_FOR_VENDOR = "waitForVendor"
    ANSWERED = "replyToTicket"
    RESOLVE = "resolveTicket"
    REOPEN = "reopenTicket"
    CLOSE = "closeTicket"
    CANCEL = "cancelTicket"
    MERGE = "mergeTicket"


S = TicketStatus

CATEGORY: Mapping[TicketStatus, TicketStatusCategory] = MappingProxyType(
    dict.fromkeys((S.NEW, S.OPEN, S.IN_PROGRESS, S.SCHEDULED), TicketStatusCategory.OPEN)
    | dict.fromkeys((S.WAITING_CUSTOMER, S.WAITING_VENDOR), TicketStatusCategory.WAITING)
    | dict.fromkeys((S.RESOLVED, S.CLOSED, S.CANCELLED, S.MERGED), TicketStatusCategory.DONE)
)

DONE = frozenset(status for status, category in CATEGORY.items() if category is TicketStatusCategory.DONE)
NOT_DONE = frozenset(S) - DONE


@dataclass(frozen=True, slots=True)
class Way:
    """Where a move may begin and where it ends."""

    sources: frozenset[TicketStatus]
    target: TicketStatus


MOVES: Mapping[Move, Way] = MappingProxyType(
    {
        Move.ASSIGN: Way(frozenset({S.NEW}), S.OPEN),
        Move.START: Way(frozenset({S.NEW, S.OPEN, S.SCHEDULED}), S.IN_PROGRESS),
        Move.SCHEDULE: Way(frozenset({S.NEW, S.OPEN, S.IN_PROGRESS}), S.SCHEDULED),
        Move.WAIT_FOR_CUSTOMER: Way(frozenset({S.OPEN, S.IN_PROGRESS, S.SCHEDULED}), S.WAITING_CUSTOMER),
        Move.WAIT_FOR_VENDOR: Way(frozenset({S.OPEN, S.IN_PROGRESS}), S.WAITING_VENDOR),
        Move.ANSWERED: Way(frozenset({S.WAITING_CUSTOMER}), S.OPEN),
        Move.RESOLVE: Way(NOT_DONE, S.RESOLVED),
        Move.REOPEN: Way(frozenset({S.RESOLVED}), S.OPEN),
        Move.CLOSE: Way(frozenset({S.RESOLVED}), S.CLOSED),
        Move.CANCEL: Way(NOT_DONE, S.CANCELLED),
        Move.MERGE: Way(NOT_DONE, S.MERGED),
    }
)

INSIDERS = frozenset({"STAFF", "SERVICE", "SYSTEM"})
"""The kinds of callers who read and write internal notes; the wall around the notes says the same."""

_GROUPS: Mapping[str, frozenset[TicketStatus]] = MappingProxyType(
    {
        "open": NOT_DONE,
        "waiting": frozenset({S.WAITING_CUSTOMER, S.WAITING_VENDOR}),
        "closed": DONE,
        "all": frozenset(S),
    }
)


def moved(move: Move, status: TicketStatus) -> TicketStatus:
    """The status after `move`; raises `WrongStatus` when it does not start from `status`."""
    way = MOVES[move]
    if status not in way.sources:
        allowed = ", ".join(sorted(source.value for source in way.sources))
        raise WrongStatus(f"{move.value} works from {allowed}; this ticket is {status.value}.", field="id")
    return way.target


def statuses(named: str | None) -> frozenset[TicketStatus]:
    """The statuses that a filter word means: `open`, `waiting`, `closed`, `all`, or a status by name, in any case.

    Nothing given means all. Raises `Invalid` for any other word.
    """
    if named is None:
        return frozenset(S)
    if group := _GROUPS.get(named.lower()):
        return group
    try:
        return frozenset({S(named.upper())})
    except ValueError:
        words = ", ".join([*_GROUPS, *(status.value for status in S)])
        raise Invalid(f"{named!r} is no ticket status; use one of {words}.", field="status") from None


def check_reopening(resolved_at: datetime | None, at: datetime, calendar: Calendar, *, within: int) -> None:
    """Raise `TooLateToReopen` when more than so many business days have passed since the ticket was resolved."""
    if resolved_at and calendars.business_days(calendar, resolved_at, at) > within:
        raise TooLateToReopen(f"It was resolved more than {within} business days ago; open a new ticket.", field="id")


def check_ratable(status: TicketStatus) -> None:
    """Raise `WrongStatus` unless the ticket is done: before that there is nothing to rate."""
    if status not in {S.RESOLVED, S.CLOSED}:
        raise WrongStatus(f"rateTicket works from CLOSED, RESOLVED; this ticket is {status.value}.", field="id")
