"""Where the objects of an answer stand, and which fetch brings which of their fields: the map that is compiled.

A *place* is a spot in the client's operation where objects stand: `users.@.reviews.@.product`. What an object there
answers depends on its type, so a place has a *variant* for each type that may turn up. The plan's fetches are laid over
this map one after the other, in the order in which they run: for each variant a fetch brings some leaves, opens some
places below, and leaves behind some values that only later fetches ask for (keys and requirements).

Compiled is only what the visitors can do in one visit: a place that two fetches fill from above (a value object put
together from several subgraphs), handed down contexts, renamed fields and the like are left to the general executor
(`NotCompiled`). It is slower, and always right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
    parse,
)

from router.executor.projection import FieldsType, Projection, Selected, Selection, included
from router.executor.types import RuntimeTypes
from router.planner.query_plan import Fetch, Path, RequiresField, RequiresFragment, RequiresSelection

MOST_VARIANTS = 2000
EACH = "@"


class NotCompiled(Exception):
    """This plan needs the general executor; the message says what for."""


@dataclass(frozen=True, slots=True)
class Required:
    """One field of a representation: it lies under `key` in what earlier fetches brought, and is sent as `name`."""

    key: str
    name: str
    selections: tuple[RequiresSelection, ...]


@dataclass(slots=True, eq=False)
class Step:
    """One fetch of the plan; entity fetches start at a place, the others at the root."""

    index: int
    fetch: Fetch
    place: Place | None = None
    required: dict[str, tuple[Required, ...]] = field(default_factory=dict)
    """What its representations are made of, by the name of the variant."""


@dataclass(slots=True)
class Brought:
    """What one fetch brings to the objects of a variant."""

    leaves: list[Selected] = field(default_factory=list)
    below: list[tuple[Selected, Place]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    """All response keys that the fetch asks for here, the client's and its own."""


@dataclass(slots=True, eq=False)
class Variant:
    """The objects of one type at a place."""

    place: Place
    type: FieldsType
    fields: Sequence[Selected]
    brought: dict[int, Brought] = field(default_factory=dict)
    """By the index of the fetch."""
    kept: dict[str, set[int]] = field(default_factory=dict)
    """Values that later fetches need, and the fetches that bring each."""
    possible: bool = True
    """Whether the fetches bring all that an object of this type must have."""

    def by_key(self) -> Mapping[str, Selected]:
        """The client's fields by the key under which the data have them."""
        return {selected.stored: selected for selected in self.fields}


@dataclass(slots=True, eq=False)
class Place:
    """A spot in the client's operation where objects stand."""

    type: Any
    selection: Selection
    index: int
    creator: int | None = None
    """The fetch that brings the objects themselves."""
    variants: dict[str, Variant] = field(default_factory=dict)
    below: dict[tuple[str, str], Place] = field(default_factory=dict)
    """The places below, by the variant's type and the response key."""
    is_target: bool = False
    """Whether entity fetches start here."""


