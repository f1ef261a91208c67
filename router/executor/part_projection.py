"""Gives the client what it asked for, part by part: what is under `@defer` is left out of the part around it, and noted.

A part is the selections of the operation without those that are deferred in it, or a deferred fragment's at each object for
which it's asked. The projection of a part leaves notes: where in its answer, and for which fragment, there is more to come
(`Later`). The fragments are those that the planner knows by the same `Deferral`; `router.planner.defer` has numbered them.

A part may repeat what was delivered before, since fields can be asked for in several fragments. What it adds is told apart by
comparing it with all that the client has by now:

    delivered   { t: { id  o: { w0 } } }
    part at t   { id  v1  o: { w0 w1 } }      adds  { v1 } at t, { w1 } at t.o

What was delivered can't be taken back: when the part has a null where an object stands already, because something in it failed
that may not be null, the null goes on up and takes the part as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentSpreadNode,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from router.executor.errors import Faults, ResponsePath
from router.executor.projection import (
    Completion,
    Conditions,
    FieldsType,
    Projection,
    Selected,
    Selection,
    Steps,
    flat,
)
from router.graph.selections import Deferral
from router.planner.access import all_withheld, is_withheld
from router.planner.defer import Defers, switches

Data = dict[str, Any]


@dataclass(slots=True)
class PartSelection(Selection):
    """A selection that knows where it stands, with what is deferred in it by runtime type."""

    defers: Defers = field(default_factory=lambda: Defers({}, {}))
    position: tuple[str, ...] = ()
    within: Deferral | None = None
    later: dict[str, list[PartSelection]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Later:
    """An object of which there is more to come: where it stands, and what the fetches brought of it."""

    deferral: Deferral
    path: ResponsePath
    of: GraphQLOutputType
    value: Mapping[str, Any]
    selection: PartSelection


@dataclass(frozen=True, slots=True)
class Projected:
    """The answer of a part, None when a null took all of it; and what there is to come in it."""

    data: Data | None
    later: list[Later]


class PartProjection(Projection):
    """The shapes of all parts of one operation's answer."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode) -> None:
        super().__init__(schema, document, definition)
        self._defers = Defers.of(document, {})
        self._deciding = frozenset(switches(document, definition))
        self._switches = tuple(sorted({*self._switches, *self._deciding}))

    def primary(self, data: Data, conditions: Conditions, faults: Faults) -> Projected:
        """Project the part that comes first."""
        root = self.root(conditions)
        completion = _PartCompletion(self, faults)
        completion.note(self.root_type, data, root, None)
        done = completion.fields(self.root_type, root, data, None)
        return Projected(done if isinstance(done, dict) else None, completion.later)

    def part(self, one: Later, faults: Faults) -> Projected:
        """Project a deferred fragment at one object."""
        at: Steps = None
        for step in one.path:
            at = (at, step)
        completion = _PartCompletion(self, faults)
        completion.note(one.of, one.value, one.selection, at)
        done = completion.object(one.of, one.value, one.selection, at)
        return Projected(done if isinstance(done, dict) else None, completion.later)

    def later(self, selection: PartSelection, of: FieldsType) -> list[PartSelection]:
        """Return what is deferred at an object of this type; `within` says as what."""
        found = selection.later.get(of.name)
        if found is None:
            sets: dict[Deferral, list[SelectionSetNode]] = {}
            for selection_set in selection.sets:
                self._gather(selection_set, of, selection, sets)
            found = selection.later[of.name] = [
                PartSelection(
                    tuple(each),
                    selection.conditions,
                    defers=selection.defers,
                    position=selection.position,
                    within=deferral,
                )
                for deferral, each in sets.items()
            ]
        return found

    def _gather(
        self,
        selection_set: SelectionSetNode,
        of: FieldsType,
        selection: PartSelection,
        sets: dict[Deferral, list[SelectionSetNode]],
        *,
        shut: bool = False,
    ) -> None:
        for node, inner in self._fragments_of(selection_set, of):
            if not super()._applies(node.directives, selection.conditions):
                continue
            inside = shut or is_withheld(node)
            deferral = selection.defers(node.directives, selection.position, selection.within)
            if deferral is None:
                self._gather(inner, of, selection, sets, shut=inside)
            else:
                sets.setdefault(deferral, []).append(all_withheld(inner) if inside else inner)

    def _fragments_of(
        self, selection_set: SelectionSetNode, of: FieldsType
    ) -> Iterator[tuple[InlineFragmentNode | FragmentSpreadNode, SelectionSetNode]]:
        for node in selection_set.selections:
            match node:
                case InlineFragmentNode(type_condition=condition):
                    if condition is None or self._fits(of, condition.name.value):
                        yield node, node.selection_set
                case FragmentSpreadNode():
                    fragment = self._fragments[node.name.value]
                    if self._fits(of, fragment.type_condition.name.value):
                        yield node, fragment.selection_set
                case _:
                    pass

    def _collect(self, selection: Selection, of: FieldsType) -> list[Selected]:
        found = super()._collect(selection, of)
        if isinstance(selection, PartSelection):
            for selected in found:
                if selected.inner is not None:
                    selected.inner = PartSelection(
                        selected.inner.sets,
                        selection.conditions,
                        defers=selection.defers,
                        position=(*selection.position, selected.key),
                        within=selection.within,
                    )
        return found

    def _applies(self, directives: Iterable[DirectiveNode] | None, conditions: Conditions) -> bool:
        defers = replace(self._defers, values=conditions)
        return super()._applies(directives, conditions) and defers(directives, (), None) is None

    def root(self, conditions: Conditions) -> PartSelection:
        """Return the selection of the primary part; a condition of `@defer` that was left out holds."""
        given = (conditions.get(name, name in self._deciding) for name in self._switches)
        found = self._shape(tuple(map(bool, given)))
        if not isinstance(found, PartSelection):
            raise TypeError(found)
        return found

    def _new_shape(self, switched: tuple[bool, ...]) -> Selection:
        conditions = dict(zip(self._switches, switched, strict=True))
        defers = replace(self._defers, values=conditions)
        return PartSelection((self._definition.selection_set,), conditions, defers=defers)


