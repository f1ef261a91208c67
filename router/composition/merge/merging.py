"""What all mergers share: the subgraphs in order, the supergraph as it grows, and everything there is to say about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias, TypeVar

from router.composition.merge.strategies import Strategy
from router.federation.codes import CompositionError, Hint, Node
from router.federation.elements import FieldDefinition, Kind, Name, Schema, TypeDefinition
from router.federation.spec import Version
from router.federation.subgraph import Subgraph

E = TypeVar("E")

# Access control; it is settled before everything else, as interfaces inherit it.
ACCESS = ("authenticated", "requiresScopes", "policy")

# One element as each subgraph has it, in subgraph order; None where the subgraph has the parent but not the element.
# A subgraph that doesn't have the parent either is absent.
Sources: TypeAlias = Mapping[int, E | None]


@dataclass
class Merging:
    """A merge in progress."""

    subgraphs: tuple[Subgraph, ...]
    version: Version
    join: Version
    supergraph: Schema = field(default_factory=Schema)
    errors: list[CompositionError] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    enum_usage: dict[str, EnumUsage] = field(default_factory=dict)
    # Directives that travel, by name; filled before anything is merged.
    composed: dict[str, Composed] = field(default_factory=dict)
    # What @override says, by subgraph and field.
    overrides: dict[tuple[int, str], Override] = field(default_factory=dict)
    # The types about whose kind the subgraphs disagree, with what the first one says.
    torn: dict[str, Kind] = field(default_factory=dict)
    # The access control that interfaces and fields inherit, by coordinate and directive.
    inherited: dict[tuple[str, str], list[TypeDefinition | FieldDefinition]] = field(default_factory=dict)
    # Applications are merged when all elements exist, in the order in which their elements were merged.
    deferred: list[Callable[[], None]] = field(default_factory=list)

    @cached_property
    def graphs(self) -> tuple[str, ...]:
        """The values of `join__Graph`, one per subgraph."""
        return join_names([subgraph.name for subgraph in self.subgraphs])

    def graph(self, index: int) -> Name:
        """The value of `join__Graph` for a subgraph."""
        return Name(self.graphs[index])

    def error(self, code: str, message: str, nodes: Sequence[Node] = ()) -> None:
        """Report an error."""
        self.errors.append(CompositionError(code, message, tuple(nodes)))

    def hint(self, code: str, message: str, coordinate: str | None, nodes: Sequence[Node] = ()) -> None:
        """Report a hint."""
        self.hints.append(Hint(code, message, coordinate, tuple(nodes)))

    def names(self, indices: Sequence[int]) -> list[str]:
        """The names of some subgraphs."""
        return [self.subgraphs[index].name for index in indices]

    def places(self, sources: Sources[E]) -> tuple[Node, ...]:
        """Where an element stands in the subgraphs that have it."""
        found = (
            self.subgraphs[index].place(getattr(source, "last_part", None) or getattr(source, "node", None))
            for index, source in sources.items()
            if source is not None
        )
        return tuple(node for node in found if node is not None)

    def types_named(self, name: str) -> Sources[TypeDefinition]:
        """The definitions of one type; none, where it is of another kind than the supergraph's."""
        found = {i: t for i, subgraph in enumerate(self.subgraphs) if (t := subgraph.types.get(name)) is not None}
        if name not in self.torn:
            return found
        return {i: t if self.kind(i, t) is self.torn[name] else None for i, t in found.items()}

    def kind(self, index: int, definition: TypeDefinition) -> Kind:
        """The kind of a subgraph's type in the supergraph: an interface object is an interface there."""
        return Kind.INTERFACE if self.subgraphs[index].is_interface_object(definition) else definition.kind

    def groups(
        self,
        sources: Sources[E],
        variant: Callable[[E, int], str | None],
        supergraph: str,
        absent: str | None = None,
    ) -> list[tuple[str, list[str]]]:
        """Group the subgraphs by variant: the supergraph's variant first, absence last when it is asked for."""
        found: dict[str, list[str]] = {}
        missing: list[str] = []
        for index, source in sources.items():
            name = self.subgraphs[index].name
            if source is None:
                missing.append(name)
            elif (key := variant(source, index)) is not None:
                found.setdefault(key, []).append(name)
        ordered = [(supergraph, found.pop(supergraph, []))] if supergraph in found else []
        ordered += found.items()
        if absent is not None and missing:
            ordered.append((absent, missing))
        return ordered


@dataclass(slots=True)
class Override:
    """What @override means for one field in one subgraph."""

    dropped: bool = False
    used_overridden: bool = False
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """A directive that travels from subgraphs to the supergraph; all call it by the same name."""

    name: str
    element: str
    repeatable: bool
    strategies: dict[str, Strategy] = field(default_factory=dict)
    # The subgraphs that asked for it; everybody, if it travels by itself.
    origins: frozenset[int] | None = None


@dataclass
class EnumUsage:
    """Where an enum is used, with one example each."""

    input: tuple[str, Node | None] | None = None
    output: tuple[str, Node | None] | None = None


def present(sources: Sources[E]) -> dict[int, E]:
    """Only the subgraphs that have the element."""
    return {index: source for index, source in sources.items() if source is not None}


def join_names(names: Sequence[str]) -> tuple[str, ...]:
    """Enum values for subgraph names: upper case, words only, unique."""
    plain = [_join_name(name) for name in names]
    counts: dict[str, int] = {}
    found = []
    for name in plain:
        counts[name] = counts.get(name, 0) + 1
        found.append(f"{name}_{counts[name]}" if plain.count(name) > 1 else name)
    return tuple(found)


def _join_name(name: str) -> str:
    text = re.sub(r"[^A-Z0-9_]", "_", name.upper(), flags=re.ASCII)
    if text[:1].isdigit():
        text = f"_{text}"
    return f"{text}_" if re.search(r"_\d+$", text) else text
