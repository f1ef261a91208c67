"""Random operations over a schema: fields, aliases, arguments, fragments, conditions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    Visitor,
    VisitorAction,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_union_type,
    parse,
    print_ast,
    validate,
    visit,
)

_WITHOUT_NUMBER = "($yes: Boolean!, $no: Boolean = false)"
_VARIABLES = "($n: Int = 3, $yes: Boolean!, $no: Boolean = false)"
VALUES = {"n": 5, "yes": True}
EFFECTIVE = {"n": 5, "yes": True, "no": False}


def operation(schema: GraphQLSchema, seed: int, *, deferring: float = 0) -> DocumentNode:
    """A valid operation: wild ones are tried first, then ever tamer ones; `deferring` is the share of deferred selections."""
    for attempt in range(20):
        roll = random.Random(f"{seed}/{attempt}")
        writer = _Writer(schema, roll, max(0.0, 0.3 - attempt * 0.02), deferring)
        document = parse(writer.document(), no_location=True)
        # All else is valid by construction.
        if not validate(schema, document, [OverlappingFieldsCanBeMergedRule]):
            return document
    raise AssertionError(seed)


class _AtOnce(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: Any) -> VisitorAction:
        return REMOVE if node.name.value == "defer" else None


def at_once(document: DocumentNode) -> DocumentNode:
    """The same operation with nothing deferred."""
    whole: DocumentNode = visit(document, _AtOnce())
    return whole


class _NeverMind(Visitor):
    def enter_inline_fragment(self, node: InlineFragmentNode, *_: Any) -> VisitorAction:
        return REMOVE if _is_deferred(node) else None

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> VisitorAction:
        return REMOVE if _is_deferred(node) else None

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> Any:
        return None if node.selections else parse("{ __typename }", no_location=True).definitions[0].selection_set  # type: ignore[attr-defined]


def _is_deferred(node: InlineFragmentNode | FragmentSpreadNode) -> bool:
    marks = [mark for mark in node.directives or () if mark.name.value == "defer"]
    return any(not mark.arguments or "$no" not in print_ast(mark) for mark in marks)


def without_later(document: DocumentNode) -> DocumentNode:
    """The same operation without all that is deferred, for the values that are used here."""
    rest: DocumentNode = visit(document, _NeverMind())
    return rest


def _inner(definition: GraphQLField) -> bool:
    return is_composite_type(get_named_type(definition.type))


class _Writer:
    def __init__(self, schema: GraphQLSchema, roll: random.Random, wildness: float, deferring: float) -> None:
        self.schema = schema
        self.roll = roll
        self.wildness = wildness
        self.deferring = deferring
        self.labels = 0
        self.fragments: list[str] = []
        self.budget = 60

    def document(self) -> str:
        query = self.schema.query_type
        assert query is not None
        selection = self._selection(query, self.roll.randint(1, 5))
        # Every variable is used, so that the document is valid whatever else was written.
        used = "used: __typename @include(if: $yes) @skip(if: $no)"
        number = next(
            (f"n: {name}(x: $n)" for name, item in query.fields.items() if item.args and not _inner(item)), ""
        )
        variables = _VARIABLES if number or "$n)" in selection + "".join(self.fragments) else _WITHOUT_NUMBER
        return " ".join([f"query Q{variables} {selection[:-1]} {used} {number} }}", *self.fragments])

    def _selection(self, parent: GraphQLCompositeType, depth: int) -> str:
        parts = [self._item(parent, depth) for _ in range(self.roll.randint(1, 4))]
        return f"{{ {' '.join(part for part in parts if part) or '__typename'} }}"

    def _item(self, parent: GraphQLCompositeType, depth: int) -> str:
        self.budget -= 1
        if self.budget <= 0:
            return "__typename"
        if self.deferring and self.roll.random() < self.deferring:
            condition = f" on {parent.name}" if self.roll.random() < 0.5 else ""
            return f"...{condition}{self._defer()} {self._selection(parent, depth)}"
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
        if definition.args and self.wildness:
            arguments = self.roll.choice(["", "(x: 1)", "(x: $n)"] if not alias else ["(x: 2)"])
        inner = f" {self._selection(target, depth - 1)}" if is_composite_type(target) else ""
        return f"{alias}{name}{arguments}{self._condition()}{inner}"

    def _condition(self) -> str:
        if self.roll.random() > self.wildness:
            return ""
        return self.roll.choice(
            [" @include(if: $yes)", " @include(if: $no)", " @skip(if: $no)", " @skip(if: $yes)", " @skip(if: false)"]
        )

    def _defer(self) -> str:
        if not self.deferring:
            return ""
        self.labels += 1
        named = f' @defer(label: "L{self.labels}")'
        return self.roll.choice([" @defer", " @defer", named, named, " @defer(if: $yes)", " @defer(if: $no)"])

    def _fragment(self, parent: GraphQLCompositeType, depth: int) -> str:
        candidates = [*self._types(parent)]
        target = self.roll.choice(candidates)
        inner = self._selection(target, depth)
        if self.roll.random() < 0.2:
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {target.name} {inner}")
            return f"...{name}{self._condition()}{self._sometimes_deferred()}"
        return f"... on {target.name}{self._condition()}{self._sometimes_deferred()} {inner}"

    def _sometimes_deferred(self) -> str:
        return self._defer() if self.deferring and self.roll.random() < 0.5 else ""

    def _types(self, parent: GraphQLCompositeType) -> Iterator[GraphQLCompositeType]:
        """All types that may be a condition here."""
        possible = set(self.schema.get_possible_types(parent)) if is_abstract_type(parent) else {parent}
        for found in self.schema.type_map.values():
            if not is_composite_type(found) or found.name.startswith("__"):
                continue
            own = set(self.schema.get_possible_types(found)) if is_abstract_type(found) else {found}
            if own & possible:
                yield found
