"""Gives the client what it asked for, and nothing else: the last step, against the API schema.

The data that the fetches left behind hold more than the operation (keys, requirements, `__typename`), in an order of
their own, and they are only what subgraphs said. The projection reads the client's selections again and takes along
exactly these, as the specification's own algorithm would have produced them (section 6.4.3, CompleteValue):

    selection     fields in the client's order; fragments by the object's runtime type; @skip and @include
    leaf          an enum value of the API schema, an Int of 32 bits, a String ... or null with an error
    object        an abstract type's object must name a type that the API schema knows; it may name none (an
                  @interfaceObject subgraph knows only the interface) when nothing that is asked for depends on it
    null          in a non-null place it moves up to the nearest place that may be null, at the root `data` is null
    withheld      what the client may not see is null, whatever the data hold (`router.planner.access` marked it)

A null is reported once. `nullable` returns None for a null that just is one, and `NULLED` for one that has its error
already; a non-null place turns the first into an error and both into `NULLED` for the place around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)

from router.executor.errors import Faults, ResponsePath
from router.graph.selections import stored_key
from router.planner.access import is_withheld, withheld

CODE: Final = "INVALID_RESPONSE_VALUE"
META_FIELDS: Final = frozenset({"__schema", "__type"})


class _Nulled:
    """The type of `NULLED`."""


class _Unfit:
    """The type of `UNFIT`."""


NULLED: Final = _Nulled()
UNFIT: Final = _Unfit()

Leaf = Callable[[Any], Any]
Conditions = Mapping[str, Any]
FieldsType = GraphQLObjectType | GraphQLInterfaceType
Steps = tuple["Steps", str | int] | None
"""A response path as a chain from the end: cheap to extend, made flat only for an error."""


def _as_is(value: Any) -> Any:
    return value


@dataclass(slots=True)
class Selected:
    """One field of an object's answer, kept as `stored`; `inner` is its selection when it has one."""

    key: str
    stored: str
    name: str
    type: GraphQLOutputType | None
    nodes: list[FieldNode]
    inner: Selection | None = None
    leaf: Leaf = field(default=_as_is)
    withheld: bool = False


@dataclass(slots=True)
class Selection:
    """All selection sets for one place, merged; the fields are worked out once per runtime type."""

    sets: tuple[SelectionSetNode, ...]
    conditions: Conditions
    fields: dict[str, list[Selected]] = field(default_factory=dict)
    same_for_all: bool | None = None
    """Whether every runtime type answers the same fields here; None until somebody asked."""


