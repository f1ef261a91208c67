"""Whatever an object holds, what is answered ahead of graphql-core is what graphql-core would have answered."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from graphql import ExecutionResult, GraphQLSchema, execute, parse
from hypothesis import given
from hypothesis import strategies as st
from strawberry.scalars import JSON
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from subgraphs.kit import leaves


@strawberry.enum
class Colour(Enum):
    """A colour."""

    RED = "red"


@strawberry.type
class Inner:
    """An object in an object."""

    sure: int


@strawberry.type
class Thing:
    """Fields of every kind that may be plain, and some that are not."""

    text: str
    perhaps: str | None
    number: int
    ratio: float | None
    price: Decimal | None
    colour: Colour
    colours: list[Colour]
    words: list[str] | None
    gaps: list[str | None]
    at: datetime | None
    day: date | None
    uuid: UUID | None
    anything: JSON | None
    inner: Inner | None
    inners: list[Inner]

    @strawberry.field
    def worked_out(self) -> str | None:
        """What a resolver says."""
        return f"{self.text}!"

    @strawberry.field
    async def awaited(self) -> int:
        """What takes a while."""
        await asyncio.sleep(0)
        return self.number


@strawberry.type
class Query:
    """What can be asked."""

    thing: Thing | None


def _schema() -> GraphQLSchema:
    built: GraphQLSchema = strawberry.Schema(Query)._schema
    leaves.mark(built)
    return built


SCHEMA = _schema()
FIELDS = (
    *("text", "perhaps", "number", "ratio", "price", "colour", "colours", "words", "gaps", "at", "day", "uuid"),
    *("anything", "inner { sure }", "inners { __typename sure }", "workedOut", "awaited", "__typename"),
)


class Lazy:
    """An attribute that fails when it is read."""

    def __get__(self, _instance: object, _owner: type) -> object:
        raise RuntimeError("not loaded")


class Loose:
    """An object of any shape."""

    unread = Lazy()

    def __init__(self, values: dict[str, Any]) -> None:
        vars(self).update(values)

    worked_out = Thing.worked_out
    awaited = Thing.awaited


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**33), 2**33),
    st.floats(),
    st.text(max_size=5),
    st.decimals(),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
    st.uuids(),
    st.just(Colour.RED),
    st.builds(Inner, sure=st.one_of(st.none(), st.integers(), st.text(max_size=3))),
    st.builds(ValueError, st.just("an error as a value")),
)
THINGS = st.dictionaries(
    st.sampled_from([*Thing.__annotations__]),
    st.one_of(VALUES, st.lists(VALUES, max_size=3), st.tuples(VALUES)),
)
GOOD = {
    "text": "a",
    "perhaps": None,
    "number": 1,
    "ratio": 0.5,
    "price": Decimal("1.10"),
    "colour": Colour.RED,
    "colours": [Colour.RED],
    "words": ["a"],
    "gaps": ["a", None],
    "at": datetime(2026, 1, 2, tzinfo=UTC),
    "day": date(2026, 1, 2),
    "uuid": UUID(int=1),
    "anything": {"a": [1]},
    "inner": None,
    "inners": [Inner(sure=1)],
}


async def _answered(how: type[StrawberryGraphQLCoreExecutionContext], thing: object, fields: str) -> ExecutionResult:
    found = execute(
        SCHEMA,
        parse(f"{{ thing {{ {fields} }} }}"),
        root_value=Query(thing=thing),  # type: ignore[arg-type]
        executor_class=how,
    )
    return found if isinstance(found, ExecutionResult) else await found


def _told(found: ExecutionResult) -> tuple[Any, list[Any]]:
    keys = list((found.data or {}).get("thing") or ())
    errors = sorted((error.formatted for error in found.errors or ()), key=str)
    return repr(found.data), [keys, errors]


@given(THINGS, st.lists(st.sampled_from(FIELDS), min_size=1, max_size=6, unique=True))
def test_every_object_is_answered_as_graphql_core_does(changed: dict[str, Any], fields: list[str]) -> None:
    async def both() -> None:
        thing = Loose(GOOD | changed)
        ours, theirs = [
            await _answered(how, thing, " ".join(fields))
            for how in (leaves.Executor, StrawberryGraphQLCoreExecutionContext)
        ]
        assert _told(ours) == _told(theirs)

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(both())


async def test_a_plain_object_is_answered_in_the_order_of_the_question_and_under_its_aliases() -> None:
    found = await _answered(
        leaves.Executor, Loose(GOOD), "workedOut b: text inner { sure } kind: __typename a: words awaited"
    )

    assert list(found.data["thing"].items()) == [  # type: ignore[index]
        *(("workedOut", "a!"), ("b", "a"), ("inner", None), ("kind", "Thing"), ("a", ["a"]), ("awaited", 1)),
    ]
    assert found.errors is None


async def test_an_error_is_told_with_its_place() -> None:
    found = await _answered(
        leaves.Executor, Loose(GOOD | {"number": "many", "perhaps": ValueError("odd")}), "text perhaps number"
    )

    assert found.data == {"thing": None}
    assert ["thing", "number"] in [error.path for error in found.errors or ()]
