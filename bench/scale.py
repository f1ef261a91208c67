"""Asks the usual questions of a tenant of some size, and shows what its database did for each.

    ./dev run --home FOLDER            and, once:   ./dev seed --home FOLDER
    python -m bench.scale --home FOLDER [--port 4000] [--times 5] [--only NAMES] [--run] [--plans [--slow 50]]

For each question, asked through the router as the owner of the tenant that `./dev seed` fills:

    ms           from asking to the answer: the median, after one that warms up
    statements   of how many statements of its modules it was made, and how long PostgreSQL worked on them
    rows         how many things the answer lists

`--run` has a whole month billed by a worker, and throws the drafts away. `--plans` prints the plan of every statement that took longer
than `--slow` milliseconds, with the buffers that it touched: from `auto_explain`, which is switched on as long as this program runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import asyncpg
import httpx2

from deploy.local import identity
from deploy.local.home import DEFAULT_HOME
from deploy.local.people import SCALE
from subgraphs import MODULES

_PATIENCE: Final = 1800.0
_PORT_LINE: Final = 3
_OPENING: Final = "\tQuery Text: SELECT set_config("
"""What opens every work, and is no question."""
_LOGGED: Final = re.compile(r"duration: ([\d.]+) ms  plan:\n((?:\t.*\n)*)")

TICKET: Final = "id number title priority status customer { name } queue { name }"

QUESTIONS: Final[Mapping[str, str]] = {
    "tickets newest": f"{{ ticketsConnection(first: 50) {{ nodes {{ {TICKET} }} }} }}",
    "tickets open P1/P2": f'{{ ticketsConnection(first: 50, status: "open", filter: {{priority: [P1, P2]}}) {{ nodes {{ {TICKET} }} }} }}',
    "tickets by priority": f'{{ ticketsConnection(first: 50, status: "open", sort: "priority") {{ nodes {{ {TICKET} }} }} }}',
    "tickets by title": f'{{ ticketsConnection(first: 50, sort: "title") {{ nodes {{ {TICKET} }} }} }}',
    "tickets last changed": f'{{ ticketsConnection(first: 50, sort: "-updatedAt") {{ nodes {{ {TICKET} }} }} }}',
    "tickets counted": "{ ticketsConnection(first: 1) { totalCount nodes { id } } }",
    "tickets deep page": f"query ($deep: String) {{ ticketsConnection(first: 50, after: $deep) {{ nodes {{ {TICKET} }} }} }}",
    "tickets offset 100,000": f"{{ tickets(limit: 50, offset: 100000) {{ {TICKET} }} }}",
    "tickets of a queue": f"query ($queue: ID) {{ ticketsConnection(first: 50, filter: {{queueId: $queue}}) {{ nodes {{ {TICKET} }} }} }}",
    "tickets searched": f'{{ ticketsConnection(first: 50, search: "Telefonanlage") {{ nodes {{ {TICKET} }} }} }}',
    "tickets searched, none": f'{{ ticketsConnection(first: 50, search: "Kaffeemaschine") {{ nodes {{ {TICKET} }} }} }}',
    "ticket by number": "query ($number: ID!) { ticket(id: $number) { title timeEntries { note } slaClocks { state dueAt } messages { bodyText } } }",
    "board": '{ queues { name } tickets(status: "open", limit: 200) { id number title priority status queue { name } slaClocks { metric state dueAt } } }',
    "SLA due next": "{ slaClocksDue(limit: 50) { metric state dueAt percent ticket { number title } } }",
    "SLA of 200 tickets": "{ tickets(limit: 200) { number slaClocks { metric state dueAt percent } } }",
    "customers": "{ customersConnection(first: 50) { totalCount nodes { number name } } }",
    "customers with figures": "{ customers(limit: 50) { name ticketStats { open breached } mrr { amount } openBalance { amount } } }",
    "customer overview": """query ($customer: ID!) { customer(id: $customer) { name openBalance { amount } mrr { amount }
        contacts { lastName } contracts { number title } invoices { number } assets { name } ticketStats { open waiting breached resolved }
        tickets(status: "all") { number title timeEntries { note } } unbilledItems { description } timeEntries(limit: 20) { note } } }""",
    "customers searched": '{ customersConnection(first: 50, search: "Hoffmann Verlag") { nodes { name } } }',
    "search everywhere": '{ search(text: "müller kiel") { __typename } }',
    "search, a common word": '{ search(text: "gmbh") { __typename } }',
    "assets": '{ assetsConnection(first: 50, filter: {type: ["server"]}) { totalCount nodes { name customer { name } } } }',
    "assets searched": '{ assetsConnection(first: 50, search: "SN0000791") { nodes { name serialNumber } } }',
    "assets out of warranty": "query ($today: Date) { assetsConnection(first: 50, filter: {warrantyUntil: {until: $today}}) { totalCount nodes { name } } }",
    "impact of a server": "query ($server: ID!) { asset(id: $server) { name impact { asset { name } } } }",
    "expiring items": "{ expiringItems(withinDays: 90) { __typename } }",
    "time of a month": """query ($since: Date, $until: Date) { timeEntriesConnection(first: 50, filter: {localDate: {since: $since, until: $until}}) {
        totalCount nodes { note ticket { number customer { name } } workType { name } } } }""",
    "time to approve": "{ timeEntriesConnection(first: 50, filter: {status: [SUBMITTED]}) { totalCount nodes { note } } }",
    "time of a technician": "query ($technician: ID) { timeEntriesConnection(first: 50, filter: {userId: $technician}) { nodes { note } } }",
    "unbilled of a customer": "query ($customer: ID!) { customer(id: $customer) { unbilledItems(limit: 200) { description } } }",
    "ready items": "{ billableItems(status: READY, limit: 50) { description } }",
    "invoices": "{ invoicesConnection(first: 50) { totalCount nodes { number customer { name } totalGross { amount } } } }",
    "invoices overdue": '{ invoices(status: "overdue", limit: 50) { number dueDate } }',
    "invoice with its time": "query ($invoice: ID!) { invoice(id: $invoice) { number lines { description } } }",
    "contracts": "{ contracts(limit: 50) { number title customer { name } mrr { amount } billing { id } } }",
    "contract, what it brings": "query ($contract: ID!) { contract(id: $contract) { profitability { __typename } effectiveHourlyRate { amount } } }",
    "contracts expiring": "query ($soon: Date!) { expiringContracts(until: $soon) { number } }",
    "preview of one": "query ($today: Date!, $customer: ID!) { previewBilling(until: $today, customerIds: [$customer]) { draftCount } }",
    "preview of all": "query ($today: Date!) { previewBilling(until: $today) { draftCount totalNet } }",
    "number ranges": "{ numberRanges { prefix year next gaps } }",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that PostgreSQL did."""

    milliseconds: float
    plan: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question took."""

    milliseconds: float
    statements: list[Statement]
    rows: int


@dataclass(slots=True)
class Bench:
    """The platform and its database, as they are asked."""

    client: httpx2.Client
    admin: asyncpg.Connection
    log: Path
    given: dict[str, Any]

    async def measured(self, query: str, times: int) -> Answer:
        """Ask a question so often, and see what the database did for the last one."""
        self.ask(query)
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            self.ask(query)
            taken.append((time.perf_counter() - began) * 1000)
        with self._logged() as statements:
            answer = self.ask(query)
        return Answer(statistics.median(taken), statements, _rows(answer))

    def ask(self, query: str, **more: Any) -> Any:
        """The data of an answer without errors."""
        wanted = {name: value for name, value in (self.given | more).items() if f"${name}" in query}
        body = self.client.post("/graphql", json={"query": query, "variables": wanted}).json()
        if body.get("errors"):
            sys.exit(f"{query}\n{json.dumps(body['errors'][:2])}")
        return body["data"]

    def _logged(self) -> _Logged:
        return _Logged(self.log)

    def run(self) -> str:
        """Have a month billed by a worker, and throw the drafts away; what to print."""
        began = time.perf_counter()
        started = (
            "mutation ($today: Date!) { startBillingRun(input: {until: $today}) { job { id } errors { message } } }"
        )
        made = self._waited(self.ask(started)["startBillingRun"]["job"]["id"])["resultId"]
        took = time.perf_counter() - began
        query = "query ($run: ID!) { billingRun(id: $run) { draftCount lines totalNet { amount } warnings } }"
        drafts = self.ask(query, run=made)["billingRun"]
        began = time.perf_counter()
        gone = (
            "mutation ($run: ID!) { discardBillingRun(input: {id: $run}) { billingRun { status } errors { message } } }"
        )
        self.ask(gone, run=made)
        answered = time.perf_counter() - began
        self._wait_until_discarded(made)
        return (
            f"{drafts['draftCount']:,} drafts with {drafts['lines']:,} lines, {drafts['totalNet']['amount']} EUR: {took:.1f} s;"
            f" thrown away in {time.perf_counter() - began:.1f} s, of which the request took {answered:.1f} s"
        )

    def _wait_until_discarded(self, run: str) -> None:
        query = "query ($run: ID!) { billingRun(id: $run) { status } }"
        end = time.monotonic() + _PATIENCE
        while (status := self.ask(query, run=run)["billingRun"]["status"]) != "DISCARDED":
            if status != "DISCARDING" or time.monotonic() > end:
                sys.exit(f"The run is {status}.")
            time.sleep(0.5)

    def _waited(self, job: str) -> Any:
        query = "query ($job: ID!) { billingJob(id: $job) { status error { message } resultId } }"
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            found = self.ask(query, job=job)["billingJob"]
            if found["status"] in {"SUCCEEDED", "FAILED", "CANCELLED"}:
                return found
            time.sleep(0.5)
        sys.exit("The run takes too long.")


class _Logged:
    """What the database wrote into its log in the block."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._begin = 0
        self._found: list[Statement] = []

    def __enter__(self) -> list[Statement]:
        self._begin = self._log.stat().st_size
        return self._found

    def __exit__(self, *_: object) -> None:
        time.sleep(0.1)  # the log is written by another process
        with self._log.open("rb") as file:
            file.seek(self._begin)
            text = file.read().decode(errors="replace")
        self._found += [
            Statement(float(one[1]), one[2]) for one in _LOGGED.finditer(text) if not one[2].startswith(_OPENING)
        ]


