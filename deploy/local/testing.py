"""`./dev test`: all tests, against a real PostgreSQL, RabbitMQ and Redis that live as long as the run.

Test files are shared out among as many workers as there are cores. Each worker has services of its own, so that no test
meets another's messages or keys. Services that an environment variable names are used, separated by spaces if there are
several; otherwise private ones are started, and installed before if we may. What could not be had is left out, and said
in a line nobody can miss, before the tests and after them.

A few failures are asked once more, alone: what passes then hung on how busy the machine was. It is named as unsteady, a
fault of the test or worse, and does not keep anybody else's change out. A wall that was open once, or something that was
lost once, is no matter of chance: those have one try.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import MappingProxyType

from deploy.local import children, packages, services
from deploy.local.children import Say
from deploy.local.home import Trouble

_Service = Callable[[Path, Say], AbstractAsyncContextManager[str]]

_GRACE_SECONDS = 5.0
# Beyond that the workers wait for each other: the longest file decides.
_MOST_WORKERS = 4
# Whoever says one of these wants something else than the workers that we would choose.
_OWN_WORKERS = ("-n", "--numprocesses", "--pdb", "--trace", "--collect-only", "--co", "no:xdist")
# Whoever says one of these is after what failed before.
_OWN_ORDER = ("--lf", "--last-failed", "--ff", "--failed-first", "--sw", "--stepwise", "no:cacheprovider", "-x")
_FAILED = 1
# More than these are no matter of chance.
_MOST_AGAIN = 10
_ONE_TRY = ("tests/walls/", "tests/faults/")
_VARIABLES: Mapping[str, tuple[str, _Service]] = MappingProxyType(
    {
        "RabbitMQ": ("PSA_TEST_AMQP_URL", services.rabbitmq),
        "Redis": ("PSA_TEST_REDIS_URL", services.redis),
    }
)


async def run(arguments: Sequence[str], say: Say) -> int:
    """Run pytest with these arguments and everything it needs; return its exit code."""
    environment = dict(os.environ)
    workers = _workers(arguments, environment)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="psa-test-")))
        left_out = await _provide(environment, workers, directory, stack, say)
        for line in left_out:
            say(line)
        status, unsteady = await _asked(arguments, workers, directory / "failed", environment, say)
    for line in [*left_out, *unsteady]:
        say(line)
    return status


def _workers(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """How many test files run at a time: one for each core, but no more than there are services named."""
    if any(argument.startswith(own) for argument in arguments for own in _OWN_WORKERS):
        return 1
    named = [len(environment[variable].split()) for variable, _ in _VARIABLES.values() if environment.get(variable)]
    return min([os.cpu_count() or 1, _MOST_WORKERS, *named])


def _shared_out(workers: int) -> list[str]:
    """What makes pytest do so; in the order in which the tests' conftest has put them, the longest first."""
    return [f"-n{workers}", "--dist=loadscope", "--no-loadscope-reorder"] if workers > 1 else []


async def _provide(
    environment: dict[str, str], workers: int, directory: Path, stack: AsyncExitStack, say: Say
) -> list[str]:
    """Start what nobody named, name it in the environment, and return what there is to complain about."""
    wanted = [name for name, (variable, _) in _VARIABLES.items() if not environment.get(variable)]
    complaints = packages.install([*wanted, "Chromium"], say)
    for name in wanted:
        if name in complaints:
            continue
        variable, service = _VARIABLES[name]
        places = [directory / f"{name.lower()}-{worker}" for worker in range(workers)]
        try:
            environment[variable] = " ".join([await stack.enter_async_context(service(place, say)) for place in places])
        except Trouble as trouble:
            complaints[name] = str(trouble)
        else:
            say(f"✓ {name} is up, for these tests only")
    return [f"✗ LEFT OUT: all tests that need {name}. {reason}" for name, reason in complaints.items()]


async def _asked(
    arguments: Sequence[str], workers: int, cache: Path, environment: Mapping[str, str], say: Say
) -> tuple[int, list[str]]:
    """Run the tests, and a few that failed once more, alone; the exit code, and a line for each that then passed."""
    if workers == 1 or any(argument.startswith(own) for argument in arguments for own in _OWN_ORDER):
        return await _pytest([*_shared_out(workers), *arguments], environment), []
    noted = ["-o", f"cache_dir={cache}"]
    status = await _pytest([*_shared_out(workers), *noted, *arguments], environment)
    failed = _failed(cache)
    if status != _FAILED or not 0 < len(failed) <= _MOST_AGAIN or any(name.startswith(_ONE_TRY) for name in failed):
        return status, []
    say(f"⚠ {len(failed)} failed; once more, alone:")
    status = await _pytest(["-n0", *noted, "--last-failed", *arguments], environment)
    return status, [f"⚠ UNSTEADY: {name} passed only at the second try." for name in sorted(failed - _failed(cache))]


def _failed(cache: Path) -> frozenset[str]:
    """The tests that failed, as pytest writes them down."""
    written = cache / "v" / "cache" / "lastfailed"
    return frozenset(json.loads(written.read_text(encoding="utf-8"))) if written.exists() else frozenset()


async def _pytest(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run pytest in the foreground, and give it the time to clean up when we are told to end.

    Ctrl-C reaches it as it reaches us; only when it does not react, or the signal was for us alone, we pass it on.
    """
    process = await children.start(
        *(sys.executable, "-m", "pytest", *arguments),
        directory=Path.cwd(),
        output=None,
        environment=environment,
        death_signal=signal.SIGINT,
        foreground=True,
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, _pass_on, process)
    loop.add_signal_handler(signal.SIGHUP, _pass_on, process)
    loop.add_signal_handler(signal.SIGINT, lambda: loop.call_later(_GRACE_SECONDS, _pass_on, process))
    return await process.wait()


def _pass_on(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
