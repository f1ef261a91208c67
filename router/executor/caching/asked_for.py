"""What one fetch asks for, read once from its text: which types are in its answer, which tags it gets, how long it may live.

    query { customer(id: $id) { name tickets { id title } } }
              │ root field: its formats, with its arguments       ─► tag  customer-7
              └ Customer, Ticket: types whose change changes it   ─► type Customer, type Ticket
                objects of types that have formats of their own   ─► tag  ticket-1, ticket-2   (by the keys in the answer)

An object whose key was not asked for could be any of its type: its entry gets the bare format as a tag, which goes with every
tag that could come from it. Types count where they could stand, not where they do: an empty list changes, too, when the
first of its kind is made.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    parse,
    value_from_ast_untyped,
)
from graphql.pyutils import Undefined

from router.executor.caching.cache_control import Lifetime
from router.executor.caching.declared import Declared, Formats
from router.executor.caching.tag_formats import Format, Source, Unknown
from router.executor.projection import included
from router.planner.query_plan import Fetch

_NAME: Final = re.compile(r"^\s*query\s+\w+")
ENTITIES: Final = "_entities"


def any_of(form: Format) -> str:
    """What stands for every tag of a format."""
    return f"any:{form.text}"


def exactly(tag: str) -> str:
    """What stands for one tag."""
    return f"tag:{tag}"


@dataclass(frozen=True)
class AskedFor:
    """One fetch's text; `signature` is what makes it different from others, whatever the client called the operation."""

    declared: Declared
    service: str
    signature: str
    sets: tuple[SelectionSetNode, ...]
    fragments: Mapping[str, FragmentDefinitionNode]
    defaults: Mapping[str, Any]
    _types: dict[str, frozenset[str]] = field(default_factory=dict)

    @staticmethod
    def of(fetch: Fetch, declared: Declared) -> AskedFor:
        """Read the text of a fetch."""
        document = parse(fetch.operation, no_location=True)
        operation = _operation(document)
        defaults = {
            one.variable.name.value: value_from_ast_untyped(one.default_value)
            for one in operation.variable_definitions or ()
            if one.default_value is not None
        }
        signature = _NAME.sub("query", fetch.operation, count=1)
        fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
        sets: tuple[SelectionSetNode, ...] = (operation.selection_set,)
        if fetch.requires:
            entities = [one for one in _fields(sets, fragments, None) if one.name.value == ENTITIES]
            sets = tuple(one.selection_set for one in entities if one.selection_set)
        return AskedFor(declared, fetch.service_name, signature, sets, fragments, defaults)

    @property
    def schema(self) -> GraphQLSchema:
        """The types that it is written in."""
        return self.declared.schema

    @property
    def root(self) -> str:
        """The name of the root type."""
        return self.schema.query_type.name if self.schema.query_type else "Query"

    def types(self, of: str) -> frozenset[str]:
        """Every type of which something could stand in an object of this type, itself included."""
        known = self._types.get(of)
        if known is None:
            known = self._types[of] = frozenset(self._reached(self.sets, of))
        return known

    def _reached(self, sets: Iterable[SelectionSetNode], of: str) -> Iterator[str]:
        yield of
        yield from self._possible(of)
        for node in self._chosen(sets, of):
            for inner in self._types_of(of, node):
                yield from self._reached(_below(node), inner)

    def _possible(self, of: str) -> list[str]:
        named = self.schema.type_map.get(of)
        if not is_abstract_type(named):
            return []
        return [one.name for one in self.schema.get_possible_types(named)]

    def _chosen(self, sets: Iterable[SelectionSetNode], of: str) -> Iterator[FieldNode]:
        names = {of, *self._possible(of)}
        return _fields(sets, self.fragments, lambda condition: any(self._fits(name, condition) for name in names))

    def _fits(self, name: str, condition: str) -> bool:
        if name == condition:
            return True
        above, below = self.schema.type_map.get(condition), self.schema.type_map.get(name)
        return is_abstract_type(above) and below is not None and self.schema.is_sub_type(above, below)

    def _types_of(self, of: str, node: FieldNode) -> list[str]:
        """The types of objects that a field may bring; several where those who have it differ."""
        found: dict[str, None] = {}
        for name in (of, *self._possible(of)):
            definition = getattr(self.schema.type_map.get(name), "fields", {}).get(node.name.value)
            inner = get_named_type(definition.type) if definition is not None else None
            if is_composite_type(inner):
                found[inner.name] = None
        return list(found)

    def _tagged_roots(self, variables: Mapping[str, Any]) -> Iterator[tuple[FieldNode, frozenset[str]]]:
        """The root fields that are asked for, each with the tags that its arguments make."""
        given = {**self.defaults, **variables}
        for node in _fields(self.sets, self.fragments, None):
            if included(node.directives, given):
                formats = self.declared.of_fields.get((self.service, self.root, node.name.value), ())
                yield node, frozenset(tags(formats, "args", self._arguments(node, given)) if formats else ())

    def _arguments(self, node: FieldNode, variables: Mapping[str, Any]) -> dict[str, Any]:
        definition = getattr(self.schema.query_type, "fields", {}).get(node.name.value)
        defaults = definition.args if definition else {}
        values = {name: one.default_value for name, one in defaults.items() if one.default_value is not Undefined}
        for argument in node.arguments or ():
            value = value_from_ast_untyped(argument.value, dict(variables))
            if value is not Undefined:
                values[argument.name.value] = value
        return values

    def key_tags(self, representation: Mapping[str, Any]) -> set[str]:
        """Return the tags that an entity has by its key."""
        formats = self.declared.of_types.get((self.service, representation["__typename"]), ())
        return tags(formats, "key", representation)

    def tags_within(self, data: Any, of: str, *, itself: bool) -> set[str]:
        """Return the tags of the objects in an answer, and of the whole one if `itself`."""
        if not any(service == self.service for service, _ in self.declared.of_types):
            return set()
        return set(self._within(data, self.sets, of, itself=itself))

    def root_tags_within(self, data: Mapping[str, Any], variables: Mapping[str, Any]) -> set[str]:
        """Return the tags of a whole answer of root fields: of the fields, and of the objects in it.

        Where a field's own tag is one that its object could have (`product-{$args.id}`), it's known which one that is.
        """
        found: set[str] = set()
        for node, own in self._tagged_roots(variables):
            found |= own
            value = data.get(_key(node))
            sure = own if isinstance(value, dict) else frozenset[str]()
            for inner in self._types_of(self.root, node):
                found.update(self._within(value, _below(node), inner, sure=sure))
        return found

    def _within(
        self,
        value: Any,
        sets: Iterable[SelectionSetNode],
        of: str,
        *,
        itself: bool = True,
        sure: frozenset[str] = frozenset(),
    ) -> Iterator[str]:
        if isinstance(value, list):
            for each in value:
                yield from self._within(each, sets, of)
        if not isinstance(value, dict):
            return
        told = value.get("__typename")
        known = told if isinstance(told, str) and told in self.schema.type_map else of
        nodes = list(self._chosen(sets, known))
        if itself:
            for name in (known, *self._possible(known)):
                formats = self.declared.of_types.get((self.service, name), ())
                found = tags(formats, "key", self._named(value, nodes) if name == known else {})
                yield from found - {any_of(form) for form in formats if any(form.may_be(one) for one in _texts(sure))}
        for node in nodes:
            for inner in self._types_of(known, node):
                yield from self._within(value.get(_key(node)), _below(node), inner)

    def _named(self, value: Mapping[str, Any], nodes: Iterable[FieldNode]) -> dict[str, Any]:
        """The object's fields by their names, where their arguments can't make a difference."""
        found: dict[str, Any] = {}
        for node in nodes:
            key = _key(node)
            if node.arguments or key not in value:
                continue
            inner = value[key]
            if isinstance(inner, dict) and node.selection_set:
                below = self._named(inner, _fields((node.selection_set,), self.fragments, None))
                found[node.name.value] = {**found.get(node.name.value, {}), **below}
            else:
                found[node.name.value] = inner
        return found

    def hinted(self, of: str, default: float | None) -> Lifetime | None:
        """What `@cacheControl` says of an object of this type; None where the schema has no such hints.

        Where nothing is said of an object, `default` counts; values live as long as the object that they're of.
        """
        if not self.declared.hints:
            return None
        told = [*self._told(of, default)] if of != self.root else []
        told += self._hints(self.sets, of, default)
        seconds = min((one.seconds for one in told), default=default or 0)
        return Lifetime(seconds if seconds < math.inf else default or 0, private=any(one.private for one in told))

    def _hints(self, sets: Iterable[SelectionSetNode], of: str, default: float | None) -> Iterator[Lifetime]:
        for node in self._chosen(sets, of):
            below = self._types_of(of, node)
            owners = (of, *self._possible(of))
            own = next((found for name in owners if (found := self.declared.hints.get((name, node.name.value)))), None)
            if own is not None:
                yield Lifetime(math.inf if own.seconds is None else own.seconds, private=own.private)
            settled = own is not None and (own.seconds is not None or own.inherits)
            if not below:
                if of == self.root and not settled and node.name.value != "__typename":
                    yield Lifetime(default or 0)
                continue
            for inner in below:
                if not settled:
                    yield from self._told(inner, default)
                yield from self._hints(_below(node), inner, default)

    def _told(self, of: str, default: float | None) -> Iterator[Lifetime]:
        own = self.declared.hints.get((of, None))
        if own is None or (own.seconds is None and not own.inherits):
            yield Lifetime(default or 0, private=own is not None and own.private)
        else:
            yield Lifetime(math.inf if own.seconds is None else own.seconds, private=own.private)


