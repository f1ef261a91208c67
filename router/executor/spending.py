"""What one operation may cost: so many requests, so many bytes; whoever is the reason that it is too much loses its own.

How many requests a plan takes is known before it runs, but for two things: entities beyond one request's share go in several,
and objects to which different values are handed down go apart. Both grow with what subgraphs answered. So the first
request of each fetch in the plan is set aside, and the further ones share what is left.

All answers together may have so many bytes. Each service is sure of an equal part of them; beyond it, it may have what
others left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import assert_never

from router.executor.transport import TransportFailure
from router.planner.query_plan import (
    Condition,
    Defer,
    Fetch,
    Flatten,
    Parallel,
    PlanNode,
    QueryPlan,
    Sequence,
    Subscription,
)


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """How many requests one operation may make, and how many bytes may come back."""

    fetches: int = 1_000
    answer_bytes: int = 256_000_000


class TooManyFetches(TransportFailure):
    """The operation has no request left for this."""

    code = "FETCH_LIMIT_EXCEEDED"


class TooManyBytes(TransportFailure):
    """The operation's answers are larger, all together, than allowed."""

    code = "RESPONSE_SIZE_LIMIT_EXCEEDED"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a plan takes at least: its fetches, and the services that they go to; some are asked for entities twice."""

    fetches: int = 0
    services: int = 0
    crowded: frozenset[str] = frozenset()
    names: frozenset[str] = field(default=frozenset(), compare=False)

    @staticmethod
    def of(plan: QueryPlan) -> Demand:
        """Count them."""
        found = list(_fetches(plan.node))
        entities = Counter(fetch.service_name for fetch in found if fetch.requires)
        crowded = frozenset(name for name, count in entities.items() if count > 1)
        names = frozenset(fetch.service_name for fetch in found)
        return Demand(len(found), len(names), crowded, names)


def _fetches(node: PlanNode | None) -> Iterator[Fetch]:
    match node:
        case None:
            return
        case Fetch():
            yield node
        case Flatten(node=inner):
            yield from _fetches(inner)
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            for inner in nodes:
                yield from _fetches(inner)
        case Condition(if_clause=one, else_clause=other):
            yield from _fetches(one)
            yield from _fetches(other)
        case Subscription(primary=primary, rest=rest):
            yield primary
            yield from _fetches(rest)
        case Defer(primary=first, deferred=deferred):
            yield from _fetches(first)
            for part in deferred:
                yield from _fetches(part.node)
        case _:
            assert_never(node)


@dataclass(slots=True)
class Spending:
    """What one operation has spent so far."""

    limits: SpendingLimits
    demand: Demand
    _asked: set[int] = field(default_factory=set)
    _further: int = 0
    _bytes: dict[str, int] = field(default_factory=dict)
    _total: int = 0

    def request(self, node: Fetch) -> None:
        """Make a request for a fetch; raises `TooManyFetches`."""
        if id(node) in self._asked:
            self._further += 1
            allowed = self._further <= self.limits.fetches - self.demand.fetches
        else:
            self._asked.add(id(node))
            allowed = len(self._asked) <= self.limits.fetches
        if not allowed:
            raise TooManyFetches(f"the operation would take more than {self.limits.fetches} requests")

    def answer(self, service: str, size: int) -> None:
        """Take in an answer; raises `TooManyBytes`."""
        own = self._bytes.get(service, 0) + size
        share = self.limits.answer_bytes // max(1, self.demand.services)
        if self._total + size > self.limits.answer_bytes and own > share:
            # It is dropped at once.
            raise TooManyBytes(f"the operation's answers have more than {self.limits.answer_bytes} bytes")
        self._bytes[service] = own
        self._total += size