def _rows(answer: Any) -> int:
    """How many things an answer lists."""
    match answer:
        case list():
            return len(answer) + sum(map(_rows, answer))
        case dict():
            return sum(map(_rows, answer.values()))
        case _:
            return 0


# --- the database


@asynccontextmanager
async def _database(home: Path) -> AsyncIterator[asyncpg.Connection]:
    """The embedded database of a home, which from now on writes down what it does."""
    password, port = _place(home)
    admin = await asyncpg.connect(f"postgresql://postgres:{quote(password)}@127.0.0.1:{port}/psa", command_timeout=1800)
    try:
        yield admin
    finally:
        await admin.close()


_UNCOUNTED: Final = """
SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables
 WHERE n_live_tup > 1000 AND greatest(n_mod_since_analyze, n_ins_since_vacuum) > n_live_tup / 5
"""


async def _counted(admin: asyncpg.Connection) -> None:
    """Let PostgreSQL count what a seed has just written, as it does by itself within some minutes.

    Until then it takes a tenant for as small as it was, and goes through all of its rows where an index would find the one.
    """
    tables = [row[0] for row in await admin.fetch(_UNCOUNTED)]
    if tables:
        print(f"PostgreSQL counts {len(tables)} tables first.")
        await admin.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")


def _place(home: Path) -> tuple[str, str]:
    """The superuser's password, and the port."""
    password = (home / "postgres" / "password").read_text(encoding="utf-8")
    pid = next(home.glob("postgres/**/postmaster.pid")).read_text(encoding="utf-8")
    return password, pid.splitlines()[_PORT_LINE]


