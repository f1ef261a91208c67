"""A small platform of real processes under one directory, made to be killed, and the count of what became of its facts.

    writers ──► sender.outbox ──► relays ──► broker ──► consumers ──► receiver.effect, receiver.job ──► workers
       │                                                    │
       └──────────── ledgers: tried, acked, seen ───────────┘

Writers note that they try before each commit, and that it is done after it; consumers note what they see. A ledger is a
file per process that is appended to line by line, so it outlives `kill -9`. In the end ledgers and tables are compared
as sets: what was acknowledged and had no effect is lost, what had an effect and was never tried is invented.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import secrets
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from pydantic import SecretStr

from deploy.local import services
from deploy.local.postgres import EmbeddedPostgres, embedded_postgres
from subgraphs.kit import broker, database, migrate, wire
from subgraphs.kit.broker import LocalBroker
from tests.faults import parts
from tests.faults.parts import QUEUE, Part, asks_for_a_job

# Every part is a process of its own, forked from one that has imported everything: a restart takes no second of CPU.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["__main__", "tests.faults.parts"])

_SENDER = """
CREATE TABLE entry (tenant_id uuid NOT NULL, id uuid NOT NULL, minutes integer NOT NULL, PRIMARY KEY (tenant_id, id));
ALTER TABLE entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE entry FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON entry USING (tenant_id = NULLIF(current_setting('psa.tenant', true), '')::uuid);
GRANT INSERT ON entry TO sender;
"""
_RECEIVER = """
CREATE TABLE effect (tenant_id uuid NOT NULL, id uuid NOT NULL, minutes integer NOT NULL);
CREATE TABLE settled (tenant_id uuid NOT NULL, id uuid NOT NULL);
ALTER TABLE effect ENABLE ROW LEVEL SECURITY;
ALTER TABLE effect FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON effect USING (tenant_id = NULLIF(current_setting('psa.tenant', true), '')::uuid);
GRANT INSERT ON effect TO receiver;
ALTER TABLE settled ENABLE ROW LEVEL SECURITY;
ALTER TABLE settled FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON settled USING (tenant_id = NULLIF(current_setting('psa.tenant', true), '')::uuid);
GRANT INSERT ON settled TO receiver;
"""

_WAITING = """
SELECT (SELECT count(*) FROM sender.outbox WHERE published_at IS NULL) + (SELECT count(*) FROM receiver.job)
"""
_ON_ITS_WAY = f" + (SELECT count(*) FROM broker.message WHERE queue = '{QUEUE.name}')"
"""In the broker that is tables; RabbitMQ doesn't say what it has handed out and not yet got acknowledged."""


@dataclass(frozen=True, slots=True)
class Count:
    """What became of the facts, in the words of `reliability`: lost, unexpected and twice must be nought."""

    attempted: int
    acknowledged: int
    delivered: int
    lost: int
    unexpected: int
    duplicated: int
    effects_twice: int
    recovered: int
    rows_without_event: int
    events_without_row: int
    jobs_lost: int
    jobs_twice: int
    sums_differ: bool
    dead_letters: int


