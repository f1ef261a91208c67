"""One subgraph: parsed, its links followed, the definitions of federation added, and what its directives say about each field."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from graphql import GraphQLSyntaxError, parse
from graphql import Node as AstNode

from router.federation import completion, directives, document
from router.federation.codes import CompositionError, Node
from router.federation.elements import (
    BUILTIN_SCALARS,
    Applied,
    Element,
    FieldDefinition,
    Kind,
    Schema,
    TypeDefinition,
    Value,
    named,
    place,
    places,
)
from router.federation.fieldsets import FieldSet, FieldSetSyntaxError, Fragment, context_selection, syntax_message
from router.federation.fieldsets import parse as parse_field_set
from router.federation.spec import (
    APOLLO,
    FEDERATION,
    FeatureUrl,
    Import,
    Link,
    LinkError,
    Links,
    Version,
    own_specification,
)
from router.federation.subgraph_links import follow
from router.federation.typed_values import type_defaults

FEDERATION_1 = Link(
    FeatureUrl(FEDERATION, "federation", Version(1, 0)),
    imports=tuple(Import(f"@{name}") for name in ("key", "requires", "provides", "external", "extends", "tag")),
)

# What the subgraph specification adds to every schema; it is served to the router and never part of a supergraph.
MACHINERY_TYPES = frozenset(("_Any", "_Entity", "_Service", "_FieldSet"))
MACHINERY_FIELDS = frozenset(("_service", "_entities"))


@dataclass(frozen=True, slots=True)
class SubgraphSource:
    """What a subgraph tells about itself."""

    name: str
    url: str | None
    sdl: str


@dataclass(frozen=True)
class Subgraph:
    """A subgraph that could be read. `schema` has no federation machinery left; `link` knows the names of its directives."""

    name: str
    url: str
    schema: Schema
    links: Links
    link: Link
    is_federation_1: bool = False
    source: str = field(default="", repr=False)
    # Root types are called Query, Mutation and Subscription here; these were their names before.
    renamed: dict[str, str] = field(default_factory=dict)
    # What is wrong with the document or its links; what can't be built from it can be told besides.
    broken: tuple[CompositionError, ...] = ()
    # Root types whose default names are taken by others.
    misnamed: tuple[CompositionError, ...] = ()

    @property
    def version(self) -> Version:
        """The version of federation that is linked."""
        return self.link.url.version

    # -- directives --------------------------------------------------------------------------------------------------

    def name_of(self, directive: str) -> str:
        """The name by which this subgraph calls a directive of federation."""
        if directive not in self._names:
            own = self.links.by_identity.get(own_specification(directive))
            imported = any(entry.name == f"@{directive}" for entry in self.link.imports)
            self._names[directive] = (self.link if imported or own is None else own).directive(directive)
        return self._names[directive]

    @cached_property
    def _names(self) -> dict[str, str]:
        return {}

    def knows(self, directive: str) -> bool:
        """Whether the linked version of federation has a directive, or a specification of its own is linked."""
        if own_specification(directive) in self.links.by_identity:
            return True
        if self.is_federation_1:
            return any(entry.name == f"@{directive}" for entry in self.link.imports)
        return directive in directives.available(self.version)

    def applications(self, element: Element | Schema, directive: str) -> list[Applied]:
        """The applications of a directive of federation to an element."""
        name = self.name_of(directive)
        return [application for application in element.applied if application.name == name]

    def application(self, element: Element | Schema, directive: str) -> Applied | None:
        """The first application of a directive of federation to an element."""
        name = self.name_of(directive)
        return next((application for application in element.applied if application.name == name), None)

    def has(self, element: Element | Schema, directive: str) -> bool:
        """Whether a directive of federation is applied to an element."""
        name = self.name_of(directive)
        return any(application.name == name for application in element.applied)

    # -- types -------------------------------------------------------------------------------------------------------

    def is_machinery(self, type_name: str) -> bool:
        """Whether a type belongs to a specification rather than to the subgraph's own graph."""
        if type_name in MACHINERY_TYPES:
            return True
        return any(
            link.url.identity.startswith(APOLLO) and link.owns_type(type_name)
            for link in self.links.by_identity.values()
        )

    @cached_property
    def types(self) -> dict[str, TypeDefinition]:
        """The types that take part in the supergraph."""
        own = (entry for entry in self.schema.types.items() if entry[0] not in BUILTIN_SCALARS)
        return {name: definition for name, definition in own if not self.is_machinery(name)}

    def keys(self, definition: TypeDefinition) -> list[Applied]:
        """The keys of a type."""
        return self.applications(definition, "key")

    def is_interface_object(self, definition: TypeDefinition | None) -> bool:
        """Whether an object type stands for an interface of other subgraphs."""
        return definition is not None and definition.kind is Kind.OBJECT and self.has(definition, "interfaceObject")

    def is_extension(self, definition: TypeDefinition) -> bool:
        """Whether the subgraph says that the type is at home elsewhere."""
        return definition.is_extension_only or self.has(definition, "extends")

    def is_extending(self, definition: TypeDefinition, key: Applied) -> bool:
        """Whether a key stands in an extension of its type."""
        return key.part > 0 or self.has(definition, "extends")

    # -- what fields are for -----------------------------------------------------------------------------------------

    @cached_property
    def key_fields(self) -> frozenset[str]:
        """Coordinates of the fields that are part of a key."""
        found: set[str] = set()
        for definition in self.types.values():
            for key in self.keys(definition):
                found.update(self.selected(definition.name, key.arguments.get("fields")))
        return frozenset(found)

    @cached_property
    def provided_fields(self) -> frozenset[str]:
        """Coordinates of the fields that some @provides mentions."""
        found: set[str] = set()
        for member in self.fields():
            for provides in self.applications(member, "provides"):
                found.update(self.selected(named(member.type), provides.arguments.get("fields"), implementations=True))
        return frozenset(found)

    @cached_property
    def required_fields(self) -> frozenset[str]:
        """Coordinates of the fields that some @requires mentions."""
        found: set[str] = set()
        for member in self.fields():
            for requires in self.applications(member, "requires"):
                found.update(self.selected(member.parent, requires.arguments.get("fields"), implementations=True))
        return frozenset(found)

    @cached_property
    def fake_externals(self) -> frozenset[str]:
        """External key fields of extensions: a habit from federation 1, they are resolved here all the same."""
        found: set[str] = set()
        for definition in self.types.values():
            for key in self.keys(definition):
                if self.is_extending(definition, key):
                    found.update(self.selected(definition.name, key.arguments.get("fields")))
        return frozenset(c for c in found if (f := self.field_at(c)) is not None and self.has(f, "external"))

    def is_external(self, member: FieldDefinition) -> bool:
        """Whether a field is resolved by another subgraph."""
        known = self._externals.get(member.coordinate)
        if known is None:
            known = member.coordinate not in self.fake_externals and self.external_application(member) is not None
            self._externals[member.coordinate] = known
        return known

    @cached_property
    def _externals(self) -> dict[str, bool]:
        return {}

    def external_application(self, member: FieldDefinition) -> Applied | None:
        """The @external on a field; or on its object type, with all of its parts."""
        own = self.application(member, "external")
        if own is not None or self.is_federation_1:
            return own
        parent = self.schema.types.get(member.parent)
        if parent is None or parent.kind is not Kind.OBJECT:
            return None
        return self.application(parent, "external")

    def is_fully_external(self, member: FieldDefinition) -> bool:
        """Whether a field is external and not provided on some path either."""
        return self.is_external(member) and member.coordinate not in self.provided_fields

    def is_shareable(self, member: FieldDefinition) -> bool:
        """Whether other subgraphs may resolve a field too."""
        if member.coordinate in self.key_fields:
            return True
        if self.is_external(member) and member.coordinate in self.provided_fields:
            return True
        return self.shareable_application(member) is not None

    def shareable_application(self, member: FieldDefinition) -> Applied | None:
        """The @shareable on a field, or on the part of its type in which it stands."""
        own = self.application(member, "shareable")
        if own is not None:
            return own
        parent = self.schema.types[member.parent]
        return next((a for a in self.applications(parent, "shareable") if a.part == member.part), None)

    def is_used(self, member: FieldDefinition) -> bool:
        """Whether the subgraph itself needs a field: for a key, a requirement, a provision, a context or an interface."""
        coordinate = member.coordinate
        if coordinate in self.key_fields or coordinate in self.required_fields or coordinate in self.provided_fields:
            return True
        return coordinate in self.context_fields or self.satisfies_interface(member)

    def satisfies_interface(self, member: FieldDefinition) -> bool:
        """Whether an interface of the field's type demands it."""
        parent = self.schema.types[member.parent]
        interfaces = (self.schema.types.get(name) for name in parent.interfaces)
        return any(interface is not None and member.name in interface.fields for interface in interfaces)

    @cached_property
    def context_fields(self) -> frozenset[str]:
        """Coordinates of the fields that some @fromContext reads."""
        found: set[str] = set()
        for member in self.fields():
            for argument in member.arguments.values():
                for application in self.applications(argument, "fromContext"):
                    found.update(self._read_from_context(application.arguments.get("field")))
        return frozenset(found)

    def _read_from_context(self, text: Value) -> Iterator[str]:
        read = context_selection(text)
        for definition in self.types.values() if read else ():
            names = {application.arguments.get("name") for application in self.applications(definition, "context")}
            if read and read[0] in names:
                for name in (definition.name, *self.schema.runtime_types(definition.name)):
                    yield from self.selected(name, read[1], implementations=True)

    # -- walking -----------------------------------------------------------------------------------------------------

    def fields(self) -> Iterator[FieldDefinition]:
        """All fields of all object types and interfaces."""
        for definition in self.types.values():
            yield from definition.fields.values()

    def field_at(self, coordinate: str) -> FieldDefinition | None:
        """The field with a coordinate."""
        type_name, _, name = coordinate.partition(".")
        definition = self.schema.types.get(type_name)
        return definition.fields.get(name) if definition else None

    def node_at(self, coordinate: str) -> AstNode | None:
        """The AST node of a type, field, argument, input field or enum value."""
        path, _, argument = coordinate.removesuffix(":)").partition("(")
        type_name, _, name = path.partition(".")
        definition = self.types.get(type_name)
        if definition is None or not name:
            return definition.last_part if definition else None
        member = definition.fields.get(name)
        if argument:
            owner = member.arguments.get(argument) if member else None
            return owner.node if owner else None
        found = member or definition.inputs.get(name) or definition.values.get(name)
        return found.node if found else None

    def selected(self, type_name: str, field_set: object, *, implementations: bool = False) -> set[str]:
        """The coordinates of all fields in a field set, up to the first one that does not exist."""
        if not isinstance(field_set, str):
            return set()
        try:
            selections = parse_field_set(field_set)
        except FieldSetSyntaxError:
            return set()
        found: set[str] = set()
        with contextlib.suppress(LookupError):
            self._collect(type_name, selections, found, implementations=implementations)
        return found

    def _collect(self, type_name: str, selections: FieldSet, found: set[str], *, implementations: bool) -> None:
        definition = self.schema.types[type_name]
        for selection in selections:
            if isinstance(selection, Fragment):
                self._collect(selection.on or type_name, selection.selections, found, implementations=implementations)
                continue
            if selection.name == "__typename":
                continue
            member = definition.fields[selection.name]
            found.add(member.coordinate)
            if implementations and definition.kind is Kind.INTERFACE:
                found.update(
                    f"{t.name}.{member.name}"
                    for t in self.schema.implementations(definition.name)
                    if member.name in t.fields
                )
            if selection.selections:
                self._collect(named(member.type), selection.selections, found, implementations=implementations)

    # -- reporting ---------------------------------------------------------------------------------------------------

    def error(self, code: str, message: str, *nodes: AstNode | None) -> CompositionError:
        """An error about this subgraph alone."""
        return CompositionError(code, f"[{self.name}] {message}", places(self.name, nodes))

    def place(self, node: AstNode | None) -> Node | None:
        """Where something stands in this subgraph."""
        return place(self.name, node)


