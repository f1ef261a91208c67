"""What an operation costs: estimated before anything is fetched, and counted from what came back.

The cost of an operation is the sum of what its plan sends to the subgraphs, in the model of the IBM cost specification
as Apollo's router reads it:

    operation   a mutation 10, a query or a subscription 0: for each request of the plan
    field       how many * (weight + its selections) + its arguments
      how many  1; of a list what `@listSize` says, else the configured size (`_entities` is such a list)
      weight    `@cost` of the field, else of its type, else 1 for objects, interfaces and unions, 0 for scalars and enums
    argument    its `@cost`; an input object 1 (or its `@cost`) and its fields; a list all its items
    fragments   all of them, for nobody knows yet which type will come

A plan is worked out once for an operation; a request only puts its variables in. For what came back the same weights hold,
but lists are as long as they are:

    estimated   books(first: 10) { author { name } }    10 * (1 + 1) = 20
    actual      3 books came, one without an author     3 * 1 + 2    =  5
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, assert_never

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    parse,
    value_from_ast_untyped,
)

from router.federation.supergraph import Supergraph
from router.planner.query_plan import (
    Condition,
    Defer,
    Fetch,
    Flatten,
    Parallel,
    PlanNode,
    QueryPlan,
    Subscription,
)
from router.planner.query_plan import Sequence as InSequence

_MUTATION: Final = 10
_ENTITIES: Final = "_entities"

Variables = Mapping[str, Any]
Guards = tuple[tuple[str, bool], ...]
"""Variables, and what each has to be."""


class InvalidSlicing(ValueError):
    """A list whose size exactly one argument has to say, and none or several do."""


@dataclass(frozen=True, slots=True)
class ListSizes:
    """What is assumed of lists that say nothing: for all subgraphs, and for some of them."""

    default: int = 10
    by_subgraph: Mapping[str, int] = field(default_factory=dict)

    def of(self, subgraph: str) -> int:
        """The assumed size of a subgraph's lists."""
        return self.by_subgraph.get(subgraph, self.default)


@dataclass(frozen=True, slots=True)
class _Size:
    """How long a list is: what arguments say, else what is assumed."""

    slicing: tuple[tuple[ValueNode | None, tuple[str, ...]], ...]  # the argument's value, and the way into it
    exactly_one: bool
    assumed: int

    def of(self, variables: Variables) -> int:
        given = [size for one in self.slicing if (size := _sliced(*one, variables)) is not None]
        if self.slicing and self.exactly_one and len(given) != 1:
            raise InvalidSlicing(f"exactly one slicing argument is needed, and there are {len(given)}")
        return max(given, default=self.assumed)


def _sliced(value: ValueNode | None, way: tuple[str, ...], variables: Variables) -> int | None:
    given = None if value is None else _value(value, variables)
    for step in way:
        given = given.get(step) if isinstance(given, Mapping) else None
    match given:
        case bool() | None:
            return None
        case int():
            return max(0, given)
        case list():
            return len(given)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class _Input:
    """An argument with what counts in it."""

    value: ValueNode
    type: GraphQLInputType
    weight: int | None


@dataclass(frozen=True, slots=True)
class _Counted:
    """A field that costs something, or something below it does; `types` are those under whose objects it stands."""

    key: str
    weight: int
    size: _Size | None
    inputs: tuple[_Input, ...]
    guards: Guards
    types: frozenset[str] | None
    inner: tuple[_Counted, ...]


