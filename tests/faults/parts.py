"""What runs in a process of the house: a writer, a relay, a consumer, a worker; as it should be, or as a mutant.

A part can be told at which moment it has to die, and how often: it then kills itself with SIGKILL, exactly there. So
the same death can be tried on the real thing and on its mutant, without luck.

    part        moment                      real                        mutant
    relay       before publish              nothing marked              forgets:      marked, never told
                after publish               told twice, one effect
    writer      after commit                outbox has it               after_commit: nobody ever knows
    consumer    in the work                 rolled back, comes again    hasty:        acknowledged already, gone
                before the acknowledgement  comes again, inbox knows    forgetful:    comes again, done again
    worker      before it is done           comes again, inbox knows    forgetful:    comes again, done again
"""

from __future__ import annotations

import asyncio
import ctypes
import functools
import os
import random
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.events.envelope import Envelope, Event
from subgraphs.kit import broker, database, inbox, jobs, outbox, relay, wire, work
from subgraphs.kit.backoff import Backoff
from subgraphs.kit.broker import Broker, Delivery, Message, Publisher, Queue
from subgraphs.kit.caller import Caller, system
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work


class EntryMade(Event):
    """Somebody worked for some minutes."""

    type = "entry.made"
    subject_type = "Entry"

    id: UUID
    minutes: int


TENANTS = (UUID(int=0xA), UUID(int=0xB), UUID(int=0xC))
QUICK = Backoff(first_seconds=0.02, most_seconds=0.5)
TOGETHER = 4
"""How many entries a writer writes in one transaction."""
CONSUMER = "effects"
QUEUE = Queue("receiver", CONSUMER, (EntryMade.type,))


@dataclass(frozen=True, slots=True)
class Part:
    """What a process is to be."""

    role: str
    mutant: str = ""
    dies: str = ""
    """The moment at which it has to die."""
    deaths: int = 0
    """How often."""
    survives: int = 0
    """How many such moments pass before the first death."""
    limit: int = 1_000_000
    """How many times a writer writes."""
    pause_seconds: float = 0.0
    directory: str = ""
    broker_url: str = ""
    urls: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Fate:
    """The ledger of a process, and the moment of its death."""

    part: Part
    passed: int = 0

    def note(self, word: str, *facts: object) -> None:
        """Append to the ledger; it is in the kernel's hands when this returns."""
        file = Path(self.part.directory) / f"{self.part.role}-{os.getpid()}.ledger"
        with file.open("ab", buffering=0) as ledger:
            ledger.write("".join(f"{word} {fact}\n" for fact in facts).encode())

    def moment(self, name: str) -> None:
        """Die here, if this is the moment."""
        if name != self.part.dies:
            return
        self.passed += 1
        graves = list(Path(self.part.directory).glob(f"{self.part.role}-*.grave"))
        if self.passed > self.part.survives and len(graves) < self.part.deaths:
            (Path(self.part.directory) / f"{self.part.role}-{os.getpid()}.grave").touch()
            os.kill(os.getpid(), signal.SIGKILL)


# --- writers


async def write(fate: Fate) -> None:
    """Write entries, several at a time, each in a transaction with its event, until the limit or the end."""
    engine = database.engine(fate.part.urls["sender"], application="writer", pool_size=4)
    numbers = iter(range(fate.part.limit))

    async def one_after_the_other() -> None:
        for number in numbers:
            await _write(fate, engine, number)
            await asyncio.sleep(fate.part.pause_seconds)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(one_after_the_other())
    await asyncio.Event().wait()


async def _write(fate: Fate, engine: AsyncEngine, number: int) -> None:
    """Write a few entries in one transaction: all of them happened, or none."""
    tenant = TENANTS[number % len(TENANTS)]
    entries = {uuid4(): (number * TOGETHER + place) % 100 for place in range(TOGETHER)}
    fate.note("tried", *entries)
    try:
        async with work.begin(engine, system(tenant), module="sender", command="write") as job:
            told = [await _entered(fate, job, entry, minutes) for entry, minutes in entries.items()]
    except Exception:  # noqa: BLE001 - whether it happened or not: nobody was told that it did
        await asyncio.sleep(0.1)
        return
    fate.note("acked", *entries)
    fate.moment("after commit")
    if fate.part.mutant == "after_commit":
        await _publish_at_once(fate, job, told)


async def _entered(fate: Fate, job: Work, entry: UUID, minutes: int) -> EntryMade:
    await job.session.execute(
        text("INSERT INTO entry VALUES (:tenant, :id, :minutes)"),
        {"tenant": job.caller.tenant, "id": entry, "minutes": minutes},
    )
    happened = EntryMade(id=entry, minutes=minutes)
    if fate.part.mutant != "after_commit":
        await job.emit(happened, subject=entry)
    return happened


async def _publish_at_once(fate: Fate, job: Work, told: Sequence[EntryMade]) -> None:
    envelopes = [outbox._envelope(job, happened, subject=happened.id, customer=None) for happened in told]
    async with broker.at(fate.part.broker_url).publisher() as publisher:
        await publisher.publish([Message(id=one.id, key=one.type, body=one.to_json()) for one in envelopes])


# --- relays


