"""The embedded PostgreSQL: it is ours alone, comes back when killed, and never outlives us."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from deploy.local import children, postgres
from deploy.local.home import Trouble
from deploy.local.postgres import EmbeddedPostgres, embedded_postgres
from tests.deploy.local.processes import is_running, still_running

CLUSTER = "select system_identifier from pg_control_system()"
"""Who asks learns whether this is the cluster that it was, with its files, or one that was made anew."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose database was made and stopped; most tests work on a copy, which is quicker than initdb."""
    home = tmp_path_factory.mktemp("template") / "home"

    async def make() -> None:
        async with embedded_postgres(home, durable=False, say=lambda _: None) as server:
            await run(server, "create table kept (word text)")

    asyncio.run(make())
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "home"
    shutil.copytree(template, copy)
    for directory, _, files in os.walk(template / "postgres"):
        for path in [Path(directory), *(Path(directory) / name for name in files)]:
            owner = path.stat()
            os.chown(copy / path.relative_to(template), owner.st_uid, owner.st_gid)
    return copy


async def run(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(server.admin_url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 50) -> None:
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.01)


async def test_a_fresh_home_gets_a_database_that_knows_the_letters_of_every_language(
    postgres_admin_url: str,
) -> None:
    connection = await asyncpg.connect(postgres_admin_url)
    try:
        row = await connection.fetchrow(
            "select upper('äöüß') as up, 'ÄRGER' ilike 'ärger' as same, current_setting('server_encoding') as encoding"
        )
    finally:
        await connection.close()

    assert tuple(row or ()) == ("ÄÖÜSS", True, "UTF8")


async def test_what_was_committed_is_there_after_a_second_start_that_makes_no_cluster_again(home: Path) -> None:
    async with embedded_postgres(home) as server:
        await run(server, "insert into kept values ('still here')")
        cluster = await run(server, CLUSTER)

    async with embedded_postgres(home) as server:
        word = await run(server, "select word from kept")
        again = await run(server, CLUSTER)

    assert word == "still here"
    assert again == cluster


