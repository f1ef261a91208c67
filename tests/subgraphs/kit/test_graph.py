"""Docstrings become descriptions, and no fault tells a stranger what is inside."""

from __future__ import annotations

from enum import Enum

import pytest
import strawberry
from sqlalchemy.exc import TimeoutError as PoolTimeout
from strawberry.federation import type as entity

from subgraphs.kit import graph
from subgraphs.kit.errors import Forbidden, Invalid, NotFound
from subgraphs.kit.module import Module


@strawberry.enum
class Colour(Enum):
    """What it looks like."""

    RED = "RED"
    """As blood."""


@strawberry.input
class Wish:
    """What is wanted."""

    colour: Colour | None = None
    """In this colour."""


@entity(keys=["id"])
class Foreign:
    """Somebody else's."""

    id: strawberry.ID

    @strawberry.field
    def ours(self) -> str | None:
        """What we add."""
        return None


@strawberry.type
class Query:
    """What can be asked."""

    @strawberry.field
    def answer(self, wish: Wish | None = None) -> int | None:  # noqa: ARG002 - only its place in the schema counts
        """The answer to the wish."""
        return 42

    @strawberry.field
    def refused(self, how: str) -> int | None:
        """Refuses or fails, as it is told to."""
        raise {
            "invalid": Invalid("how must be kind.", field="how"),
            "forbidden": Forbidden("Not for you."),
            "absent": NotFound("Not there."),
            "fault": RuntimeError("password=hunter2"),
            "crowd": PoolTimeout("QueuePool limit of size 10 overflow 0 reached"),
            "away": ConnectionRefusedError("[Errno 111] Connect call failed"),
        }[how]


MODULE = Module(name="test", purpose="Test.", query=Query, extends=(Foreign,))


def test_every_docstring_is_a_description():
    sdl = graph.sdl(MODULE)

    for words in (
        "What can be asked.",
        "The answer to the wish.",
        "What is wanted.",
        "In this colour.",
        "What it looks like.",
        "As blood.",
        "What we add.",
    ):
        assert f'"""{words}"""' in sdl
    assert "Somebody else's." not in sdl


def test_an_absent_argument_has_no_default_of_null():
    assert "answer(wish: Wish): Int" in graph.sdl(MODULE)
    assert "= null" not in graph.sdl(MODULE)


@pytest.mark.parametrize(
    ("how", "message", "extensions"),
    [
        ("invalid", "how must be kind.", {"code": "BAD_USER_INPUT", "field": "how"}),
        ("forbidden", "Not for you.", {"code": "FORBIDDEN"}),
        ("absent", "Not there.", {"code": "NOT_FOUND"}),
        ("fault", "Something went wrong on our side.", {"code": "INTERNAL"}),
        ("crowd", "There is no room just now; ask again in a moment.", {"code": "UNAVAILABLE"}),
        ("away", "The data are out of reach just now; ask again in a moment.", {"code": "UNAVAILABLE"}),
    ],
)
async def test_a_refusal_keeps_its_words_and_a_fault_loses_them(how, message, extensions):
    result = await graph.schema(MODULE).execute(f'{{ answer refused(how: "{how}") }}')

    assert result.data == {"answer": 42, "refused": None}
    assert [(error.message, error.path, error.extensions) for error in result.errors] == [
        (message, ["refused"], extensions)
    ]


async def test_what_does_not_fit_the_schema_says_so():
    result = await graph.schema(MODULE).execute("{ nothing }")

    assert result.errors[0].extensions == {"code": "GRAPHQL_VALIDATION_FAILED"}


async def test_a_document_of_too_many_tokens_is_refused():
    result = await graph.schema(MODULE).execute("{" + "answer " * 15_001 + "}")

    assert "15000 tokens" in result.errors[0].message