@asynccontextmanager
async def _explaining(admin: asyncpg.Connection, *, plans: bool) -> AsyncIterator[None]:
    settings = {
        "session_preload_libraries": "'auto_explain'",
        "auto_explain.log_min_duration": "0",
        "auto_explain.log_analyze": str(plans).lower(),
        "auto_explain.log_buffers": str(plans).lower(),
        "auto_explain.log_timing": "off",
        "auto_explain.log_parameter_max_length": "0",
    }
    await admin.execute("LOAD 'auto_explain'")
    for name, value in settings.items():
        await admin.execute(f"ALTER DATABASE psa SET {name} = {value}")
    await _reconnected(admin)
    try:
        yield
    finally:
        for name in settings:
            await admin.execute(f"ALTER DATABASE psa RESET {name}")
        await _reconnected(admin)


async def _reconnected(admin: asyncpg.Connection) -> None:
    """Have the modules connect anew, as they do after any loss."""
    of_modules = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY ($1)"
    await admin.execute(of_modules, list(MODULES))


# --- the question's variables


def _variables(bench: Bench) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    month = today.replace(day=1) - timedelta(days=40)
    since = month.replace(day=1)
    far = (datetime.now(UTC) - timedelta(days=700)).isoformat()
    deep = "query ($far: DateTime) { ticketsConnection(first: 1, filter: {createdAt: {until: $far}}) { pageInfo { endCursor } nodes { number } } }"
    ticket = bench.ask(deep, far=far)["ticketsConnection"]
    busy = bench.ask("{ tickets(limit: 1) { customerId assigneeId } queues { id } timeEntries(limit: 1) { userId } }")
    customer = busy["tickets"][0]["customerId"]
    of = bench.ask(
        "query ($customer: ID!) { customer(id: $customer) { contracts { id } invoices(limit: 1) { id } } }",
        customer=customer,
    )
    relations = '{ assets(type: "server", limit: 200) { id relations { __typename } } }'
    servers = bench.ask(relations)["assets"]
    server = max(servers, key=lambda one: len(one["relations"] or ()))
    return {
        "deep": ticket["pageInfo"]["endCursor"], "number": ticket["nodes"][0]["number"], "customer": customer,
        "queue": busy["queues"][0]["id"], "technician": busy["timeEntries"][0]["userId"], "server": server["id"],
        "contract": of["customer"]["contracts"][0]["id"], "invoice": of["customer"]["invoices"][0]["id"], "today": today.isoformat(),
        "since": since.isoformat(), "until": _next_month(since).isoformat(), "soon": (today + timedelta(days=90)).isoformat(),
    }  # fmt: skip


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


