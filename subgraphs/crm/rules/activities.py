"""What is true about activities, with no I/O: which have a day by which they must be done, and when they are.

CALL, EMAIL, MEETING   happened, or are planned: then they have a due date and are open until they are done
TASK                   is open until it is done, with a due date or without
NOTE                   is written down and never due
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from subgraphs.kit.errors import Invalid


class ActivityKind(Enum):
    """What was done, or is to be done."""

    CALL = "CALL"
    """Somebody spoke with somebody."""
    EMAIL = "EMAIL"
    """A mail went out or came in."""
    MEETING = "MEETING"
    """People met."""
    NOTE = "NOTE"
    """Something worth remembering."""
    TASK = "TASK"
    """Something that somebody has to do."""


def check_due(kind: ActivityKind, due_at: datetime | None) -> None:
    """Raise `Invalid` for a note that is due."""
    if kind is ActivityKind.NOTE and due_at is not None:
        raise Invalid("A note is never due; a task is.", field="dueAt")


def is_open(kind: ActivityKind, *, due_at: datetime | None, done_at: datetime | None) -> bool:
    """Whether somebody still has to do it."""
    return done_at is None and (kind is ActivityKind.TASK or due_at is not None)


def done(kind: ActivityKind, *, due_at: datetime | None, done_at: datetime | None, at: datetime) -> datetime:
    """When it was done; raises `Invalid` for what is not open."""
    if not is_open(kind, due_at=due_at, done_at=done_at):
        raise Invalid("There is nothing left to do here.", field="id")
    return at


def reminds(*, expected: datetime, due_at: datetime | None, done_at: datetime | None) -> bool:
    """Whether a timer that was set for `expected` still has something to say."""
    return done_at is None and due_at == expected
