"""What becomes of a delivery: when it is tried again, when it is given up, and when its receiver is.

    tried ──► 2xx                        DELIVERED
      ▲  ├──► 410                        DEAD, and the receiver is switched off: it says itself that it is gone
      │  └──► anything else, or silence
      │          ├─ there is a pause left in the ladder ──► PENDING until then; 429 and 503 may ask for more with Retry-After
      └──────────┘
                 └─ there is none ──► DEAD: kept, and sent again on request

A receiver without a success for three days is switched off, whatever it failed with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

from subgraphs.kit.errors import Invalid

LADDER: Final = (60, 300, 1800)
"""The pauses in seconds between the attempts, unless a webhook has its own: three retries."""
JITTER: Final = 0.2
MOST_RETRIES: Final = 20
LONGEST_PAUSE: Final = timedelta(days=3)
PATIENCE: Final = timedelta(days=3)
"""So long without a success, and the receiver is switched off."""
_LONGEST_REQUEST: Final = timedelta(days=1)
"""So long at most we stay away because a receiver asked us to."""

_GONE: Final = 410
_LATER: Final = frozenset({429, 503})


class DeliveryKind(Enum):
    """Why something is delivered."""

    EVENT = "EVENT"
    """Something happened."""
    REPLAY = "REPLAY"
    """Somebody asked for it again."""
    TEST = "TEST"
    """Somebody wanted to see whether it arrives."""


class DeliveryStatus(Enum):
    """What became of a delivery."""

    PENDING = "PENDING"
    """It is on its way, or waits for its next attempt."""
    DELIVERED = "DELIVERED"
    """The receiver has it: it answered 2xx."""
    DEAD = "DEAD"
    """It was given up: a dead letter, which can be replayed."""


class DisabledReason(Enum):
    """Why a webhook is sent nothing."""

    REQUESTED = "REQUESTED"
    """Somebody switched it off."""
    FAILING = "FAILING"
    """Nothing arrived for three days."""
    GONE = "GONE"
    """The receiver answered 410: there is nobody here any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said; `status` is None when it said nothing that is HTTP, and `error` says what happened."""

    status: int | None = None
    body: str = ""
    error: str | None = None
    retry_after: str | None = None
    milliseconds: int = 0
    theirs: bool = True
    """Whether it is the receiver's doing; False when the message could not even be made."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from an answer."""

    status: DeliveryStatus
    retry_at: datetime | None = None
    pause_until: datetime | None = None
    """Until when nothing else is sent to this receiver either."""
    gone: bool = False


def outcome(answer: Answer, *, attempt: int, ladder: Sequence[int], at: datetime, chance: float) -> Outcome:
    """What follows from the answer to attempt number `attempt`, which counts from 1; `chance` lies between -1 and 1."""
    if answer.status is not None and 200 <= answer.status < 300:
        return Outcome(DeliveryStatus.DELIVERED)
    if answer.status == _GONE:
        return Outcome(DeliveryStatus.DEAD, gone=True)
    asked = requested(answer, at)
    if attempt > len(ladder):
        return Outcome(DeliveryStatus.DEAD, pause_until=asked)
    own = at + timedelta(seconds=ladder[attempt - 1] * (1 + JITTER * chance))
    return Outcome(DeliveryStatus.PENDING, retry_at=max(own, asked) if asked else own, pause_until=asked)


def requested(answer: Answer, at: datetime) -> datetime | None:
    """Until when the receiver asks to be left alone: Retry-After in seconds, or as a date (RFC 9110 section 10.2.3)."""
    if answer.status not in _LATER or not answer.retry_after:
        return None
    text = answer.retry_after.strip()
    try:
        moment = at + timedelta(seconds=int(text)) if text.isdecimal() else parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return at + _LONGEST_REQUEST if text.isdecimal() else None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(moment, at + _LONGEST_REQUEST) if moment > at else None


def is_given_up(failing_since: datetime | None, at: datetime) -> bool:
    """Whether a receiver that just failed has failed for so long that it is switched off."""
    return failing_since is not None and at - failing_since >= PATIENCE


def ladder(seconds: Sequence[int] | None) -> list[int]:
    """The pauses of a webhook; raises `Invalid`."""
    if seconds is None:
        return list(LADDER)
    longest = int(LONGEST_PAUSE.total_seconds())
    if len(seconds) > MOST_RETRIES or not all(1 <= one <= longest for one in seconds):
        raise Invalid(
            f"retrySeconds has at most {MOST_RETRIES} pauses of 1 to {longest} seconds.", field="retrySeconds"
        )
    return list(seconds)


def concurrency(number: int) -> int:
    """How many deliveries may be on their way to one receiver; raises `Invalid`."""
    if not 1 <= number <= 20:
        raise Invalid(f"concurrency must be between 1 and 20, not {number}.", field="concurrency")
    return number