@dataclass(frozen=True, slots=True)
class _Request:
    """One request of the plan."""

    subgraph: str
    operation: str
    base: int
    fields: tuple[_Counted, ...]
    conditions: Guards


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of an operation, and each subgraph's part of it."""

    total: int
    by_subgraph: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CostPlan:
    """The cost of one operation, but for the variables of a request."""

    requests: tuple[_Request, ...]
    answer: tuple[_Counted, ...]
    base: int
    model: CostModel

    def estimate(self, variables: Variables) -> Estimate:
        """Put the variables in; raises `InvalidSlicing`."""
        found: dict[str, int] = {}
        for one in self.requests:
            if all(bool(variables.get(name)) is wanted for name, wanted in one.conditions):
                cost = one.base + sum(self.model.estimated(counted, variables) for counted in one.fields)
                found[one.subgraph] = found.get(one.subgraph, 0) + cost
        return Estimate(sum(found.values()), found)

    def of_answer(self, data: Mapping[str, Any] | None, variables: Variables) -> int:
        """Count what the client gets."""
        return self.base + self.model.actual(self.answer, data or {}, variables)

    def of_fetch(self, operation: str, data: Mapping[str, Any] | None, variables: Variables) -> int:
        """Count what a subgraph answered to one of the plan's requests."""
        one = next((request for request in self.requests if request.operation == operation), None)
        return 0 if one is None else one.base + self.model.actual(one.fields, data or {}, variables)


class CostModel:
    """The weights of one supergraph, and the sizes of its lists."""

    def __init__(self, supergraph: Supergraph, sizes: ListSizes) -> None:
        self.schema: GraphQLSchema = supergraph.schema
        self.sizes = sizes
        self._cost = supergraph.features.directive("cost", "cost")
        self._list_size = supergraph.features.directive("cost", "listSize")

    def plan(self, document: DocumentNode, definition: OperationDefinitionNode, plan: QueryPlan) -> CostPlan:
        """Work out what doesn't depend on a request."""
        requests = tuple(self._requests(plan.node, ())) if plan.node else ()
        answer = _Compiler(self, document, self.sizes.default).operation(definition)
        return CostPlan(requests, answer, _base(definition.operation), self)

    def estimated(self, counted: _Counted, variables: Variables) -> int:
        """Estimate a field."""
        if not _stands(counted, variables):
            return 0
        arguments = sum(self.input(one, variables) for one in counted.inputs)
        many = 1 if counted.size is None else counted.size.of(variables)
        return many * (counted.weight + sum(self.estimated(one, variables) for one in counted.inner)) + arguments

    def actual(self, fields: Iterable[_Counted], value: Mapping[str, Any], variables: Variables) -> int:
        """Count an object's fields."""
        name = value.get("__typename")
        return sum(
            self._item(one, value[one.key], variables) + sum(self.input(given, variables) for given in one.inputs)
            for one in fields
            if one.key in value and _stands(one, variables) and (one.types is None or name is None or name in one.types)
        )

    def _item(self, counted: _Counted, value: Any, variables: Variables) -> int:
        match value:
            case list():
                return sum(self._item(counted, item, variables) for item in value)
            case dict():
                return counted.weight + self.actual(counted.inner, value, variables)
            case None:
                return 0
            case _:
                return counted.weight

    def input(self, given: _Input, variables: Variables) -> int:
        """Score an argument."""
        value = _value(given.value, variables)
        return 0 if value is None else self._scored(value, given.type, given.weight)

    def _scored(self, value: Any, of: GraphQLInputType, weight: int | None) -> int:
        if isinstance(value, list):
            return (weight or 0) + sum(self._scored(item, of, None) for item in value)
        named = get_named_type(of)
        if isinstance(value, Mapping) and isinstance(named, GraphQLInputObjectType):
            fields = named.fields
            inner = ((fields[name], item) for name, item in value.items() if name in fields and item is not None)
            return (1 if weight is None else weight) + sum(
                self._scored(item, part.type, self.weight(part)) for part, item in inner
            )
        return weight or 0

    def weight(self, element: GraphQLField | GraphQLArgument | GraphQLInputField | GraphQLNamedType) -> int | None:
        """Return the `@cost` of an element."""
        directive = _applied(element.ast_node, self._cost)
        value = _argument(directive, "weight") if directive else None
        return int(value.value) if isinstance(value, IntValueNode) else None

    def list_size(self, definition: GraphQLField) -> DirectiveNode | None:
        """Return the `@listSize` of a field."""
        return _applied(definition.ast_node, self._list_size)

    def _requests(self, node: PlanNode, conditions: Guards) -> Iterator[_Request]:
        if isinstance(node, Fetch):
            yield self._request(node, conditions)
            return
        for inner, more in _below(node):
            yield from self._requests(inner, (*conditions, *more))

    def _request(self, node: Fetch, conditions: Guards) -> _Request:
        document = parse(node.operation, no_location=True)
        definition = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
        fields = _Compiler(self, document, self.sizes.of(node.service_name)).operation(definition)
        return _Request(node.service_name, node.operation, _base(definition.operation), fields, conditions)