# --- printing


def _plans(statements: Sequence[Statement], slow: float) -> Iterator[str]:
    for one in sorted(statements, key=lambda one: -one.milliseconds):
        if one.milliseconds >= slow:
            yield f"    {one.milliseconds:.1f} ms\n{one.plan}"


async def _asked(arguments: argparse.Namespace) -> None:
    home = arguments.home.expanduser().absolute()
    token = identity.token(home, SCALE, SCALE.with_role("owner"))
    address, headers = f"http://127.0.0.1:{arguments.port}", {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=address, headers=headers, timeout=600, trust_env=False) as client:
        async with _database(home) as admin:
            await _counted(admin)
        async with _database(home) as admin, _explaining(admin, plans=arguments.plans):
            bench = Bench(client, admin, home / "postgres" / "log", {})
            bench.given = _variables(bench)
            print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} CPUs")
            print(f"{'':28} {'ms':>8} {'statements':>11} {'ms of PostgreSQL':>17} {'rows':>6}")
            for name, query in QUESTIONS.items():
                if arguments.only and not any(word in name for word in arguments.only.split(",")):
                    continue
                found = await bench.measured(query, arguments.times)
                worked = sum(one.milliseconds for one in found.statements)
                print(
                    f"{name:28} {found.milliseconds:8.0f} {len(found.statements):11} {worked:17.1f} {found.rows:6}",
                    flush=True,
                )
                for plan in _plans(found.statements, arguments.slow) if arguments.plans else ():
                    print(plan)
        # Without the log: a run is some hundred thousand statements.
        if arguments.run:
            print(f"{'billing run':28} {bench.run()}")
        print(f"load average {os.getloadavg()[0]:.1f}")


def main(arguments: Sequence[str]) -> None:
    """Parse the command line, ask, print."""
    parser = argparse.ArgumentParser(
        prog="bench.scale", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME, help="where a platform runs whose tenant was seeded")
    parser.add_argument("--port", type=int, default=4000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--only", default="", help="only the questions with one of these words in their names")
    parser.add_argument("--run", action="store_true", help="have a month billed, too")
    parser.add_argument("--plans", action="store_true")
    parser.add_argument("--slow", type=float, default=50.0, help="milliseconds from which a plan is printed")
    asyncio.run(_asked(parser.parse_args(arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
