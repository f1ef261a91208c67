"""The processes of a module: they run until they are told to stop."""

from __future__ import annotations

import asyncio

import pytest
import strawberry

from subgraphs.kit import process
from subgraphs.kit.config import Misconfigured, Settings
from subgraphs.kit.module import Module, load


@strawberry.type
class Query:
    """Nothing of interest."""

    here: bool = True


async def test_a_module_that_listens_to_nobody_waits_instead_of_ending():
    """An end would be taken for a failure, and the process started again, for ever."""
    deaf = Module(name="deaf", purpose="To hear nothing.", query=Query)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.consume_events(deaf, Settings()), 0.05)


@pytest.mark.parametrize("name", ["auth", "integrations", "notify"])
@pytest.mark.parametrize("verb", ["serve", "consume", "work"])
async def test_whoever_keeps_secrets_does_not_start_without_a_key_to_seal_them_with(name: str, verb: str) -> None:
    with pytest.raises(
        Misconfigured, match=r"PSA_SEALING_KEY_FILE is not set.*python -m subgraphs\.auth new-sealing-key"
    ):
        await process.until_told(load(name), Settings(), [verb])