class Map:
    """All places of one operation, with the plan's fetches laid over them one by one."""

    def __init__(
        self, schema: GraphQLSchema, projection: Projection, types: RuntimeTypes, conditions: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._projection = projection
        self._types = types
        self._conditions = conditions
        self.places: list[Place] = []
        self.steps: list[Step] = []
        self._variants = 0
        self.root = self._place(projection.root_type, projection.root(conditions))
        self.root.creator = -1

    def lay(self, fetch: Fetch, path: Path) -> Step:
        """Lay a fetch over the places at `path`."""
        if fetch.input_rewrites or fetch.output_rewrites or fetch.context_rewrites:
            raise NotCompiled("rewrites")
        step = Step(len(self.steps), fetch)
        self.steps.append(step)
        document = parse(fetch.operation, no_location=True)
        fragments = _fragments(document)
        selection_set = _operation(document).selection_set
        if not fetch.requires:
            if path:
                raise NotCompiled("a root fetch below a field")
            self._absorb(self._variant(self.root, self._projection.root_type), step, [selection_set], fragments)
            return step
        entities = [
            node.selection_set
            for node in _flat([selection_set], fragments)
            if node.name.value == "_entities" and node.selection_set
        ]
        variants = list(self._at(path))
        step.place = _one_place(variants)
        step.place.is_target = True
        for variant in variants:
            self._require(variant, step)
            if variant.type.name in step.required:
                self._absorb(variant, step, entities, fragments)
        return step

    def finish(self) -> None:
        """Find the types that can't stand where the schema would let them: nobody brings what they must have."""
        if any(selected.name in ("__schema", "__type") for selected in self._variant(self.root, self.root.type).fields):
            raise NotCompiled("introspection")
        for place in self.places:
            for variant in place.variants.values():
                variant.possible = _is_complete(variant)
                if place.type is variant.type and not variant.possible:
                    raise NotCompiled(f"something of {variant.type.name} is brought by nobody")

    def _place(self, of: Any, selection: Selection) -> Place:
        place = Place(of, selection, len(self.places))
        self.places.append(place)
        return place

    def _variant(self, place: Place, of: FieldsType) -> Variant:
        variant = place.variants.get(of.name)
        if variant is None:
            self._variants += 1
            if self._variants > MOST_VARIANTS:
                raise NotCompiled("too many types")
            fields = self._projection.selected(place.selection, of)
            variant = place.variants[of.name] = Variant(place, of, fields)
        return variant

    def _types_at(self, place: Place) -> Iterator[FieldsType]:
        if is_object_type(place.type):
            yield place.type
        elif is_abstract_type(place.type):
            yield from self._schema.get_possible_types(place.type)

    def _at(self, path: Path) -> Iterator[Variant]:
        """Find the variants at a path of the plan."""
        standing = [self._variant(self.root, self._projection.root_type)]
        for step in path:
            key, bar, listed = step.partition("|")
            names = [name.strip() for name in listed.strip("[]").split(",")] if bar else []
            if key and key != EACH:
                standing = [
                    self._variant(below, of) for below in self._below(standing, key) for of in self._types_at(below)
                ]
            if names:
                standing = [v for v in standing if any(self._types.satisfies(v.type.name, name) for name in names)]
        yield from standing

    def _below(self, variants: Iterable[Variant], key: str) -> list[Place]:
        found: dict[int, Place] = {}
        for variant in variants:
            place = variant.place.below.get((variant.type.name, key))
            if place is None:
                if any(key in each.keys for each in variant.brought.values()):
                    raise NotCompiled("a path through fields that the client did not ask for")
                continue
            found[place.index] = place
        if not found:
            raise NotCompiled("a path through fields that the client did not ask for")
        return list(found.values())

    def _absorb(
        self,
        variant: Variant,
        step: Step,
        sets: Sequence[SelectionSetNode],
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        brought = variant.brought.setdefault(step.index, Brought())
        own = variant.by_key()
        for key, nodes in self._grouped(sets, variant.type.name, fragments).items():
            brought.keys.add(key)
            selected = own.get(key)
            if selected is None or selected.type is None:
                if selected is not None and nodes[0].name.value != selected.name:
                    raise NotCompiled("two fields under one key")
                continue
            if nodes[0].name.value != selected.name:
                raise NotCompiled("two fields under one key")
            if selected.inner is None:
                brought.leaves.append(selected)
                continue
            place = self._place_below(variant, selected, step)
            brought.below.append((selected, place))
            inner = [node.selection_set for node in nodes if node.selection_set]
            for of in self._types_at(place):
                self._absorb(self._variant(place, of), step, inner, fragments)

    def _place_below(self, variant: Variant, selected: Selected, step: Step) -> Place:
        at = (variant.type.name, selected.stored)
        place = variant.place.below.get(at)
        if place is None:
            if selected.inner is None:
                raise NotCompiled("no place")
            place = variant.place.below[at] = self._place(get_named_type(selected.type), selected.inner)
            place.creator = step.index
        elif place.creator != step.index:
            raise NotCompiled("an object put together from several fetches")
        return place

    def _grouped(
        self, sets: Sequence[SelectionSetNode], of: str, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> dict[str, list[FieldNode]]:
        groups: dict[str, list[FieldNode]] = {}
        self._group(sets, of, fragments, groups)
        return groups

    def _group(
        self,
        sets: Iterable[SelectionSetNode],
        of: str,
        fragments: Mapping[str, FragmentDefinitionNode],
        groups: dict[str, list[FieldNode]],
    ) -> None:
        for selection_set in sets:
            for node in selection_set.selections:
                if not included(node.directives, self._conditions):
                    continue
                match node:
                    case FieldNode():
                        groups.setdefault((node.alias or node.name).value, []).append(node)
                    case InlineFragmentNode(type_condition=condition):
                        if condition is None or self._types.satisfies(of, condition.name.value):
                            self._group([node.selection_set], of, fragments, groups)
                    case FragmentSpreadNode():
                        fragment = fragments[node.name.value]
                        if self._types.satisfies(of, fragment.type_condition.name.value):
                            self._group([fragment.selection_set], of, fragments, groups)

    def _require(self, variant: Variant, step: Step) -> None:
        required: dict[str, Required] = {}
        for selection in step.fetch.requires:
            self._add_required(selection, variant.type.name, required)
        if "__typename" not in required:
            if required:
                raise NotCompiled("representations without a type")
            return
        for key in required:
            bringers = {index for index, each in variant.brought.items() if key in each.keys}
            if not bringers:
                raise NotCompiled(f"{variant.type.name}.{key} is required and brought by nobody")
            variant.kept.setdefault(key, set()).update(bringers)
        step.required[variant.type.name] = tuple(required.values())

    def _add_required(self, selection: RequiresSelection, of: str, required: dict[str, Required]) -> None:
        match selection:
            case RequiresFragment(condition, inner):
                if self._types.satisfies(of, condition):
                    for each in inner:
                        self._add_required(each, of, required)
            case RequiresField():
                known = required.get(selection.response_key)
                if known is not None and (known.selections or known.name != selection.name):
                    raise NotCompiled("a requirement in several parts")
                required[selection.response_key] = Required(
                    selection.response_key, selection.name, selection.selections
                )


def _is_complete(variant: Variant) -> bool:
    brought = {selected.key for each in variant.brought.values() for selected in each.leaves}
    brought |= {selected.key for each in variant.brought.values() for selected, _ in each.below}
    return all(selected.key in brought or not isinstance(selected.type, GraphQLNonNull) for selected in variant.fields)


def _one_place(variants: Sequence[Variant]) -> Place:
    places = {variant.place.index: variant.place for variant in variants}
    if len(places) != 1:
        raise NotCompiled("entities in several places")
    return next(iter(places.values()))


def _flat(sets: Iterable[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    for selection_set in sets:
        for node in selection_set.selections:
            match node:
                case FieldNode():
                    yield node
                case InlineFragmentNode():
                    yield from _flat([node.selection_set], fragments)
                case FragmentSpreadNode():
                    yield from _flat([fragments[node.name.value].selection_set], fragments)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    return next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