def _below(
    node: Flatten | InSequence | Parallel | Condition | Subscription | Defer,
) -> Iterator[tuple[PlanNode, Guards]]:
    """The nodes of a node, with the conditions under which they run."""
    match node:
        case Flatten():
            yield node.node, ()
        case InSequence() | Parallel():
            yield from ((one, ()) for one in node.nodes)
        case Condition():
            clauses = ((node.if_clause, True), (node.else_clause, False))
            yield from ((clause, ((node.condition, wanted),)) for clause, wanted in clauses if clause is not None)
        case Subscription():
            # Each event costs what a query would: what brings it, and what is fetched for it.
            yield from ((one, ()) for one in (node.primary, node.rest) if one is not None)
        case Defer():
            parts = (node.primary, *(one.node for one in node.deferred))
            yield from ((part, ()) for part in parts if part is not None)
        case _:
            assert_never(node)


class _Compiler:
    """Reads one document into fields that count."""

    def __init__(self, model: CostModel, document: DocumentNode, list_size: int) -> None:
        self._model = model
        self._list_size = list_size
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def operation(self, definition: OperationDefinitionNode) -> tuple[_Counted, ...]:
        root = self._model.schema.get_root_type(definition.operation)
        return _merged(self._set(definition.selection_set, root, (), None, {})) if root else ()

    def _set(
        self,
        selection_set: SelectionSetNode,
        parent: GraphQLNamedType,
        guards: Guards,
        types: frozenset[str] | None,
        sized: Mapping[str, _Size],
    ) -> Iterator[_Counted]:
        for node in selection_set.selections:
            own = _guards(node.directives or ())
            if own is None:
                continue
            here = (*guards, *own)
            match node:
                case FieldNode():
                    yield from self._field(node, parent, here, types, sized)
                case InlineFragmentNode():
                    yield from self._fragment(node, parent, here, types, sized)
                case FragmentSpreadNode():
                    yield from self._fragment(self._fragments[node.name.value], parent, here, types, sized)

    def _fragment(
        self,
        node: InlineFragmentNode | FragmentDefinitionNode,
        parent: GraphQLNamedType,
        guards: Guards,
        types: frozenset[str] | None,
        sized: Mapping[str, _Size],
    ) -> Iterator[_Counted]:
        schema = self._model.schema
        target = schema.get_type(node.type_condition.name.value) if node.type_condition else parent
        if target is None:
            return
        if target is not parent:
            members = schema.get_possible_types(target) if is_abstract_type(target) else (target,)
            names = frozenset(member.name for member in members) | {target.name}
            types = names if types is None else types & names
        yield from self._set(node.selection_set, target, guards, types, sized)

    def _field(
        self,
        node: FieldNode,
        parent: GraphQLNamedType,
        guards: Guards,
        types: frozenset[str] | None,
        sized: Mapping[str, _Size],
    ) -> Iterator[_Counted]:
        name, key = node.name.value, (node.alias or node.name).value
        if name == _ENTITIES and node.selection_set:
            inner = _merged(self._set(node.selection_set, parent, (), None, {}))
            yield _Counted(key, 1, _Size((), exactly_one=False, assumed=self._list_size), (), guards, types, inner)
            return
        definition = getattr(parent, "fields", {}).get(name)
        if definition is None:  # introspection
            return
        named = get_named_type(definition.type)
        own = self._own_size(node, definition)
        fields = self._sized_fields(definition)
        handed = dict.fromkeys(fields, own) if own else {}
        inner = _merged(self._set(node.selection_set, named, (), None, handed)) if node.selection_set else ()
        inputs = tuple(self._inputs(node, definition))
        weight, size = self._weight(definition, named), self._size(definition, own, sized.get(name))
        if weight or inner or inputs:
            yield _Counted(key, weight, size, inputs, guards, types, inner)

    def _weight(self, definition: GraphQLField, named: GraphQLNamedType) -> int:
        for element in (definition, named):
            weight = self._model.weight(element)
            if weight is not None:
                return weight
        return int(is_composite_type(named))

    def _size(self, definition: GraphQLField, own: _Size | None, from_above: _Size | None) -> _Size | None:
        if not is_list_type(get_nullable_type(definition.type)):
            return None
        return from_above or own or _Size((), exactly_one=False, assumed=self._list_size)

    def _own_size(self, node: FieldNode, definition: GraphQLField) -> _Size | None:
        directive = self._model.list_size(definition)
        if directive is None:
            return None
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        slicing = []
        for path in _strings(_argument(directive, "slicingArguments")):
            name, *way = path.split(".")
            slicing.append((given.get(name) or _default(definition.args.get(name)), tuple(way)))
        assumed, one = _argument(directive, "assumedSize"), _argument(directive, "requireOneSlicingArgument")
        size = int(assumed.value) if isinstance(assumed, IntValueNode) else self._list_size
        return _Size(tuple(slicing), exactly_one=getattr(one, "value", True) is not False, assumed=size)

    def _sized_fields(self, definition: GraphQLField) -> Sequence[str]:
        directive = self._model.list_size(definition)
        return tuple(_strings(_argument(directive, "sizedFields"))) if directive else ()

    def _inputs(self, node: FieldNode, definition: GraphQLField) -> Iterator[_Input]:
        for argument in node.arguments or ():
            known = definition.args.get(argument.name.value)
            if known is None:
                continue
            weight = self._model.weight(known)
            if weight is not None or isinstance(get_named_type(known.type), GraphQLInputObjectType):
                yield _Input(argument.value, known.type, weight)


