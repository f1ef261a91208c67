"""Contract variants: the part of a supergraph that a circle of clients may see, chosen by @tag, with Apollo's meaning.

Nothing is removed, since keys and requirements may need it: what the circle may not see becomes @inaccessible.

    inherit      a tag on an object type or interface is a tag on each of its fields
    exclude      whatever has an excluded tag is hidden, even if it has an included one too
    include      if there are included tags: fields of objects and interfaces, and unions, are hidden unless they have one
    mask         an interface field is hidden if its type is, or if an object behind the interface hides it;
                 a type is hidden when nothing of it is left (fields, members, values); this goes on until nothing changes
    unreachable  on request: types that no query can come by are hidden, unless they have an included tag
    check        what is left must be a schema: a visible field of a hidden type is refused, it is not hidden silently
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    Node,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    parse,
    validate_schema,
)

from router.federation.api_schema import api_schema
from router.federation.supergraph import Supergraph, is_owned

_LOCATIONS = (
    "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT "
    "| INPUT_FIELD_DEFINITION"
)

_Element = TypeDefinitionNode | FieldDefinitionNode | InputValueDefinitionNode | EnumValueDefinitionNode
_WithFields = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode


@dataclass(frozen=True, slots=True)
class Contract:
    """Which tags a circle of clients may see, which it may not, and whether to hide what it can't reach anyway."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    hide_unreachable: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a contract leaves no schema."""

    code: str
    message: str


class InvalidContract(ValueError):
    """The contract can't be kept; `problems` has every reason."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.message for problem in problems))
        self.problems = problems


def variant(sdl: str, contract: Contract) -> str:
    """The supergraph as a contract shows it; raises `InvalidContract`, or `InvalidSupergraph` if it is none."""
    supergraph = Supergraph.parse(sdl)
    document = parse(supergraph.sdl)
    text = _marked(supergraph, document, supergraph.sdl, _filtered(supergraph, document, contract).fresh)
    _checked(Supergraph.parse(text))
    return text


def seen(supergraph: Supergraph, contract: Contract) -> GraphQLSchema:
    """The schema that the circle of a contract sees, for which nothing is written and read again; raises `InvalidContract`."""
    found = _filtered(supergraph, supergraph.document, contract)
    return _checked(supergraph, frozenset(map(id, found.fresh)))


def _filtered(supergraph: Supergraph, document: DocumentNode, contract: Contract) -> _Filter:
    both = sorted(contract.include & contract.exclude)
    if both:
        message = f"A contract can't include and exclude the same tag: {', '.join(both)}."
        raise InvalidContract((Problem("INPUT_VALIDATION", message),))
    found = _Filter(supergraph, document, contract)
    found.run()
    problems = tuple(found.problems())
    if problems:
        raise InvalidContract(problems)
    return found


def _checked(shown: Supergraph, hidden: frozenset[int] = frozenset()) -> GraphQLSchema:
    """The schema that is left, after a look for whatever the rules don't foresee."""
    schema = api_schema(shown, hidden=hidden)
    errors = validate_schema(schema)
    if errors:
        raise InvalidContract(tuple(Problem("INVALID_GRAPHQL", error.message) for error in errors))
    return schema


