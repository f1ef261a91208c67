"""`python -m deploy.local …`: what `./dev` hands over to, once the environment is there.

Each command imports what it needs, and no other's: a token should not wait for a platform.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.home import DEFAULT_HOME, Trouble

Home = Annotated[Path, typer.Option(help="Where the platform keeps its data.")]


class Settling(Enum):
    """What is done with what failed for good."""

    LIST = "list"
    REPLAY = "replay"
    DISCARD = "discard"


app = typer.Typer(add_completion=False, no_args_is_help=True, help="The platform on this machine.")


def say(line: str) -> None:
    """Tell the person at the keyboard, at once, and apart from what a command prints."""
    print(line, file=sys.stderr, flush=True)


@app.callback()
def commands() -> None:
    """Choose one."""


@app.command()
def run(
    home: Home = DEFAULT_HOME,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the router listens; 0 takes a free one.")] = 4000,
    *,
    split: Annotated[
        bool, typer.Option("--split", help="As in production: each module its own processes, RabbitMQ and Redis real.")
    ] = False,
    without: Annotated[
        list[str] | None, typer.Option(help="Leave this module out, as if it had failed: its fields are null.")
    ] = None,
) -> None:
    """Start the platform; Ctrl-C stops it."""
    say("Starting the platform …")
    from deploy.local import running  # noqa: PLC0415 - see above

    left_out = frozenset(without or ())
    asyncio.run(running.until_told(home.expanduser().absolute(), port, say, split=split, without=left_out))


@app.command()
def token(
    home: Home = DEFAULT_HOME,
    tenant: Annotated[
        str | None, typer.Option(help="`nordlicht`, `alpenblick`, or `scale` when it was seeded.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="By mail address, name or UUID.")] = None,
    role: Annotated[str | None, typer.Option(help="Whoever has this role; the owner if nothing is said.")] = None,
) -> None:
    """Print a bearer token for a user of the demo."""
    from deploy.local import identity  # noqa: PLC0415 - see above

    of = identity.tenant_named(tenant)
    print(identity.token(home.expanduser().absolute(), of, identity.person_named(of, user, role)))


@app.command()
def month(
    home: Home = DEFAULT_HOME,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the router listens.")] = 4000,
) -> None:
    """Live a month of a service provider through the graph of the platform that runs here, from customer to export."""
    from deploy.local import month as months  # noqa: PLC0415 - see above

    asyncio.run(months.live(f"http://127.0.0.1:{port}", home.expanduser().absolute(), say))


@app.command()
def seed(
    home: Home = DEFAULT_HOME,
    customers: Annotated[
        int | None, typer.Option(min=1, help="How many customers, each with a contract: 2,000.")
    ] = None,
    tickets: Annotated[int | None, typer.Option(min=0, help="How many tickets, over three years: 200,000.")] = None,
    time_entries: Annotated[int | None, typer.Option(min=0, help="How much time, worked on them: 2,000,000.")] = None,
    assets: Annotated[int | None, typer.Option(min=0, help="How many assets: 50,000.")] = None,
    *,
    small: Annotated[bool, typer.Option("--small", help="A hundredth of everything, in seconds.")] = False,
) -> None:
    """Fill a tenant of its own with thousands of customers and millions of rows, on the platform that runs here."""
    from deploy.local.scale import seeding, sizes  # noqa: PLC0415 - see above

    plain = sizes.SMALL if small else sizes.Sizes()
    asked = {"customers": customers, "tickets": tickets, "time_entries": time_entries, "assets": assets}
    wanted = dataclasses.replace(plain, **{name: many for name, many in asked.items() if many is not None})
    asyncio.run(seeding.seed_home(home.expanduser().absolute(), wanted, say))


@app.command(
    "identity", context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False
)
def do_by_hand(context: typer.Context, home: Home = DEFAULT_HOME) -> None:
    """Look after the running platform's identity: new tenants, clients, tokens for directories, the next signing keys."""
    from deploy.local import by_hand  # noqa: PLC0415 - see above

    by_hand.become(home.expanduser().absolute(), context.args)


@app.command("dead-letters")
def settle_dead_letters(
    what: Annotated[Settling, typer.Argument(help="Show them, bring them back, or let them go.")] = Settling.LIST,
    home: Home = DEFAULT_HOME,
    module: Annotated[list[str] | None, typer.Option(help="Only those of this module; may be repeated.")] = None,
    ids: Annotated[list[str] | None, typer.Option("--id", help="This one; may be repeated.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that are held.")] = False,
) -> None:
    """What failed for good on the platform that runs here, of all modules and tenants: a line of JSON each, oldest first."""
    from deploy.local import by_hand  # noqa: PLC0415 - see above
    from subgraphs.kit.dead_letter_desk import Which  # noqa: PLC0415 - see above
    from subgraphs.kit.dead_letters import Action  # noqa: PLC0415 - see above

    action = None if what is Settling.LIST else Action[what.name]
    which = Which(tuple(ids or ()), everything=everything)
    for line in asyncio.run(by_hand.dead_letters(home.expanduser().absolute(), module or [], action, which)):
        print(line)


@app.command("test", context_settings={"ignore_unknown_options": True})
def run_tests(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Run all tests against real services; arguments go to pytest."""
    from deploy.local import testing  # noqa: PLC0415 - see above

    raise typer.Exit(asyncio.run(testing.run(arguments or [], say)))


def main() -> None:
    """Run a command; what keeps it from running is told in words."""
    try:
        app()
    except* Trouble as troubles:
        for trouble in _leaves(troubles):
            say(f"✗ {trouble}")
        sys.exit(1)


def _leaves(group: BaseExceptionGroup[Trouble]) -> list[BaseException]:
    found: list[BaseException] = []
    for problem in group.exceptions:
        found += _leaves(problem) if isinstance(problem, BaseExceptionGroup) else [problem]
    return found


if __name__ == "__main__":
    main()