def tags(formats: Formats, source: Source, values: Mapping[str, Any]) -> set[str]:
    """Put values into formats; where they are missing, the format itself stands for all that it could be."""
    found = set()
    for form in formats:
        try:
            found.add(exactly(form.tag(source, values)))
        except Unknown:
            found.add(any_of(form))
    return found


def _below(node: FieldNode) -> tuple[SelectionSetNode, ...]:
    return (node.selection_set,) if node.selection_set else ()


def _texts(found: Iterable[str]) -> Iterator[str]:
    return (one.removeprefix("tag:") for one in found if one.startswith("tag:"))


def _key(node: FieldNode) -> str:
    return (node.alias or node.name).value


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    return next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))


def _fields(
    sets: Iterable[SelectionSetNode],
    fragments: Mapping[str, FragmentDefinitionNode],
    fits: Any,
) -> Iterator[FieldNode]:
    for selection_set in sets:
        for node in selection_set.selections:
            match node:
                case FieldNode():
                    yield node
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    if condition is None or fits is None or fits(condition.name.value):
                        yield from _fields((inner,), fragments, fits)
                case FragmentSpreadNode():
                    fragment = fragments[node.name.value]
                    if fits is None or fits(fragment.type_condition.name.value):
                        yield from _fields((fragment.selection_set,), fragments, fits)
