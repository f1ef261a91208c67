"""Several operations in one request: each goes its own way through the pipeline, and the answers keep the order.

One that is refused is refused alone. Queries run side by side; as soon as there is a mutation, one after the other, in
the order in which the client wrote them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from router.executor.caching.cache_control import Freshness
from router.executor.execute import Result
from router.server import response
from router.server.config.batching import Batching
from router.server.limits import Warden
from router.server.pipeline import Prepared
from router.server.refusals import Refused

Member = Prepared | Refused


def check(members: Sequence[Any], settings: Batching, warden: Warden) -> None:
    """Refuse a list that may not be, or that is too long."""
    if not settings.enabled:
        raise Refused("BATCHING_NOT_ENABLED", "Batching is not enabled; send one operation at a time.")
    if not members:
        raise Refused("BAD_REQUEST", "The list has no operation.")
    warden.check("batch", len(members), settings.maximum_size)


async def prepared(members: Sequence[Any], prepare: Callable[[Any], Awaitable[Prepared]]) -> list[Member]:
    """Prepare every member; what one is refused for stays with it."""

    async def one(member: Any) -> Member:
        try:
            return _at_once(await prepare(member))
        except Refused as refused:
            return refused

    return [await one(member) for member in members]


def _at_once(member: Prepared) -> Prepared:
    if member.is_subscription:
        raise Refused("BATCHING_SUBSCRIPTION_UNSUPPORTED", "Subscriptions can't be answered in a batch.")
    return member


def has_mutation(members: Sequence[Member]) -> bool:
    """Whether something in it changes anything."""
    return any(isinstance(member, Prepared) and member.is_mutation for member in members)


@dataclass(slots=True)
class Answers:
    """What became of each, in the order of the request, and how long all of it is good for."""

    bodies: list[dict[str, Any]]
    freshness: Freshness


async def executed(members: Sequence[Member]) -> Answers:
    """Run what was prepared, and answer in the order of the request."""
    whole = Freshness()
    if has_mutation(members):
        return Answers([await _body(member, whole) for member in members], whole)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_body(member, whole)) for member in members]
    return Answers([task.result() for task in tasks], whole)


async def _body(member: Member, whole: Freshness) -> dict[str, Any]:
    if isinstance(member, Refused):
        whole.spoil()
        return response.refusal_body(member)
    done: Result = await member.execute()
    try:
        whole.join(member.freshness(done))
    except Refused as refused:
        whole.spoil()
        return response.refusal_body(refused)
    return response.body(done, member.extensions)
