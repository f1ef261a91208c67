"""Measures what a module takes for a question, and trees of it against each other: CPU time for each answer.

    python -m bench.module [--against FOLDER[,FOLDER …]] [--only NAMES] [--rounds 14]

Customer management serves as in production, a process of its own before a PostgreSQL with its walls, and is asked directly, as the
router asks: a token to verify, a transaction with who is asking, one indexed query, the answer. Every tree is a checkout of this
repository with an environment of its own (`.venv`); they are asked in short laps that take turns in a shuffled order. What is
printed is the least of all laps and their median: what disturbs can only add.

    one         a customer by its id
    five        five customers, with two fields
    entities    a thousand customers with ten fields, as the router asks for entities
    pages       the same as five pages of two hundred, the longest that there are
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey

from bench.race.gateways import ROOT
from contracts.identity import EVERY_CUSTOMER, INTERNAL_ISSUER, INTERNAL_TOKEN_TYPE, SIGNING_ALGORITHM
from contracts.scopes import PERMISSIONS
from deploy.local import children, schemas
from deploy.local.postgres import embedded_postgres

_MODULE: Final = "crm"
_ROWS: Final = 1000
_PAGE: Final = 200
_START_SECONDS: Final = 120.0
_FIELDS: Final = "id number name legalName kind status language isBusiness tags createdAt"
_MAKE: Final = 'm{n}: createCustomer(input: {{name: {name}, legalName: {name}, tags: ["a", "b"]}}) {{ errors {{ message }} customer {{ id }} }}'
_PAGES: Final = " ".join(
    f"p{at}: customers(limit: {_PAGE}, offset: {at}) {{ {_FIELDS} }}" for at in range(0, _ROWS, _PAGE)
)

QUESTIONS: Final[Mapping[str, tuple[str, int]]] = {
    "one": ("query ($id: ID!) { customer(id: $id) { id name } }", 40),
    "five": ("{ customers(limit: 5) { id name } }", 40),
    "entities": (
        f"query ($all: [_Any!]!) {{ _entities(representations: $all) {{ ... on Customer {{ {_FIELDS} }} }} }}",
        5,
    ),
    "pages": (f"{{ {_PAGES} }}", 5),
}
"""What is asked, and how often in a lap."""


@dataclass(frozen=True, slots=True)
class _Served:
    """A module of one tree."""

    tree: Path
    pid: int
    client: httpx2.Client

    def asked(self, query: str, variables: Mapping[str, Any]) -> Any:
        """The data of its answer."""
        used = {name: value for name, value in variables.items() if f"${name}" in query}
        answer = self.client.post("/graphql", json={"query": query, "variables": used}).json()
        if answer.get("errors"):
            raise SystemExit(f"{query[:200]}\n{answer['errors'][:3]}")
        return answer["data"]

    def spent(self) -> int:
        """Nanoseconds that it has run so far, by the kernel's account."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks)


