"""The operation cache: a document that was seen before is neither parsed, nor validated, nor planned again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from typing import Final, Generic, TypeVar

from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, OperationType

from router.executor.operation import Operation
from router.planner.access import NOTHING, Access, Demand, Restricted
from router.planner.cost import CostModel
from router.planner.defer import DEFER
from router.planner.failures import PlanningFailed
from router.planner.planner import Planner
from router.server import authorization
from router.server.config.authorization import Directives
from router.server.documents import Gate, Stage, chosen, unwatched
from router.server.lru import Recent
from router.server.refusals import Refused

Decide = Callable[[Demand], Awaitable[Demand]]
"""Tells which of these conditions the caller fails."""


async def everybody(_needs: Demand) -> Demand:
    """Let the caller see everything."""
    return NOTHING


_SHORT: Final = 4096


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid operation, and the conditions on which it depends what its caller gets of it."""

    text: str
    document: DocumentNode
    definition: OperationDefinitionNode
    needs: Demand
    measured: tuple[str, ...] = ()
    """Limits that it exceeds and that refuse nothing."""


_Digest = tuple[str, str | None, bool]
_Key = tuple[str, str | None, frozenset[str], Demand, bool, bool]
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Once(Generic[K, V]):
    """Makes each value once, beside the event loop, and keeps it while it's used."""

    def __init__(self, worker: ThreadPoolExecutor, entries: int, weight: int) -> None:
        self._worker = worker
        self._ready: Recent[K, V] = Recent(entries, weight=weight)
        self._pending: dict[K, asyncio.Future[V]] = {}

    def now(self, key: K) -> V | None:
        """Return what is ready."""
        return self._ready.get(key)

    async def get(self, key: K, weight: int, make: Callable[[], V]) -> V:
        """Make it, or wait for somebody who does."""
        pending = self._pending.get(key)
        if pending is None:
            pending = self._pending[key] = asyncio.get_running_loop().run_in_executor(self._worker, make)
            pending.add_done_callback(partial(self._made, key, weight))
        # Others may wait for the same one, so nobody's leaving ends it.
        return await asyncio.shield(pending)

    def recent(self) -> Iterator[tuple[K, V]]:
        """Give what is ready, the most recently used first."""
        return self._ready.recent()

    def __len__(self) -> int:
        return len(self._ready)

    def _made(self, key: K, weight: int, done: asyncio.Future[V]) -> None:
        del self._pending[key]
        if not done.cancelled() and done.exception() is None:
            self._ready.put(key, done.result(), weight)


def _digest(text: str) -> str:
    """Return what names a document."""
    return _digest_of_short(text) if len(text) <= _SHORT else hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1024)
def _digest_of_short(text: str) -> str:
    # A text that comes again is mostly the same object, whose own hash is known already.
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Hot:
    """An operation that is in use: all that is needed to prepare it again, for another supergraph."""

    text: str
    name: str | None
    labels: frozenset[str]
    failed: Demand
    registered: bool
    deferring: bool