def load(source: SubgraphSource) -> Subgraph | tuple[CompositionError, ...]:
    """Read one subgraph, or tell why it can't be read."""
    if source.name in {"", "_"}:
        problem = "this name is reserved" if source.name else "a subgraph must have a name"
        message = f"[{source.name}] Invalid name {source.name} for a subgraph: {problem}"
        return (CompositionError("INVALID_SUBGRAPH_NAME", message),)
    try:
        parsed = parse(source.sdl)
    except GraphQLSyntaxError as error:
        at = error.locations[0] if error.locations else None
        nodes = (Node(source.name, at.line, at.column),) if at else ()
        return (CompositionError("INVALID_GRAPHQL", f"[{source.name}] {syntax_message(error)}", nodes),)
    except RecursionError:
        return (CompositionError("INVALID_GRAPHQL", f"[{source.name}] Syntax Error: nested too deeply."),)
    problems: list[CompositionError] = []

    def report(message: str, nodes: Sequence[AstNode]) -> None:
        problems.append(CompositionError("INVALID_GRAPHQL", f"[{source.name}] {message}", places(source.name, nodes)))

    try:
        schema = document.read(parsed, report)
        links = follow(schema)
    except document.UnreadableError as fault:
        return (_unreadable(source, fault),)
    except LinkError as error:
        node = error.application.node if error.application else None
        where = places(source.name, (node,))
        return tuple(CompositionError(error.code, f"[{source.name}] {message}", where) for message in error.messages)
    missing = document.first_fault_of_directives(parsed, _Known(schema, lenient=False))
    if missing is not None:
        return (_unreadable(source, missing),)
    subgraph = _expand(source, schema, links, problems)
    wrong = document.first_fault(parsed, _Known(schema, lenient=bool(subgraph.broken)))
    return _rooted(subgraph) if wrong is None else (_unreadable(source, wrong),)


