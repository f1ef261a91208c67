"""The rules of GraphQL for applied directives: known, in their place, once, with arguments that they know and need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from graphql.pyutils import suggestion_list

from router.composition.validation.literals import fits
from router.federation import directives
from router.federation.codes import CompositionError
from router.federation.elements import (
    UNSET,
    Applied,
    DirectiveDefinition,
    InputValue,
    Kind,
    Schema,
    TypeDefinition,
    is_non_null,
)
from router.federation.spec import NEWEST
from router.federation.subgraph import Subgraph
from router.federation.suggestions import did_you_mean, nearest

_SPECIFIED = Schema()
directives.define(
    _SPECIFIED,
    'directive @deprecated(reason: String = "No longer supported") on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE',
)
directives.define(_SPECIFIED, "directive @specifiedBy(url: String!) on SCALAR")
directives.define(_SPECIFIED, "directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT")
directives.define(_SPECIFIED, "directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT")
directives.define(
    _SPECIFIED, "directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT"
)
directives.define(_SPECIFIED, "directive @stream(if: Boolean! = true, initialCount: Int = 0, label: String) on FIELD")

_LOCATIONS = {
    Kind.SCALAR: "SCALAR",
    Kind.OBJECT: "OBJECT",
    Kind.INTERFACE: "INTERFACE",
    Kind.UNION: "UNION",
    Kind.ENUM: "ENUM",
    Kind.INPUT: "INPUT_OBJECT",
}


def unknown(subgraph: Subgraph, applied: Iterable[Applied]) -> Iterator[CompositionError]:
    """Tell the directives that nobody defines."""
    for application in applied:
        if application.name not in subgraph.schema.directives and application.name not in _SPECIFIED.directives:
            yield _unknown(subgraph, application)


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check all applied directives of a subgraph."""
    schema = subgraph.schema
    yield from _check(subgraph, schema.applied, "SCHEMA", "schema")
    for definition in schema.types.values():
        yield from _on_type(subgraph, definition)
    for directive in schema.directives.values():
        for argument in directive.arguments.values():
            yield from _check(subgraph, argument.applied, "ARGUMENT_DEFINITION", argument.coordinate)


def _on_type(subgraph: Subgraph, definition: TypeDefinition) -> Iterator[CompositionError]:
    yield from _check(subgraph, definition.applied, _LOCATIONS[definition.kind], definition.name)
    for member in definition.fields.values():
        yield from _check(subgraph, member.applied, "FIELD_DEFINITION", member.coordinate)
        for argument in member.arguments.values():
            yield from _check(subgraph, argument.applied, "ARGUMENT_DEFINITION", argument.coordinate)
    for entry in definition.inputs.values():
        yield from _check(subgraph, entry.applied, "INPUT_FIELD_DEFINITION", entry.coordinate)
    for value in definition.values.values():
        yield from _check(subgraph, value.applied, "ENUM_VALUE", value.coordinate)


def _check(subgraph: Subgraph, applied: list[Applied], location: str, coordinate: str) -> Iterator[CompositionError]:
    counts = Counter(application.name for application in applied)
    for application in applied:
        definition = subgraph.schema.directives.get(application.name) or _SPECIFIED.directives.get(application.name)
        if definition is None:
            continue
        if location not in definition.locations:
            message = f'Directive "@{application.name}" may not be used on {location}.'
            yield subgraph.error("INVALID_GRAPHQL", message, application.node)
        if counts[application.name] > 1 and not definition.repeatable:
            counts[application.name] = 0
            nodes = [other.node for other in applied if other.name == application.name]
            message = f'The directive "@{application.name}" can only be used once at this location.'
            yield subgraph.error("INVALID_GRAPHQL", message, *nodes)
        yield from _arguments(subgraph, application, definition, coordinate)


def _arguments(
    subgraph: Subgraph, application: Applied, definition: DirectiveDefinition, coordinate: str
) -> Iterator[CompositionError]:
    for name in application.arguments:
        if name not in definition.arguments:
            message = f'Unknown argument "{name}" on directive "@{application.name}".{did_you_mean(suggestion_list(name, list(definition.arguments)))}'
            yield subgraph.error("INVALID_GRAPHQL", message, application.node)
    for name, argument in definition.arguments.items():
        if name not in application.arguments:
            if is_non_null(argument.type) and argument.default is UNSET:
                message = f'Directive "@{application.name}" argument "{name}" of type "{argument.type}" is required, but it was not provided.'
                yield subgraph.error("INVALID_GRAPHQL", message, application.node)
        elif not _has_own_rule(subgraph, application, argument) and not fits(
            application.arguments[name], argument.type, subgraph.schema
        ):
            message = (
                f'Invalid value for "@{application.name}({name}:)" of type "{argument.type}" in application of "@{application.name}" to '
                f'"{coordinate}".'
            )
            yield subgraph.error("INVALID_GRAPHQL", message, application.node)


def _has_own_rule(subgraph: Subgraph, application: Applied, argument: InputValue) -> bool:
    """Field sets and links are checked by rules that know more about them."""
    field_sets = {subgraph.name_of(name) for name in ("key", "requires", "provides")}
    return (application.name in field_sets and argument.name == "fields") or argument.name == "import"


def _unknown(subgraph: Subgraph, application: Applied) -> CompositionError:
    name = application.name
    message = f'Unknown directive "@{name}".'
    close = did_you_mean(nearest(name, [*subgraph.schema.directives, *_SPECIFIED.directives]), "@")
    return subgraph.error("INVALID_GRAPHQL", message + (close or _of_federation(subgraph, name)), application.node)


def _of_federation(subgraph: Subgraph, name: str) -> str:
    """What federation knows about a name that nothing in the schema comes close to."""
    newest = directives.available(NEWEST)
    if not subgraph.is_federation_1:
        return _not_imported(subgraph, name) if name in newest else ""
    if name in newest:
        return f' If you meant the "@{name}" federation 2 directive, note that this schema is a federation 1 schema. {_TO_FEDERATION_2}'
    close = nearest(name, newest)
    if not close:
        return ""
    they = "it is a federation 2 directive" if len(close) == 1 else "they are federation 2 directives"
    return (
        f"{did_you_mean(close, '@')} If so, note that {they} but this schema is a federation 1 one. {_TO_FEDERATION_2}"
    )


_TO_FEDERATION_2 = "To be a federation 2 schema, it needs to @link to the federation specifcation v2."


def _not_imported(subgraph: Subgraph, name: str) -> str:
    known = subgraph.name_of(name)
    if any(entry.name == f"@{name}" for entry in subgraph.link.imports):
        return f' If you meant the "@{name}" federation directive, you should use "@{known}" as it is imported under that name in the @link to the federation specification of this schema.'
    return (
        f' If you meant the "@{name}" federation directive, you should use fully-qualified name "@{known}" or add "@{name}" to the '
        "`import` argument of the @link to the federation specification."
    )
