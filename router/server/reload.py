"""The supergraph that is served now, and the swap to the next one.

Everything that belongs to one supergraph hangs together in one `Graph`. A request takes the current one at its start
and keeps it to its end, so that a swap is one assignment: nobody waits, nobody sees half of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql import GraphQLSchema

from router.executor.caching.cached import Kept
from router.executor.caching.declared import Declared
from router.executor.fetch import Services
from router.executor.shaping import ShapedTransport
from router.executor.spending import SpendingLimits
from router.executor.together import Together
from router.executor.transport import Transport
from router.executor.types import RuntimeTypes
from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph
from router.planner.cost import CostModel
from router.planner.planner import Planner
from router.server.cache import Operations
from router.server.config import RouterConfig
from router.server.documents import Gate
from router.server.override_labels import OverrideLabels
from router.server.refusals import Refused
from router.server.traffic import longest_timeout
from router.server.warm_up import warm_up

if TYPE_CHECKING:
    from router.server.known import Known


@dataclass(frozen=True, slots=True)
class Graph:
    """One supergraph with all that was derived from it."""

    supergraph: Supergraph
    schema: GraphQLSchema
    services: Services
    operations: Operations
    labels: OverrideLabels
    kept: Kept | None = None
    """What is kept of its subgraphs' answers."""
    known: dict[tuple[int, str, str | None, str | None], Known] = field(default_factory=dict)
    """Operations and their callers by what they came with, for requests like those of a moment ago."""


def _no_short_way(_service: str) -> None:
    """Whoever wants to see each fetch gets to see it."""


class Graphs:
    """Holds the current graph; there is none until the first supergraph was loaded."""

    def __init__(self, config: RouterConfig, transport: Transport, gate: Gate) -> None:
        self._config = config
        self.keeping: Callable[[Declared], Kept] | None = None
        """Keeps answers, where it's switched on."""
        self.gate = gate
        self._direct = transport.direct if isinstance(transport, ShapedTransport) else _no_short_way
        self._transport = Together(transport, config.subgraphs.representations)
        self._current: Graph | None = None
        self._watchers: list[Callable[[], None]] = []
        self._sdl: str | None = None
        self._loading = asyncio.Lock()  # whoever comes second is served last

    @property
    def sdl(self) -> str | None:
        """The text from which the current graph came."""
        return self._sdl

    @property
    def current(self) -> Graph | None:
        """The graph that new requests get."""
        return self._current

    def needed(self) -> Graph:
        """Return the current graph; raises `Refused` when there is none."""
        if self._current is None:
            raise Refused("SUPERGRAPH_UNAVAILABLE", "No schema is served yet.", headers={"retry-after": "5"})
        return self._current

    async def load(self, sdl: str) -> None:
        """Derive everything from a supergraph in a thread, then swap; raises `InvalidSupergraph` and swaps nothing."""
        async with self._loading:
            if sdl == self._sdl:
                return
            following = await asyncio.to_thread(self._derive, sdl)
            if self._current is not None:
                await warm_up(following.operations, self._current.operations, self._config.warm_up)
            self._current, self._sdl = following, sdl
        for watcher in self._watchers:
            watcher()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` after each swap, until what is returned is called."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    async def warm_up(self, before: Graphs) -> None:
        """Prepare what is in use at another router, from which we take over."""
        if self._current is not None and before.current is not None:
            await warm_up(self._current.operations, before.current.operations, self._config.warm_up)

    def load_now(self, sdl: str) -> None:
        """Do the same before the event loop runs."""
        self._current = self._derive(sdl)
        self._sdl = sdl

    def _derive(self, sdl: str) -> Graph:
        supergraph = Supergraph.parse(sdl)
        config = self._config
        schema = api_schema(supergraph, with_defer=config.defer_support)
        operations = Operations(
            schema,
            Planner(supergraph),
            self.gate,
            config.authorization.directives,
            self._costs(supergraph),
            entries=config.operation_cache_entries,
            weight=config.operation_cache_bytes,
        )
        labels = OverrideLabels.of(supergraph, config.override_labels)
        kept = self.keeping(Declared.of(supergraph)) if self.keeping else None
        return Graph(supergraph, schema, self._services(supergraph), operations, labels, kept)

    def _costs(self, supergraph: Supergraph) -> CostModel | None:
        config = self._config
        if not config.demand_control.enabled and not config.rate_limit.weigh_by_cost:
            return None
        return CostModel(supergraph, config.demand_control.strategy.static_estimated.list_sizes())

    def _services(self, supergraph: Supergraph) -> Services:
        settings = self._config.subgraphs
        urls = {name: settings.urls.get(name, endpoint.url) for name, endpoint in supergraph.subgraphs.items()}
        return Services(
            urls,
            RuntimeTypes.of(supergraph),
            self._transport,
            timeout_seconds=longest_timeout(self._config),
            max_representations=settings.representations,
            spending=SpendingLimits(settings.fetches, settings.operation_bytes),
            direct=self._direct,
        )
