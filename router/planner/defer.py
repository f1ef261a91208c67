"""`@defer` in a plan: what may come later, and what is fetched for it.

Theory
------
An operation with `@defer` is answered in parts: the primary one, and one for each deferred fragment, of which each stands in
another part (its parent). A part has fetches of its own, which wait for fetches of the parts around it, never the other way round:

    customer ── name                    primary     0 crm      { customer { name  __typename id } }
       └─ later ── hop by `id` ── note  deferred    1 crm      customer: Customer { __typename id } ⇒ { note }
       └─ later ── hop by `id` ── tickets           2 tickets  customer: Customer { __typename id } ⇒ { tickets }

* The way into a deferred fragment is closed (`router.graph.paths`): there the fetch at hand gives the keys and nothing else, and
  all that is deferred is reached by a hop, be it back into the same subgraph. What a value type has cannot be asked for again
  alone; it comes along with the fetch at hand and is only delivered apart.
* A hop made in a deferred fragment, and all that its conditions need but the key at hand, belongs to the deferred part.
* In the choice of paths a fetch of a deferred part weighs next to nothing (`router.graph.steps`). So the primary part is
  planned as if it were alone: nothing is fetched for it, or later in it, because that suits what comes later.

Before any path is sought, the selections are settled. What a part around a fragment asks for anyway is not asked for in
it. Where both go into the same entity, the fragment begins at that entity: the one hop goes from there, and the object around it,
which is there, isn't fetched twice:

    t { o { w0 } ... @defer { o { w0 w1 } } }      ⇒      t { o { w0 ... @defer { w1 } } }

This moves only what is fetched. Where a part begins for the client, and what stands in it, is read from the client's document by
`router.executor.deferred`; the two meet in `Deferral`, which names the fragment and the place in the response.

Whether a fragment with `@defer(if: $variable)` is deferred is known only when the operation runs, and the primary part is another
one then. So each combination of these variables gets a plan, under `Condition` nodes; there may be few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    GraphQLCompositeType,
    GraphQLSchema,
    OperationDefinitionNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

from router.graph.selections import (
    CONDITION,
    TYPENAME_FIELD,
    Deferral,
    Directives,
    Field,
    Fragment,
    Selection,
    Selections,
    guard_text,
    merged,
)

DEFER = "defer"
IsEntity = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Defers:
    """Which fragments of a document are deferred, for given values of the variables in `@defer(if:)`."""

    numbers: Mapping[int, int]
    values: Mapping[str, bool]

    @staticmethod
    def of(document: DocumentNode, values: Mapping[str, bool]) -> Defers:
        """Number the document's fragments under `@defer`.

        Where their places in the text are known, it's by these: then a document of which parts were cut out has the same numbers.
        """
        found = enumerate(_defers(document))
        return Defers({id(one): one.loc.start if one.loc else index for index, one in found}, values)

    def __call__(self, directives: Directives, position: tuple[str, ...], within: Deferral | None) -> Deferral | None:
        """The deferral that a fragment with these directives is, if it is one."""
        for directive in directives or ():
            if directive.name.value == DEFER and self._applies(argument(directive, "if")):
                label = argument(directive, "label")
                text = label.value if isinstance(label, StringValueNode) else None
                return Deferral(self.numbers[id(directive)], position, text, within)
        return None

    def _applies(self, condition: ValueNode | None) -> bool:
        match condition:
            case BooleanValueNode(value=value):
                return value
            case VariableNode(name=name):
                return self.values.get(name.value, True)
            case _:
                return True


def argument(directive: DirectiveNode, name: str) -> ValueNode | None:
    """The value of a directive's argument; None if it is not there."""
    return next((one.value for one in directive.arguments or () if one.name.value == name), None)


def _defers(document: DocumentNode) -> Iterator[DirectiveNode]:
    """All applications of `@defer`, in the order of the document."""
    waiting = [node.selection_set for node in document.definitions if hasattr(node, "selection_set")][::-1]
    while waiting:
        inner = []
        for node in waiting.pop().selections:
            yield from (one for one in node.directives or () if one.name.value == DEFER)
            if (below := getattr(node, "selection_set", None)) is not None:
                inner.append(below)
        waiting += inner[::-1]


def is_used(document: DocumentNode) -> bool:
    """Whether anything in a document is under `@defer`."""
    return next(_defers(document), None) is not None


def switches(document: DocumentNode, operation: OperationDefinitionNode) -> list[str]:
    """The variables of an operation that decide what is deferred, in order of appearance."""
    own = {definition.variable.name.value for definition in operation.variable_definitions or ()}
    values = (argument(one, "if") for one in _defers(document))
    return [
        name
        for name in dict.fromkeys(value.name.value for value in values if isinstance(value, VariableNode))
        if name in own
    ]


@dataclass(frozen=True, slots=True)
class Section:
    """What stands in one part of an operation and in none of those within it; None is the primary part."""

    deferral: Deferral | None
    selections: Selections

    @property
    def text(self) -> str | None:
        """The section as GraphQL; None where nothing stands in it."""
        return _text(self.selections) if self.selections else None


def sections(selections: Selections) -> list[Section]:
    """Tell apart what stands in which part, the primary one first, parents before what stands in them."""
    found: dict[Deferral | None, Selections] = {None: ()}
    found[None] = _own(selections, (), found)
    return [Section(deferral, merged(items)) for deferral, items in found.items()]