@dataclass(slots=True)
class House:
    """Everything that runs, and where it writes."""

    directory: Path
    admin_url: str
    broker_url: str
    postgres: EmbeddedPostgres
    parts: dict[str, ForkServerProcess] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)

    def address(self, role: str) -> str:
        """The database's address for a role of the house."""
        parts = urlsplit(self.admin_url)
        return urlunsplit(parts._replace(netloc=f"{role}:house@{parts.hostname}:{parts.port}", path="/house"))

    @asynccontextmanager
    async def running(self, *wanted: Part) -> AsyncIterator[None]:
        """Keep these parts running: whatever ends, by itself or by `kill -9`, is started again."""
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._keep(part, f"{part.role}-{n}")) for n, part in enumerate(wanted)]
            try:
                yield
            finally:
                for keeper in keepers:
                    keeper.cancel()

    async def _keep(self, part: Part, name: str) -> None:
        furnished = replace(part, directory=str(self.directory), broker_url=self.broker_url, urls=self._urls())
        while True:
            process = _FORKS.Process(target=parts.run, args=(furnished,), name=name, daemon=True)
            await asyncio.to_thread(process.start)
            self.parts[name] = process
            try:
                while process.is_alive():
                    await asyncio.sleep(0.02)
            finally:
                process.kill()

    def _urls(self) -> dict[str, str]:
        return {role: self.address(role) for role in ("sender", "sender_relay", "receiver", "receiver_relay")}

    def _say(self, line: str) -> None:
        with (self.directory / "house.log").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def kill(self, kind: str, choice: random.Random) -> bool:
        """`kill -9` one of a kind; False if none of them is alive at this moment."""
        pids = sorted(self._alive(kind))
        if not pids:
            return False
        with suppress(ProcessLookupError):
            os.kill(choice.choice(pids), signal.SIGKILL)
            self.kills[kind] += 1
        return True

    def _alive(self, kind: str) -> list[int]:
        match kind:
            case "database":
                server = self.postgres.child.process
                return [server.pid] if server.returncode is None else []
            case "broker":
                return _standing_in(self.directory / "rabbitmq", "beam.smp")
            case _:
                found = [one for name, one in self.parts.items() if name.startswith(kind) and one.is_alive()]
                return [one.pid for one in found if one.pid is not None]

    @property
    def graves(self) -> int:
        """How many parts died at the moment that they were told to die at."""
        return len(list(self.directory.glob("*.grave")))

    async def empty(self) -> None:
        """Forget everything that happened; for a house without RabbitMQ."""
        await self.rows("TRUNCATE sender.entry, sender.outbox, receiver.effect, receiver.settled, receiver.inbox")
        await self.rows("TRUNCATE receiver.job, receiver.job_log")
        await self.rows("DELETE FROM broker.message")
        for file in [*self.directory.glob("*.ledger"), *self.directory.glob("*.grave")]:
            file.unlink()
        self.kills.clear()

    def ledger(self, word: str) -> list[str]:
        """Everything that any process noted under a word."""
        lines = (line for file in self.directory.glob("*.ledger") for line in file.read_text().splitlines())
        return [line.partition(" ")[2] for line in lines if line.startswith(f"{word} ")]

    async def rows(self, sql: str) -> list[Any]:
        """What a superuser sees; insists while the database is being killed."""
        while True:
            try:
                async with wire.connection(self.address("postgres"), application="house") as connection:
                    rows: list[Any] = await connection.fetch(sql)
                    return rows
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.1)

    async def number(self, sql: str) -> int:
        """The one number that a query returns."""
        return int((await self.rows(sql))[0][0])

    async def quiet(self, *, seconds: float) -> None:
        """Wait until nothing moves any more; what is lost never comes, so waiting for it ends later.

        Much later behind RabbitMQ, where what isn't there may be with a consumer that is just being started again.
        """
        in_tables = "broker_owner" in self.broker_url
        waiting, lost = (_WAITING + _ON_ITS_WAY, 12) if in_tables else (_WAITING, 240)
        acked, before, still = set(self.ledger("acked")), -1, 0
        async with asyncio.timeout(seconds):
            while still < (6 if acked <= await self._delivered() else lost):
                await asyncio.sleep(0.25)
                seen = len(self.ledger("seen"))
                still = still + 1 if seen == before and await self.number(waiting) == 0 else 0
                before = seen

    async def _delivered(self) -> set[str]:
        return {str(row["id"]) for row in await self.rows("SELECT DISTINCT id FROM receiver.effect")}

    async def count(self) -> Count:
        """Compare ledgers and tables."""
        tried, acked = set(self.ledger("tried")), set(self.ledger("acked"))
        effects = Counter(str(row["id"]) for row in await self.rows("SELECT id FROM receiver.effect"))
        settled = Counter(str(row["id"]) for row in await self.rows("SELECT id FROM receiver.settled"))
        entries = {str(row["id"]) for row in await self.rows("SELECT id FROM sender.entry")}
        return Count(
            attempted=len(tried),
            acknowledged=len(acked),
            delivered=len(effects),
            lost=len(acked - effects.keys()),
            unexpected=len(effects.keys() - tried),
            duplicated=_repeated(Counter(self.ledger("seen"))),
            effects_twice=_repeated(effects),
            recovered=len(effects.keys() - acked),
            rows_without_event=len(entries - effects.keys()),
            events_without_row=len(effects.keys() - entries),
            jobs_lost=len({one for one in effects if asks_for_a_job(one)} - settled.keys()),
            jobs_twice=_repeated(settled),
            sums_differ=await self._sums("sender.entry") != await self._sums("receiver.effect"),
            dead_letters=await self._dead_letters(),
        )

    async def _sums(self, table: str) -> list[tuple[str, int]]:
        rows = await self.rows(f"SELECT tenant_id, sum(minutes) FROM {table} GROUP BY 1 ORDER BY 1")
        return [(str(tenant), minutes) for tenant, minutes in rows]

    async def _dead_letters(self) -> int:
        last = QUEUE.dead_letters
        assert last is not None
        found = 0
        with suppress(TimeoutError):
            async with broker.at(self.broker_url).deliveries(last, prefetch=1000) as deliveries:
                while True:
                    async with asyncio.timeout(0.5):
                        await anext(deliveries)
                    found += 1
        return found


