"""`./dev test`: all tests, against a real PostgreSQL, RabbitMQ and Redis that live as long as the run.

A service that an environment variable names is used; otherwise a private one is started, and installed before if we
may. What could not be had is left out, and said in a line nobody can miss, before the tests and after them.
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
_VARIABLES: Mapping[str, tuple[str, _Service]] = MappingProxyType(
    {
        "RabbitMQ": ("PSA_TEST_AMQP_URL", services.rabbitmq),
        "Redis": ("PSA_TEST_REDIS_URL", services.redis),
    }
)


async def run(arguments: Sequence[str], say: Say) -> int:
    """Run pytest with these arguments and everything it needs; return its exit code."""
    environment = dict(os.environ)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="psa-test-")))
        left_out = await _provide(environment, directory, stack, say)
        for line in left_out:
            say(line)
        status = await _pytest(arguments, environment)
    for line in left_out:
        say(line)
    return status


async def _provide(environment: dict[str, str], directory: Path, stack: AsyncExitStack, say: Say) -> list[str]:
    """Start what nobody named, name it in the environment, and return what there is to complain about."""
    wanted = [name for name, (variable, _) in _VARIABLES.items() if not environment.get(variable)]
    complaints = packages.install([*wanted, "Chromium"], say)
    for name in wanted:
        if name in complaints:
            continue
        variable, service = _VARIABLES[name]
        try:
            environment[variable] = await stack.enter_async_context(service(directory / name.lower(), say))
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
