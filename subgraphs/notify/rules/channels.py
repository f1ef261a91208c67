"""Channels, what becomes of a delivery, and how long to wait before it is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final


class ChannelKind(Enum):
    """A way to somebody."""

    IN_APP = "IN_APP"
    """In the list of the person's notifications."""
    EMAIL = "EMAIL"
    """By e-mail."""
    TEAMS = "TEAMS"
    """A card in a channel of Microsoft Teams."""
    SMS = "SMS"
    """A text message."""


class DeliveryStatus(Enum):
    """Where a delivery is."""

    QUEUED = "QUEUED"
    """It waits for its time."""
    SENDING = "SENDING"
    """It is being handed over at this moment."""
    SENT = "SENT"
    """It was handed over; nobody has said yet whether it arrived."""
    DELIVERED = "DELIVERED"
    """The other side said that it arrived."""
    BOUNCED = "BOUNCED"
    """The other side gave it back."""
    FAILED = "FAILED"
    """It was given up: a dead letter, which can be sent again."""
    SUPPRESSED = "SUPPRESSED"
    """It was not sent, for the reason in `error`."""


class SuppressionReason(Enum):
    """Why an address is written to no more."""

    HARD_BOUNCE = "HARD_BOUNCE"
    """Its server said that there is no such mailbox."""
    COMPLAINT = "COMPLAINT"
    """Its owner called our mail unwanted."""
    MANUAL = "MANUAL"
    """Somebody entered it."""


ENDED: Final = frozenset(
    {
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.BOUNCED,
        DeliveryStatus.FAILED,
        DeliveryStatus.SUPPRESSED,
    }
)


class Verdict(Enum):
    """What the other side thinks of an attempt."""

    TAKEN = "TAKEN"
    """It took what we gave."""
    LATER = "LATER"
    """Not now; the same may be tried again."""
    NEVER = "NEVER"
    """Not this, not ever."""
    NO_SUCH_ADDRESS = "NO_SUCH_ADDRESS"
    """There is nobody behind this address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt."""

    verdict: Verdict
    said: str = ""
    """The words of the other side, or of the network."""
    reference: str | None = None
    """What the other side calls it."""
    retry_after: float | None = None
    """For how many seconds it wants to be left alone."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from an attempt."""

    status: DeliveryStatus
    retry_at: datetime | None = None


LADDERS: Final[Mapping[ChannelKind, tuple[int, ...]]] = MappingProxyType(
    {
        ChannelKind.IN_APP: (),
        # A mail server that is busy, or greylists, wants minutes to hours (RFC 5321, 4.5.4.1).
        ChannelKind.EMAIL: (60, 300, 1_800, 7_200, 21_600, 43_200),
        # Three failures, then somebody is told by mail.
        ChannelKind.TEAMS: (10, 60),
        ChannelKind.SMS: (30, 120, 600),
    }
)
"""The pauses between the attempts, in seconds; one attempt more than pauses, and then it is given up."""

_SPREAD: Final = 0.2
_LONGEST_WISH: Final = 86_400.0


def outcome(kind: ChannelKind, answer: Answer, *, attempt: int, at: datetime, chance: float) -> Outcome:
    """What follows from attempt number `attempt` (from 1); `chance` between -1 and 1 spreads the load."""
    match answer.verdict:
        case Verdict.TAKEN:
            return Outcome(DeliveryStatus.SENT)
        case Verdict.NO_SUCH_ADDRESS:
            return Outcome(DeliveryStatus.BOUNCED)
        case Verdict.NEVER:
            return Outcome(DeliveryStatus.FAILED)
        case Verdict.LATER:
            ladder = LADDERS[kind]
            if attempt > len(ladder):
                return Outcome(DeliveryStatus.FAILED)
            pause = ladder[attempt - 1] * (1 + _SPREAD * chance)
            wish = min(answer.retry_after or 0.0, _LONGEST_WISH)
            return Outcome(DeliveryStatus.QUEUED, at + timedelta(seconds=max(pause, wish)))


_PERMANENT: Final = 500
_NO_MAILBOX: Final = ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4")
"""What servers say of addresses that lead to nobody (RFC 3463)."""
_SAYS_NOBODY: Final = frozenset({550, 551, 553})


def of_smtp(code: int, text: str) -> Answer:
    """What an SMTP reply to one recipient means: 4xx is for now, 5xx for ever."""
    said = f"{code} {text}"[:500]
    if code < _PERMANENT:
        return Answer(Verdict.LATER, said)
    enhanced = text.split(" ", 1)[0]
    is_enhanced = enhanced.count(".") == 2 and enhanced.replace(".", "").isdigit()
    # A server that gives no reason of RFC 3463 says by the code alone that the mailbox is not there.
    nobody = enhanced in _NO_MAILBOX if is_enhanced else code in _SAYS_NOBODY
    return Answer(Verdict.NO_SUCH_ADDRESS if nobody else Verdict.NEVER, said)


def of_http(status: int, body: str, retry_after: str | None) -> Answer:
    """What an HTTP answer means; older receivers say 200 and mean 429, so the body counts too."""
    said = f"{status} {body}"[:500]
    wish = float(retry_after) if retry_after and retry_after.isdigit() else None
    if status == 429 or (status < 300 and "429" in body and "HTTP error" in body):
        return Answer(Verdict.LATER, said, retry_after=wish)
    if 200 <= status < 300:
        return Answer(Verdict.TAKEN, said)
    if status in {408, 425} or status >= 500:
        return Answer(Verdict.LATER, said, retry_after=wish)
    return Answer(Verdict.NEVER, said)
