"""What failed for good, kept with its reason until somebody decides: to bring it back, or to let it go.

    consumer gives up ──► dead letters of the broker ──► archivist ─┐
             └─ why ────────────────────────────────────────────────┤
                                                                    ├─► dead_letter ──► replay ──► its queue, as a job or
    job fails for the last time ──► held ──(trigger)────────────────┘        │                     event that is new
                                                                             └──► discard

The broker's dead letters know neither the reason nor who may see them. So the consumer that gives up writes the reason
down itself, and the archivist (`kit.archivist`), which empties the broker's queue, adds what nobody could write down: what is no event at
all, and what killed its consumer each time. Only what has arrived with the archivist can be decided on, so that no
message is on its way to the archive while it is brought back. At any moment a message is in its queue, among the dead
letters, or in the archive; for a moment in two of these, never in none. Each module has an archive of its own, behind the same walls as
all that it has.

To replay is to put an event into the outbox again, for the one queue that gave it up, or to let a held job begin anew:
either way in the transaction that notes it. What fails again is held again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    Uuid,
    func,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped

from subgraphs.kit import audit, caller, outbox
from subgraphs.kit.caller import Caller
from subgraphs.kit.errors import Conflict, Invalid, NotFound
from subgraphs.kit.ids import parsed
from subgraphs.kit.tables import Entity, Moment, Row
from subgraphs.kit.work import Work

MOST: Final = 500
"""So many are settled by one command, the oldest first."""
_NOBODY: Final = UUID(int=0)
"""The tenant of what names none: only the operator's command shows it."""
_LONGEST_ERROR: Final = 2000


class Kind(Enum):
    """What a dead letter was."""

    EVENT = "EVENT"
    """Something that happened elsewhere, and that a consumer of this module could not handle."""
    JOB = "JOB"
    """Something that this module had to do later."""


class Status(Enum):
    """What became of a dead letter."""

    HELD = "HELD"
    """Nobody has decided yet."""
    REPLAYED = "REPLAYED"
    """It was brought back; were it to fail again, it would be HELD again."""
    DISCARDED = "DISCARDED"
    """Nobody wants it any more."""


class Reason(Enum):
    """Why something is a dead letter."""

    FAILED = "FAILED"
    """It was tried as often as it may be, and failed each time; `error` says how the last time."""
    UNREADABLE = "UNREADABLE"
    """It is no event, or none that this release understands."""
    REJECTED = "REJECTED"
    """Its consumer gave it up and could not say why."""
    DELIVERED_TOO_OFTEN = "DELIVERED_TOO_OFTEN"
    """It was delivered again and again, and whoever had it died before saying anything."""


class Action(Enum):
    """What is decided about dead letters."""

    REPLAY = "REPLAY"
    """They are brought back."""
    DISCARD = "DISCARD"
    """They are let go."""


class DeadLetterSettled(Conflict):
    """Somebody has decided about this dead letter already."""

    code = "DEAD_LETTER_SETTLED"


class NotReplayable(Conflict):
    """It cannot be brought back: it is no JSON, or the same is waiting to be done already."""

    code = "DEAD_LETTER_NOT_REPLAYABLE"


VISIBLE: Final = ("HELD", "REPLAYED", "DISCARDED")
"""GIVEN_UP is none of them: the reason is known, and the message on its way."""

