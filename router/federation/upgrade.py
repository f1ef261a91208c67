"""Federation 1 → 2: say explicitly what federation 1 left to habit, looking at all subgraphs at once.

Federation 1 let every type be shared, marked key fields of extensions @external although it resolved them, and ignored what
made no sense. Federation 2 refuses all three. The upgrade rewrites a federation 1 schema into what its author meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import replace

from router.federation import directives
from router.federation.codes import CompositionError
from router.federation.completion import complete
from router.federation.elements import (
    Applied,
    FieldDefinition,
    Kind,
    Name,
    Schema,
    TypeDefinition,
    Value,
    named,
)
from router.federation.fieldsets import FieldSet, FieldSetSyntaxError, Fragment, SelectedField, parse, printed
from router.federation.spec import FEDERATION, FeatureUrl, Import, Link, Version
from router.federation.subgraph import MACHINERY_FIELDS, Subgraph

_VERSION = Version(2, 4)
_LINK = Link(
    FeatureUrl(FEDERATION, "federation", _VERSION),
    imports=tuple(
        Import(f"@{name}")
        for name in (
            "key",
            "requires",
            "provides",
            "external",
            "tag",
            "extends",
            "shareable",
            "inaccessible",
            "override",
        )
    ),
)
_ROOTS = frozenset(("Query", "Mutation", "Subscription"))


def upgrade(subgraphs: Sequence[Subgraph]) -> tuple[list[Subgraph], list[CompositionError]]:
    """Upgrade the subgraphs of federation 1 among these; the others stay as they are."""
    if not any(subgraph.is_federation_1 for subgraph in subgraphs):
        return list(subgraphs), []
    errors: list[CompositionError] = []
    upgraded = []
    for subgraph in subgraphs:
        problems = list(_without_base(subgraph, subgraphs)) if subgraph.is_federation_1 else []
        errors += problems
        if problems or not subgraph.is_federation_1:
            upgraded.append(subgraph)
            continue
        candidate = _rewritten(subgraph)
        errors += _Upgrade(candidate, [other for other in subgraphs if other is not subgraph]).run()
        upgraded.append(candidate)
    return upgraded, errors


def _without_base(subgraph: Subgraph, subgraphs: Sequence[Subgraph]) -> Iterator[CompositionError]:
    for definition in subgraph.types.values():
        if definition.name in _ROOTS or not subgraph.is_extension(definition):
            continue
        others = (other.types.get(definition.name) for other in subgraphs if other is not subgraph)
        fields = (other for other in others if other is not None and other.kind in {Kind.OBJECT, Kind.INTERFACE})
        if all(other.is_extension_only for other in fields):
            message = f'Type "{definition.name}" is an extension type, but there is no type definition for "{definition.name}" in any subgraph.'
            yield subgraph.error("EXTENSION_WITH_NO_BASE", message, definition.node or definition.extensions[0])


def _rewritten(subgraph: Subgraph) -> Subgraph:
    """A copy that may be changed, linked to federation 2."""
    schema = Schema(
        types={name: _copied(definition) for name, definition in subgraph.schema.types.items()},
        directives=dict(subgraph.schema.directives),
        roots=dict(subgraph.schema.roots),
        applied=list(subgraph.schema.applied),
        description=subgraph.schema.description,
        node=subgraph.schema.node,
    )
    for name in directives.FEDERATION_1_NAMES:
        schema.directives.pop(name, None)
    complete(schema, _LINK, subgraph.links)
    links = replace(subgraph.links, by_identity={**subgraph.links.by_identity, FEDERATION: _LINK})
    return replace(subgraph, schema=schema, links=links, link=_LINK, is_federation_1=False)


def _copied(definition: TypeDefinition) -> TypeDefinition:
    """Copy what the upgrade changes; AST nodes are shared."""
    copied = copy(definition)
    copied.applied = [copy(application) for application in definition.applied]
    for application in copied.applied:
        application.arguments = deepcopy(application.arguments)
    copied.fields = {name: _copied_field(member) for name, member in definition.fields.items()}
    return copied


def _copied_field(member: FieldDefinition) -> FieldDefinition:
    copied = copy(member)
    copied.applied = [copy(application) for application in member.applied]
    for application in copied.applied:
        application.arguments = deepcopy(application.arguments)
    return copied


class _Upgrade:
    """The rewriting of one subgraph; every step leaves less for the next."""

    def __init__(self, subgraph: Subgraph, others: Sequence[Subgraph]) -> None:
        self.subgraph = subgraph
        self.others = others

    @property
    def types(self) -> list[TypeDefinition]:
        return [t for name, t in self.subgraph.schema.types.items() if not self.subgraph.is_machinery(name)]

    def fields(self) -> Iterator[FieldDefinition]:
        for definition in self.types:
            yield from definition.fields.values()

    def run(self) -> list[CompositionError]:
        self.read_field_sets()
        self.drop_external_on_interfaces_and_types()
        self.drop_external_on_keys_of_extensions()
        self.drop_inactive_field_sets()
        self.drop_extend()
        self.drop_directives_on_interfaces()
        self.drop_provides_on_leaves()
        errors = self.drop_unused_externals()
        self.add_shareable()
        self.drop_tags_on_externals()
        return errors

    def read_field_sets(self) -> None:
        """Federation 1 took lists and bare words for field sets."""
        everything: list[TypeDefinition | FieldDefinition] = [*self.types, *self.fields()]
        for element in everything:
            moved: list[Applied] = []
            for application in element.applied:
                if application.name in {"key", "requires", "provides"} and "fields" in application.arguments:
                    text = _as_text(application.arguments["fields"])
                    if text != application.arguments["fields"]:
                        moved.append(application)
                        application.arguments["fields"] = text
                        # What is written anew is no longer part of an extension.
                        application.part = 0
            element.applied = [a for a in element.applied if a not in moved] + moved

    def drop_external_on_interfaces_and_types(self) -> None:
        for definition in self.types:
            _drop(definition, "external")
            if definition.kind is Kind.INTERFACE:
                for member in definition.fields.values():
                    _drop(member, "external")

    def drop_external_on_keys_of_extensions(self) -> None:
        """An extension resolves its own key, whatever it says."""
        for definition in self.types:
            if definition.kind is not Kind.OBJECT or not self.subgraph.is_extension(definition):
                continue
            for coordinate in self._own_key_fields(definition):
                member = self.subgraph.field_at(coordinate)
                if member is not None:
                    _drop(member, "external")

    def _own_key_fields(self, definition: TypeDefinition) -> Iterator[str]:
        """The fields of its keys; an extension without a key uses the first one of each of the others."""
        keys = self.subgraph.keys(definition)
        for key in keys:
            yield from self.subgraph.selected(definition.name, key.arguments.get("fields"))
        for other in self.others:
            elsewhere = other.types.get(definition.name)
            first = next(iter(other.keys(elsewhere)), None) if elsewhere and not keys else None
            if first is not None:
                yield from other.selected(definition.name, _as_text(first.arguments.get("fields")))

    def drop_inactive_field_sets(self) -> None:
        """What is not external is neither required nor provided."""
        for member in self.fields():
            for application in list(member.applied):
                if application.name not in {"requires", "provides"}:
                    continue
                text = application.arguments.get("fields")
                start = named(member.type) if application.name == "provides" else member.parent
                try:
                    selections = parse(text) if isinstance(text, str) else ()
                    kept = self._active(start, selections, above=False)
                except (FieldSetSyntaxError, LookupError):
                    continue  # the rules for field sets will tell what is wrong
                if not kept:
                    member.applied.remove(application)
                elif kept != selections:
                    application.arguments["fields"] = printed(kept)

    def _active(self, type_name: str, selections: FieldSet, *, above: bool) -> FieldSet:
        """Only the selections that lead to something external."""
        definition = self.subgraph.schema.types[type_name]
        kept: list[SelectedField | Fragment] = []
        for selection in selections:
            if isinstance(selection, Fragment):
                inner = self._active(selection.on or type_name, selection.selections, above=above)
                kept += [replace(selection, selections=inner)] if inner else []
                continue
            member = definition.fields[selection.name]
            external = above or self.subgraph.has(member, "external")
            target = self.subgraph.schema.types.get(named(member.type))
            if not selection.selections and target is not None and target.is_composite:
                raise LookupError(selection.name)
            if selection.selections:
                inner = self._active(named(member.type), selection.selections, above=external)
                kept += [replace(selection, selections=inner)] if inner else []
            elif external:
                kept.append(selection)
        return tuple(kept)

    def drop_extend(self) -> None:
        for definition in self.types:
            if definition.is_extension_only:
                definition.extensions = list(definition.extensions)
                definition.node = definition.extensions.pop(0)
                for application in definition.applied:
                    application.part = 0
                for member in definition.fields.values():
                    member.part = 0

    def drop_directives_on_interfaces(self) -> None:
        for definition in self.types:
            if definition.kind is Kind.INTERFACE:
                _drop(definition, "key")
                for member in definition.fields.values():
                    _drop(member, "provides", "requires")

    def drop_provides_on_leaves(self) -> None:
        for member in self.fields():
            target = self.subgraph.schema.types.get(named(member.type))
            if target is None or not target.is_composite:
                _drop(member, "provides")

    def drop_unused_externals(self) -> list[CompositionError]:
        errors: list[CompositionError] = []
        # What the subgraph needs is asked of a fresh view, as the directives have changed.
        view = replace(self.subgraph)
        for definition in self.types:
            unused = [
                member
                for member in definition.fields.values()
                if definition.kind is Kind.OBJECT and view.has(member, "external") and not view.is_used(member)
            ]
            for member in unused:
                del definition.fields[member.name]
            if unused and not definition.fields and definition.name != "Query":
                errors += self._drop_type(definition)
        return errors

    def _drop_type(self, definition: TypeDefinition) -> Iterator[CompositionError]:
        """A type that consisted of unused externals goes, unless something refers to it."""
        referring = any(named(member.type) == definition.name for member in self.fields())
        if referring or any(definition.name in t.members for t in self.types):
            message = f"Type {definition.name} contains only external fields and all those fields are all unused (they do not appear in any @key, @provides or @requires)."
            yield self.subgraph.error("TYPE_WITH_ONLY_UNUSED_EXTERNAL", message, definition.node)
            return
        del self.subgraph.schema.types[definition.name]

    def add_shareable(self) -> None:
        """Federation 1 shared without asking: whatever somebody else resolves as well is shared."""
        view = replace(self.subgraph)
        for definition in self.types:
            if definition.kind is not Kind.OBJECT or definition.name == "Subscription":
                continue
            is_entity = bool(view.keys(definition)) or definition.name in _ROOTS
            for member in definition.fields.values():
                if (
                    view.has(member, "external")
                    or member.name in MACHINERY_FIELDS
                    or member.coordinate in view.key_fields
                ):
                    continue
                if self._resolved_elsewhere(member) if is_entity else self._known_elsewhere(definition):
                    member.applied.append(Applied("shareable", part=member.part))

    def _known_elsewhere(self, definition: TypeDefinition) -> bool:
        return any(definition.name in other.types for other in self.others)

    def _resolved_elsewhere(self, member: FieldDefinition) -> bool:
        for other in self.others:
            definition = other.types.get(member.parent)
            found = definition.fields.get(member.name) if definition else None
            if found is not None and (not other.is_external(found) or found.coordinate in other.provided_fields):
                return True
        return False

    def drop_tags_on_externals(self) -> None:
        for member in self.fields():
            if self.subgraph.has(member, "external"):
                _drop(member, "tag")


def _drop(element: TypeDefinition | FieldDefinition, *names: str) -> None:
    element.applied = [application for application in element.applied if application.name not in names]


def _as_text(value: Value) -> Value:
    if isinstance(value, Name):
        return value.text
    if isinstance(value, tuple):
        return " ".join(str(_as_text(entry)) for entry in value)
    return value
