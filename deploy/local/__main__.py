"""`python -m deploy.local …`: what `./dev` hands over to, once the environment is there."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from deploy.local import testing
from deploy.local.home import Trouble

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The platform on this machine.")


def say(line: str) -> None:
    """Tell the person at the keyboard, at once, and apart from what a command prints."""
    print(line, file=sys.stderr, flush=True)


@app.callback()
def commands() -> None:
    """Choose one."""


@app.command("test", context_settings={"ignore_unknown_options": True})
def run_tests(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Run all tests against real services; arguments go to pytest."""
    raise typer.Exit(asyncio.run(testing.run(arguments or [], say)))


def main() -> None:
    """Run a command; what keeps it from running is told in words."""
    try:
        app()
    except Trouble as trouble:
        say(f"✗ {trouble}")
        sys.exit(1)


if __name__ == "__main__":
    main()
