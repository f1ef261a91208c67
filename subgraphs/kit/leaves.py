"""Answers plain fields in one go: what an object simply has needs no resolver, no path and no `info`.

A thousand rows of ten fields are ten thousand fields, and for each of them the executor makes a path, gathers what a resolver may ask
for, calls one that reads an attribute, and asks of the value what it may be. Almost all of them are leaves: text, numbers, moments,
enums. `mark` finds out once, for a schema, which fields these are and how their values are written. `Executor` answers these
of an object first, and leaves to graphql-core whatever is not as plain as that: other fields, and values that are missing where
they must not be, or of a kind that could be more than a value. So every error is told by graphql-core, as ever.

    execute_fields(Customer, row) ─┬─ name, kind, createdAt …   leaf, and a plain value   ──► written at once
                                   └─ contacts, or anything odd ──────────────────────────► graphql-core
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

_LEAVES: Final = "psa-leaves"
_MISSING: Final = object()
_VALUES: Final = frozenset({str, int, float, bool, datetime, date, time, Decimal, UUID})
"""Kinds that are nothing but a value: neither an error, nor something to wait for."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A field whose value is an attribute, and how it is written."""

    attribute: str
    written: Callable[[Any], Any]
    nullable: bool
    listed: bool

    def of(self, source: Any) -> Any:
        """What is answered; `_MISSING` where that is not for us to say."""
        try:
            value = getattr(source, self.attribute)
            if value is None:
                return None if self.nullable else _MISSING
            if not self.listed:
                return self._one(value)
            return self._all(value) if type(value) is list else _MISSING
        except Exception:  # noqa: BLE001 - graphql-core will meet it again, and tell it with its place
            return _MISSING

    def _one(self, value: Any) -> Any:
        if type(value) not in _VALUES and not isinstance(value, Enum):
            return _MISSING
        written = self.written(value)
        return _MISSING if written is None or written is Undefined else written

    def _all(self, values: Iterable[Any]) -> Any:
        written = [self._one(value) for value in values]
        return _MISSING if any(one is _MISSING for one in written) else written


def mark(schema: GraphQLSchema) -> None:
    """Find the leaves of each object type, and write them down where `Executor` looks."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            leaves = {name: leaf for name, field in kind.fields.items() if (leaf := _leaf(field))}
            kind.extensions = {**kind.extensions, _LEAVES: leaves}


def _leaf(field: GraphQLField) -> _Leaf | None:
    definition = field.extensions.get("strawberry-definition")
    if not isinstance(definition, StrawberryField) or not definition.is_basic_field or field.args:
        return None
    nullable, kind = _nullable(field.type)
    listed = is_list_type(kind)
    if listed:
        some_missing, kind = _nullable(kind.of_type)
        if some_missing:
            return None
    return _Leaf(definition.python_name, kind.coerce_output_value, nullable, listed) if is_leaf_type(kind) else None


def _nullable(kind: Any) -> tuple[bool, Any]:
    return (False, kind.of_type) if is_non_null_type(kind) else (True, kind)


class Executor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's, with plain fields answered ahead of all others."""

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Any,
        position_context: Any,
    ) -> Any:
        """Answer the fields of one object, in the order in which they were asked for."""
        leaves = parent_type.extensions.get(_LEAVES)
        if not leaves:
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        answers: dict[str, Any] = {}
        others = {}
        for name, details in grouped_field_set.items():
            field = details[0].node.name.value
            if field == "__typename":
                answers[name] = parent_type.name
                continue
            leaf = leaves.get(field)
            answers[name] = answer = _MISSING if leaf is None else leaf.of(source_value)
            if answer is _MISSING:
                others[name] = details
        if not others:
            return answers
        return self._with(answers, super().execute_fields(parent_type, source_value, path, others, position_context))

    def _with(self, answers: dict[str, Any], others: Any) -> Any:
        if self.is_awaitable(others):
            return _awaited(answers, others)
        return _together(answers, others)


async def _awaited(answers: dict[str, Any], others: Awaitable[Mapping[str, Any]]) -> dict[str, Any]:
    return _together(answers, await others)


def _together(answers: dict[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """What is missing comes from the others, in its place; what they leave out is left out."""
    return {
        name: others[name] if answer is _MISSING else answer
        for name, answer in answers.items()
        if answer is not _MISSING or name in others
    }
