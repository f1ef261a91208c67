"""`./dev test` ends what it started, however it is ended, and says loudly what it had to leave out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local import packages
from tests.deploy.local.processes import family, still_running, wait_until

pytestmark = pytest.mark.timeout(180)  # a broker takes 8 s, and half a minute on a busy machine

needs_redis = pytest.mark.skipif(bool(packages.missing(["Redis"])), reason="Redis is not installed")

# What a run of its own would do to the run that it is part of.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PSA_TEST_", "PYTEST_"))}


def start(test: Path, **variables: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "deploy.local",
        "test",
        "-n0",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        str(test),
    ]
    return subprocess.Popen(
        command,
        env=environment(test.parent, variables),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def environment(temporary: Path, variables: Mapping[str, str]) -> dict[str, str]:
    return {**ENVIRONMENT, "TMPDIR": str(temporary), "PSA_TEST_AMQP_URL": "amqp://named.example", **variables}


@needs_redis
def test_a_private_redis_is_named_to_the_tests_and_gone_after_them(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        "import os, socket\n"
        "from urllib.parse import urlsplit\n"
        "def test_it():\n"
        "    url = urlsplit(os.environ['PSA_TEST_REDIS_URL'])\n"
        "    socket.create_connection((url.hostname, url.port)).close()\n"
        "    assert os.environ['PSA_TEST_AMQP_URL'] == 'amqp://named.example'\n",
        encoding="utf-8",
    )

    run = start(test)
    output, _ = run.communicate()

    assert run.returncode == 0, output
    assert "✓ Redis is up, for these tests only" in output
    assert not list(tmp_path.glob("psa-test-*"))


def test_the_exit_code_is_that_of_the_tests(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text("def test_it(): assert False\n", encoding="utf-8")

    run = start(test, PSA_TEST_REDIS_URL="redis://named.example")
    run.communicate()

    assert run.returncode == 1


@needs_redis
@pytest.mark.parametrize("how", ["INT", "TERM", "KILL"])
def test_nothing_is_left_running_when_it_is_ended_from_outside(tmp_path: Path, how: str) -> None:
    test = tmp_path / "test_it.py"
    note = tmp_path / "note"
    test.write_text(
        f"import os, time, pathlib\ndef test_it():\n    pathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n    time.sleep(60)\n",
        encoding="utf-8",
    )
    run = start(test)
    assert wait_until(lambda: note.exists() and bool(note.read_text(encoding="ascii")))
    started = family(run.pid)
    assert len(started) == 3  # itself, Redis, pytest

    if how == "INT":
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does it: to everybody in the foreground
    else:
        run.send_signal(signal.Signals[f"SIG{how}"])
    run.communicate(timeout=120)

    assert still_running(started, seconds=60) == []
    assert run.returncode == {"INT": 2, "TERM": 2, "KILL": -signal.SIGKILL}[how]


def test_what_is_left_out_is_said_before_and_after_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for somebody who is not root and has no Redis."""
    program = tmp_path / "run.py"
    program.write_text(
        "import asyncio, os, pathlib, sys\n"
        "from deploy.local import packages, testing\n"
        "nowhere = packages.Package(('redis-server',), pathlib.Path('/nowhere'))\n"
        "packages.PACKAGES = {**packages.PACKAGES, 'Redis': nowhere}\n"
        "os.geteuid = lambda: 1000\n"
        "sys.exit(asyncio.run(testing.run(sys.argv[1:], print)))\n",
        encoding="utf-8",
    )
    test = tmp_path / "test_it.py"
    test.write_text("def test_it(): pass\n", encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-u", program, "-n0", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", test],
        env=environment(tmp_path, {}),
        capture_output=True,
        text=True,
        check=False,
    )

    line = "✗ LEFT OUT: all tests that need Redis. Only root on Debian may install it: apt-get install redis-server"
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines.count(line) == 2
    assert lines[-1].startswith("✗ LEFT OUT")


UNSTEADY = """
import pathlib
HERE = pathlib.Path(__file__).parent

def test_unsteady():
    first = not (HERE / "again").exists()
    (HERE / "again").touch()
    assert not first

def test_steady():
    with (HERE / "runs").open("a") as runs:
        runs.write(".")
"""


@pytest.mark.parametrize("broken", [False, True], ids=["all pass then", "one is broken"])
def test_what_failed_is_asked_once_more_and_named_when_it_passes_then(tmp_path: Path, *, broken: bool) -> None:
    (tmp_path / "test_it.py").write_text(UNSTEADY, encoding="utf-8")
    if broken:
        (tmp_path / "test_broken.py").write_text("def test_broken(): assert False\n", encoding="utf-8")
    done = whole_run(tmp_path)

    told = [line for line in done.stdout.splitlines() if line.startswith("⚠ UNSTEADY")]
    assert done.returncode == int(broken), done.stdout
    assert told == ["⚠ UNSTEADY: test_it.py::test_unsteady passed only at the second try."]
    assert (tmp_path / "runs").read_text(encoding="ascii") == "."


@pytest.mark.parametrize("folder", ["tests/walls", "tests/faults"])
def test_a_wall_that_was_open_once_is_not_asked_again(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "test_it.py").write_text(UNSTEADY, encoding="utf-8")

    done = whole_run(tmp_path)

    assert done.returncode == 1, done.stdout
    assert "UNSTEADY" not in done.stdout


def whole_run(place: Path) -> subprocess.CompletedProcess[str]:
    named = {"PSA_TEST_REDIS_URL": "redis://one redis://two", "PSA_TEST_AMQP_URL": "amqp://one amqp://two"}

    return subprocess.run(
        [sys.executable, "-m", "deploy.local", "test", "-p", "xdist.plugin", "-q", "-c", "/dev/null", place],
        env=environment(place, {**named, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