def _merged(fields: Iterable[_Counted]) -> tuple[_Counted, ...]:
    """What is selected twice under one key comes once, with what both select below it."""
    found: dict[tuple[Any, ...], _Counted] = {}
    for one in fields:
        same = (one.key, one.types, one.guards)
        known = found.get(same)
        found[same] = one if known is None else replace(known, inner=_merged((*known.inner, *one.inner)))
    return tuple(found.values())


def _base(operation: OperationType) -> int:
    return _MUTATION if operation is OperationType.MUTATION else 0


def _stands(counted: _Counted, variables: Variables) -> bool:
    return all(bool(variables.get(name)) is wanted for name, wanted in counted.guards)


def _guards(directives: Iterable[DirectiveNode]) -> Guards | None:
    """The variables that switch a selection on; None when it's off anyway."""
    found: list[tuple[str, bool]] = []
    for directive in directives:
        name = directive.name.value
        if name not in ("skip", "include"):
            continue
        value = _argument(directive, "if")
        if isinstance(value, VariableNode):
            found.append((value.name.value, name == "include"))
        elif bool(getattr(value, "value", False)) is (name == "skip"):
            return None
    return tuple(found)


def _applied(node: Any, name: str | None) -> DirectiveNode | None:
    directives: Iterable[DirectiveNode] = getattr(node, "directives", None) or ()
    return next((directive for directive in directives if directive.name.value == name), None)


def _argument(directive: DirectiveNode, name: str) -> ValueNode | None:
    arguments: Iterable[ArgumentNode] = directive.arguments or ()
    return next((argument.value for argument in arguments if argument.name.value == name), None)


def _strings(value: ValueNode | None) -> Iterator[str]:
    match value:
        case StringValueNode():
            yield value.value
        case ListValueNode():
            for item in value.values:
                yield from _strings(item)
        case _:
            pass


def _value(node: ValueNode, variables: Variables) -> Any:
    value = value_from_ast_untyped(node, dict(variables))
    return None if value is Undefined else value


def _default(argument: GraphQLArgument | None) -> ValueNode | None:
    return argument.ast_node.default_value if argument is not None and argument.ast_node is not None else None
