"""`./dev run`: the platform until somebody says that it is enough, with all that a newcomer needs to know."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from deploy.local import accounts, by_hand, demo, identity
from deploy.local.children import Say
from deploy.local.home import DEFAULT_HOME, Trouble
from deploy.local.people import TENANTS
from deploy.local.platform import Running, in_one_process
from deploy.local.split import in_many_processes
from subgraphs import MODULES

_HICCUPS = 8
_FIRST_QUERY = (
    '{ customer(id: \\"123\\") { name tickets(status: \\"open\\") { id title priority } assets { name type } } }'
)


async def until_told(home: Path, port: int, say: Say, *, split: bool, without: frozenset[str] = frozenset()) -> None:
    """Run until Ctrl-C or SIGTERM, `without` some modules; then stop everything, in order."""
    _refuse_unknown(without)
    _log_for_people()
    start = in_many_processes if split else in_one_process
    with _told_to_stop(say):
        try:
            async with start(home, port, say, without) as started:
                if not without:
                    await demo.make(started.url, home, say)
                    await accounts.make(home, started.auth)
                with by_hand.remembered(home, started.modules):
                    say(_welcome(started, told=_told_before(home)))
                    await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("✓ stopped; the data stays")


def _refuse_unknown(names: frozenset[str]) -> None:
    if unknown := names - set(MODULES):
        raise Trouble(f"There is no module {', '.join(sorted(unknown))}.", f"The modules are {', '.join(MODULES)}")


@contextmanager
def _told_to_stop(say: Say) -> Iterator[None]:
    """Cancel the current task at the first signal; further ones change nothing, stopping is under way."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop() -> None:
        for name in signals:
            loop.add_signal_handler(name, say, "… already stopping")
        # A connection that is being opened at this moment breaks, and tells asyncio's log, when everything goes away.
        loop.set_exception_handler(lambda _loop, _context: None)
        say("\nStopping …")
        if task:
            task.cancel()

    for name in signals:
        loop.add_signal_handler(name, stop)
    try:
        yield
    finally:
        for name in signals:
            loop.remove_signal_handler(name)


def _told_before(home: Path) -> bool:
    """Whether the password was told already; remembers that it will have been."""
    note = home / "identity" / "demo-password-told"
    told = note.exists()
    note.touch()
    return told


def _welcome(running: Running, *, told: bool) -> str:
    of_home = "" if running.home == DEFAULT_HOME else f" --home {running.home}"
    token = f"./dev token{of_home}"
    kept = running.home / "identity" / "demo-password"
    password = f"in {kept}" if told else f"{accounts.password(running.home)}   (told once; kept in {kept})"
    return f"""
  GraphQL    {running.url}/graphql
  Explorer   {running.url}/
  Health     {running.url}/health/ready

  Sign in    {identity.issuer(running.home)}/auth/account
             as one of these, in {" or ".join(tenant.name for tenant in TENANTS)}:
{_people()}
  Password   {password}
  Mails      {accounts.mail_folder(running.home)}
  OpenID     {identity.issuer(running.home)}/.well-known/openid-configuration
             a client for your application, and more: ./dev identity{of_home} --help

  Or with a token of the demo's owner; --tenant, --user and --role choose another:
    {token}

  The first query:
    curl {running.url}/graphql -H "Authorization: Bearer $({token})" -H 'Content-Type: application/json' \\
      -d '{{"query": "{_FIRST_QUERY}"}}'

  Data is kept in {running.home}. Ctrl-C stops everything.
"""


def _people() -> str:
    """Who can sign in: a line for each role, a column for each tenant."""
    by_role = zip(*(tenant.people for tenant in TENANTS), strict=True)
    return "\n".join(
        f"             {people[0].role:21}" + " ".join(f"{one.email:34}" for one in people).rstrip()
        for people in by_role
    )


def _log_for_people() -> None:
    """Warnings and errors, one readable line each; who wants all facts runs it as in production."""
    structlog.configure(
        processors=[
            _without_hiccups,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", force=True)


def _without_hiccups(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Leave out that a loop was interrupted: when the database is away, all say so, and all take up again by themselves."""
    if event["event"] == "loop.interrupted" and event.get("failures", 0) < _HICCUPS:
        raise structlog.DropEvent
    return event
