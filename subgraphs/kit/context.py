"""What a resolver may use: the caller, and work done in their name; never a session.

Sibling resolvers run at the same time and a session is for one at a time, so each piece of work opens its own
transaction. What many resolvers ask for at once, one row per id or one list per parent, is collected and answered by
one statement (the DataLoader pattern): a list of a thousand tickets costs one query for their customers, not a thousand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from aiodataloader import DataLoader
from sqlalchemy.ext.asyncio import AsyncEngine
from strawberry.types import Info as StrawberryInfo

from subgraphs.kit import audit, work
from subgraphs.kit.audit import Refusals
from subgraphs.kit.caller import Caller
from subgraphs.kit.clock import Clock, now
from subgraphs.kit.config import Settings
from subgraphs.kit.errors import Refusal
from subgraphs.kit.ids import parsed
from subgraphs.kit.live import Feed
from subgraphs.kit.tables import Entity
from subgraphs.kit.work import Work

E = TypeVar("E", bound=Entity)
Found = TypeVar("Found")

Lists = Callable[..., Awaitable[Mapping[UUID, Sequence[Found]]]]


@dataclass(slots=True)
class Context:
    """One GraphQL request: who asks, and the batches that are being collected for it."""

    caller: Caller
    engine: AsyncEngine
    module: str
    idempotency_key: str | None = None
    replayed: Callable[[], None] = lambda: None
    """Says that what is answered is the first result of the request's key, and nothing was done."""
    clock: Clock = now
    feed: Feed | None = None
    """What a subscription hears; None where nobody tells anything."""
    settings: Settings = field(default=Settings(), repr=False)
    refusals: Refusals = field(default_factory=Refusals)
    """What was refused lately, by all requests of this process."""
    _loaders: dict[object, DataLoader[Any, Any]] = field(default_factory=dict)

    def work(self, scope: str, *, command: str = "read") -> AbstractAsyncContextManager[Work]:
        """A transaction in the caller's name; raises `Forbidden` unless they hold `scope`."""
        self.caller.require(scope)
        return work.begin(
            self.engine,
            self.caller,
            module=self.module,
            command=command,
            clock=self.clock,
            settings=self.settings,
        )

    async def refused(self, action: str, refusal: Refusal) -> None:
        """Write down that the caller was refused; what they tried has been rolled back, this stays."""
        if not self.refusals.is_new(self.caller, action):
            return
        async with work.begin(self.engine, self.caller, module=self.module, command=action, clock=self.clock) as job:
            await audit.note(job, action, outcome="REFUSED", details={"code": refusal.code, "reason": refusal.message})

    async def row(self, model: type[E], identity: str | UUID | None, scope: str) -> E | None:
        """The row with this id, or None; asked together with all others of its kind at this level.

        `identity` may be text as it comes in a representation: text that is no UUID is nobody's id.
        """
        self.caller.require(scope)
        key = parsed(identity) if isinstance(identity, str) else identity
        if key is None:
            return None

        async def together(keys: list[UUID]) -> list[E | None]:
            async with self.work(scope) as job:
                found = await job.those(model, keys)
            return [found.get(one) for one in keys]

        found: E | None = await self._loader(model, together).load(key)
        return found

    async def lists(self, of: Lists[Found], parent: str | UUID, scope: str, **arguments: Any) -> Sequence[Found]:
        """What `of(work, parents, **arguments)` finds for this parent; asked together for all parents of this level."""
        self.caller.require(scope)
        key = parsed(parent) if isinstance(parent, str) else parent
        if key is None:
            return ()

        async def together(keys: list[UUID]) -> list[Sequence[Found]]:
            async with self.work(scope) as job:
                found = await of(job, keys, **arguments)
            return [found.get(one, ()) for one in keys]

        found: Sequence[Found] = await self._loader((of, tuple(sorted(arguments.items()))), together).load(key)
        return found

    def forget(self) -> None:
        """Drop what was loaded: the next event of a subscription looks again."""
        self._loaders.clear()

    def _loader(self, key: object, together: Callable[[list[UUID]], Awaitable[list[Any]]]) -> DataLoader[Any, Any]:
        if key not in self._loaders:
            self._loaders[key] = DataLoader(together, max_batch_size=1000)  # type: ignore[arg-type]
        return self._loaders[key]


Info = StrawberryInfo[Context, None]
