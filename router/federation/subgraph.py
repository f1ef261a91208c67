"""One subgraph: parsed, its links followed, the definitions of federation added, and what its directives say about each field."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from graphql import Node as AstNode

from router.federation import directives
from router.federation.codes import CompositionError, Node
from router.federation.elements import (
    BUILTIN_SCALARS,
    Applied,
    DirectiveDefinition,
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
from router.federation.fieldsets import FieldSet, FieldSetSyntaxError, Fragment, context_selection
from router.federation.fieldsets import parse as parse_field_set
from router.federation.spec import (
    APOLLO,
    Link,
    Links,
    Version,
    own_specification,
)

# What the subgraph specification adds to every schema; it is served to the router and never part of a supergraph.
MACHINERY_TYPES = frozenset(("_Any", "_Entity", "_Service", "_FieldSet", "link__Purpose", "link__Import"))
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

    def element_at(self, coordinate: str) -> Element | DirectiveDefinition | None:
        """The type, field, argument, input field, enum value, directive or its argument with a coordinate."""
        path, _, argument = coordinate.removesuffix(":)").partition("(")
        type_name, _, name = path.partition(".")
        if path.startswith("@"):
            directive = self.schema.directives.get(path[1:])
            return directive.arguments.get(argument) if directive and argument else directive
        definition = self.types.get(type_name)
        if definition is None or not name:
            return definition
        member = definition.fields.get(name)
        if argument:
            return member.arguments.get(argument) if member else None
        return member or definition.inputs.get(name) or definition.values.get(name)

    def node_at(self, coordinate: str) -> AstNode | None:
        """Where the element with a coordinate stands."""
        element = self.element_at(coordinate)
        return element.last_part if isinstance(element, TypeDefinition) else element.node if element else None

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
