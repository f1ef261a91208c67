"""The definitions that a schema may use without writing them; those that it did write must be what they claim to be.

Libraries write the definitions of federation in many ways. A definition may say less than the specification: leave out optional
arguments and locations, demand a value where none is needed, take plain texts (or lists of them) for a scalar of the
specification. It may not say more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from graphql import Node as AstNode

from router.federation.connect import connect_definitions
from router.federation.directives import (
    FEDERATION_1,
    LINK_DEFINITIONS,
    Definition,
    available,
    available_types,
    define,
    directive_sdl,
)
from router.federation.elements import (
    BUILTIN_SCALARS,
    UNSET,
    DirectiveDefinition,
    Kind,
    Schema,
    TypeRef,
    Unset,
    Value,
    is_list,
    is_non_null,
    item,
    nullable,
    printed,
)
from router.federation.spec import (
    CONNECT,
    FEDERATION_VERSIONS,
    LINK,
    NEWEST,
    FeatureUrl,
    Link,
    Links,
    Version,
    own_specification,
)

Problem: TypeAlias = tuple[str, str, AstNode | None]

# What the first federation took for a field set, too.
_LENIENT = {"_FieldSet!": frozenset(("String", "_FieldSet"))}


def complete_link(schema: Schema, links: Links) -> list[Problem]:
    """Add @link, link__Import and link__Purpose, as far as they are left out."""
    link = links.core
    if link is None:
        _define_unused_link(schema)
        return []
    ours = _link_definitions(link)
    problems: list[Problem] = []
    if _is_believed(schema, link):
        schema.types = ours.types | schema.types
        return problems
    for name, definition in ours.types.items():
        if name in schema.types:
            problems += _type_differences(schema, name, definition.kind)
        else:
            schema.types[name] = definition
    if link.prefix in schema.directives:
        problems += _differences(schema.directives[link.prefix], ours.directives[link.prefix])
    elif link.prefix == "link":
        # Whoever renames @link defines it, too.
        schema.directives["link"] = ours.directives["link"]
    return problems


def _define_unused_link(schema: Schema) -> None:
    """@link is known even where it means nothing."""
    if any(application.name == "link" for application in schema.applied) and "link" not in schema.directives:
        ours = _link_definitions(Link(FeatureUrl(LINK, "link", Version(1, 0))))
        schema.types = ours.types | schema.types
        schema.directives["link"] = ours.directives["link"]


def _is_believed(schema: Schema, link: Link) -> bool:
    """Whoever links @link itself may define it freely, as long as it has an url."""
    written = schema.directives.get(link.prefix)
    url = written.arguments.get("url") if written else None
    return link.applied.node is not None and url is not None and nullable(url.type) == "String"


def _link_definitions(link: Link) -> Schema:
    ours = Schema()
    names = {"{Purpose}": link.type("Purpose"), "{Import}": link.type("Import"), "{link}": link.prefix}
    for sdl in LINK_DEFINITIONS.values():
        text = sdl
        for placeholder, name in names.items():
            text = text.replace(placeholder, name)
        define(ours, text)
    return ours


def _type_differences(schema: Schema, name: str, kind: Kind) -> Iterator[Problem]:
    written = schema.types[name]
    yield from _kind_difference(schema, name, kind)
    if written.kind is kind is Kind.ENUM and set(written.values) != {"EXECUTION", "SECURITY"}:
        found = ", ".join(sorted(written.values))
        message = f'Invalid definition for type "Purpose": expected values [EXECUTION, SECURITY] but found [{found}].'
        yield "TYPE_DEFINITION_INVALID", message, written.last_part


def complete(schema: Schema, link: Link, links: Links) -> list[Problem]:
    """Add the definitions of federation and of connectors; check those that are written."""
    connect = links.by_identity.get(CONNECT)
    for sdl in connect_definitions(connect) if connect else ():
        define(schema, sdl)
    problems = list(_complete_own(schema, link, links))
    if link.url.version.major == 1:
        return [*problems, *_complete_federation_1(schema)]
    for name in available_types(link.url.version):
        problems += _complete_type(schema, link.type(name))
    for definition in available(link.url.version).values():
        problems += _complete_directive(schema, definition, link)
    return problems


def _complete_own(schema: Schema, federation: Link, links: Links) -> Iterator[Problem]:
    """Some directives have a specification of their own, which can be linked beside federation or without it."""
    for definition in available(NEWEST).values():
        own = links.by_identity.get(own_specification(definition.name))
        imported = any(entry.name == f"@{definition.name}" for entry in federation.imports)
        if own is not None and own is not federation and not imported:
            for name in definition.types:
                yield from _complete_type(schema, own.type(name))
            yield from _complete_directive(schema, definition, own)


def is_known(link: Link) -> bool:
    """Whether the linked version of federation exists."""
    return link.url.version in FEDERATION_VERSIONS


def _complete_federation_1(schema: Schema) -> Iterator[Problem]:
    """The first federation is checked as written, and then read as it is known today."""
    ours = Schema()
    define(ours, FEDERATION_1)
    for name, definition in ours.directives.items():
        if name in schema.directives:
            yield from _differences(schema.directives[name], definition)
    if "_FieldSet" in schema.types:
        yield from _kind_difference(schema, "_FieldSet", Kind.SCALAR)
    schema.directives |= ours.directives
    schema.types.setdefault("_FieldSet", ours.types["_FieldSet"])


def _complete_type(schema: Schema, name: str) -> Iterator[Problem]:
    if name not in schema.types:
        define(schema, f"scalar {name}")
    else:
        yield from _kind_difference(schema, name, Kind.SCALAR)


def _kind_difference(schema: Schema, name: str, kind: Kind) -> Iterator[Problem]:
    written = schema.types[name]
    if written.kind is not kind:
        expected, found = kind.value.replace(" ", ""), written.kind.value.replace(" ", "")
        message = f"Invalid definition for type {name}: {name} should be a {expected} but is defined as a {found}"
        yield "TYPE_DEFINITION_INVALID", message, None


def _complete_directive(schema: Schema, definition: Definition, link: Link) -> Iterator[Problem]:
    name = link.directive(definition.name)
    ours = Schema()
    define(ours, directive_sdl(definition, link))
    written = schema.directives.get(name)
    if written is None:
        schema.directives[name] = ours.directives[name]
        return
    yield from _differences(written, ours.directives[name])


def _differences(written: DirectiveDefinition, ours: DirectiveDefinition) -> Iterator[Problem]:
    code, prefix = "DIRECTIVE_DEFINITION_INVALID", f'Invalid definition for directive "@{written.name}":'
    for name, argument in ours.arguments.items():
        found = written.arguments.get(name)
        if found is None:
            if is_non_null(argument.type) and argument.default is UNSET:
                yield code, f'{prefix} missing required argument "{name}"', written.node
            continue
        if not _may_stand_for(argument.type, found.type):
            message = f'{prefix} argument "{name}" should have type "{argument.type}" but found type "{found.type}"'
            yield code, message, found.node
        elif not is_non_null(found.type) and found.default != argument.default:
            expected, got = _default(argument.default), _default(found.default)
            yield code, f'{prefix} argument "{name}" should have {expected} but found {got}', found.node
    for name, argument in written.arguments.items():
        if name not in ours.arguments:
            yield code, f'{prefix} unknown/unsupported argument "{name}"', argument.node
    if written.repeatable and not ours.repeatable:
        yield code, f'{prefix} "@{written.name}" should not be repeatable', written.node
    if not set(written.locations) <= set(ours.locations):
        expected, got = ", ".join(ours.locations), ", ".join(written.locations)
        message = f'{prefix} "@{written.name}" should have locations {expected}, but found (non-subset) {got}'
        yield code, message, written.node


def _may_stand_for(expected: TypeRef, found: TypeRef) -> bool:
    """Whether what is written accepts no more than what is expected."""
    if expected == found or found in _LENIENT.get(expected, ()):
        return True
    if is_non_null(found):
        return _may_stand_for(nullable(expected), nullable(found))
    if is_non_null(expected):
        return False
    if is_list(expected):
        return is_list(found) and _may_stand_for(item(expected), item(found))
    if expected in BUILTIN_SCALARS or expected.endswith("Purpose"):
        return False
    # A scalar of the specification stands for texts, and for lists of them.
    return _may_stand_for(expected, nullable(item(found))) if is_list(found) else found in BUILTIN_SCALARS


def _default(value: Value | Unset) -> str:
    return f"default value {printed(None if isinstance(value, Unset) else value)}"