def _own(selections: Selections, conditions: tuple[str, ...], found: dict[Deferral | None, Selections]) -> Selections:
    kept: list[Selection] = []
    for item in selections:
        match item:
            case Fragment(deferral=Deferral() as deferral):
                found.setdefault(deferral, ())
                own = _own(item.selections, conditions, found)
                said = sum(1 for _ in takewhile(lambda step: step.startswith(CONDITION), reversed(deferral.path)))
                found[deferral] += _under(conditions[said:], own)
            case Fragment():
                if inner := _own(item.selections, (*conditions, item.on), found):
                    kept.append(replace(item, selections=inner))
            case Field():
                below = _own(item.selections, (), found)
                if below or not item.selections:
                    kept.append(replace(item, selections=below))
    return tuple(kept)


def _under(conditions: tuple[str, ...], selections: Selections) -> Selections:
    for condition in reversed(conditions if selections else ()):
        selections = (Fragment(condition, selections),)
    return selections


def _text(selections: Selections) -> str:
    return f"{{ {' '.join(_item_text(item) for item in selections)} }}"


def _item_text(item: Selection) -> str:
    inner = f" {_text(item.selections)}" if item.selections else ""
    if isinstance(item, Fragment):
        return f"... on {item.on}{inner}"
    alias = "" if item.response_key == item.name else f"{item.response_key}: "
    return f"{alias}{item.name}{item.arguments}{item.directives}{guard_text(item.guards)}{inner}"


@dataclass(frozen=True, slots=True)
class Settling:
    """Takes out of deferred fragments what is fetched anyway."""

    schema: GraphQLSchema
    is_entity: IsEntity

    def settled(self, selections: Selections, of: GraphQLCompositeType, around: Selections = ()) -> Selections:
        """Settle a selection and all below it; `around` is asked for at the same place, whatever type the object is of."""
        known = (*around, *(item for item in selections if not _is_deferred(item)))
        items: list[Selection] = []
        for item in selections:
            if _is_deferred(item):
                rest, moved = self._apart(item, of, known)
                items += (*rest, *moved)
            else:
                items.append(item)
        return tuple(self._below(item, of, known) for item in merged(items))

    def _below(self, item: Selection, of: GraphQLCompositeType, known: Selections) -> Selection:
        if not item.selections:
            return item
        if isinstance(item, Field):
            return replace(item, selections=self.settled(item.selections, self._type(item, of)))
        if item.deferral is not None:
            return replace(item, selections=self.settled(item.selections, of))
        narrowed = self._named(item.on)
        plain = tuple(one for one in known if isinstance(one, Field))
        return replace(item, selections=self.settled(item.selections, narrowed, plain))

    def _apart(
        self, item: Selection, of: GraphQLCompositeType, known: Selections, within: Deferral | None = None
    ) -> tuple[Selections, Selections]:
        """What is left of something deferred, and what goes into that which is asked for here anyway."""
        match item:
            case Field():
                return self._field_apart(item, of, known, within)
            case Fragment(deferral=None):
                own = [one.selections for one in known if isinstance(one, Fragment) and one.on == item.on]
                plain = (one for one in known if isinstance(one, Field))
                rest, moved = self._all_apart(item.selections, self._named(item.on), (*plain, *_flat(own)), within)
                # That it's for objects of a type is still to be found out, if nobody else has to.
                return _filled(item, rest or (() if own else (TYPENAME_FIELD,))), _filled(item, moved)
            case Fragment(deferral=deferral):
                rest, moved = self._all_apart(item.selections, of, known, deferral)
                return _filled(item, rest), moved

    def _all_apart(
        self, items: Selections, of: GraphQLCompositeType, known: Selections, within: Deferral | None
    ) -> tuple[Selections, Selections]:
        pairs = [self._apart(item, of, known, within) for item in items]
        return tuple(_flat(rest for rest, _ in pairs)), tuple(_flat(moved for _, moved in pairs))

    def _field_apart(
        self, item: Field, of: GraphQLCompositeType, known: Selections, within: Deferral | None
    ) -> tuple[Selections, Selections]:
        same = [one for one in known if isinstance(one, Field) and _is_same(one, item)]
        if not item.selections:
            return ((), ()) if any(one.guards <= item.guards for one in same) else ((item,), ())
        below = self._type(item, of)
        if self.is_entity(below.name) and any(one.guards == item.guards for one in same):
            return (), (replace(item, selections=(Fragment(below.name, item.selections, within),)),)
        return (item,), ()

    def _type(self, item: Field, of: GraphQLCompositeType) -> GraphQLCompositeType:
        definition = self.schema.get_field(of, item.name)
        named = get_named_type(definition.type) if definition else None
        return named if is_composite_type(named) else of

    def _named(self, name: str) -> GraphQLCompositeType:
        named = self.schema.type_map[name]
        if not is_composite_type(named):
            raise TypeError(name)
        return named


def _filled(item: Fragment, selections: Selections) -> Selections:
    return (replace(item, selections=selections),) if selections else ()


def _is_deferred(item: Selection) -> bool:
    return isinstance(item, Fragment) and item.deferral is not None


def _is_same(one: Field, other: Field) -> bool:
    return one.response_key == other.response_key and one.identity == other.identity


def _flat(groups: Iterable[Selections]) -> Iterator[Selection]:
    for group in groups:
        yield from group
