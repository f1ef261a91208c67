"""The processes of a module: they run until they are told to stop."""

from __future__ import annotations

import asyncio

import pytest
import strawberry

from subgraphs.kit import process
from subgraphs.kit.config import Settings
from subgraphs.kit.module import Module


@strawberry.type
class Query:
    """Nothing of interest."""

    here: bool = True


async def test_a_module_that_listens_to_nobody_waits_instead_of_ending():
    """An end would be taken for a failure, and the process started again, for ever."""
    deaf = Module(name="deaf", purpose="To hear nothing.", query=Query)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.consume_events(deaf, Settings()), 0.05)
