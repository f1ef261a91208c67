"""What a broker promises, whichever it is: the words that relay and inbox use, and nothing of AMQP or SQL.

    publish     returns the messages that the broker is responsible for from now on: they are in every queue that
                wants them, on disk; what is missing from the answer is still ours
    deliver     at least once: a message belongs to its queue until it is acknowledged; when its consumer dies or gives
                it back, somebody gets it again, with a higher `attempt`
    give up     a message that was rejected, or delivered 20 times in vain, moves to the dead letters of the module; it
                is in one of the two queues at any moment, never in none

A message that no queue wants is not an error (nobody has to listen to `asset.stale`), but it is not dropped unseen
either: it goes to the queue `UNROUTED`, which keeps the newest of them. So the queue of a consumer that was
forgotten to be declared shows itself there, and a publisher never has to tell "nobody cares" from "the broker lost
its queues": the second is always an error.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

MOST_DELIVERIES = 20
"""How often a message is delivered, at most. The same for all queues: RabbitMQ does not let a queue change its mind."""

_DEAD = "dlq"


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way: `key` decides who gets it, `id` is the event's own."""

    id: UUID
    key: str
    body: bytes
    queue: str | None = None
    """The one queue that it goes to, whatever its key: so a dead letter is brought back. None: all that want it."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Messages that wait for one purpose of one module; `keys` are event types, or patterns of them (`*`, `#`)."""

    module: str
    purpose: str
    keys: tuple[str, ...] = ()
    keep: int | None = None
    """How many messages it keeps, the newest ones; None: all."""

    @property
    def name(self) -> str:
        """What the queue is called in the broker."""
        return f"q.{self.module}.{self.purpose}"

    def wants(self, key: str) -> bool:
        """Whether one of the keys stands for this type of event."""
        expression = pattern(self.keys)
        return expression is not None and re.match(expression, f".{key}") is not None

    @property
    def dead_letters(self) -> Queue | None:
        """Where messages go that this queue gives up; None for the dead letters themselves."""
        return None if self.module == _DEAD else dead_letters(self.module)


def pattern(keys: Sequence[str]) -> str | None:
    """AMQP's topic patterns as one regular expression: `*` is one word, `#` any number; for `.` + key."""
    return f"^({'|'.join(map(_alternative, keys))})$" if keys else None


def _alternative(key: str) -> str:
    """Each word brings the dot before it, so that `#` can stand for no word and no dot."""
    words = {"*": r"\.[^.]+", "#": r"(\.[^.]+)*"}
    return "".join(words.get(word, r"\." + re.escape(word)) for word in key.split("."))


def dead_letters(module: str) -> Queue:
    """The queue of everything that a module could not handle."""
    return Queue(module=_DEAD, purpose=module)


UNROUTED = Queue(module=_DEAD, purpose="unrouted", keep=10_000)
"""Where messages go that no queue wants."""


@dataclass(frozen=True, slots=True)
class Death:
    """How a dead letter became one."""

    queue: str
    """Where it was given up."""
    rejected: bool
    """Whether its consumer said so; otherwise it was delivered too often in vain."""


class Delivery(Protocol):
    """One message in the hands of one consumer, until it says what became of it."""

    @property
    def message(self) -> Message:
        """What was published."""

    @property
    def attempt(self) -> int:
        """How many times the message was delivered, this time included."""

    @property
    def death(self) -> Death | None:
        """How it came to the dead letters; None anywhere else."""

    async def ack(self) -> None:
        """It is done: forget it."""

    async def release(self) -> None:
        """Not now: deliver it again, to whoever is there."""

    async def reject(self) -> None:
        """Never: move it to the dead letters."""


class Publisher(Protocol):
    """An open way into the broker."""

    async def publish(self, messages: Sequence[Message]) -> frozenset[UUID]:
        """Hand messages over; returns the ids of those that the broker has. Raises when the way is broken.

        A message for one queue that is not there is refused.
        """


class Broker(Protocol):
    """Takes messages from publishers and brings them to the queues that want them."""

    async def declare(self, *queues: Queue) -> None:
        """Make sure that these queues and their dead letters exist and get what they want from now on."""

    def publisher(self) -> AbstractAsyncContextManager[Publisher]:
        """Open a way in; it breaks with the broker, and is opened anew by whoever wants to go on."""

    def deliveries(self, queue: Queue, *, prefetch: int) -> AbstractAsyncContextManager[AsyncIterator[Delivery]]:
        """Declare the queue and receive from it, `prefetch` messages at a time; iterating raises when the way breaks."""

    def listen(self, keys: Sequence[str]) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Hear what is published from now on under these keys: every process for itself, at most once, and kept nowhere.

        What is too long to be told that way comes as its envelope alone, with `data` null. Iterating raises when the
        way breaks, or when so much is waiting to be heard that some of it had to be dropped.
        """
