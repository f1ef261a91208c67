"""Random operations over a schema: fields, aliases, arguments, fragments, conditions."""

from __future__ import annotations

import random
from collections.abc import Iterator

from graphql import (
    DocumentNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_union_type,
    parse,
    validate,
)

_WITHOUT_NUMBER = "($yes: Boolean!, $no: Boolean = false)"
_VARIABLES = "($n: Int = 3, $yes: Boolean!, $no: Boolean = false)"
VALUES = {"n": 5, "yes": True}
EFFECTIVE = {"n": 5, "yes": True, "no": False}


def operation(schema: GraphQLSchema, seed: int) -> DocumentNode:
    """A valid operation: wild ones are tried first, then ever tamer ones."""
    for attempt in range(20):
        roll = random.Random(f"{seed}/{attempt}")
        writer = _Writer(schema, roll, wildness=max(0.0, 0.3 - attempt * 0.03))
        document = parse(writer.document(), no_location=True)
        if not validate(schema, document):
            return document
    raise AssertionError(seed)


def _inner(definition: GraphQLField) -> bool:
    return is_composite_type(get_named_type(definition.type))


class _Writer:
    def __init__(self, schema: GraphQLSchema, roll: random.Random, wildness: float) -> None:
        self.schema = schema
        self.roll = roll
        self.wildness = wildness
        self.fragments: list[str] = []
        self.budget = 60

    def document(self) -> str:
        query = self.schema.query_type
        assert query is not None
        selection = self._selection(query, self.roll.randint(1, 5))
        # Every variable is used, so that the document is valid whatever else was written.
        used = "used: __typename @include(if: $yes) @skip(if: $no)"
        number = next((f"n: {name}(x: $n)" for name, item in query.fields.items() if item.args and not _inner(item)), "")
        variables = _VARIABLES if number or "$n" in selection + "".join(self.fragments) else _WITHOUT_NUMBER
        return " ".join([f"query Q{variables} {selection[:-1]} {used} {number} }}", *self.fragments])

    def _selection(self, parent: GraphQLCompositeType, depth: int) -> str:
        parts = [self._item(parent, depth) for _ in range(self.roll.randint(1, 4))]
        return f"{{ {' '.join(part for part in parts if part) or '__typename'} }}"

    def _item(self, parent: GraphQLCompositeType, depth: int) -> str:
        self.budget -= 1
        if self.budget <= 0:
            return "__typename"
        if is_union_type(parent) or (self.roll.random() < 0.25):
            return self._fragment(parent, depth)
        if self.roll.random() < 0.1:
            return "__typename"
        assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
        name, definition = self.roll.choice(list(parent.fields.items()))
        target = get_named_type(definition.type)
        if is_composite_type(target) and depth <= 0:
            return "__typename"
        alias = f"{self.roll.choice(['a', 'b', 'id', 'f0', 'f1'])}: " if self.roll.random() < self.wildness / 2 else ""
        arguments = ""
        if definition.args:
            arguments = self.roll.choice(["", "(x: 1)", "(x: $n)"] if not alias else ["(x: 2)"])
        inner = f" {self._selection(target, depth - 1)}" if is_composite_type(target) else ""
        return f"{alias}{name}{arguments}{self._condition()}{inner}"

    def _condition(self) -> str:
        if self.roll.random() > self.wildness:
            return ""
        return self.roll.choice(
            [" @include(if: $yes)", " @include(if: $no)", " @skip(if: $no)", " @skip(if: $yes)", " @skip(if: false)"]
        )

    def _fragment(self, parent: GraphQLCompositeType, depth: int) -> str:
        candidates = [*self._types(parent)]
        target = self.roll.choice(candidates)
        inner = self._selection(target, depth)
        if self.roll.random() < 0.2:
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {target.name} {inner}")
            return f"...{name}{self._condition()}"
        return f"... on {target.name}{self._condition()} {inner}"

    def _types(self, parent: GraphQLCompositeType) -> Iterator[GraphQLCompositeType]:
        """All types that may be a condition here."""
        possible = set(self.schema.get_possible_types(parent)) if is_abstract_type(parent) else {parent}
        for found in self.schema.type_map.values():
            if not is_composite_type(found) or found.name.startswith("__"):
                continue
            own = set(self.schema.get_possible_types(found)) if is_abstract_type(found) else {found}
            if own & possible:
                yield found