class _PartCompletion(Completion):
    """One pass over one part."""

    def __init__(self, projection: PartProjection, faults: Faults) -> None:
        super().__init__(projection, faults)
        self._parts = projection
        self.later: list[Later] = []

    def note(self, of: GraphQLOutputType, value: Mapping[str, Any], selection: Selection, at: Steps) -> None:
        """Note what there is to come for an object."""
        runtime = self._parts.runtime_type(of, value, selection)
        if runtime is None or not isinstance(selection, PartSelection):
            return
        for later in self._parts.later(selection, runtime):
            if later.within is not None:
                self.later.append(Later(later.within, flat(at), of, value, later))

    def object(self, of: GraphQLOutputType, value: Mapping[str, Any], selection: Selection, at: Steps) -> Any:
        """Complete the object that a part is about."""
        runtime = self._parts.runtime_type(of, value, selection)
        if runtime is None:
            return self._unfit("The value is of no type that may stand there.", at)
        return self.fields(runtime, selection, value, at)

    def _object(self, of: GraphQLOutputType, value: Any, selected: Selected, inner: Selection, at: Steps) -> Any:
        if isinstance(value, dict):
            self.note(of, value, inner, at)
        return super()._object(of, value, selected, inner, at)


@dataclass(slots=True)
class Addition:
    """What a part adds to an object that was delivered before, and where that stands below the part's own object."""

    target: Data
    below: ResponsePath
    fields: Data


class TakenBackError(Exception):
    """A part has a null where something was delivered."""


def additions(target: Data, part: Data, below: ResponsePath = ()) -> Iterator[Addition]:
    """Compare a part with what was delivered; `part` is made to agree with it where both say something."""
    fresh = {key: value for key, value in part.items() if key not in target}
    if fresh:
        yield Addition(target, below, fresh)
    for key in part:
        if key not in fresh:
            yield from _within(target[key], part, key, (*below, key))


def _within(known: Any, holder: Any, key: Any, below: ResponsePath) -> Iterator[Addition]:
    own = holder[key]
    if own is None and isinstance(known, dict | list):
        raise TakenBackError
    if isinstance(own, dict) and isinstance(known, dict):
        yield from additions(known, own, below)
    elif isinstance(own, list) and isinstance(known, list) and len(own) == len(known):
        for index, item in enumerate(known):
            yield from _within(item, own, index, (*below, index))
    else:
        holder[key] = known


def object_at(data: Any, path: ResponsePath) -> Data | None:
    """Return the object that the client has at a path; None if there is none."""
    for step in path:
        match data, step:
            case dict(), str() if step in data:
                data = data[step]
            case list(), int() if step < len(data):
                data = data[step]
            case _:
                return None
    return data if isinstance(data, dict) else None
