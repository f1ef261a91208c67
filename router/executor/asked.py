"""What a fetch was to bring: the tree of response keys in its text, and an answer cut down to it.

A subgraph may answer more than it was asked for, by mistake or not. What nobody asked it for is another service's to
say, wherever in the answer it stands, so it is dropped before anything reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from router.graph.selections import client_key
from router.planner.query_plan import Fetch

Fragments = Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class Asked:
    """The keys asked for at one place, whatever the type there is, and below those that have selections."""

    keys: frozenset[str] = frozenset()
    below: Mapping[str, Asked] = field(default_factory=dict)

    def renamed(self, name: Callable[[str], str]) -> Asked:
        """The same with other keys."""
        below: dict[str, Asked] = {}
        for key, inner in self.below.items():
            below[name(key)] = below.get(name(key), Asked()).joined(inner.renamed(name))
        return Asked(frozenset(map(name, self.keys)), below)

    def joined(self, other: Asked) -> Asked:
        """What either asks for."""
        both = {**self.below, **other.below}
        for key in self.below.keys() & other.below.keys():
            both[key] = self.below[key].joined(other.below[key])
        return Asked(self.keys | other.keys, both)

    def leads_along(self, path: Iterable[str | int]) -> bool:
        """Tell whether the value at a path was asked for; places in lists are no steps."""
        here: Asked | None = self
        for step in path:
            if isinstance(step, str):
                if here is None or step not in here.keys:
                    return False
                here = here.below.get(step)
        return True

    def at(self, path: Iterable[str | int]) -> Asked:
        """What is asked for below a path."""
        here = self
        for step in path:
            if isinstance(step, str):
                here = here.below.get(step, _NOTHING)
        return here

    def cut(self, value: dict[str, Any]) -> None:
        """Drop from an answer what nobody asked for."""
        if not value.keys() <= self.keys:
            for key in value.keys() - self.keys:
                del value[key]
        for key, inner in self.below.items():
            if (found := value.get(key)) is not None:
                _cut(found, inner)


_NOTHING = Asked()


def _cut(value: Any, asked: Asked) -> None:
    if isinstance(value, dict):
        asked.cut(value)
    elif isinstance(value, list):
        for item in value:
            _cut(item, asked)


@dataclass(frozen=True, slots=True)
class Text:
    """What a fetch asks for: as it stands in its text, and in the client's words."""

    sent: Asked
    meant: Asked


def text_of(node: Fetch) -> Text:
    """Read the text of a fetch; of an entity fetch, what it asks of the entities."""
    document = parse(node.operation, no_location=True)
    known = fragments(document)
    found: Iterable[FieldNode] = fields(operation(document).selection_set, known)
    if node.requires:
        found = below(found, "_entities", known)
    sent = _asked(found, known)
    return Text(sent, sent.renamed(clients_words(node)))


def clients_words(node: Fetch) -> Callable[[str], str]:
    """How a key in the answer to a fetch is called by the client."""
    real = {change.from_key: change.to_key for change in node.output_rewrites}
    return lambda name: client_key(real.get(name, name))


def _asked(found: Iterable[FieldNode], known: Fragments) -> Asked:
    nodes = list(found)
    inner = dict.fromkeys(key(node) for node in nodes if node.selection_set)
    return Asked(
        frozenset(key(node) for node in nodes), {name: _asked(below(nodes, name, known), known) for name in inner}
    )


def below(nodes: Iterable[FieldNode], name: str, known: Fragments) -> list[FieldNode]:
    """The fields asked for below the fields of one key."""
    matching = (node.selection_set for node in nodes if key(node) == name)
    return [inner for selection_set in matching if selection_set for inner in fields(selection_set, known)]


def fields(selection_set: SelectionSetNode, known: Fragments) -> Iterator[FieldNode]:
    """The fields at one place, fragments looked into."""
    for selection in selection_set.selections:
        match selection:
            case FieldNode():
                yield selection
            case InlineFragmentNode():
                yield from fields(selection.selection_set, known)
            case FragmentSpreadNode():
                yield from fields(known[selection.name.value].selection_set, known)


def key(node: FieldNode) -> str:
    """The response key of a field."""
    return (node.alias or node.name).value


def fragments(document: DocumentNode) -> Fragments:
    """The fragments of a document by name."""
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def operation(document: DocumentNode) -> OperationDefinitionNode:
    """The first operation of a document."""
    return next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