def main(arguments: Sequence[str]) -> int:
    """Parse the command line, serve, ask, print."""
    parser = argparse.ArgumentParser(
        prog="bench.module", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--against", default="", help="other checkouts, separated by commas")
    parser.add_argument("--only", default=",".join(QUESTIONS))
    parser.add_argument("--rounds", type=int, default=14)
    given = parser.parse_args(arguments)
    trees = [ROOT, *map(Path, filter(None, given.against.split(",")))]
    asyncio.run(_measured(trees, given.only.split(","), given.rounds))
    print(f"load average {os.getloadavg()[0]:.1f}")
    return 0


async def _measured(trees: Sequence[Path], names: Sequence[str], rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="module-") as made:
        home = Path(made)
        async with embedded_postgres(home, say=lambda _line: None) as postgres:
            admin = await schemas.create_database(postgres.admin_url)
            schema = await schemas.bring_up(admin, _MODULE)
            await asyncio.to_thread(_ask_all, trees, names, rounds, schema.runtime_url, home)


def _ask_all(trees: Sequence[Path], names: Sequence[str], rounds: int, url: str, home: Path) -> None:
    key = ECKey.generate_key("P-256", {"kid": "bench"})
    (home / "keys.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    token = _token(key)
    with _all_served(trees, url, home / "keys.json", token) as served:
        variables = _furnished(served[0])
        for name in names:
            _print(name, _laps(served, *QUESTIONS[name], variables, rounds))


def _token(key: ECKey) -> str:
    """What the router would sign for an owner."""
    now = int(time.time())
    said = {"iss": INTERNAL_ISSUER, "aud": _MODULE, "iat": now, "exp": now + 3600}
    who = {"sub": str(uuid4()), "tid": str(uuid4()), "kind": "STAFF", "customers": EVERY_CUSTOMER}
    claims = said | who | {"scope": " ".join(sorted(PERMISSIONS))}
    return jwt.encode({"alg": SIGNING_ALGORITHM, "typ": INTERNAL_TOKEN_TYPE, "kid": "bench"}, claims, key)


@contextmanager
def _all_served(trees: Sequence[Path], url: str, keys: Path, token: str) -> Iterator[list[_Served]]:
    """Serve the module from each tree."""
    processes = []
    try:
        served = []
        for tree in trees:
            port = children.free_port()
            own = {"PSA_DATABASE_URL": url, "PSA_INTERNAL_JWKS": str(keys), "PSA_LISTEN_PORT": str(port)}
            command = [str(tree / ".venv/bin/python"), "-P", "-m", "subgraphs", _MODULE, "serve"]
            clean = {name: value for name, value in os.environ.items() if not name.startswith("PSA_")}
            process = subprocess.Popen(
                command, cwd=tree, env=clean | own | {"PYTHONPATH": str(tree)}, stdout=subprocess.DEVNULL
            )
            processes.append(process)
            client = httpx2.Client(
                base_url=f"http://127.0.0.1:{port}",
                headers={"authorization": f"Bearer {token}", "psa-deadline-ms": "30000"},
                timeout=60,
                trust_env=False,
            )
            served.append(_Served(tree, process.pid, client))
        for one in served:
            _wait(one)
        yield served
    finally:
        for process in processes:
            process.terminate()
            process.wait(60)


def _wait(one: _Served) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        try:
            if one.client.get("/health/ready").status_code == httpx2.codes.OK:
                return
        except httpx2.ConnectError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"{one.tree} does not serve.")


def _furnished(one: _Served) -> Mapping[str, Any]:
    """Make the customers; return the variables of the questions."""
    ids = []
    for begin in range(0, _ROWS, 50):
        each = [_MAKE.format(n=n, name=json.dumps(f"Kunde {n:04} GmbH")) for n in range(begin, begin + 50)]
        made = one.asked(f"mutation {{ {' '.join(each)} }}", {})
        ids += [payload["customer"]["id"] for payload in made.values()]
    return {"id": ids[0], "all": [{"__typename": "Customer", "id": identity} for identity in ids]}


def _laps(
    served: Sequence[_Served], query: str, times: int, variables: Mapping[str, Any], rounds: int
) -> dict[Path, list[float]]:
    """Milliseconds for each answer, lap by lap."""
    if len({json.dumps(one.asked(query, variables), sort_keys=True) for one in served}) > 1:
        raise SystemExit("They do not answer the same.")
    laps: dict[Path, list[float]] = {one.tree: [] for one in served}
    for number in range(rounds + 2):  # two to warm up
        for one in random.sample(served, len(served)):
            before = one.spent()
            for _ in range(times):
                one.asked(query, variables)
            if number >= 2:
                laps[one.tree].append((one.spent() - before) / times / 1e6)
    return laps


def _print(name: str, laps: Mapping[Path, Sequence[float]]) -> None:
    for tree, found in laps.items():
        print(f"{name:10} least {min(found):6.2f}  median {statistics.median(found):6.2f} ms  {tree}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
