"""`@authenticated`, `@requiresScopes`, `@policy`: what an operation demands of its caller, and the operation without the rest.

Each place of the graph has a demand: a set of conditions that must all be met. It depends on static types only, so that
it is worked out once for an operation and not for each answer:

    a field               its own directives, and those of the type that it returns
    through an interface  those of every type that may stand there too: nobody sees through it what is shut behind it
    @requires, contexts   those of the data that the field is computed from: a value must not tell what its parts may not
    ... on T              those of T

Which conditions a caller fails is the shape of what is left. An operation is restricted once for each shape, and two
documents come out:

    planned     without the shut fields: whatever is not there is neither fetched nor required for something else.
                A selection that would be empty asks for `__typename`, so that the object around it is still found.
    shown       as the client wrote it, the shut fields marked: the answer has them, as nulls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Final

from graphql import (
    ArgumentNode,
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    ListValueNode,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
    parse,
)

from router.federation.supergraph import Supergraph

Clauses = frozenset[frozenset[str]]
"""Alternatives, each of which asks for all of its words."""

Path = tuple[str, ...]
"""Response keys; `@` stands for each element of a list."""

_MOST_PATHS: Final = 100
_MARK: Final = DirectiveNode(name=NameNode(value="!withheld"), arguments=())  # no client can write this name
_TYPENAME: Final = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())


@dataclass(frozen=True, slots=True)
class Authenticated:
    """There has to be a caller."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """The caller's token has to hold all scopes of one of the alternatives."""

    any_of: Clauses


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies of one of the alternatives have to hold."""

    any_of: Clauses


Condition = Authenticated | Scopes | Policies
Demand = frozenset[Condition]

NOTHING: Final[Demand] = frozenset()


def is_withheld(node: SelectionNode) -> bool:
    """Whether a selection of a `shown` document is shut."""
    return any(directive.name.value == _MARK.name.value for directive in node.directives or ())


def all_withheld(selections: SelectionSetNode) -> SelectionSetNode:
    """Shut all that is selected."""
    return SelectionSetNode(selections=(InlineFragmentNode(selection_set=selections, directives=(_MARK,)),))


def withheld(node: FieldNode) -> FieldNode:
    """Shut a field."""
    return replace(node, directives=(*(node.directives or ()), _MARK))


@dataclass(frozen=True, slots=True)
class Restricted:
    """An operation as one shape of callers gets it; `paths` are the shut fields."""

    planned: DocumentNode
    shown: DocumentNode
    paths: tuple[Path, ...]


@dataclass(slots=True)
class Access:
    """The demands of one supergraph's fields and types."""

    schema: GraphQLSchema
    _types: Mapping[str, Demand]
    _fields: Mapping[tuple[str, str], Demand]
    _needs: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]
    """By field: the field sets that it is computed from, each with the type that it starts at."""
    _worked_out: dict[tuple[str, str], Demand] = field(default_factory=dict)

    @staticmethod
    def of(supergraph: Supergraph) -> Access:
        """Read all directives of a supergraph."""
        reader = _Reader(
            *(supergraph.features.directive(name, name) for name in ("authenticated", "requiresScopes", "policy"))
        )
        types, fields = {}, {}
        for name, named in supergraph.schema.type_map.items():
            if (demand := reader.demand(named)) is not NOTHING:
                types[name] = demand
            for field_name, definition in getattr(named, "fields", {}).items():
                if (demand := reader.demand(definition)) is not NOTHING:
                    fields[name, field_name] = demand
        needs = dict(_needs(supergraph)) if types or fields else {}
        return Access(supergraph.schema, types, fields, needs)

    @property
    def is_open(self) -> bool:
        """Whether nothing in the graph demands anything."""
        return not self._types and not self._fields

    def needs(self, document: DocumentNode, definition: OperationDefinitionNode) -> Demand:
        """Return every condition that decides about a part of the operation."""
        if self.is_open:
            return NOTHING
        return frozenset(chain.from_iterable(_Walk(self, document).demands(definition)))

    def restrict(self, document: DocumentNode, definition: OperationDefinitionNode, failed: Demand) -> Restricted:
        """Take from an operation what these conditions shut."""
        if not failed:
            return Restricted(document, document, ())
        return _Restriction(self, document, failed).restricted(definition)

    def type(self, name: str) -> Demand:
        """Return what a type demands; an interface that only repeats its types leaves it to them."""
        demand = self._types.get(name, NOTHING)
        named = self.schema.get_type(name)
        if demand and isinstance(named, GraphQLInterfaceType) and any(map(self._of, self._below(named))):
            return NOTHING
        return demand

    def field(self, parent: str, name: str) -> Demand:
        """Return what a field demands when it is selected on a type."""
        key = (parent, name)
        if key not in self._worked_out:
            self._worked_out[key] = NOTHING  # a field that is computed from itself adds nothing
            self._worked_out[key] = self._work_out(parent, name)
        return self._worked_out[key]

    def returned(self, parent: str, name: str) -> GraphQLNamedType | None:
        """Return the type of a field's values, lists aside."""
        definition = getattr(self.schema.get_type(parent), "fields", {}).get(name)
        return get_named_type(definition.type) if definition else None

    def _work_out(self, parent: str, name: str) -> Demand:
        own = self._fields.get((parent, name), NOTHING)
        returned = self.returned(parent, name)
        demand = own | (self.type(returned.name) if returned else NOTHING)
        for start, field_set in self._needs.get((parent, name), ()):
            demand |= self._field_set(start, field_set)
        named = self.schema.get_type(parent)
        if isinstance(named, GraphQLInterfaceType):
            demand |= self._of(named)
            for member in self._below(named):
                demand |= self._of(member) | self.field(member.name, name)
        return demand

    def _of(self, named: GraphQLNamedType) -> Demand:
        return self._types.get(named.name, NOTHING)

    def _below(self, named: GraphQLInterfaceType) -> Iterable[GraphQLObjectType]:
        return self.schema.get_possible_types(named)

    def _field_set(self, start: str, field_set: str) -> Demand:
        document = parse(field_set if field_set.lstrip().startswith("{") else f"{{ {field_set} }}", no_location=True)
        operation = document.definitions[0]
        if not isinstance(operation, OperationDefinitionNode):
            return NOTHING
        walk = _Walk(self, document)
        return frozenset(chain.from_iterable(walk.of_set(operation.selection_set, start)))


