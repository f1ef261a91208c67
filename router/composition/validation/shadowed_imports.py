"""An element that is imported under one name is not used under its namespaced name as well, by a definition of its own.

@link(url: ".../federation/v2.3", import: ["@key", "FieldSet"])
scalar federation__FieldSet                             # the same thing again
directive @key(fields: federation__FieldSet!) on OBJECT # … and used
"""

from __future__ import annotations

from collections.abc import Iterator

from router.federation.codes import CompositionError
from router.federation.elements import DirectiveDefinition, Schema, TypeDefinition, elements, named
from router.federation.spec import Import, Link
from router.federation.subgraph import Subgraph


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all definitions whose names are namespaced."""
    schema = subgraph.schema
    for name in schema.types:
        shadowed = _import_of(subgraph, name)
        if shadowed and any(_import_of(subgraph, referring) is None for referring in _referring(schema, name)):
            yield _refusal(subgraph, *shadowed, name)
    applied = set(_applied(schema))
    for name in schema.directives:
        shadowed = _import_of(subgraph, f"@{name}")
        if shadowed and name in applied:
            yield _refusal(subgraph, *shadowed, f"@{name}")


def _import_of(subgraph: Subgraph, name: str) -> tuple[Link, Import] | None:
    """The import, under another name, of the element for which a namespaced name stands."""
    sigil, plain = ("@", name[1:]) if name.startswith("@") else ("", name)
    prefix, separator, element = plain.partition("__")
    link = next((link for link in subgraph.links.by_identity.values() if link.prefix == prefix), None)
    if link is None or not (separator or sigil):
        return None
    original = sigil + (element if separator else link.url.name)
    found = next((entry for entry in link.imports if entry.name == original), None)
    return (link, found) if found is not None and found.known_as != name else None


def _referring(schema: Schema, name: str) -> Iterator[str]:
    """The types and directives that refer to a type, by name."""
    yield from ("schema" for root in schema.roots.values() if root == name)
    yield from (definition.name for definition in schema.types.values() if _refers(definition, name))
    yield from (definition.coordinate for definition in schema.directives.values() if _takes(definition, name))


def _refers(definition: TypeDefinition, name: str) -> bool:
    if name in definition.interfaces or name in definition.members:
        return True
    fields = definition.fields.values()
    references = [member.type for member in fields]
    references += (entry.type for entry in definition.inputs.values())
    references += (argument.type for member in fields for argument in member.arguments.values())
    return any(named(reference) == name for reference in references)


def _takes(directive: DirectiveDefinition, name: str) -> bool:
    return any(named(argument.type) == name for argument in directive.arguments.values())


def _applied(schema: Schema) -> Iterator[str]:
    arguments = (argument for directive in schema.directives.values() for argument in directive.arguments.values())
    owners = (schema, *(element for t in schema.types.values() for element in elements(t)), *arguments)
    yield from (application.name for owner in owners for application in owner.applied)


def _refusal(subgraph: Subgraph, link: Link, entry: Import, name: str) -> CompositionError:
    renamed = f' as "{entry.known_as}"' if entry.known_as != entry.name else ""
    return subgraph.error(
        "INVALID_LINK_DIRECTIVE_USAGE",
        f'Cannot import "{entry.name}"{renamed} from feature "{link.url.identity}" since there\'s a used definition for the namespaced '
        f'name "{name}". Please switch usages of the namespaced name to the import name and remove the definition.',
    )