def _repeated(counted: Counter[str]) -> int:
    return sum(1 for times in counted.values() if times > 1)


def _standing_in(directory: Path, program: str) -> list[int]:
    """The processes of a program that were started in a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "comm").read_text().strip() == program and (process / "cwd").samefile(directory):
                found.append(int(process.name))
    return found


@asynccontextmanager
async def house(directory: Path, *, rabbitmq: bool) -> AsyncIterator[House]:
    """Start the database and the broker, and make the schemas of a sender and a receiver."""
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(embedded_postgres(directory / "database", say=lambda _: None))
        built = House(directory, postgres.admin_url, "", postgres)
        await _furnish(built)
        if rabbitmq:
            node = services.rabbitmq(directory / "rabbitmq", built._say)
            built.broker_url = await stack.enter_async_context(node)
        else:
            built.broker_url = built.address("broker_owner")
            await LocalBroker(built.broker_url).install()
        await broker.at(built.broker_url).declare(QUEUE)
        yield built


async def _furnish(built: House) -> None:
    async with wire.connection(built.admin_url, application="house") as connection:
        await connection.execute("CREATE DATABASE house")
    secret = SecretStr("house")
    admin_url = urlunsplit(urlsplit(built.admin_url)._replace(path="/house"))
    for module, tables in (("sender", _SENDER), ("receiver", _RECEIVER)):
        await database.provision(admin_url, module, database.RolePasswords(secret, secret, secret))
        await migrate.upgrade(module, built.address(f"{module}_owner"))
        async with wire.connection(built.address(f"{module}_owner"), application="house") as connection:
            await connection.execute(tables)
    await database.provision(admin_url, "broker", database.RolePasswords(secret, secret, secret))
    async with wire.connection(admin_url, application="house") as connection:
        await connection.execute("ALTER ROLE postgres PASSWORD 'house'")


async def monkey(built: House, kinds: Sequence[str], *, every: tuple[float, float], seed: int) -> None:
    """Kill one after the other, in a random order and at random moments, until everyone on the list was killed."""
    choice = random.Random(seed)
    victims = list(kinds)
    choice.shuffle(victims)
    for victim in victims:
        await asyncio.sleep(choice.uniform(*every))
        while not built.kill(victim, choice):
            await asyncio.sleep(0.05)


def a_seed() -> int:
    """A seed that is printed with the count, to choose the same victims again."""
    named = os.environ.get("PSA_FAULT_SEED")
    return int(named) if named else secrets.randbelow(10**6)