@dataclass(slots=True)
class _Mortal:
    """A broker whose publisher dies at its moment."""

    broker: Broker
    fate: Fate
    inner: Publisher | None = None

    async def declare(self, *queues: Queue) -> None:
        """Make the queues."""
        await self.broker.declare(*queues)

    @asynccontextmanager
    async def publisher(self) -> AsyncIterator[Publisher]:
        """Open the way in."""
        async with self.broker.publisher() as self.inner:
            yield self

    async def publish(self, messages: Sequence[Message]) -> frozenset[UUID]:
        """Hand over, unless death comes first."""
        assert self.inner is not None
        self.fate.moment("before publish")
        taken = await self.inner.publish(messages)
        self.fate.moment("after publish")
        return taken

    @asynccontextmanager
    async def deliveries(self, queue: Queue, *, prefetch: int) -> AsyncIterator[AsyncIterator[Delivery]]:
        """Receive; the hasty mutant acknowledges what it has not done yet."""
        async with self.broker.deliveries(queue, prefetch=prefetch) as deliveries:
            if self.fate.part.mutant != "hasty":
                yield deliveries
                return
            async with aclosing(_hasty(deliveries)) as incoming:
                yield incoming


async def carry(fate: Fate) -> None:
    """Relay events."""
    mortal = _Mortal(broker.at(fate.part.broker_url), fate)
    if fate.part.mutant == "forgets":
        await _forget_and_carry(fate, mortal)
    await relay.run(
        fate.part.urls["sender_relay"], mortal, "sender", pace=relay.Pace(batch=50, poll_seconds=0.2, backoff=QUICK)
    )


async def _forget_and_carry(fate: Fate, mortal: _Mortal) -> None:
    """The wrong order: mark, commit, and only then publish."""
    while True:
        async with (
            wire.connection(fate.part.urls["sender_relay"], application="mutant") as connection,
            mortal.publisher() as publisher,
        ):
            rows = await connection.fetch(relay._TAKE, 50)
            await connection.execute(relay._MARK, [row["position"] for row in rows])
            messages = [Message(id=row["id"], key=row["type"], body=row["envelope"].encode()) for row in rows]
            if messages:
                await publisher.publish(messages)
        await asyncio.sleep(0.05)


# --- consumers


async def consume(fate: Fate) -> None:
    """Have one effect for each event, and ask for a job with some of them."""
    engine = database.engine(fate.part.urls["receiver"], application="consumer", pool_size=10)

    @asynccontextmanager
    async def begin(caller: Caller, *, command: str, causation: UUID | None = None) -> AsyncIterator[Work]:
        async with work.begin(engine, caller, module="receiver", command=command, causation=causation) as job:
            yield job
        fate.moment("before the acknowledgement")

    _forget_the_inbox(fate)
    consumer = Consumer(CONSUMER, (EntryMade.type,), functools.partial(_have_an_effect, fate))
    await inbox.consume(
        _Mortal(broker.at(fate.part.broker_url), fate),
        "receiver",
        [consumer],
        begin,
        pace=inbox.Pace(prefetch=10, retry=QUICK, outage=QUICK),
    )


def _forget_the_inbox(fate: Fate) -> None:
    if fate.part.mutant == "forgetful":
        inbox._ENTER = text("SELECT CAST(:tenant AS uuid), CAST(:consumer AS text), CAST(:event AS uuid)")


async def _have_an_effect(fate: Fate, job: Work, event: Envelope) -> None:
    made = event.read(EntryMade)
    fate.note("seen", made.id)
    fate.moment("in the work")
    await job.session.execute(
        text("INSERT INTO effect VALUES (:tenant, :id, :minutes)"),
        {"tenant": job.caller.tenant, "id": made.id, "minutes": made.minutes},
    )
    if asks_for_a_job(str(made.id)):
        await jobs.enqueue(job, "settle", {"id": str(made.id)})


def asks_for_a_job(entry: str) -> bool:
    """Whether the effect of an event asks for a job: one in eight does."""
    return int(entry[-1], 16) < 2


async def _hasty(deliveries: AsyncIterator[Delivery]) -> AsyncGenerator[Delivery, None]:
    async for delivery in deliveries:
        await delivery.ack()
        yield _Gone(delivery.message, delivery.attempt)


@dataclass(frozen=True, slots=True)
class _Gone:
    """A delivery that the broker has already forgotten."""

    message: Message
    attempt: int

    async def ack(self) -> None:
        """Too late."""

    release = reject = ack


# --- workers


async def settle(fate: Fate) -> None:
    """Do the jobs that the effects asked for."""
    engine = database.engine(fate.part.urls["receiver"], application="worker", pool_size=5)

    async def insert(job: Work, payload: Payload) -> None:
        await job.session.execute(
            text("INSERT INTO settled VALUES (:tenant, :id)"), {"tenant": job.caller.tenant, "id": UUID(payload["id"])}
        )

    @asynccontextmanager
    async def begin(caller: Caller, *, command: str, causation: UUID | None = None) -> AsyncIterator[Work]:
        async with work.begin(engine, caller, module="receiver", command=command, causation=causation) as job:
            yield job
        fate.moment("before it is done")

    _forget_the_inbox(fate)
    pace = jobs.Pace(poll_seconds=0.5, heartbeat_seconds=2.0, retry=QUICK, outage=QUICK)
    await jobs.work(fate.part.urls["receiver_relay"], "receiver", [Job("settle", insert)], begin, pace=pace)


ROLES = {"writer": write, "relay": carry, "consumer": consume, "worker": settle}


def run(part: Part) -> None:
    """Be this part, in a process of its own that does not outlive the one it was forked from."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    random.seed()
    log = os.open(Path(part.directory) / f"{part.role}-{os.getpid()}.log", os.O_CREAT | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    asyncio.run(ROLES[part.role](Fate(part)))
