"""`./dev seed`: fills a tenant of its own on the platform that runs in a home, and says who can sign in.

    ground      people, desk, company, prices: by the modules' own functions, so that everybody hears of it as always
    customers   some at a time: made here, and written to all modules side by side, each in one transaction of its own
    documents   at the end, for their numbers follow the days
    commit      one module after the other, customer management last: customers are seen when everything else is there

Nobody is told of the rows: what events would have told is written where it would have arrived. No records of changes are written
either, and documents have no files: both are made by commands, one at a time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.local import accounts, by_hand, identity
from deploy.local.children import Say
from deploy.local.home import DEFAULT_HOME, Trouble
from deploy.local.people import SCALE, Tenant
from deploy.local.scale import bar, bulk, customers, desk, estate, neighbours
from deploy.local.scale.books import Books, years
from deploy.local.scale.bulk import Bulk, Table
from deploy.local.scale.customers import Customer, Rows
from deploy.local.scale.ground import Ground, laid
from deploy.local.scale.sizes import Sizes, first_of_month
from subgraphs.crm.rules.customers import FIRST_NUMBER
from subgraphs.kit import config
from subgraphs.kit.config import Settings

_WRITTEN = ("auth", "integrations", "notify", "assets", "tickets", "billing", "crm")
"""In this order they are committed."""
_TIME_AT_ONCE = 20_000

SERIES = Table("number_series", ("series", "last"))


@dataclass(frozen=True, slots=True)
class Seeded:
    """What there is now."""

    sizes: Sizes
    invoices: int


async def seed_home(home: Path, sizes: Sizes, say: Say) -> None:
    """Seed the platform that runs in a home, and say what there is to see."""
    modules = {name: config.read(facts) for name, facts in by_hand.told(home).items()}
    seeded = await seed(modules, SCALE, sizes, accounts.password(home), say)
    of_home = "" if home == DEFAULT_HOME else f" --home {home}"
    owner = SCALE.with_role("owner")
    say(
        f"✓ {SCALE.name}: {sizes.customers:,} customers, {sizes.tickets:,} tickets, {sizes.time_entries:,} time entries,"
        f" {sizes.assets:,} assets, {seeded.invoices:,} invoices\n"
        f"  Sign in at {identity.issuer(home)}/auth/account as {owner.email}, with the password in {home / 'identity' / 'demo-password'}\n"
        f"  Or with a token: ./dev token --tenant {SCALE.slug}{of_home}"
    )


async def seed(
    modules: Mapping[str, Settings], tenant: Tenant, sizes: Sizes, password: str, say: Say, now: datetime | None = None
) -> Seeded:
    """Fill a tenant that has no customers yet; raises `Trouble` when it has."""
    _check(sizes)
    now = now or datetime.now(UTC).replace(microsecond=0)
    async with AsyncExitStack() as stack:
        written: dict[str, Bulk] = {}
        # The last to be entered is the first to be left: what is committed last is opened first.
        for name in reversed([one for one in _WRITTEN if one in modules]):
            owner = tenant.with_role("owner").id
            written[name] = await stack.enter_async_context(bulk.opened(modules[name], tenant.id, owner))
        await _refuse_second_time(written["crm"], tenant)
        say(f"Laying the ground of {tenant.name} …")
        ground = await laid(modules, tenant, password)
        books = Books(ground.entity, now.date())
        with bar.shown("rows", sizes.rows, say) as advance:
            await _Seeding(written, ground, books, sizes, now).run(advance)
        with bar.shown("invoices", books.count, say) as advance:
            await books.write_documents(written["billing"], advance)
    return Seeded(sizes, books.count)


def _check(sizes: Sizes) -> None:
    if sizes.customers < 1 or min(sizes.tickets, sizes.time_entries, sizes.assets) < 0:
        raise Trouble("A tenant has at least one customer, and nothing is fewer than none.", "Choose other sizes")
    if sizes.time_entries and not sizes.tickets:
        raise Trouble("Time is worked on tickets.", "Choose some: --tickets")


async def _refuse_second_time(crm: Bulk, tenant: Tenant) -> None:
    there = await crm.connection.fetchval("SELECT count(*) FROM customer")
    if there:
        raise Trouble(
            f"{tenant.name} has {there:,} customers here already.",
            f"Use them (./dev token --tenant {tenant.slug}), or seed another home: --home DIR",
        )


@dataclass(frozen=True, slots=True)
class _Seeding:
    """A tenant while it is being filled."""

    written: Mapping[str, Bulk]
    ground: Ground
    books: Books
    sizes: Sizes
    now: datetime

    async def run(self, advance: bar.Advance) -> None:
        """Make and write some customers at a time: while some are written, the next ones are made."""
        everybody = customers.all_of(self.sizes, self.now.date())
        opened, numbers = desk.moments(everybody, self.sizes.tickets, self.now)
        writer = desk.Writer(
            self.ground.desk, opened, self.now, first_of_month(self.now.date(), 1), desk.terms_table(self.ground.desk),
            desk.entry_table(self.ground.desk),
        )  # fmt: skip
        writing: asyncio.Task[None] | None = None
        for some in _portions(everybody):
            rows = await asyncio.to_thread(self._rows, writer, some)
            if writing is not None:
                await writing
            writing = asyncio.create_task(self._write(rows, some, advance))
        if writing is not None:
            await writing
        await self._series(everybody, numbers)

    def _rows(self, writer: desk.Writer, some: Sequence[Customer]) -> Mapping[str, Rows]:
        of_desk = writer.rows(some)
        return {
            **neighbours.rows(some),
            "crm": customers.rows(some),
            "assets": estate.rows(some, self.now),
            "tickets": of_desk.rows,
            "billing": self.books.rows(some, of_desk.worked),
        }

    async def _write(self, rows: Mapping[str, Rows], some: Sequence[Customer], advance: bar.Advance) -> None:
        async with asyncio.TaskGroup() as group:
            for name in self.written.keys() & rows.keys():
                group.create_task(_write_to(self.written[name], rows[name]))
        advance(sum(1 + one.tickets + one.time_entries + len(one.devices) for one in some))

    async def _series(self, everybody: Sequence[Customer], tickets: Counter[int]) -> None:
        """Where the numbers go on."""
        contracts = years(everybody)
        crm = [("customer", FIRST_NUMBER + len(everybody) - 1)]
        crm += [(f"contract-{year}", last) for year, last in contracts.items()]
        await self.written["crm"].write(SERIES, crm)
        await self.written["tickets"].write(SERIES, [(f"ticket-{year}", last) for year, last in tickets.items()])


async def _write_to(module: Bulk, rows: Rows) -> None:
    for table, some in rows:
        await module.write(table, some)


def _portions(everybody: Sequence[Customer]) -> Iterator[list[Customer]]:
    """So many customers at a time that their time entries fill some batches."""
    portion: list[Customer] = []
    for one in everybody:
        portion.append(one)
        if sum(each.time_entries for each in portion) >= _TIME_AT_ONCE:
            yield portion
            portion = []
    if portion:
        yield portion