def _needs(supergraph: Supergraph) -> Iterator[tuple[tuple[str, str], tuple[tuple[str, str], ...]]]:
    contexts: dict[str, list[str]] = {}
    for joined in supergraph.types.values():
        for context in joined.contexts:
            contexts.setdefault(context, []).append(joined.name)
    for joined in supergraph.types.values():
        for name, joins in joined.fields.items():
            required = {(joined.name, join.requires) for join in joins.values() if join.requires}
            handed = {
                (start, argument.selection)
                for join in joins.values()
                for argument in join.context_arguments
                for start in contexts.get(argument.context, ())
            }
            if required or handed:
                yield (joined.name, name), tuple(sorted(required | handed))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the three directives by the names they have in this document."""

    authenticated: str | None
    scopes: str | None
    policies: str | None

    def demand(self, element: object) -> Demand:
        node = getattr(element, "ast_node", None)
        return frozenset(self._conditions(node.directives or ())) if node else NOTHING

    def _conditions(self, directives: Iterable[ConstDirectiveNode]) -> Iterator[Condition]:
        for directive in directives:
            name = directive.name.value
            if name == self.authenticated:
                yield Authenticated()
            elif name == self.scopes:
                yield Scopes(_clauses(directive.arguments))
            elif name == self.policies:
                yield Policies(_clauses(directive.arguments))


def _clauses(arguments: Iterable[ArgumentNode] | None) -> Clauses:
    """Read `[["a", "b"], ["c"]]`; a list without alternatives lets nobody in."""
    value = next((argument.value for argument in arguments or ()), None)
    outer = value.values if isinstance(value, ListValueNode) else ()
    return frozenset(
        frozenset(word.value for word in clause.values if isinstance(word, StringValueNode))
        for clause in outer
        if isinstance(clause, ListValueNode)
    )


class _Walk:
    """All demands that stand in an operation; each fragment is walked once, for its types are its own."""

    def __init__(self, access: Access, document: DocumentNode) -> None:
        self._access = access
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._walked: set[str] = set()

    def demands(self, definition: OperationDefinitionNode) -> Iterator[Demand]:
        root = self._access.schema.get_root_type(definition.operation)
        if root is not None:
            yield self._access.type(root.name)
            yield from self.of_set(definition.selection_set, root.name)

    def of_set(self, selection_set: SelectionSetNode, parent: str) -> Iterator[Demand]:
        for node in selection_set.selections:
            match node:
                case FieldNode():
                    yield from self._of_field(node, parent)
                case InlineFragmentNode():
                    target = node.type_condition.name.value if node.type_condition else parent
                    yield self._access.type(target)
                    yield from self.of_set(node.selection_set, target)
                case FragmentSpreadNode():
                    yield from self._of_fragment(node.name.value)

    def _of_field(self, node: FieldNode, parent: str) -> Iterator[Demand]:
        name = node.name.value
        if name.startswith("__"):
            return
        yield self._access.field(parent, name)
        returned = self._access.returned(parent, name)
        if node.selection_set and returned:
            yield from self.of_set(node.selection_set, returned.name)

    def _of_fragment(self, name: str) -> Iterator[Demand]:
        if name in self._walked:
            return
        self._walked.add(name)
        fragment = self._fragments[name]
        target = fragment.type_condition.name.value
        yield self._access.type(target)
        yield from self.of_set(fragment.selection_set, target)


@dataclass(slots=True)
class _Set:
    """A selection set in both forms; `shuts` tells whether anything in it is shut."""

    planned: SelectionSetNode
    shown: SelectionSetNode
    shuts: bool


@dataclass(frozen=True, slots=True)
class _Selection:
    """One selection in both forms; what is shut is not planned."""

    planned: SelectionNode | None
    shown: SelectionNode
    shuts: bool = False


def _around(node: FieldNode | InlineFragmentNode, inner: _Set) -> _Selection:
    if not inner.shuts:
        return _Selection(node, node)
    planned = replace(node, selection_set=inner.planned)
    return _Selection(planned, replace(node, selection_set=inner.shown), shuts=True)


class _Restriction:
    """One operation without what some conditions shut; each fragment is rewritten once."""

    def __init__(self, access: Access, document: DocumentNode, failed: Demand) -> None:
        self._access = access
        self._document = document
        self._failed = failed
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._rewritten: dict[str, _Set] = {}
        self._shutting: set[int] = set()

    def restricted(self, definition: OperationDefinitionNode) -> Restricted:
        root = self._access.schema.get_root_type(definition.operation)
        if root is None:
            return Restricted(self._document, self._document, ())
        whole = self._set(
            definition.selection_set, root.name, shut=self._is_shut(self._access.type(root.name)), may_be_empty=True
        )
        if not whole.shuts:
            return Restricted(self._document, self._document, ())
        planned = self._with(definition, whole.planned, shown=False)
        shown = self._with(definition, whole.shown, shown=True)
        paths = dict.fromkeys(islice(self._paths(whole.shown, root.name, (), shut=False), _MOST_PATHS))
        return Restricted(planned, shown, tuple(paths))

    def _with(
        self, definition: OperationDefinitionNode, selection_set: SelectionSetNode, *, shown: bool
    ) -> DocumentNode:
        """The document with the operation's new selection, and the fragments that were rewritten for it."""
        nodes: list[DefinitionNode] = []
        for node in self._document.definitions:
            if node is definition:
                nodes.append(replace(definition, selection_set=selection_set))
            elif isinstance(node, FragmentDefinitionNode) and node.name.value in self._rewritten:
                both = self._rewritten[node.name.value]
                nodes.append(replace(node, selection_set=both.shown if shown else both.planned))
            else:
                nodes.append(node)
        return DocumentNode(definitions=tuple(nodes))

    def _is_shut(self, demand: Demand) -> bool:
        return not demand.isdisjoint(self._failed)

    def _set(
        self, selection_set: SelectionSetNode, parent: str, *, shut: bool = False, may_be_empty: bool = False
    ) -> _Set:
        done = [
            self._marked(node) if shut and not _is_meta(node) else self._selection(node, parent)
            for node in selection_set.selections
        ]
        planned = tuple(one.planned for one in done if one.planned is not None)
        if not planned and not may_be_empty:
            planned = (_TYPENAME,)
        shown = SelectionSetNode(selections=tuple(one.shown for one in done))
        shuts = any(one.shuts for one in done)
        if shuts:
            self._shutting.add(id(shown))
        return _Set(SelectionSetNode(selections=planned), shown, shuts)

    def _selection(self, node: SelectionNode, parent: str) -> _Selection:
        match node:
            case FieldNode():
                return self._field(node, parent)
            case InlineFragmentNode():
                target = node.type_condition.name.value if node.type_condition else parent
                if self._is_shut(self._access.type(target)):
                    return self._marked(node)
                return _around(node, self._set(node.selection_set, target))
            case FragmentSpreadNode():
                return self._spread(node)
            case _:
                return _Selection(node, node)

    def _field(self, node: FieldNode, parent: str) -> _Selection:
        name = node.name.value
        if name.startswith("__"):
            return _Selection(node, node)
        if self._is_shut(self._access.field(parent, name)):
            return self._marked(node)
        returned = self._access.returned(parent, name)
        if node.selection_set is None or returned is None:
            return _Selection(node, node)
        return _around(node, self._set(node.selection_set, returned.name))

    def _spread(self, node: FragmentSpreadNode) -> _Selection:
        name = node.name.value
        fragment = self._fragments[name]
        target = fragment.type_condition.name.value
        if name not in self._rewritten:
            self._rewritten[name] = self._set(fragment.selection_set, target)
        if self._is_shut(self._access.type(target)):
            return self._marked(node)
        return _Selection(node, node, self._rewritten[name].shuts)

    def _marked(self, node: SelectionNode) -> _Selection:
        # What is below stays as it is: it is not looked at any more, neither here nor when the answer is written.
        return _Selection(None, replace(node, directives=(*(node.directives or ()), _MARK)), shuts=True)

    def _paths(self, selection_set: SelectionSetNode, parent: str, at: Path, *, shut: bool) -> Iterator[Path]:
        """The places of shut fields; only ways that lead to one are gone."""
        if not shut and id(selection_set) not in self._shutting:
            return
        for node in selection_set.selections:
            here = shut or is_withheld(node)
            match node:
                case FieldNode():
                    yield from self._field_paths(node, parent, at, shut=here)
                case InlineFragmentNode():
                    target = node.type_condition.name.value if node.type_condition else parent
                    yield from self._paths(node.selection_set, target, at, shut=here)
                case FragmentSpreadNode():
                    fragment = self._fragments[node.name.value]
                    rewritten = self._rewritten.get(node.name.value)
                    inner = rewritten.shown if rewritten else fragment.selection_set
                    yield from self._paths(inner, fragment.type_condition.name.value, at, shut=here)

    def _field_paths(self, node: FieldNode, parent: str, at: Path, *, shut: bool) -> Iterator[Path]:
        name = node.name.value
        if name.startswith("__"):
            return
        path = (*at, (node.alias or node.name).value)
        if shut:
            yield path
            return
        definition = getattr(self._access.schema.get_type(parent), "fields", {}).get(name)
        if definition and node.selection_set:
            inner = get_named_type(definition.type).name
            yield from self._paths(node.selection_set, inner, (*path, *_lists(definition.type)), shut=False)


def _lists(of: object) -> Path:
    depth = 0
    while is_list_type(of) or is_non_null_type(of):
        depth += is_list_type(of)
        of = of.of_type
    return ("@",) * depth


def _is_meta(node: SelectionNode) -> bool:
    return isinstance(node, FieldNode) and node.name.value.startswith("__")
