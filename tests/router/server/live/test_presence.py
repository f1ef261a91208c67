"""Whoever stays connected is looked at again: what was taken back ends their connection, and nobody else's."""

from __future__ import annotations

import asyncio

import pytest

from router.server.authentication import Caller
from router.server.presence import Parting, Presence


def caller(user: str) -> Caller:
    return Caller.of({"sub": user}, subjects=frozenset({user}))


@pytest.fixture
def taken():
    return set[str]()


async def test_a_connection_ends_soon_after_its_token_was_taken_back(taken: set[str]) -> None:
    presence, parted = Presence(10), list[tuple[str, Parting]]()

    async def taken_back(one: Caller) -> bool:
        return bool(one.subjects & taken)

    looking = asyncio.create_task(presence.look_for_revoked(taken_back, 0.01))
    with (
        presence.of(caller("a"), lambda why: parted.append(("a", why))),
        presence.of(caller("b"), lambda why: parted.append(("b", why))),
        presence.of(None, lambda why: parted.append(("nobody", why))),
    ):
        await asyncio.sleep(0.05)
        before = list(parted)
        taken.add("a")
        async with asyncio.timeout(60):
            while not parted:
                await asyncio.sleep(0.01)
    looking.cancel()

    assert before == []
    assert set(parted) == {("a", Parting.REVOKED)}
