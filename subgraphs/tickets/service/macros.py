"""Macros: several things that are done with a ticket by one click, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError

from subgraphs.kit.errors import Conflict, Invalid, NotFound
from subgraphs.kit.shapes import line, prose
from subgraphs.kit.work import Work
from subgraphs.tickets.models.desk import Queue
from subgraphs.tickets.models.macros import Macro
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.service import content, messages, moves, tickets

MOST: Final = 200
_MOST_STEPS: Final = 50


def selected() -> Select[Macro]:
    """All macros that are still there."""
    return select(Macro).where(Macro.archived_at.is_(None))


async def create(work: Work, *, name: str, **given: Any) -> Macro:
    """Write a macro."""
    if int(await work.session.scalar(selected().with_only_columns(func.count())) or 0) >= MOST:
        raise Conflict(f"There may be {MOST} macros at most.")
    row = Macro(name=line(name, field="name"), assign_to_me=False, tags=[], checklist=[])
    return await _written(work, work.add(row), given)


async def update(work: Work, id: UUID, version: int | None = None, **given: Any) -> Macro:
    """Change what is given of a macro."""
    row = await _taken(work, id, field="id", version=version)
    return await _written(work, row, given)


async def archive(work: Work, id: UUID, version: int | None = None) -> Macro:
    """Put a macro away."""
    row = await work.take(Macro, id, field="id", version=version)
    row.archived_at = row.archived_at or work.at
    return row


async def apply(work: Work, id: UUID, macro_id: UUID, version: int | None = None) -> Ticket:
    """Do what a macro says, in the name of whoever applies it: what they may not do alone they may not do by a macro."""
    macro = await _taken(work, macro_id, field="macroId")
    ticket = await work.take(Ticket, id, field="id", version=version)
    for step in (_sort, _describe, _speak):
        await step(work, ticket, macro)
        await work.session.flush()  # each of them takes the ticket anew, and must find what the one before did
    if macro.resolution is not None:
        await moves.resolve(work, ticket.id, macro.resolution)
    return ticket


async def _sort(work: Work, ticket: Ticket, macro: Macro) -> None:
    if macro.assign_to_me:
        work.caller.require("tickets:assign")
        await moves.assign(work, ticket.id, work.caller.subject)
        await work.session.flush()
    if macro.queue_id is not None:
        await tickets.change_queue(work, ticket.id, macro.queue_id)
        await work.session.flush()
    if macro.priority is not None:
        await tickets.prioritise(work, ticket.id, priority=macro.priority)


async def _describe(work: Work, ticket: Ticket, macro: Macro) -> None:
    if macro.tags:
        await tickets.change(work, ticket.id, tags=[*ticket.tags, *macro.tags])
    if macro.checklist:
        await content.add_steps(work, ticket, [(one["text"], one["required"]) for one in macro.checklist])
        await tickets.updated(work, ticket, ("checklist",))


async def _speak(work: Work, ticket: Ticket, macro: Macro) -> None:
    if macro.note is not None:
        await messages.note(work, ticket.id, macro.note)
        await work.session.flush()
    if macro.reply is not None:
        await messages.reply(work, ticket.id, macro.reply)


async def _taken(work: Work, id: UUID | None, *, field: str, version: int | None = None) -> Macro:
    row = await work.take(Macro, id, field=field, version=version)
    if row.archived_at is not None:
        raise NotFound("There is no macro with this id.", field=field)
    return row


async def _written(work: Work, row: Macro, given: Mapping[str, Any]) -> Macro:
    if given.get("queue_id") is not None:
        queue = await work.find(Queue, given["queue_id"])
        if queue is None or queue.archived_at is not None:
            raise NotFound("There is no queue with this id.", field="queueId")
    for name, value in given.items():
        setattr(row, name, _CLEAN[name](value))
    says = (row.reply, row.note, row.priority, row.queue_id, row.assign_to_me, row.tags, row.checklist, row.resolution)
    if not any(says):
        raise Invalid("A macro does something: say what.", field="name")
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        raise Conflict(f"There is a macro {row.name!r} already.", field="name") from error
    return row


def _steps(given: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    steps = list(given or ())
    if len(steps) > _MOST_STEPS:
        raise Invalid(f"A macro adds at most {_MOST_STEPS} steps.", field="checklist")
    return [{"text": line(one["text"], field="checklist"), "required": one["required"]} for one in steps]


_CLEAN: Final[Mapping[str, Any]] = {
    "name": lambda value: line(value, field="name"),
    "reply": lambda value: prose(value, field="reply"),
    "note": lambda value: prose(value, field="note"),
    "priority": lambda value: value,
    "queue_id": lambda value: value,
    "assign_to_me": bool,
    "tags": lambda value: tickets.tagged(value or ()),
    "checklist": _steps,
    "resolution": lambda value: prose(value, field="resolution"),
}
