"""What is asked for at one place, in one normal form for operations, keys, requirements and provisions alike.

In normal form nothing is named twice and nothing is said that goes without saying: spreads are inlined, a type
condition that always holds is dissolved, `@skip` and `@include` have become guards of the fields themselves, and
guards that a surrounding field already has are not repeated. Types, not spelling, decide what a selection means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLCompositeType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    parse,
    print_ast,
)

Guards = frozenset[tuple[str, bool]]  # a variable and the value it must have
NO_GUARDS: Guards = frozenset()
TYPENAME = "__typename"
CONDITION = "... on "  # in a path of a plan


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its arguments and directives are kept as text, since only subgraphs read them."""

    name: str
    response_key: str
    arguments: str = ""
    directives: str = ""
    guards: Guards = NO_GUARDS
    variables: frozenset[str] = frozenset()
    selections: Selections = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """Fields of one response key that are no conflict have the same identity."""
        return (self.name, self.arguments, self.directives)


@dataclass(frozen=True, slots=True)
class Deferral:
    """A fragment under `@defer`: which of the document's it is, where it stands in the response, and in which other one."""

    number: int
    position: tuple[str, ...]
    label: str | None = None
    parent: Deferral | None = None
    path: tuple[str, ...] = field(default=(), compare=False)
    """Its position as plans say it, with the type conditions on the way."""

    def chain(self) -> Iterator[Deferral]:
        """This one and those that it stands in."""
        here: Deferral | None = self
        while here is not None:
            yield here
            here = here.parent


@dataclass(frozen=True, slots=True)
class Fragment:
    """Selections that apply to objects of some of the types possible here.

    Those under `@defer` stand in a fragment of their own, whose type condition always holds.
    """

    on: str
    selections: Selections = ()
    deferral: Deferral | None = None


Selection = Field | Fragment
Selections = tuple[Selection, ...]

TYPENAME_FIELD = Field(TYPENAME, TYPENAME)

_SHADOW = re.compile(r"_0+__typename")


def stored_key(key: str) -> str:
    """The key under which a field other than `__typename` is fetched and kept.

    It may not be called `__typename`, which subgraphs are asked for everywhere; what looks like the name given instead
    moves on by one.
    """
    if key == TYPENAME:
        return f"_0{TYPENAME}"
    return f"_0{key[1:]}" if key.startswith("_0") and _SHADOW.fullmatch(key) else key


def client_key(key: str) -> str:
    """What the client calls a stored key."""
    if not (key.startswith("_0") and _SHADOW.fullmatch(key)):
        return key
    return TYPENAME if key == f"_0{TYPENAME}" else f"_{key[2:]}"


def merged(selections: Iterable[Selection]) -> Selections:
    """Join what names the same field or the same type, in order of first appearance; each is in normal form itself."""
    found: dict[object, Selection] = {}
    joined: dict[object, list[Selection]] = {}
    for item in selections:
        key: object = (
            (item.on, item.deferral) if isinstance(item, Fragment) else (item.response_key, item.identity, item.guards)
        )
        known = found.setdefault(key, item)
        if known is not item and item.selections != known.selections:
            joined.setdefault(key, list(known.selections)).extend(item.selections)
    for key, inner in joined.items():
        found[key] = replace(found[key], selections=merged(inner))
    return tuple(item for item in found.values() if not _is_implied(item, found))


def _is_implied(item: Selection, found: Mapping[object, Selection]) -> bool:
    """Whether a leaf is asked for elsewhere under fewer conditions."""
    if isinstance(item, Fragment) or not item.guards or item.selections:
        return False
    return (item.response_key, item.identity, NO_GUARDS) in found


Directives = Iterable[DirectiveNode] | None
Defers = Callable[[Directives, tuple[str, ...], Deferral | None], Deferral | None]


def never(_directives: Directives, _position: tuple[str, ...], _within: Deferral | None) -> None:
    """Take nothing for deferred."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a selection stands: its type, what is known to hold there, its position in the response and in what is deferred."""

    parent: GraphQLCompositeType
    given: Guards = NO_GUARDS
    position: tuple[str, ...] = ()
    within: Deferral | None = None
    path: tuple[str, ...] = ()  # the position, with type conditions