@dataclass
class _Filter:
    supergraph: Supergraph
    document: DocumentNode
    contract: Contract
    hidden: set[str] = field(default_factory=set)  # by coordinate
    fresh: list[_Element] = field(default_factory=list)  # what was not hidden before

    def __post_init__(self) -> None:
        self.tag = self.supergraph.features.directive("tag", "tag")
        self.inaccessible = self.supergraph.features.directive("inaccessible", "inaccessible")
        self.types = {
            node.name.value: node
            for node in self.document.definitions
            if isinstance(node, TypeDefinitionNode) and not is_owned(node, self.supergraph.features)
        }

    def run(self) -> None:
        """Take all steps."""
        for coordinate, node, inherited in self._elements():
            if self._was_hidden(node):
                self.hidden.add(coordinate)
            elif self._is_filtered(node, inherited):
                self._hide(coordinate, node)
        before = -1
        while before != len(self.hidden):
            before = len(self.hidden)
            self._mask()
        if self.contract.hide_unreachable:
            self._hide_unreachable()

    def _hide(self, coordinate: str, node: _Element) -> None:
        if coordinate not in self.hidden:
            self.hidden.add(coordinate)
            self.fresh.append(node)

    def _was_hidden(self, node: _Element) -> bool:
        return any(directive.name.value == self.inaccessible for directive in node.directives or ())

    def _elements(self) -> Iterator[tuple[str, _Element, frozenset[str]]]:
        """Every element with its coordinate and the tags that it has from its parent."""
        nothing = frozenset[str]()
        for name, node in self.types.items():
            yield name, node, nothing
            own = self._tags(node)
            match node:
                case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                    for member in node.fields or ():
                        yield f"{name}.{member.name.value}", member, own
                        for argument in member.arguments or ():
                            yield f"{name}.{member.name.value}({argument.name.value}:)", argument, nothing
                case InputObjectTypeDefinitionNode():
                    yield from ((f"{name}.{child.name.value}", child, nothing) for child in node.fields or ())
                case EnumTypeDefinitionNode():
                    yield from ((f"{name}.{child.name.value}", child, nothing) for child in node.values or ())

    def _tags(self, node: _Element) -> frozenset[str]:
        applied = [d for d in node.directives or () if self.tag is not None and d.name.value == self.tag]
        values = (argument.value for directive in applied for argument in directive.arguments or ())
        return frozenset(value.value for value in values if isinstance(value, StringValueNode))

    def _is_filtered(self, node: _Element, inherited: frozenset[str]) -> bool:
        tags = self._tags(node) | inherited
        if tags & self.contract.exclude:
            return True
        must_be_included = isinstance(node, FieldDefinitionNode | UnionTypeDefinitionNode)
        return must_be_included and bool(self.contract.include) and not tags & self.contract.include

    # -- masking -----------------------------------------------------------------------------------------------------

    def _mask(self) -> None:
        for name, node in self.types.items():
            if isinstance(node, InterfaceTypeDefinitionNode):
                for member in node.fields or ():
                    if self._is_broken(name, member):
                        self._hide(f"{name}.{member.name.value}", member)
            children = self._children(name, node)
            if children and all(child in self.hidden for child in children):
                self._hide(name, node)

    def _is_broken(self, interface: str, member: FieldDefinitionNode) -> bool:
        """Whether an interface promises a field that can't be kept."""
        return _named(member.type) in self.hidden or any(
            f"{name}.{member.name.value}" in self.hidden
            for name, node in self._implementations(interface)
            if name not in self.hidden
        )

    def _implementations(self, interface: str) -> Iterator[tuple[str, _WithFields]]:
        for name, node in self.types.items():
            if isinstance(node, _WithFields) and any(i.name.value == interface for i in node.interfaces or ()):
                yield name, node

    def _children(self, name: str, node: TypeDefinitionNode) -> list[str]:
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode() | InputObjectTypeDefinitionNode():
                return [f"{name}.{child.name.value}" for child in node.fields or ()]
            case EnumTypeDefinitionNode():
                return [f"{name}.{child.name.value}" for child in node.values or ()]
            case UnionTypeDefinitionNode():
                return [member.name.value for member in node.types or ()]
            case _:
                return []

    # -- reachability ------------------------------------------------------------------------------------------------

    def _hide_unreachable(self) -> None:
        reached = self._reached()
        for name, node in self.types.items():
            if name not in reached and not self._tags(node) & self.contract.include:
                self._hide(name, node)

    def _reached(self) -> set[str]:
        directives = (node for node in self.document.definitions if isinstance(node, DirectiveDefinitionNode))
        own = (node for node in directives if not is_owned(node, self.supergraph.features))
        schema = self.supergraph.schema
        roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
        names = [root.name for root in roots if root is not None]
        names += [_named(argument.type) for node in own for argument in node.arguments or ()]
        reached: set[str] = set()
        while names:
            name = names.pop()
            if name in reached or name in self.hidden or name not in self.types:
                continue
            reached.add(name)
            names += self._mentioned(name, self.types[name])
        return reached

    def _mentioned(self, name: str, node: TypeDefinitionNode) -> Iterator[str]:
        """The types that one can come by from a type."""
        yield from (_named(child.type) for _, child in self._visible_typed(name, node))
        match node:
            case ObjectTypeDefinitionNode():
                yield from (interface.name.value for interface in node.interfaces or ())
            case InterfaceTypeDefinitionNode():
                yield from (interface.name.value for interface in node.interfaces or ())
                yield from (found for found, _ in self._implementations(name))
            case UnionTypeDefinitionNode():
                yield from (member.name.value for member in node.types or ())

    def _visible_typed(
        self, name: str, node: TypeDefinitionNode
    ) -> Iterator[tuple[str, FieldDefinitionNode | InputValueDefinitionNode]]:
        """The visible fields and arguments of a type, by coordinate."""
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode() | InputObjectTypeDefinitionNode():
                for member in node.fields or ():
                    coordinate = f"{name}.{member.name.value}"
                    if coordinate in self.hidden:
                        continue
                    yield coordinate, member
                    for argument in member.arguments or () if isinstance(member, FieldDefinitionNode) else ():
                        if (own := f"{coordinate}({argument.name.value}:)") not in self.hidden:
                            yield own, argument

    # -- what is left ------------------------------------------------------------------------------------------------

    def problems(self) -> Iterator[Problem]:
        """Everything that makes what is left no schema."""
        query = self.supergraph.schema.query_type
        if query is not None and query.name in self.hidden:
            message = (
                f'Type "{query.name}" is hidden by the contract but is the root query type, which must be visible.'
            )
            yield Problem("QUERY_ROOT_TYPE_INACCESSIBLE", message)
        for name, node in self.types.items():
            if name in self.hidden:
                continue
            for coordinate, child in self._visible_typed(name, node):
                if (target := _named(child.type)) in self.hidden:
                    message = f'Type "{target}" is hidden by the contract but is referenced by "{coordinate}", which is visible.'
                    yield Problem("REFERENCED_INACCESSIBLE", message)
            yield from self._required(name, node)

    def _required(self, name: str, node: TypeDefinitionNode) -> Iterator[Problem]:
        for coordinate, child in self._inputs(name, node):
            if coordinate in self.hidden and isinstance(child.type, NonNullTypeNode) and child.default_value is None:
                message = f'"{coordinate}" is hidden by the contract but must be given to "{coordinate.split("(")[0]}".'
                yield Problem("REQUIRED_INACCESSIBLE", message)

    def _inputs(self, name: str, node: TypeDefinitionNode) -> Iterator[tuple[str, InputValueDefinitionNode]]:
        match node:
            case InputObjectTypeDefinitionNode():
                yield from ((f"{name}.{child.name.value}", child) for child in node.fields or ())
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                for coordinate, member in self._visible_typed(name, node):
                    for argument in member.arguments or () if isinstance(member, FieldDefinitionNode) else ():
                        yield f"{coordinate}({argument.name.value}:)", argument