class Projection:
    """The shape of one operation's answer; it keeps what it worked out for the next request."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definition = definition
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._switches = tuple(sorted(_condition_variables(document)))
        # One shape per combination of the variables that switch parts of the operation on and off.
        self._shape = lru_cache(maxsize=32)(self._new_shape)

    def project(
        self, data: dict[str, Any], conditions: Conditions, faults: Faults, own: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return the client's data; `own` are the answers to `__schema` and `__type`."""
        completion = Completion(self, faults)
        done = completion.fields(self.root_type, self.root(conditions), {**data, **own}, None)
        return done if isinstance(done, dict) else None

    def meta_fields(self, conditions: Conditions) -> tuple[FieldNode, ...]:
        """Return the `__schema` and `__type` fields that are asked for."""
        fields = self.selected(self.root(conditions), self.root_type)
        return tuple(node for selected in fields if selected.name in META_FIELDS for node in selected.nodes)

    def selected(self, selection: Selection, of: FieldsType) -> list[Selected]:
        """Return the fields that an object of this type answers, in the client's order."""
        fields = selection.fields.get(of.name)
        if fields is None:
            fields = selection.fields[of.name] = self._collect(selection, of)
        return fields

    def runtime_type(self, of: GraphQLOutputType, value: Mapping[str, Any], selection: Selection) -> FieldsType | None:
        """Return the type by which an object is read; None when it names none that may stand here."""
        if isinstance(of, GraphQLObjectType):
            return of
        name = value.get("__typename")
        named = self._schema.get_type(name) if isinstance(name, str) else None
        if isinstance(named, GraphQLObjectType):
            return named if is_abstract_type(of) and self._schema.is_sub_type(of, named) else None
        if isinstance(of, GraphQLInterfaceType) and name in (None, of.name) and self._same_for_all(selection, of):
            return of
        return None

    def _same_for_all(self, selection: Selection, of: GraphQLInterfaceType) -> bool:
        if selection.same_for_all is None:
            selection.same_for_all = all(self._is_of_all(one, of, selection.conditions) for one in selection.sets)
        return selection.same_for_all

    def _is_of_all(self, selection_set: SelectionSetNode, of: GraphQLInterfaceType, conditions: Conditions) -> bool:
        for node in selection_set.selections:
            if not self._applies(node.directives, conditions):
                continue
            match node:
                case FieldNode():
                    same = node.name.value != "__typename"
                case InlineFragmentNode():
                    same = self._is_part_of_all(node, of, conditions)
                case FragmentSpreadNode():
                    same = self._is_part_of_all(self._fragments[node.name.value], of, conditions)
                case _:
                    same = False
            if not same:
                return False
        return True

    def _is_part_of_all(
        self, fragment: InlineFragmentNode | FragmentDefinitionNode, of: GraphQLInterfaceType, conditions: Conditions
    ) -> bool:
        condition = fragment.type_condition
        fits = condition is None or self._fits(of, condition.name.value)
        return fits and self._is_of_all(fragment.selection_set, of, conditions)

    def _applies(self, directives: Iterable[DirectiveNode] | None, conditions: Conditions) -> bool:
        return included(directives, conditions)

    @property
    def root_type(self) -> GraphQLObjectType:
        """The type of the operation's own selection."""
        root = self._schema.get_root_type(self._definition.operation)
        if root is None:
            raise ValueError("the schema has no root type for this operation")
        return root

    def root(self, conditions: Conditions) -> Selection:
        """Return the selection of the whole operation; one for each combination of what switches parts on and off."""
        return self._shape(self.switched(conditions))

    def switched(self, conditions: Conditions) -> tuple[bool, ...]:
        """Return the values of the variables that switch parts of the operation on and off."""
        return tuple([bool(conditions.get(name)) for name in self._switches]) if self._switches else ()

    def _new_shape(self, switched: tuple[bool, ...]) -> Selection:
        conditions = dict(zip(self._switches, switched, strict=True))
        return Selection((self._definition.selection_set,), conditions)

    def _collect(self, selection: Selection, of: FieldsType) -> list[Selected]:
        groups: dict[str, list[FieldNode]] = {}
        for selection_set in selection.sets:
            self._group(selection_set, of, selection.conditions, groups, set())
        return [self._merged(key, nodes, of, selection.conditions) for key, nodes in groups.items()]

    def _merged(self, key: str, nodes: list[FieldNode], of: FieldsType, conditions: Conditions) -> Selected:
        """One field of all that were asked for under its key; it's withheld when each of them is."""
        allowed = [node for node in nodes if not is_withheld(node)]
        selected = self._select(key, allowed or nodes, of, conditions)
        selected.withheld = not allowed
        return selected

    def _group(
        self,
        selection_set: SelectionSetNode,
        of: FieldsType,
        conditions: Conditions,
        groups: dict[str, list[FieldNode]],
        visited: set[tuple[str, bool]],
        *,
        shut: bool = False,
    ) -> None:
        for node in selection_set.selections:
            if not self._applies(node.directives, conditions):
                continue
            inside = shut or is_withheld(node)
            match node:
                case FieldNode():
                    one = withheld(node) if shut and not node.name.value.startswith("__") else node
                    groups.setdefault((node.alias or node.name).value, []).append(one)
                case InlineFragmentNode():
                    if node.type_condition is None or self._fits(of, node.type_condition.name.value):
                        self._group(node.selection_set, of, conditions, groups, visited, shut=inside)
                case FragmentSpreadNode():
                    name = node.name.value
                    fragment = self._fragments[name]
                    if (name, inside) not in visited and self._fits(of, fragment.type_condition.name.value):
                        visited.add((name, inside))
                        self._group(fragment.selection_set, of, conditions, groups, visited, shut=inside)

    def _fits(self, of: FieldsType, condition: str) -> bool:
        if condition == of.name:
            return True
        named = self._schema.get_type(condition)
        return is_abstract_type(named) and self._schema.is_sub_type(named, of)

    def _select(self, key: str, nodes: list[FieldNode], of: FieldsType, conditions: Conditions) -> Selected:
        name = nodes[0].name.value
        if name not in of.fields:  # __typename, __schema, __type
            return Selected(key, key, name, None, nodes)
        stored = key if key == name else stored_key(key)
        field_type = of.fields[name].type
        named = get_named_type(field_type)
        if not is_composite_type(named):
            return Selected(key, stored, name, field_type, nodes, leaf=_leaf(named))
        inner = Selection(tuple(node.selection_set for node in nodes if node.selection_set), conditions)
        return Selected(key, stored, name, field_type, nodes, inner)