async def test_it_listens_on_loopback_only_and_asks_for_the_password(home: Path) -> None:
    async with embedded_postgres(home) as server:
        addresses = await run(server, "select current_setting('listen_addresses')")
        sockets = await run(server, "select current_setting('unix_socket_directories')")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.admin_url.replace(server.password, "guessed"))

    assert (addresses, sockets) == ("127.0.0.1", "")
    assert stat.S_IMODE((home / "postgres" / "password").stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
async def test_under_root_it_runs_as_nobody_and_opens_no_directory_for_that(home: Path) -> None:
    parents = {path: path.stat().st_mode for path in home.parents}

    async with embedded_postgres(home) as server:
        status = Path(f"/proc/{server.child.process.pid}/status").read_text(encoding="ascii")

    uid = next(line for line in status.splitlines() if line.startswith("Uid:"))
    assert uid.split()[1:] == [str(children.User.named("nobody").uid)] * 4
    assert {path: path.stat().st_mode for path in home.parents} == parents
    assert not children.User.named("nobody").may_enter(home)


async def test_a_killed_database_is_back_by_itself_at_the_same_address_with_every_row(home: Path) -> None:
    said: list[str] = []
    async with embedded_postgres(home, say=said.append) as server:
        address = server.admin_url
        await run(server, "insert into kept values ('committed')")
        cluster = await run(server, CLUSTER)

        server.child.process.kill()

        async def back() -> bool:
            return server.child.restarts == 1

        await until(back)
        word = await run(server, "select word from kept")
        again = await run(server, CLUSTER)

    assert server.admin_url == address
    assert word == "committed"
    assert again == cluster
    assert said[0] == "⚠ The database ended (SIGKILL); starting it again."
    assert said[1].startswith("✓ The database is back after ")


async def test_one_home_is_one_running_platform(home: Path) -> None:
    async with embedded_postgres(home) as first:
        with pytest.raises(Trouble) as refused:
            async with embedded_postgres(home):
                pytest.fail("the second one started")
        still_there = await run(first, "select 1")

    assert refused.value.problem == f"{home} is in use by another running platform (process {os.getpid()})."
    assert "--home DIR" in refused.value.remedy
    assert still_there == 1


async def test_two_homes_run_side_by_side(home: Path, template: Path) -> None:
    async with embedded_postgres(home) as one, embedded_postgres(template) as other:
        await run(one, "insert into kept values ('mine')")

        assert await run(other, "select count(*) from kept") == 0


HOLDER = """
import asyncio, sys
from pathlib import Path
from deploy.local import children
from deploy.local.postgres import embedded_postgres

start = children.start

async def deaf(*program, death_signal, **options):
    return await start(*program, death_signal=0, **options)

async def main():
    if "deaf" in sys.argv:
        children.start = deaf
    async with embedded_postgres(Path(sys.argv[1])) as server:
        print(server.child.process.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


def hold(home: Path, *how: str) -> tuple[subprocess.Popen[str], int]:
    """Run the database from another process, and return that and the database's process id."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(home), *how], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    return holder, int(holder.stdout.readline())


async def test_it_dies_with_its_parent_even_when_that_is_killed(home: Path) -> None:
    holder, database = hold(home)
    holder.kill()
    holder.communicate()

    assert still_running({database}, seconds=60) == []
    log = (home / "postgres" / "log").read_text(encoding="utf-8")
    assert log.rstrip().endswith("database system is shut down")


async def test_the_next_one_waits_for_the_database_of_a_killed_platform(home: Path) -> None:
    holder, _ = hold(home)
    holder.kill()
    holder.communicate()

    async with embedded_postgres(home) as server:
        assert await run(server, "select 1") == 1


async def test_an_orphan_that_nobody_told_is_ended_by_the_next_start(home: Path) -> None:
    """Where a parent's death is not told, the old database still runs when the next platform comes."""
    holder, database = hold(home, "deaf")
    holder.kill()
    holder.communicate()
    assert is_running(database)

    async with embedded_postgres(home) as server:
        assert server.child.process.pid != database
        assert await run(server, "select 1") == 1
    assert not is_running(database)


async def test_a_stale_postmaster_pid_with_a_strangers_number_does_not_stop_it(home: Path) -> None:
    stale = home / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{stale.parent}\n0\n1\n\n127.0.0.1\n0 0\nready\n", encoding="ascii")
    owner = stale.parent.stat()
    os.chown(stale, owner.st_uid, owner.st_gid)

    async with embedded_postgres(home) as server:
        assert await run(server, "select 1") == 1


async def test_half_made_data_is_thrown_away_and_made_again(tmp_path: Path) -> None:
    """As after kill -9 or a full disk in the middle of initdb."""
    draft = tmp_path / "home" / "postgres" / "data.draft"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18", encoding="ascii")

    async with embedded_postgres(tmp_path / "home", durable=False, say=lambda _: None) as server:
        assert await run(server, "select 1") == 1


async def test_a_full_disk_is_named_with_the_remedy(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", small], check=False, capture_output=True
        ).returncode
    )
    if not mounted:
        pytest.skip("only root can mount a small disk")
    try:
        with pytest.raises(Trouble) as refused:
            async with embedded_postgres(small / "home", say=lambda _: None):
                pytest.fail("it started")
    finally:
        subprocess.run(["umount", small], check=True)

    assert refused.value.problem.endswith("is full.")
    assert "Free some space" in refused.value.remedy


async def test_a_home_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way", encoding="ascii")

    with pytest.raises(Trouble) as refused:
        async with embedded_postgres(file):
            pytest.fail("it started")

    assert refused.value.problem == f"{file} cannot be written."
    assert file.read_text(encoding="ascii") == "in the way"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_the_data_of_another_user_is_refused_in_words(home: Path) -> None:
    os.chown(home / "postgres" / "data", 12345, 12345)

    with pytest.raises(Trouble, match="belongs to user 12345"):
        async with embedded_postgres(home):
            pytest.fail("it started")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
async def test_binaries_in_a_closed_directory_are_copied_to_an_open_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone under /root. The libraries beside the package must come along, or nothing starts."""
    package = postgres.binary_directory().parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), closed / name, symlinks=True)
    with_doors = Path("/tmp") / f"psa-test-{os.getpid()}"  # noqa: S108 - pytest's own directory is closed, too
    monkeypatch.setattr(postgres, "binary_directory", lambda: closed / package.name / "pginstall" / "bin")
    monkeypatch.setattr(postgres, "_SHARED_INSTALLS", with_doors)
    try:
        async with embedded_postgres(home) as server:
            program = Path(f"/proc/{server.child.process.pid}/exe").resolve()
    finally:
        shutil.rmtree(with_doors)

    assert program.is_relative_to(with_doors)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