def _unreadable(source: SubgraphSource, fault: document.UnreadableError) -> CompositionError:
    return CompositionError("INVALID_GRAPHQL", f"[{source.name}] {fault}", places(source.name, fault.nodes))


@dataclass(frozen=True, slots=True)
class _Known:
    """The types that fields can have; what a broken link would have brought is not missed."""

    schema: Schema
    lenient: bool

    def __contains__(self, name: object) -> bool:
        known = name in self.schema.types or name in BUILTIN_SCALARS
        return known or (self.lenient and isinstance(name, str) and "__" in name[1:])


def _expand(source: SubgraphSource, schema: Schema, links: Links, told: Sequence[CompositionError]) -> Subgraph:
    link = links.federation
    subgraph = Subgraph(
        name=source.name,
        url=source.url or "",
        schema=schema,
        links=links,
        link=link or FEDERATION_1,
        is_federation_1=link is None,
        source=source.sdl,
        broken=tuple(told),
    )
    broken = completion.complete_link(schema, links)
    if broken:
        # Without @link nothing else is linked either.
        errors = tuple(subgraph.error(*entry) for entry in broken)
        return replace(subgraph, broken=(*told, *errors), link=FEDERATION_1, is_federation_1=True)
    if link is not None and not completion.is_known(link):
        message = f"Invalid version {link.url.version} for the federation feature in @link directive on schema"
        unknown = subgraph.error("UNKNOWN_FEDERATION_LINK_VERSION", message, link.applied.node)
        return replace(subgraph, broken=(*told, unknown), is_federation_1=link.url.version.major != 2)
    problems = completion.complete(schema, subgraph.link, links)
    return replace(subgraph, broken=(*told, *(subgraph.error(*entry) for entry in problems)))


