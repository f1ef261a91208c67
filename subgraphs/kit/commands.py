"""A mutation: one transaction that is allowed, done once, recorded, and answers refusals as data.

    @strawberry.input
    class CreateTicketInput(Command): ...

    @strawberry.type
    class Mutation:
        @command("tickets:write", TicketPayload)
        async def create_ticket(work: Work, input: CreateTicketInput) -> models.Ticket:
            \"\"\"Open a ticket.\"\"\"
            return await service.open_ticket(work, …)

The function gets the open transaction instead of GraphQL's `info` and gives back the row that it wrote. What the
client sees is the payload: the entity, and the list of errors, which is empty when the command was done.

What a command has to ask somebody outside is asked `before` the transaction opens: nothing is locked, and no connection held, while
the answer is on its way.

    async def asked(context: Context, input: CheckInput) -> Answer: ...

    @command("tickets:write", TicketPayload, before=asked)
    async def check(work: Work, input: CheckInput, answer: Answer) -> models.Ticket: ...
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, TypeVar, get_type_hints
from uuid import UUID

import strawberry
from sqlalchemy import inspect as inspect_row

from contracts.scopes import known
from subgraphs.kit import idempotency
from subgraphs.kit.audit import plain
from subgraphs.kit.context import Context, Info
from subgraphs.kit.errors import Forbidden, Refusal
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import META_FIELDS, camel
from subgraphs.kit.tables import Entity
from subgraphs.kit.values import failure
from subgraphs.kit.work import Work

R = TypeVar("R", bound=Entity)

Handler = Callable[..., Awaitable[Entity]]
Before = Callable[[Context, Any], Awaitable[Any]]

COMMAND = "psa_command"
"""The attribute by which the house rules recognise a resolver that was made here."""


@strawberry.input
class Command:
    """What every command takes."""

    client_mutation_id: str | None = None
    """Makes the command repeatable: the same key with the same input is done once."""
    dry_run: bool = False
    """Tries the command and answers what would become of it; then everything is taken back."""


@strawberry.input
class Change(Command):
    """What every command takes that changes something that is there."""

    version: int | None = None
    """The version that you read; refused with CONFLICT when there is a newer one."""


class _TakenBack(Exception):
    """Ends the transaction of a command that was only tried."""

    def __init__(self, payload: Any) -> None:
        super().__init__()
        self.payload = payload


def command(
    scope: str, payload: type[Any], *, rest: Rest | None = None, before: Before | None = None
) -> Callable[[Handler], Any]:
    """Make a mutation of a function `(work, input) -> row`, allowed to callers who hold `scope`.

    `payload` is a Strawberry type with two fields: the entity, whose type has a class method `of(row)`, and `errors`.
    `rest` says where partners find it, if the rules of the REST interface would find no good place. `before` finds out what the
    function gets as its third argument.
    """
    if not known(scope):
        raise LookupError(f"{scope!r} is not in contracts/scopes.py")

    def decorate(handler: Handler) -> Any:
        run = _resolver(handler, scope, payload, before)
        return strawberry.mutation(resolver=run, directives=(rest,) if rest else ())

    return decorate


def _resolver(handler: Handler, scope: str, payload: type[Any], before: Before | None) -> Callable[..., Awaitable[Any]]:
    name = camel(handler.__name__)

    async def run(self: object, info: Info, input: Any) -> Any:  # noqa: A002, ARG001 - GraphQL says `input`
        context = info.context
        key = input.client_mutation_id or _key_of_request(info)
        try:
            found = () if before is None else (await before(context, input),)
            async with context.work(scope, command=name) as work:
                row, is_first = await _once(
                    work, partial(handler, work, input, *found), name, input, key, _model(handler)
                )
                done = _done(payload, row)
                if input.dry_run:
                    work.session.expunge_all()  # fields of the answer are read later, when all this is gone
                    raise _TakenBack(done)  # noqa: TRY301 - what ends a transaction is an exception
        except _TakenBack as tried:
            return tried.payload
        except Refusal as refusal:
            if isinstance(refusal, Forbidden):
                await context.refused(name, refusal)
            return payload(errors=[failure(refusal)])
        else:
            if not is_first:
                context.replayed()
            return done

    _pose_as(run, handler, payload)
    setattr(run, COMMAND, scope)
    return run


def _key_of_request(info: Info) -> str | None:
    """The request's Idempotency-Key, made a key of this field: one request may hold several commands."""
    key = info.context.idempotency_key
    return f"{key}/{info.path.key}" if key else None


async def _once(
    work: Work, do: Callable[[], Awaitable[Entity]], name: str, given: Any, key: str | None, model: type[R]
) -> tuple[R, bool]:
    """What came of a command, and whether it was done just now."""
    if key is not None:
        first = await idempotency.first_result(work, key, {"command": name, "input": _as_json(given)})
        if first is not None:
            return _thawed(model, first), False
    row = await do()
    await work.session.flush()
    if key is not None:
        await idempotency.keep(work, key, _frozen(row))
    assert isinstance(row, model)  # noqa: S101 - what the handler's annotation promises
    return row, True


def _done(payload: type[Any], row: Entity) -> Any:
    entity = next(field for field in dataclasses.fields(payload) if field.name != "errors")
    shape = _entity_type(payload, entity.name)
    return payload(**{entity.name: shape.of(row)}, errors=[])


def _entity_type(payload: type[Any], name: str) -> Any:
    hint = get_type_hints(payload)[name]
    return next(part for part in (*getattr(hint, "__args__", ()), hint) if hasattr(part, "of"))


def _model(handler: Handler) -> type[Any]:
    model: type[Any] = get_type_hints(handler)["return"]
    return model


def _pose_as(run: Callable[..., Any], handler: Handler, payload: type[Any]) -> None:
    """Give the resolver the name, the words and the place of the handler, and GraphQL's view of its arguments."""
    given = inspect.signature(handler).parameters["input"].annotation
    run.__name__, run.__qualname__, run.__doc__ = handler.__name__, handler.__qualname__, handler.__doc__
    run.__module__ = handler.__module__
    hints = vars(sys.modules[handler.__module__])
    given = hints.get(given, given) if isinstance(given, str) else given
    run.__annotations__ = {"info": Info, "input": given, "return": payload}
    parameters = [
        inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
        inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
        inspect.Parameter("input", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=given),
    ]
    run.__signature__ = inspect.Signature(parameters, return_annotation=payload)  # type: ignore[attr-defined]


def _frozen(row: Entity) -> dict[str, Any]:
    """The row as JSON, so that the second request gets the first one's answer even if the row has changed since."""
    return {column.key: plain(getattr(row, column.key)) for column in inspect_row(type(row)).column_attrs}


def _thawed(model: type[R], values: dict[str, Any]) -> R:
    columns = inspect_row(model).column_attrs
    return model(**{one.key: _as_python(one.columns[0].type.python_type, values.get(one.key)) for one in columns})


def _as_python(kind: type[Any], value: Any) -> Any:
    if value is None:
        return None
    if issubclass(kind, datetime | date | time):
        return kind.fromisoformat(value)
    if issubclass(kind, Enum) or kind in (UUID, Decimal):
        return kind(value)
    return value


def _as_json(given: Any) -> dict[str, Any]:
    values = dataclasses.asdict(given)
    for name in META_FIELDS:
        values.pop(name)
    # Absent is not null: an update leaves the one as it is, and removes the other.
    return {name: value for name, value in values.items() if value is not strawberry.UNSET}