@dataclass(frozen=True, slots=True)
class Reader:
    """Brings selection sets of one document into normal form; `defers` says which fragments are deferred."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode] = field(default_factory=dict)
    count: Callable[[], None] | None = None
    """Told of each selection read: fragments in fragments can be many more than the document has."""
    defers: Defers = never

    def read(self, node: SelectionSetNode | None, parent: GraphQLCompositeType) -> Selections:
        """Normalise a selection set."""
        return self._read(node, _Place(parent)) if node else ()

    def _read(self, node: SelectionSetNode | None, place: _Place) -> Selections:
        return merged(self._selections(node.selections, place, NO_GUARDS)) if node else ()

    def _selections(self, nodes: Iterable[SelectionNode], place: _Place, guards: Guards) -> Iterator[Selection]:
        for node in nodes:
            if self.count:
                self.count()
            own = _guards(node.directives, place.given)
            if own is None or _contradict(guards | own):
                continue
            match node:
                case FieldNode():
                    yield self._field(node, place, guards | own)
                case InlineFragmentNode():
                    on = node.type_condition.name.value if node.type_condition else place.parent.name
                    yield from self._fragment(node.selection_set, on, place, guards | own, node.directives)
                case FragmentSpreadNode():
                    definition = self.fragments[node.name.value]
                    on = definition.type_condition.name.value
                    yield from self._fragment(definition.selection_set, on, place, guards | own, node.directives)

    def _field(self, node: FieldNode, place: _Place, guards: Guards) -> Field:
        name = node.name.value
        definition = self.schema.get_field(place.parent, name)
        target = get_named_type(definition.type) if definition else None
        selections: Selections = ()
        if is_composite_type(target):
            key = node.alias.value if node.alias else name
            here, path = (*place.position, key), (*place.path, key)
            below = _Place(target, place.given | guards, here, place.within, path)
            selections = self._read(node.selection_set, below) or (TYPENAME_FIELD,)
        kept = [directive for directive in node.directives or () if directive.name.value not in ("skip", "include")]
        return Field(
            name=name,
            response_key=_response_key(node),
            arguments=_arguments(node),
            directives="".join(f" {print_ast(directive)}" for directive in kept),
            guards=guards,
            variables=frozenset(_variables((*(node.arguments or ()), *kept))),
            selections=selections,
        )

    def _fragment(
        self, node: SelectionSetNode, on: str, place: _Place, guards: Guards, directives: Directives
    ) -> Iterator[Selection]:
        condition = self.schema.type_map.get(on)
        if not is_composite_type(condition):
            return
        if condition is place.parent or self._always_holds(condition, place.parent):
            yield from self._now_or_later(node, place, guards, self._deferral(directives, place))
        else:
            narrowed = replace(place, parent=condition, path=(*place.path, f"{CONDITION}{on}"))
            deferral = self._deferral(directives, place)
            if inner := merged(self._now_or_later(node, narrowed, guards, deferral)):
                yield Fragment(on, inner)

    def _deferral(self, directives: Directives, place: _Place) -> Deferral | None:
        found = self.defers(directives, place.position, place.within)
        return replace(found, path=place.path) if found else None

    def _now_or_later(
        self, node: SelectionSetNode, place: _Place, guards: Guards, deferral: Deferral | None
    ) -> Iterator[Selection]:
        if deferral is None:
            yield from self._selections(node.selections, place, guards)
        elif inner := merged(self._selections(node.selections, replace(place, within=deferral), guards)):
            yield Fragment(place.parent.name, inner, deferral)

    def _always_holds(self, condition: GraphQLCompositeType, parent: GraphQLCompositeType) -> bool:
        """Whether the parent is declared to be of the condition's type: then all its fields are the parent's too."""
        if not is_abstract_type(condition) or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return False
        abstract: GraphQLAbstractType = condition
        return self.schema.is_sub_type(abstract, parent)


@lru_cache(maxsize=4096)
def _parsed_field_set(text: str) -> SelectionSetNode:
    inner = text.strip()
    document = parse(inner if inner.startswith("{") else f"{{ {inner} }}", no_location=True)
    operation = document.definitions[0]
    if not isinstance(operation, OperationDefinitionNode):
        raise TypeError(text)
    return operation.selection_set


def field_set(text: str, parent: GraphQLCompositeType, schema: GraphQLSchema) -> Selections:
    """Read a field set such as `id org { id }` against the type that it's about."""
    return Reader(schema).read(_parsed_field_set(text), parent)