def _rooted(subgraph: Subgraph) -> Subgraph:
    """Give the root types their default names, if they can be root types."""
    broken = (*_impossible_roots(subgraph), *subgraph.broken)
    if broken:
        return replace(subgraph, broken=broken)
    misnamed = tuple(_rename_roots(subgraph))
    type_defaults(subgraph.schema)
    return replace(subgraph, misnamed=misnamed)


_ROOTS = (("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription"))


def _impossible_roots(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Roots that are no object types."""
    schema = subgraph.schema
    for operation, name in schema.roots.items():
        found = schema.types.get(name)
        if found is not None and found.kind is Kind.OBJECT:
            continue
        message = f"Cannot set schema {operation} root to unknown type {name}"
        if found is not None or name in BUILTIN_SCALARS:
            kind = (found.kind if found else Kind.SCALAR).value.replace(" ", "")
            optional = "" if operation == "query" else " if provided"
            message = f"{operation.capitalize()} root type must be an Object type{optional}, it cannot be set to {name} (an {kind})."
        yield subgraph.error("INVALID_GRAPHQL", message, schema.root_nodes.get(operation))


def _rename_roots(subgraph: Subgraph) -> Iterable[CompositionError]:
    schema = subgraph.schema
    for operation, default in _ROOTS:
        name = schema.roots.get(operation)
        if name is None:
            # A type with a default name is a root, even if the schema definition forgets it.
            if default in schema.types and schema.types[default].kind is Kind.OBJECT:
                schema.roots[operation] = default
            continue
        if name == default:
            continue
        if default in schema.types:
            yield subgraph.error(
                f"ROOT_{operation.upper()}_USED",
                f'The schema has a type named "{default}" but it is not set as the {operation} root type ("{name}" is instead): '
                "this is not supported by federation. If a root type does not use its default name, there should be no other "
                "type with that default name.",
                schema.types[name].last_part,
                schema.types[default].last_part,
            )
            continue
        _rename(schema, name, default)
        subgraph.renamed[default] = name
    # Every subgraph answers `_service`, hence has a query type.
    schema.types.setdefault("Query", TypeDefinition(Kind.OBJECT, "Query"))


def _rename(schema: Schema, old: str, new: str) -> None:
    """Rename a root type and everything that refers to it."""
    schema.roots = {operation: new if name == old else name for operation, name in schema.roots.items()}
    schema.types = {new if name == old else name: definition for name, definition in schema.types.items()}
    schema.types[new].name = new
    for definition in schema.types.values():
        if old in definition.members:
            definition.members = {new if name == old else name: node for name, node in definition.members.items()}
        for member in definition.fields.values():
            if member.parent == old:
                member.parent = new
            if named(member.type) == old:
                member.type = member.type.replace(old, new)