DEAD_LETTER = Table(
    "dead_letter",
    MetaData(),
    Column("tenant_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text),
    Column("status", Text),
    Column("queue", Text),
    Column("type", Text),
    Column("event_id", Uuid),
    Column("job_id", BigInteger),
    Column("customer_id", Uuid),
    Column("reason", Text),
    Column("error", Text),
    Column("attempts", Integer),
    Column("body", LargeBinary),
    Column("correlation", Text),
    Column("held_at", Moment),
    Column("replayed_at", Moment),
    Column("replays", Integer),
    Column("settled_at", Moment),
    Column("settled_by", Uuid),
)


class _Model(Row, DeclarativeBase):
    """The tables of this file."""


class Settlement(Entity, _Model):
    """What was decided about some dead letters."""

    __tablename__ = "settlement"

    action: Mapped[str]
    settled: Mapped[list[str]]
    """The ids of what was settled."""
    remaining: Mapped[int]
    """How many more would have fitted."""


# --- into the archive


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that is given up, as it lay in its queue."""

    queue: str
    type: str
    body: bytes
    reason: Reason
    error: str
    attempts: int


_INSERT = """
    INSERT INTO dead_letter
        (tenant_id, kind, status, queue, type, event_id, customer_id, reason, error, attempts, body, correlation, held_at)
    VALUES (:tenant, 'EVENT', :status, :queue, :type, :event, :customer, :reason, :error, :attempts, :body, :correlation, :at)
    ON CONFLICT (tenant_id, queue, event_id) WHERE event_id IS NOT NULL DO UPDATE
"""
_SAY_WHY = text(f"""{_INSERT}
    SET status = 'GIVEN_UP', reason = excluded.reason, error = excluded.error, attempts = excluded.attempts,
        held_at = excluded.held_at
""")
_HOLD = text(f"""{_INSERT}
    SET status = 'HELD', held_at = excluded.held_at, settled_at = NULL, settled_by = NULL,
        reason = CASE dead_letter.status WHEN 'GIVEN_UP' THEN dead_letter.reason ELSE excluded.reason END,
        error = CASE dead_letter.status WHEN 'GIVEN_UP' THEN dead_letter.error ELSE excluded.error END,
        attempts = CASE dead_letter.status WHEN 'GIVEN_UP' THEN dead_letter.attempts ELSE excluded.attempts END
    WHERE dead_letter.status <> 'HELD'
""")


async def say_why(work: Work, failure: Failure) -> None:
    """Write down why an event is about to be given up; it is held when it has arrived among the dead letters."""
    await work.session.execute(_SAY_WHY, _facts(work, failure) | {"status": "GIVEN_UP"})


async def hold(work: Work, failure: Failure) -> None:
    """Keep an event that was given up, with the reason that was written down before, if any was."""
    await work.session.execute(_HOLD, _facts(work, failure) | {"status": Status.HELD.value})


def _facts(work: Work, failure: Failure) -> dict[str, Any]:
    claimed = _claimed(failure.body)
    return {
        "tenant": work.caller.tenant,
        "queue": failure.queue,
        "type": failure.type,
        "event": _uuid(claimed.get("id")),
        "customer": _uuid(claimed.get("customerid")),
        "reason": failure.reason.value,
        "error": failure.error.replace("\0", "")[:_LONGEST_ERROR],
        "attempts": failure.attempts,
        "body": failure.body,
        "correlation": work.caller.correlation,
        "at": work.at,
    }


def whose(body: bytes) -> Caller:
    """The platform, acting for the tenant that a message names, even if it is no event; for nobody's tenant otherwise."""
    claimed = _claimed(body)
    correlation = claimed.get("correlationid")
    said = correlation.replace("\0", "") if isinstance(correlation, str) else None
    return caller.system(_uuid(claimed.get("tenantid")) or _NOBODY, correlation=said)


def _claimed(body: bytes) -> Mapping[str, Any]:
    """What a message says of itself, whether or not it is an event."""
    said = _as_json(body)
    return said if isinstance(said, dict) else {}


def _as_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _uuid(value: object) -> UUID | None:
    return parsed(value) if isinstance(value, str) else None


# --- out of it

_BEGIN_AGAIN = text("""
    UPDATE job SET status = 'queued', attempts = 0, execute_after = now(), updated = now()
     WHERE id = :job AND status = 'failed' AND NOT EXISTS (
           SELECT FROM job twin WHERE twin.dedupe_key = job.dedupe_key AND twin.status IN ('queued', 'picked'))
""")
_LET_GO = text("UPDATE job SET status = 'deleted', updated = now() WHERE id = :job AND status = 'failed'")


async def settle(work: Work, action: Action, *, ids: Sequence[str]) -> Settlement:
    """Bring these dead letters back, or let them go: all of them, or none."""
    if not 1 <= len(ids) <= MOST:
        raise Invalid(f"Name 1 to {MOST} dead letters, not {len(ids)}.", field="ids")
    keys = {given: parsed(given) for given in ids}
    named = DEAD_LETTER.c.id.in_([key for key in keys.values() if key])
    query = select(DEAD_LETTER).where(named, DEAD_LETTER.c.status.in_(VISIBLE))
    rows = {row["id"]: row for row in await _locked(work, query)}
    for given, key in keys.items():
        if key is None or key not in rows:
            raise NotFound(f"There is no dead letter {given[:40]!r}.", field="ids")
        if rows[key]["status"] != Status.HELD.value:
            raise DeadLetterSettled(f"{given} is {rows[key]['status']} already.", field="ids")
    for row in rows.values():
        await _settle(work, action, row)
    return await _settled(work, action, list(rows.values()), remaining=0)


async def settle_all(work: Work, action: Action, *, where: Sequence[ColumnElement[bool]]) -> Settlement:
    """Bring back, or let go, what is held and fits, the oldest first and `MOST` at a time; the rest is counted.

    What cannot be brought back stays where it is.
    """
    held = select(DEAD_LETTER).where(DEAD_LETTER.c.status == Status.HELD.value, *where)
    rows = await _locked(work, held.order_by(DEAD_LETTER.c.held_at, DEAD_LETTER.c.id).limit(MOST))
    done = []
    for row in rows:
        with contextlib.suppress(NotReplayable):
            await _settle(work, action, row)
            done.append(row)
    left = await work.session.scalar(select(func.count()).select_from(held.subquery()))
    return await _settled(work, action, done, remaining=left or 0)


async def _locked(work: Work, query: Select[Any]) -> Sequence[RowMapping]:
    found: Sequence[RowMapping] = (await work.session.execute(query.with_for_update())).mappings().all()
    return found


async def _settled(work: Work, action: Action, rows: Sequence[RowMapping], *, remaining: int) -> Settlement:
    await audit.note(work, work.command, details={"deadLetters": len(rows), "action": action.value})
    return work.add(Settlement(action=action.value, settled=[str(row["id"]) for row in rows], remaining=remaining))


async def _settle(work: Work, action: Action, row: RowMapping) -> None:
    """Bring one back, or let it go, and note that; raises `NotReplayable` when it must stay."""
    replayed = action is Action.REPLAY
    if row["kind"] == Kind.JOB.value:
        await _settle_job(work, row["job_id"], replayed=replayed)
    elif replayed:
        await _send_back(work, row)
    values: dict[str, Any] = {
        "status": (Status.REPLAYED if replayed else Status.DISCARDED).value,
        "settled_at": work.at,
        "settled_by": work.caller.subject,
    }
    if replayed:
        values |= {"replayed_at": work.at, "replays": row["replays"] + 1}
    await work.session.execute(update(DEAD_LETTER).where(DEAD_LETTER.c.id == row["id"]).values(**values))


async def _send_back(work: Work, row: RowMapping) -> None:
    if _as_json(row["body"]) is None:
        raise NotReplayable("It is no JSON, so nobody will ever understand it; discard it.", field="ids")
    await outbox.send_back(work, type=row["type"], envelope=row["body"].decode(), queue=row["queue"])


async def _settle_job(work: Work, job: int, *, replayed: bool) -> None:
    try:
        async with work.session.begin_nested():
            changed = await work.session.execute(_BEGIN_AGAIN if replayed else _LET_GO, {"job": job})
    except IntegrityError:
        changed = None
    if replayed and (changed is None or changed.rowcount == 0):  # type: ignore[attr-defined]
        raise NotReplayable("The same is waiting to be done already; discard this one.", field="ids")


async def sweep(connection: asyncpg.Connection, *, keep: timedelta) -> int:
    """Forget what was settled longer than `keep` ago, as the relay's role; what is held stays. Returns how many."""
    await connection.execute("DELETE FROM job WHERE status = 'deleted'")
    tag = await connection.execute(
        "DELETE FROM dead_letter WHERE status <> 'HELD' AND settled_at < now() - $1::interval", keep
    )
    return int(tag.rpartition(" ")[2])


async def listed(connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
    """All that is held, of all tenants, the oldest first, as the relay's role: what the operator's command shows."""
    rows: Sequence[asyncpg.Record] = await connection.fetch(
        "SELECT tenant_id, id, kind, queue, type, reason, error, attempts, held_at FROM dead_letter"
        " WHERE status = 'HELD' ORDER BY held_at, id"
    )
    return rows
