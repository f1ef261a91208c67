"""Dead letters in the graph: each module shows what failed for good in it, and lets those who may bring it back or let it go.

    <module>DeadLetters              what is held, and what became of the rest
    replay<Module>DeadLetters        these, or all that fit: once more
    discard<Module>DeadLetters       these, or all that fit: never again

What is shown is what PostgreSQL shows: the tenant's own, and for who sees only some customers only what is about theirs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import orjson
import strawberry
from sqlalchemy import ColumnElement, RowMapping, select
from strawberry.federation import type as federation_type

from subgraphs.kit import dead_letters
from subgraphs.kit.commands import Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.dead_letters import DEAD_LETTER, VISIBLE, Action, Kind, Reason, Settlement, Status
from subgraphs.kit.errors import Invalid
from subgraphs.kit.filters import TimeRange
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import NEEDS, Rest
from subgraphs.kit.values import JSON, UserError
from subgraphs.kit.work import Work

READ: Final = "deadletters:read"
WRITE: Final = "deadletters:write"

_NEWEST_FIRST = (DEAD_LETTER.c.held_at.desc(), DEAD_LETTER.c.id)

strawberry.enum(Kind, name="DeadLetterKind")
strawberry.enum(Status, name="DeadLetterStatus")
strawberry.enum(Reason, name="DeadLetterReason")
strawberry.enum(Action, name="DeadLetterAction")


@federation_type(shareable=True)
class DeadLetter:
    """Something that failed for good: an event that no consumer could handle, or a job; it waits until somebody decides."""

    id: strawberry.ID
    """The identifier: a UUID."""
    kind: Kind
    """Whether it was an event or a job."""
    status: Status
    """What became of it."""
    queue: str
    """The queue that gave it up: `q.<module>.<purpose>`; `job` for a job."""
    type: str
    """The type of the event, or the name of the job."""
    event_id: strawberry.ID | None
    """The event; null for a job, and for what is no event at all."""
    customer_id: strawberry.ID | None
    """The customer whom it is about."""
    reason: Reason
    """Why it is here."""
    error: str
    """What went wrong the last time."""
    attempts: int
    """How often it was tried."""
    event: JSON | None
    """The event as it lay in the queue, or what the job was told to do; null when that is no JSON."""
    correlation_id: str | None
    """The request that it began with: as in the logs and in the audit."""
    held_at: datetime
    """When it was given up, the last time."""
    replayed_at: datetime | None
    """When it was brought back, the last time."""
    replays: int
    """How often it was brought back."""
    settled_at: datetime | None
    """When somebody decided."""
    settled_by: strawberry.ID | None
    """Who decided; only zeros for an operator at the machine."""


@strawberry.input
class DeadLetterFilter:
    """Which dead letters: all that is given must hold."""

    kind: Kind | None = None
    """Events or jobs."""
    status: list[Status] | None = None
    """In one of these states."""
    queue: str | None = None
    """Given up by this queue."""
    type: list[str] | None = None
    """Events of one of these types, or jobs of these names."""
    reason: Reason | None = None
    """Here for this reason."""
    held_at: TimeRange | None = None
    """Given up in this span of time."""


@strawberry.input
class SettleDeadLettersInput(Command):
    """Which dead letters: `ids`, or `where`."""

    ids: list[strawberry.ID] | None = None
    """These, 1 to 500: all of them, or none."""
    where: DeadLetterFilter | None = None
    """All that are held and fit, the oldest first; at most 500 at a time."""


@federation_type(shareable=True)
class DeadLetterSettlement:
    """What was decided about some dead letters."""

    id: strawberry.ID
    """The identifier: a UUID."""
    action: Action
    """What was decided."""
    count: int
    """About how many."""
    settled: list[strawberry.ID]
    """About which."""
    remaining: int
    """How many more fit `where`: ask again."""

    @classmethod
    def of(cls, row: Settlement) -> DeadLetterSettlement:
        """A row as GraphQL shows it."""
        return cls(
            id=strawberry.ID(str(row.id)),
            action=Action(row.action),
            count=len(row.settled),
            settled=[strawberry.ID(one) for one in row.settled],
            remaining=row.remaining,
        )


@federation_type(shareable=True)
class DeadLetterSettlementPayload:
    """What became of the command."""

    settlement: DeadLetterSettlement | None = None
    """What was decided."""
    errors: list[UserError]
    """Why it was not done; empty when it was."""


def readable(query: type, module: str) -> type:
    """The query type `query` with the field by which this module's dead letters are read."""

    async def held(
        self: object,  # noqa: ARG001 - Strawberry calls it as a method
        info: Info,
        filter: Annotated[DeadLetterFilter | None, strawberry.argument(description="Which ones.")] = None,  # noqa: A002
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[DeadLetter]:
        """What failed for good in this module, the newest first; needs `deadletters:read`."""
        statement = select(DEAD_LETTER).where(*_conditions(filter)).order_by(*_NEWEST_FIRST)
        async with info.context.work(READ) as work:
            found = await work.session.execute(statement.limit(bounded(limit)).offset(skipped(offset)))
            return [_shown(row) for row in found.mappings()]

    held.__name__ = f"{module}_dead_letters"
    setattr(held, NEEDS, READ)
    field = strawberry.field(held, directives=(Rest(path=f"/dead-letters/{module}"),))
    extended = type(query.__name__, (query,), {"__doc__": query.__doc__, held.__name__: field})
    return strawberry.type(extended)


def settleable(mutation: type, module: str) -> type:
    """The mutation type `mutation` with the commands by which this module's dead letters are settled."""

    async def replay(work: Work, input: SettleDeadLettersInput) -> Settlement:  # noqa: A002 - GraphQL says `input`
        """Bring dead letters of this module back: an event to the queue that gave it up, a job to those that wait."""
        return await _settle(work, Action.REPLAY, input)

    async def discard(work: Work, input: SettleDeadLettersInput) -> Settlement:  # noqa: A002 - GraphQL says `input`
        """Let dead letters of this module go: they stay to be read for 90 days, and nothing is done with them."""
        return await _settle(work, Action.DISCARD, input)

    fields = {
        handler.__name__: command(WRITE, DeadLetterSettlementPayload, rest=_address(module, verb))(handler)
        for verb, handler in (("replay", _named(replay, module)), ("discard", _named(discard, module)))
    }
    return strawberry.type(type(mutation.__name__, (mutation,), {"__doc__": mutation.__doc__, **fields}))


def _named(handler: Callable[..., Awaitable[Settlement]], module: str) -> Any:
    handler.__name__ = f"{handler.__name__}_{module}_dead_letters"
    return handler


def _address(module: str, verb: str) -> Rest:
    return Rest(method="POST", path=f"/dead-letters/{module}/{verb}")


async def _settle(work: Work, action: Action, given: SettleDeadLettersInput) -> Settlement:
    if given.ids is not None and given.where is None:
        return await dead_letters.settle(work, action, ids=given.ids)
    if given.where is not None and given.ids is None:
        return await dead_letters.settle_all(work, action, where=list(_conditions(given.where)))
    raise Invalid("Say which: either `ids` or `where`.", field="ids")


def _conditions(wanted: DeadLetterFilter | None) -> Iterator[ColumnElement[bool]]:
    columns = DEAD_LETTER.c
    yield columns.status.in_(VISIBLE)
    if wanted is None:
        return
    for column, one in ((columns.kind, wanted.kind), (columns.reason, wanted.reason)):
        if one is not None:
            yield column == one.value
    if wanted.queue is not None:
        yield columns.queue == wanted.queue
    if wanted.type is not None:
        yield columns.type.in_(wanted.type)
    if wanted.status is not None:
        yield columns.status.in_([one.value for one in wanted.status])
    since, until = wanted.held_at.ends() if wanted.held_at else (None, None)
    if since is not None:
        yield columns.held_at >= since
    if until is not None:
        yield columns.held_at < until


def _shown(row: RowMapping) -> DeadLetter:
    return DeadLetter(
        id=strawberry.ID(str(row["id"])),
        kind=Kind(row["kind"]),
        status=Status(row["status"]),
        queue=row["queue"],
        type=row["type"],
        event_id=_id(row["event_id"]),
        customer_id=_id(row["customer_id"]),
        reason=Reason(row["reason"]),
        error=row["error"],
        attempts=row["attempts"],
        event=_json(row["body"]),
        correlation_id=row["correlation"],
        held_at=row["held_at"],
        replayed_at=row["replayed_at"],
        replays=row["replays"],
        settled_at=row["settled_at"],
        settled_by=_id(row["settled_by"]),
    )


def _id(identity: object) -> Any:
    return None if identity is None else strawberry.ID(str(identity))


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