class Operations:
    """The operations of one supergraph.

    They are kept by the digest of their document, their name, the labels they're planned for, and the conditions
    that their caller fails: by the shape of what may be seen, not by who sees it.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        planner: Planner,
        gate: Gate,
        directives: Directives,
        costs: CostModel | None = None,
        *,
        entries: int,
        weight: int,
    ) -> None:
        self._schema = schema
        self._planner = planner
        self._gate = gate
        self._directives = directives
        self._costs = costs
        self._access = Access.of(planner.supergraph)
        self._is_open = self._access.is_open or not directives.enabled
        # Preparing is computing: beside the event loop, which goes on, but one at a time, for two would only take turns.
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")
        self._checked: _Once[_Digest, Checked] = _Once(worker, entries, weight)
        self._ready: _Once[_Key, Operation] = _Once(worker, entries, weight)

    async def find(
        self,
        text: str,
        name: str | None,
        labels: frozenset[str] = frozenset(),
        decide: Decide = everybody,
        *,
        registered: bool = False,
        deferring: bool = False,
        stage: Stage = unwatched,
    ) -> Operation:
        """Return the operation, ready to be executed while these override labels are active; raises `Refused`.

        `registered` operations stand in a manifest, and may be exempt from some limits.
        """
        digest = _digest(text)
        deferring = deferring and "@" in text and DEFER in text
        if self._is_open:
            key = (digest, name, labels, NOTHING, registered, deferring)
            return self._ready.now(key) or await self._ready.get(
                key, len(text), lambda: self._plan(self._check(text, name, registered, stage), key, stage)
            )
        whole = (digest, name, registered)
        checked = self._checked.now(whole) or await self._checked.get(
            whole, len(text), lambda: self._check(text, name, registered, stage)
        )
        failed = await decide(checked.needs) if checked.needs else NOTHING
        restricted = (digest, name, labels, failed, registered, deferring)
        return self._ready.now(restricted) or await self._ready.get(
            restricted, len(text), lambda: self._plan(checked, restricted, stage)
        )

    def find_now(
        self,
        text: str,
        name: str | None,
        labels: frozenset[str],
        decide: Callable[[Demand], Demand | None],
        *,
        registered: bool = False,
    ) -> Operation | None:
        """Return the operation if it's ready, and if `decide` can tell at once what its caller fails."""
        digest, failed = _digest(text), NOTHING
        if not self._is_open:
            checked = self._checked.now((digest, name, registered))
            if checked is None:
                return None
            decided = decide(checked.needs) if checked.needs else NOTHING
            if decided is None:
                return None
            failed = decided
        return self._ready.now((digest, name, labels, failed, registered, False))

    def __len__(self) -> int:
        return len(self._ready)

    def hottest(self, most: int) -> list[Hot]:
        """List the operations that were used last, the most recent first."""
        return [Hot(operation.text, *key[1:]) for key, operation in islice(self._ready.recent(), most)]

    async def prepare(self, hot: Hot) -> Operation:
        """Prepare an operation of another supergraph before anybody asks; raises `Refused`."""

        async def decide(needs: Demand) -> Demand:
            return needs & hot.failed

        return await self.find(
            hot.text, hot.name, hot.labels, decide, registered=hot.registered, deferring=hot.deferring
        )

    def _check(self, text: str, name: str | None, registered: bool, stage: Stage) -> Checked:  # noqa: FBT001 - handed through
        admitted = self._gate.admit(self._schema, text, name, registered=registered, stage=stage)
        document, definition = admitted.document, admitted.definition
        return Checked(text, document, definition, self._access.needs(document, definition), admitted.measured)

    def _plan(self, checked: Checked, key: _Key, stage: Stage) -> Operation:
        digest, name, labels, failed, _, deferring = key
        restricted = self._access.restrict(checked.document, checked.definition, failed)
        errors = authorization.errors(restricted)
        if errors and self._directives.dry_run:
            restricted = Restricted(checked.document, checked.document, restricted.paths)
        elif errors and self._directives.reject_unauthorized:
            raise Refused.with_errors(authorization.CODE, errors)
        try:
            with stage("query_planning"):
                plan = self._planner.plan(restricted.planned, name, labels=labels, deferring=deferring)
        except PlanningFailed as problem:
            raise Refused(problem.code, problem.message) from problem
        if errors and plan.node is None and checked.definition.operation is OperationType.SUBSCRIPTION:
            raise Refused.with_errors(authorization.CODE, errors)  # there is no stream whose events could say it
        operation = Operation.of(self._schema, restricted.shown, chosen(restricted.shown, name), plan, digest)
        operation = replace(operation, text=checked.text)
        if checked.measured:
            operation = replace(operation, measured=checked.measured)
        if self._costs is not None:
            cost = self._costs.plan(restricted.planned, chosen(restricted.planned, name), plan)
            operation = replace(operation, cost=cost)
        if not errors:
            return operation
        return replace(operation, withheld=restricted.paths, **authorization.reported(errors, self._directives))
