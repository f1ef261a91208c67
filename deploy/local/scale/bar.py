"""How far it is: a bar where somebody watches, a line now and then where it is written down."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from deploy.local.children import Say

Advance = Callable[[int], None]

_STEPS = 10


@contextmanager
def shown(what: str, total: int, say: Say) -> Iterator[Advance]:
    """Show how much of `total` is done; the block says by how much it came further."""
    if not sys.stderr.isatty():
        yield _lines(what, total, say)
        return
    columns = (TextColumn(what), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda more: progress.advance(task, more)


def _lines(what: str, total: int, say: Say) -> Advance:
    done = told = 0

    def advance(more: int) -> None:
        nonlocal done, told
        done += more
        step = done * _STEPS // max(total, 1)
        if step > told:
            told = step
            say(f"  {what}: {done:,} of {total:,}")

    return advance
