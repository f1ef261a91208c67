"""Measures a day's usual questions on the whole platform as it runs in production, process by process and span by span.

    python -m bench.day --home FOLDER [--port N] [--times 50] [--only NAMES] [--spans]

It starts `./dev run --split` on that home (which brings the demo's data along), or looks at one that runs there already if `--pid`
names its process. Each question is asked a few times first; then, one after the other:

    CPU ms          of the router, of each module, of PostgreSQL and of all others, for each answer
    round trips     how often PostgreSQL's backends waited for their clients, for each answer: about one for each statement. Where a
                    question is asked for few rows and for many (`5` and `50` in its name), they must not grow with the rows
    --spans         what the router says itself of one answer: each fetch, when it began, how long it took, for how many entities
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from bench.race.gateways import ROOT, tree_of
from deploy.local import identity
from deploy.local.people import NORDLICHT

_START_SECONDS: Final = 600.0
_WARM_UP: Final = 5
_CUSTOMER: Final = "{ customers(limit: 1) { id } }"

QUESTIONS: Final[Mapping[str, str]] = {
    "seed": 'query ($id: ID!) { customer(id: $id) { name tickets(status: "open") { id title priority } assets { name type } } }',
    "board-5": "{ tickets(limit: 5) { id number title priority status customer { name } queue { name } asset { name } } }",
    "board-50": "{ tickets(limit: 50) { id number title priority status customer { name } queue { name } asset { name } } }",
    "customers-5": "{ customers(limit: 5) { id name ticketStats { open breached } mrr { amount } openBalance { amount } } }",
    "customers-50": "{ customers(limit: 50) { id name ticketStats { open breached } mrr { amount } openBalance { amount } } }",
    "times": "{ timeEntries(limit: 50) { id startedAt endedAt note ticket { number title customer { name } } workType { name } } }",
    "contracts": "{ contracts(limit: 50) { id number title customer { name } mrr { amount } billing { id } } }",
    "invoices": "{ invoicesConnection(first: 50) { totalCount nodes { id number dueDate customer { name } totalGross { amount } } } }",
    "assets": "{ assets(limit: 50) { id name type status customer { name } tickets { id status } } }",
    "overview": """query ($id: ID!) { customer(id: $id) {
        name contacts { id } contracts { id title } invoices { id number } assets { id name } ticketStats { open }
        tickets { id title timeEntries { id note } }
    } }""",
    "search": '{ search(text: "nord") { __typename } }',
    "notifications": "{ unreadCount notifications(first: 20) { nodes { id title isRead } } }",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one answer took, on average."""

    milliseconds: float
    cpu: Counter[str]
    round_trips: float


def main(arguments: Sequence[str]) -> int:
    """Parse the command line, ask, print."""
    parser = argparse.ArgumentParser(
        prog="bench.day", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--home", type=Path, required=True, help="where the platform's data lies; made if there is none"
    )
    parser.add_argument("--port", type=int, default=5400)
    parser.add_argument("--pid", type=int, help="of a platform that runs already on this home and port")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--only", default=",".join(QUESTIONS))
    parser.add_argument("--spans", action="store_true")
    given = parser.parse_args(arguments)
    home: Path = given.home.absolute()
    with _platform(home, given.port, given.pid) as pid:
        owner = identity.token(home, NORDLICHT, NORDLICHT.with_role("owner"))
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{given.port}",
            headers={"authorization": f"Bearer {owner}"},
            timeout=60,
            trust_env=False,
        ) as client:
            variables = {"id": _asked(client, _CUSTOMER, {})["data"]["customers"][0]["id"]}
            for name in given.only.split(","):
                _print(name, _measured(client, pid, QUESTIONS[name], variables, given.times))
                if given.spans:
                    _print_spans(_asked(client, QUESTIONS[name], variables, {"psa-expose-trace": "true"}))
    print(f"load average {os.getloadavg()[0]:.1f}")
    return 0


@contextmanager
def _platform(home: Path, port: int, pid: int | None) -> Iterator[int]:
    """Give the process of a platform: the one that runs, or one that ends with the block."""
    if pid is not None:
        yield pid
        return
    command = [sys.executable, "-m", "deploy.local", "run", "--home", str(home), "--port", str(port), "--split"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            _wait(process)
            yield process.pid
        finally:
            process.send_signal(signal.SIGINT)


def _wait(process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + _START_SECONDS
    for line in process.stdout or ():
        if "Ctrl-C stops everything" in line:
            return
        if time.monotonic() > until:
            break
    raise SystemExit("The platform did not start.")


def _asked(client: httpx2.Client, query: str, variables: Mapping[str, Any], headers: Mapping[str, str] = {}) -> Any:
    used = {name: value for name, value in variables.items() if f"${name}" in query}
    answer = client.post("/graphql", json={"query": query, "variables": used}, headers=dict(headers)).json()
    if answer.get("errors"):
        raise SystemExit(f"{query}\n{answer['errors']}")
    return answer


def _measured(client: httpx2.Client, pid: int, query: str, variables: Mapping[str, Any], times: int) -> Measured:
    for _ in range(_WARM_UP):
        _asked(client, query, variables)
    cpu, trips, began = _cpu(pid), _round_trips(pid), time.perf_counter()
    for _ in range(times):
        _asked(client, query, variables)
    seconds = time.perf_counter() - began
    spent = {name: (all_in - cpu[name]) / times / 1e6 for name, all_in in _cpu(pid).items()}
    return Measured(seconds * 1000 / times, Counter(spent), (_round_trips(pid) - trips) / times)


def _cpu(pid: int) -> Counter[str]:
    """Nanoseconds that every part of the platform has run so far, by the kernel's account."""
    found = Counter[str]()
    for one in tree_of(pid):
        for file in Path(f"/proc/{one}/task").glob("*/schedstat"):
            found[_part(one)] += int(file.read_text().split()[0])
    return found


def _part(pid: int) -> str:
    """What a process is part of, by its command line."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    if "postgres" in words:
        return "postgres"
    found = re.search(r"-m (router|subgraphs (\w+)) serve", words)
    return (found[2] or found[1]) if found else "others"


def _round_trips(pid: int) -> int:
    """How often PostgreSQL's backends have waited so far."""
    waits = 0
    for one in tree_of(pid):
        if b"127.0.0.1(" in Path(f"/proc/{one}/cmdline").read_bytes():
            status = Path(f"/proc/{one}/status").read_text()
            waits += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[1])  # type: ignore[index]
    return waits


def _print(name: str, one: Measured) -> None:
    parts = "  ".join(f"{part} {spent:.2f}" for part, spent in one.cpu.most_common() if spent >= 0.02)
    print(f"{name:14}{one.milliseconds:8.1f} ms  {one.round_trips:6.1f} round trips   CPU ms: {parts}", flush=True)


def _print_spans(answer: Any) -> None:
    for fetch in answer["extensions"]["trace"]["fetches"]:
        begins, lasts = fetch["startMs"], fetch["durationMs"]
        bar = " " * int(begins) + "█" * max(1, int(lasts))
        entities = f"{fetch['entities']} entities" if fetch["entities"] else ""
        print(f"    {fetch['service']:12}{begins:7.1f} + {lasts:6.1f} ms {fetch['by']:8} {entities:14}{bar[:80]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