class Completion:
    """One pass over one answer."""

    def __init__(self, projection: Projection, faults: Faults) -> None:
        self._projection = projection
        self._faults = faults

    def fields(
        self, of: FieldsType, selection: Selection, value: Mapping[str, Any], at: Steps
    ) -> dict[str, Any] | _Nulled:
        """Complete an object's fields; NULLED when one of them may not be null and is."""
        done: dict[str, Any] = {}
        for selected in self._projection.selected(selection, of):
            if selected.withheld:
                if isinstance(selected.type, GraphQLNonNull):
                    return NULLED
                done[selected.key] = None
            elif selected.type is not None:
                completed = self._value(selected.type, value.get(selected.stored), selected, (at, selected.key))
                if isinstance(completed, _Nulled):
                    return completed
                done[selected.key] = completed
            elif selected.name == "__typename":
                done[selected.key] = of.name
            else:
                done[selected.key] = value.get(selected.key)
        return done

    def _value(self, of: GraphQLOutputType, value: Any, selected: Selected, at: Steps) -> Any:
        if not isinstance(of, GraphQLNonNull):
            done = self._nullable(of, value, selected, at)
            return None if done is NULLED else done
        done = self._nullable(of.of_type, value, selected, at)
        if done is None:
            self._report(f"Cannot return null for the non-null field {selected.name}.", at)
            return NULLED
        return done

    def _nullable(self, of: GraphQLOutputType, value: Any, selected: Selected, at: Steps) -> Any:
        if value is None:
            return None
        if isinstance(of, GraphQLList):
            return self._list(of, value, selected, at)
        if selected.inner is not None:
            return self._object(of, value, selected, selected.inner, at)
        done = selected.leaf(value)
        if done is UNFIT:
            return self._unfit(f"The value of {selected.name} is no {of}.", at)
        return done

    def _list(self, of: GraphQLList[Any], value: Any, selected: Selected, at: Steps) -> Any:
        if not isinstance(value, list):
            return self._unfit(f"The value of {selected.name} is no list.", at)
        done = []
        for index, item in enumerate(value):
            completed = self._value(of.of_type, item, selected, (at, index))
            if completed is NULLED:
                return NULLED
            done.append(completed)
        return done

    def _object(self, of: GraphQLOutputType, value: Any, selected: Selected, inner: Selection, at: Steps) -> Any:
        if not isinstance(value, dict):
            return self._unfit(f"The value of {selected.name} is no object.", at)
        runtime = self._projection.runtime_type(of, value, inner)
        if runtime is None:
            return self._unfit(f"The value of {selected.name} is of no type that may stand there.", at)
        return self.fields(runtime, inner, value, at)

    def _unfit(self, message: str, at: Steps) -> _Nulled:
        self._report(message, at)
        return NULLED

    def _report(self, message: str, at: Steps) -> None:
        path = flat(at)
        if not self._faults.explains(path):
            self._faults.report(message, CODE, path)


def flat(at: Steps) -> ResponsePath:
    """Return the path that a chain stands for."""
    steps: list[str | int] = []
    while at is not None:
        at, step = at
        steps.append(step)
    return tuple(reversed(steps))


def included(directives: Iterable[DirectiveNode] | None, conditions: Conditions) -> bool:
    """Tell whether `@skip` and `@include` let a selection stand."""
    for directive in directives or ():
        name = directive.name.value
        if name in ("skip", "include"):
            value = _switch(directive)
            given = (
                conditions.get(value.name.value) if isinstance(value, VariableNode) else getattr(value, "value", None)
            )
            if bool(given) == (name == "skip"):
                return False
    return True


def _switch(directive: DirectiveNode) -> ValueNode:
    # Validated before: both directives have exactly one argument.
    return next(iter(directive.arguments or ())).value


def _condition_variables(document: DocumentNode) -> set[str]:
    """Return the variables that stand in `@skip` and `@include`."""
    found: set[str] = set()
    sets = [node.selection_set for node in document.definitions if hasattr(node, "selection_set")]
    while sets:
        for node in sets.pop().selections:
            for directive in node.directives or ():
                if directive.name.value in ("skip", "include"):
                    value = _switch(directive)
                    if isinstance(value, VariableNode):
                        found.add(value.name.value)
            inner = getattr(node, "selection_set", None)
            if inner is not None:
                sets.append(inner)
    return found


def _leaf(of: GraphQLNamedType) -> Leaf:
    """Return what checks a value of a scalar or enum."""
    return _enum(of) if isinstance(of, GraphQLEnumType) else _SCALARS.get(of.name, _as_is)


def _enum(of: GraphQLEnumType) -> Leaf:
    values = frozenset(of.values)
    return lambda value: value if isinstance(value, str) and value in values else UNFIT


def _int(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return value
    return UNFIT


def _float(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return UNFIT


def _string(value: Any) -> Any:
    return value if isinstance(value, str) else UNFIT


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else UNFIT


def _id(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _string(value)


_SCALARS: Final[Mapping[str, Leaf]] = {
    "Int": _int,
    "Float": _float,
    "String": _string,
    "Boolean": _boolean,
    "ID": _id,
}