def _guards(directives: Iterable[DirectiveNode] | None, given: Guards) -> Guards | None:
    """Turn `@skip` and `@include` into guards; None when a literal already decides that the field is out."""
    found: set[tuple[str, bool]] = set()
    for directive in directives or ():
        wanted = {"include": True, "skip": False}.get(directive.name.value)
        if wanted is None or not directive.arguments:
            continue
        match directive.arguments[0].value:
            case BooleanValueNode(value=value) if value != wanted:
                return None
            case VariableNode(name=name):
                found.add((name.value, wanted))
    return None if _contradict(given | found) else frozenset(found) - given


def _contradict(guards: Iterable[tuple[str, bool]]) -> bool:
    wanted = dict(guards)
    return any(wanted[name] != value for name, value in guards)


def _response_key(node: FieldNode) -> str:
    alias = node.alias.value if node.alias else node.name.value
    return alias if alias == node.name.value else stored_key(alias)


def _arguments(node: FieldNode) -> str:
    arguments = sorted(node.arguments or (), key=lambda argument: argument.name.value)
    return f"({', '.join(map(print_ast, arguments))})" if arguments else ""


def _variables(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, VariableNode):
            yield node.name.value
            continue
        for key in node.keys:
            child = getattr(node, key, None)
            match child:
                case Node():
                    yield from _variables((child,))
                case list() | tuple():
                    yield from _variables(child)


def common_guards(selections: Selections) -> Guards:
    """The conditions that everything asked for is under."""
    found: Guards | None = None
    for item in selections:
        own = item.guards if isinstance(item, Field) else common_guards(item.selections)
        found = own if found is None else found & own
    return found or NO_GUARDS


def keys_clash(selections: Selections) -> bool:
    """Whether one response key stands for different fields, which only objects of different types can have."""
    fields: dict[tuple[str, ...], tuple[str, ...]] = {}
    return any(fields.setdefault(keys, identity) != identity for keys, identity in _keyed(selections, ()))


def _keyed(selections: Selections, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for item in selections:
        if isinstance(item, Fragment):
            yield from _keyed(item.selections, above)
        else:
            keys = (*above, item.response_key)
            yield keys, item.identity
            yield from _keyed(item.selections, keys)


def describe(selections: Selections, indent: str = "") -> str:
    """Print selections for people: one field a line, guards behind it."""
    return "\n".join(_lines(selections, indent))


def _lines(selections: Selections, indent: str) -> Iterator[str]:
    for item in selections:
        head = _fragment_head(item) if isinstance(item, Fragment) else _head(item)
        yield f"{indent}{head}{' {' if item.selections else ''}"
        if item.selections:
            yield from _lines(item.selections, indent + "  ")
            yield f"{indent}}}"


def _fragment_head(item: Fragment) -> str:
    if item.deferral is None:
        return f"... on {item.on}"
    label = f'(label: "{item.deferral.label}")' if item.deferral.label else ""
    return f"... @defer{label}"


def _head(item: Field) -> str:
    alias = "" if item.response_key == item.name else f"{item.response_key}: "
    return f"{alias}{item.name}{item.arguments}{item.directives}{guard_text(item.guards)}"


def guard_text(guards: Guards) -> str:
    """The directives that say what the guards say."""
    words: Callable[[bool], str] = lambda wanted: "include" if wanted else "skip"  # noqa: E731 -- a word, not a step
    return "".join(f" @{words(wanted)}(if: ${name})" for name, wanted in sorted(guards))
