"""Approvals of changes, with no I/O: who may decide, when enough have, and what waits for them.

    requestTicketApproval ──► PENDING ──┬── so many yes as were asked for ─────────────► APPROVED ─┐ the change is
                                │       └── so many no that they cannot come any more ─► REJECTED  │ described anew
                                └── withdrawn, or the ticket ended ──► WITHDRAWN                   ▼ before work begins
                                                                                                 LAPSED

The customer's people approve that it happens to them, a team of ours (a change advisory board) that it is done in this way. Whoever
may decide is written down with the request, so that nobody becomes an approver afterwards; and nobody decides what they asked for.

Of each side the latest request counts that was not withdrawn. As long as one of these is not APPROVED, the change waits: it may be
planned and talked about, but nobody starts or resolves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.errors import ApprovalClosed, ApprovalGiven, NoApprovers, NotAChange, NotApproved
from subgraphs.tickets.rules.tickets import Move, TicketStatus, TicketType

MOST_APPROVERS = 50


class TicketApprovalBy(Enum):
    """Who approves."""

    CUSTOMER = "CUSTOMER"
    """People of the customer."""
    TEAM = "TEAM"
    """A team of ours."""


class TicketApprovalStatus(Enum):
    """Where an approval is."""

    PENDING = "PENDING"
    """Not enough have decided."""
    APPROVED = "APPROVED"
    """Enough said yes."""
    REJECTED = "REJECTED"
    """So many said no that not enough can say yes."""
    WITHDRAWN = "WITHDRAWN"
    """It is not wanted any more."""
    LAPSED = "LAPSED"
    """The change was described anew: what was approved is not what would be done."""


class TicketApprovalDecision(Enum):
    """What an approver says."""

    APPROVE = "APPROVE"
    """Yes."""
    REJECT = "REJECT"
    """No."""


S = TicketApprovalStatus

HELD = frozenset({Move.START, Move.RESOLVE})
"""The moves that wait for approval: before, a change may be planned, and after, it is done."""

NOT_BEGUN = frozenset(
    {
        TicketStatus.NEW,
        TicketStatus.OPEN,
        TicketStatus.SCHEDULED,
        TicketStatus.WAITING_CUSTOMER,
        TicketStatus.WAITING_VENDOR,
    }
)
"""The statuses in which nobody works on a change: who describes it anew has to ask anew."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for approval, as the rules see it."""

    by: TicketApprovalBy
    team: UUID | None
    status: TicketApprovalStatus


def check_asked(kind: TicketType) -> None:
    """Raise `NotAChange` for what needs nobody's approval."""
    if kind is not TicketType.CHANGE:
        raise NotAChange(f"Only a CHANGE is approved; this ticket is a {kind.value}.", field="id")


def quorum(wanted: int | None, approvers: int) -> int:
    """How many have to say yes: one unless more were asked for; raises when there is nobody, or not so many."""
    if not approvers:
        raise NoApprovers("There is nobody who could approve this.", field="id")
    if approvers > MOST_APPROVERS:
        raise Invalid(f"At most {MOST_APPROVERS} people are asked at once.", field="quorum")
    if wanted is not None and not 1 <= wanted <= approvers:
        raise Invalid(f"quorum must be between 1 and {approvers}, so many as may decide.", field="quorum")
    return wanted or 1


def check_deciding(status: TicketApprovalStatus, *, decided: bool) -> None:
    """Raise `ApprovalClosed` when nothing is to be decided any more, `ApprovalGiven` when this approver has."""
    if status is not S.PENDING:
        raise ApprovalClosed(f"Only what is PENDING is decided; this approval is {status.value}.", field="id")
    if decided:
        raise ApprovalGiven("You have decided already.", field="id")


def check_withdrawing(status: TicketApprovalStatus) -> None:
    """Raise `ApprovalClosed` when the approval has come to an end: a no cannot be taken back by who asked."""
    if status is not S.PENDING:
        raise ApprovalClosed(f"Only what is PENDING is withdrawn; this approval is {status.value}.", field="id")


def outcome(votes: Sequence[TicketApprovalDecision], *, approvers: int, needed: int) -> TicketApprovalStatus:
    """What so many votes come to: approved by `needed` of them, rejected as soon as these cannot come any more."""
    said_yes = sum(1 for vote in votes if vote is TicketApprovalDecision.APPROVE)
    if said_yes >= needed:
        return S.APPROVED
    return S.REJECTED if len(votes) - said_yes > approvers - needed else S.PENDING


def described_anew(status: TicketApprovalStatus) -> TicketApprovalStatus:
    """The status of an approval after the change was described anew; what was refused stays refused."""
    return S.LAPSED if status in {S.PENDING, S.APPROVED} else status


def in_force(asked: Iterable[Asked]) -> tuple[Asked, ...]:
    """Of each side the latest that was not withdrawn; `asked` are in the order in which they were asked for."""
    latest = {(one.by, one.team): one for one in asked if one.status is not S.WITHDRAWN}
    return tuple(latest.values())


def check_move(move: Move, asked: Iterable[Asked], *, demanded: bool) -> None:
    """Raise `NotApproved` while a change has to wait; `demanded` says that it needs an approval in any case."""
    if move not in HELD:
        return
    counting = in_force(asked)
    if waits := next((one for one in counting if one.status is not S.APPROVED), None):
        who = "the customer's" if waits.by is TicketApprovalBy.CUSTOMER else "the team's"
        raise NotApproved(f"{move.value} waits for {who} approval, which is {waits.status.value}.", field="id")
    if demanded and not counting:
        raise NotApproved(f"{move.value} waits for an approval; ask for one with requestTicketApproval.", field="id")
