"""What can be billed, before it is on an invoice.

PENDING ──approved──► READY ──on a draft──► INVOICED ──cancelled──► READY
                        │ ▲
                   hold ▼ │ release
                       HELD          COVERED: paid with a contract or a balance     WRITTEN_OFF: given away
"""

from __future__ import annotations

from enum import Enum

from subgraphs.billing.errors import WrongItemStatus


class BillableSource(Enum):
    """Where something billable comes from."""

    TIME_ENTRY = "TIME_ENTRY"
    """Work."""
    CONTRACT_LINE = "CONTRACT_LINE"
    """A period of a contract."""
    PRODUCT = "PRODUCT"
    """Something that was sold."""
    EXPENSE = "EXPENSE"
    """Something that was laid out."""
    TRAVEL = "TRAVEL"
    """A way."""
    MILESTONE = "MILESTONE"
    """A part of a fixed price."""
    USAGE = "USAGE"
    """What a meter counted."""
    MANUAL = "MANUAL"
    """Written by hand."""


class BillableStatus(Enum):
    """What has become of something billable."""

    PENDING = "PENDING"
    """Somebody has to approve it first."""
    READY = "READY"
    """It goes onto the next invoice."""
    HELD = "HELD"
    """Somebody has to decide."""
    COVERED = "COVERED"
    """A contract, a project or a balance has paid for it."""
    INVOICED = "INVOICED"
    """It stands on an invoice, or on the draft of one."""
    WRITTEN_OFF = "WRITTEN_OFF"
    """Nobody will bill it."""


class ItemMove(Enum):
    """The commands that a billable item's status allows or not, by their GraphQL names."""

    RELEASE = "releaseBillableItem"
    HOLD = "holdBillableItem"
    WRITE_OFF = "writeOffBillableItem"


S = BillableStatus

_MOVES = {
    ItemMove.RELEASE: (frozenset({S.HELD, S.PENDING}), S.READY),
    ItemMove.HOLD: (frozenset({S.READY, S.PENDING}), S.HELD),
    ItemMove.WRITE_OFF: (frozenset({S.READY, S.PENDING, S.HELD}), S.WRITTEN_OFF),
}


def moved(move: ItemMove, status: BillableStatus) -> BillableStatus:
    """The status after `move`; raises `WrongItemStatus` when it does not start from `status`."""
    sources, target = _MOVES[move]
    if status not in sources:
        allowed = ", ".join(sorted(one.value for one in sources))
        raise WrongItemStatus(f"{move.value} works from {allowed}; this item is {status.value}.", field="id")
    return target


class BillingRunStatus(Enum):
    """How far a billing run is."""

    CALCULATING = "CALCULATING"
    """It makes its drafts."""
    REVIEW = "REVIEW"
    """Somebody has to look at its drafts."""
    APPROVED = "APPROVED"
    """Its drafts are approved."""
    POSTED = "POSTED"
    """Its documents are issued."""
    DISCARDING = "DISCARDING"
    """A worker throws its drafts away."""
    DISCARDED = "DISCARDED"
    """Its drafts were thrown away."""
    FAILED = "FAILED"
    """It could not be made."""