def _named(ref: TypeNode) -> str:
    while isinstance(ref, ListTypeNode | NonNullTypeNode):
        ref = ref.type
    return ref.name.value if isinstance(ref, NamedTypeNode) else ""


# -- the text ---------------------------------------------------------------------------------------------------------------


def _marked(supergraph: Supergraph, document: DocumentNode, sdl: str, fresh: Iterable[_Element]) -> str:
    """The same text with @inaccessible in some more places, and linked if it wasn't."""
    name = supergraph.features.directive("inaccessible", "inaccessible") or "inaccessible"
    insertions = [(_end_of_head(node), f" @{name}") for node in fresh]
    if insertions and supergraph.features.by_spec("inaccessible") is None:
        insertions += _link(supergraph, document)
    for position, text in sorted(insertions, reverse=True):
        sdl = sdl[:position] + text + sdl[position:]
    return sdl


def _end_of_head(node: _Element) -> int:
    """Where the directives of an element end: for a type before its body."""
    if not isinstance(node, TypeDefinitionNode) or isinstance(node, ScalarTypeDefinitionNode):
        return _end(node)
    interfaces = node.interfaces if isinstance(node, _WithFields) else ()
    return _end((*(interfaces or ()), *(node.directives or ()))[-1] if interfaces or node.directives else node.name)


def _link(supergraph: Supergraph, document: DocumentNode) -> Iterator[tuple[int, str]]:
    links = supergraph.features.by_spec("link") is not None
    url = f"https://specs.apollo.dev/inaccessible/v0.{2 if links else 1}"
    applied = f'@link(url: "{url}", for: SECURITY)' if links else f'@core(feature: "{url}")'
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode) and node.directives:
            yield _end(node.directives[-1]), f"\n  {applied}"
    definitions = [node for node in document.definitions if isinstance(node, DirectiveDefinitionNode)]
    # In the order of the alphabet, as composers print them.
    following = next((d for d in definitions if d.name.value > "inaccessible"), document.definitions[-1])
    yield _start(following), f"directive @inaccessible on {_LOCATIONS}\n\n"


def _end(node: Node) -> int:
    return node.loc.end if node.loc else 0


def _start(node: Node) -> int:
    return node.loc.start if node.loc else 0
