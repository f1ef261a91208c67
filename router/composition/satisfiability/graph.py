"""Where one can be while a query is answered, and where one can go from there.

A *place* is a type in a subgraph. From a place one can
* take a field that the subgraph resolves, to the place of the field's type in the same subgraph;
* narrow an abstract type to an object type that the subgraph knows behind it;
* move to another subgraph that has a key for the type, if the fields of the key can be had here.

    products ── (Product) ──name──▶ String
                   │ key "id"
                   ▼
    reviews ─── (Product) ──score─▶ Int

Two things make places more than pairs. A field with @provides leads to a place where more can be taken than usual, so the
place carries what is provided. An @interfaceObject knows the interface but not the objects behind it; once the object's type
is known from elsewhere, the place carries it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from router.composition.merge.merging import Override
from router.federation.elements import Applied, FieldDefinition, Kind, Schema, TypeDefinition, named
from router.federation.fieldsets import FieldSet, Fragment, SelectedField, context_selection, parse
from router.federation.subgraph import Subgraph


@dataclass(frozen=True, slots=True)
class Place:
    """A type in a subgraph."""

    type: str
    subgraph: int
    provided: FieldSet = ()
    # The object type behind an interface object, once it is known.
    known: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Taking a field: where it leads and what it requires."""

    target: Place
    requires: FieldSet = ()
    contexts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """Changing the subgraph: where it leads and which fields of the key must be had before."""

    target: Place
    key: FieldSet = ()


# The labels of progressive overrides that are switched on.
Labels = frozenset[str]


