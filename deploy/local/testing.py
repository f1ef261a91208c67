"""`./dev test`: all tests, against a real PostgreSQL, RabbitMQ and Redis that live as long as the run.

Test files are shared out among as many workers as there are cores. Each worker has services of its own, so that no test
meets another's messages or keys. Services that an environment variable names are used, separated by spaces if there are
several; otherwise private ones are started, and installed before if we may. What could not be had is left out, and said
in a line nobody can miss, before the tests and after them.
"""

from __future__ import annotations

import asyncio
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
        status = await _pytest([*_shared_out(workers), *arguments], environment)
    for line in left_out:
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