@dataclass(frozen=True)
class Graph:
    """All places of all subgraphs, for one choice of override labels."""

    subgraphs: tuple[Subgraph, ...]
    supergraph: Schema
    overrides: Mapping[tuple[int, str], Override]
    labels: Labels = frozenset()

    def definition(self, place: Place) -> TypeDefinition:
        """The type of a place, as its subgraph has it."""
        return self.subgraphs[place.subgraph].types[place.type]

    def is_interface_object(self, place: Place) -> bool:
        """Whether the place stands for an interface whose objects are known elsewhere."""
        return (place.subgraph, place.type) in self._interface_objects

    @cached_property
    def _interface_objects(self) -> frozenset[tuple[int, str]]:
        return frozenset(
            (index, t.name)
            for index, s in enumerate(self.subgraphs)
            for t in s.types.values()
            if s.is_interface_object(t)
        )

    # -- fields ------------------------------------------------------------------------------------------------------

    def step(self, place: Place, name: str) -> Step | None:
        """Take a field, if the subgraph of the place can resolve it there."""
        known = self._step_memo.setdefault(place, {})
        if name not in known:
            known[name] = self._find_step(place, name)
        return known[name]

    @cached_property
    def _step_memo(self) -> dict[Place, dict[str, Step | None]]:
        return {}

    def _find_step(self, place: Place, name: str) -> Step | None:
        subgraph = self.subgraphs[place.subgraph]
        definition = self.definition(place)
        member = definition.fields.get(name)
        if member is None:
            return None
        below = self._provided_below(place, name)
        if below is None and not self._resolves(place.subgraph, definition, member):
            return None
        provides = below or ()
        requires: FieldSet = ()
        if definition.kind is Kind.OBJECT:
            provides += _field_set(subgraph, member, "provides")
            requires = _field_set(subgraph, member, "requires") if below is None else ()
        target = named(member.type)
        return Step(Place(target, place.subgraph, provides), requires, self._contexts(subgraph, member))

    def _resolves(self, index: int, definition: TypeDefinition, member: FieldDefinition) -> bool:
        subgraph = self.subgraphs[index]
        if definition.kind is Kind.INTERFACE:
            # An interface resolves nothing itself: all objects behind it must, or each has to be asked on its own.
            return all(
                member.name in t.fields
                and self._resolves(index, t, t.fields[member.name])
                and not subgraph.has(t.fields[member.name], "requires")
                for t in subgraph.schema.implementations(definition.name)
                if t.name in self.supergraph.types
            )
        if subgraph.is_external(member):
            return False
        override = self.overrides.get((index, member.coordinate))
        if override is None:
            return True
        if override.label is not None:
            return (override.label in self.labels) == subgraph.has(member, "override")
        return not override.dropped and not override.used_overridden

    def _provided_below(self, place: Place, name: str) -> FieldSet | None:
        """What is provided below a field, or nothing if the field itself is not provided."""
        found: FieldSet | None = None
        for selection in self._applicable(place.provided, place):
            if selection.name == name:
                found = (found or ()) + selection.selections
        return found

    def _applicable(self, selections: FieldSet, place: Place) -> Iterator[SelectedField]:
        schema = self.subgraphs[place.subgraph].schema
        for selection in selections:
            if not isinstance(selection, Fragment):
                yield selection
            elif selection.on in {None, place.type} or schema.is_subtype(place.type, selection.on or ""):
                yield from self._applicable(selection.selections, place)

    @staticmethod
    def _contexts(subgraph: Subgraph, member: FieldDefinition) -> frozenset[str]:
        found = set()
        for argument in member.arguments.values():
            application = subgraph.application(argument, "fromContext")
            read = context_selection(application.arguments.get("field")) if application else None
            if read is not None:
                found.add(f"{subgraph.name}__{read[0]}")
        return frozenset(found)

    @cached_property
    def contexts_set(self) -> dict[str, frozenset[str]]:
        """The contexts that a type sets, by type."""
        found: dict[str, frozenset[str]] = {}
        for subgraph in self.subgraphs:
            for definition in subgraph.types.values():
                for application in subgraph.applications(definition, "context"):
                    name = f"{subgraph.name}__{application.arguments.get('name')}"
                    for setting in (definition.name, *subgraph.schema.runtime_types(definition.name)):
                        found[setting] = found.get(setting, frozenset()) | {name}
        return found

    # -- types -------------------------------------------------------------------------------------------------------

    def narrow(self, place: Place, name: str) -> Place | None:
        """Narrow a place to an object type; nothing, if no such object can be met there."""
        if self.is_interface_object(place):
            return replace(place, known=name)
        if place.type == name:
            return place
        if name in self.subgraphs[place.subgraph].schema.runtime_types(place.type):
            return Place(name, place.subgraph, place.provided)
        return None

    def keys(self, place: Place) -> list[FieldSet]:
        """All keys of a type in its subgraph, resolvable or not."""
        return [key for key, _ in _keys(self.subgraphs[place.subgraph], self.definition(place))]

    def resolvable_keys(self, index: int, type_name: str) -> list[FieldSet]:
        """The keys by which a subgraph can be entered at a type."""
        subgraph = self.subgraphs[index]
        return _resolvable_keys(subgraph, subgraph.types[type_name])

    # -- moves -------------------------------------------------------------------------------------------------------

    def moves(self, place: Place) -> Iterator[Move]:
        """All ways to another subgraph."""
        for target, key in self._targets(place.type, place.known):
            if target.subgraph != place.subgraph:
                yield Move(target, key)

    def targets(self, place: Place) -> frozenset[Place]:
        """All places that moves from here could lead to, including those in the same subgraph."""
        key = place.type, place.known
        if key not in self._target_sets:
            self._target_sets[key] = frozenset(target for target, _ in self._targets(*key))
        return self._target_sets[key]

    @cached_property
    def _target_sets(self) -> dict[tuple[str, str | None], frozenset[Place]]:
        return {}

    def _targets(self, type_name: str, known: str | None) -> list[tuple[Place, FieldSet]]:
        memo = self._target_memo
        if (type_name, known) not in memo:
            memo[type_name, known] = list(self._find_targets(type_name, known))
        return memo[type_name, known]

    @cached_property
    def _target_memo(self) -> dict[tuple[str, str | None], list[tuple[Place, FieldSet]]]:
        return {}

    def _find_targets(self, type_name: str, known: str | None) -> Iterator[tuple[Place, FieldSet]]:
        if type_name in {"Query", "Mutation", "Subscription"}:
            yield from ((Place(type_name, i), ()) for i, s in enumerate(self.subgraphs) if type_name in s.types)
        for index, subgraph in enumerate(self.subgraphs):
            definition = subgraph.types.get(type_name)
            if definition is not None:
                for key in _resolvable_keys(subgraph, definition):
                    target = Place(type_name, index)
                    if known is not None:
                        narrowed = self.narrow(target, known)
                        if narrowed is None:
                            continue
                        target = narrowed
                    yield target, key
            yield from self._interface_object_targets(index, subgraph, type_name)

    def _interface_object_targets(
        self, index: int, subgraph: Subgraph, type_name: str
    ) -> Iterator[tuple[Place, FieldSet]]:
        merged = self.supergraph.types.get(type_name)
        for interface in merged.interfaces if merged and merged.kind is Kind.OBJECT else ():
            if (index, interface) in self._interface_objects:
                for key in _resolvable_keys(subgraph, subgraph.types[interface]):
                    yield Place(interface, index, known=type_name), key


def _field_set(subgraph: Subgraph, member: FieldDefinition, directive: str) -> FieldSet:
    application = subgraph.application(member, directive)
    text = application.arguments.get("fields") if application else None
    return parse(text) if isinstance(text, str) else ()


def _resolvable_keys(subgraph: Subgraph, definition: TypeDefinition) -> list[FieldSet]:
    return [
        key for key, application in _keys(subgraph, definition) if application.arguments.get("resolvable") is not False
    ]


def _keys(subgraph: Subgraph, definition: TypeDefinition) -> list[tuple[FieldSet, Applied]]:
    applications = subgraph.keys(definition)
    return [(parse(text), a) for a in applications if isinstance(text := a.arguments.get("fields"), str)]
