"""The definitions of the directives and types of federation, per version, for subgraphs (@key …) and supergraphs (join__* …)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from graphql import DefinitionNode, parse
from graphql import Node as AstNode

from router.federation.document import add
from router.federation.elements import Schema
from router.federation.spec import Link, Version


@dataclass(frozen=True, slots=True)
class Definition:
    """A directive of the federation specification; `{T}` in its SDL stands for the schema's name of the type T."""

    name: str
    sdl: str
    since: Version
    until: Version | None = None
    types: tuple[str, ...] = ()


def _v(minor: int) -> Version:
    return Version(2, minor)


_TAG_LOCATIONS = "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION"
_AUTH_LOCATIONS = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"

FEDERATION_DIRECTIVES: Final = (
    Definition(
        "key",
        "(fields: {FieldSet}!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE",
        _v(0),
        None,
        ("FieldSet",),
    ),
    Definition("requires", "(fields: {FieldSet}!) on FIELD_DEFINITION", _v(0), None, ("FieldSet",)),
    Definition("provides", "(fields: {FieldSet}!) on FIELD_DEFINITION", _v(0), None, ("FieldSet",)),
    Definition("external", "(reason: String) on OBJECT | FIELD_DEFINITION", _v(0)),
    Definition("tag", f"(name: String!) repeatable on {_TAG_LOCATIONS}", _v(0), _v(3)),
    Definition("tag", f"(name: String!) repeatable on {_TAG_LOCATIONS} | SCHEMA", _v(3)),
    Definition("extends", " on OBJECT | INTERFACE", _v(0)),
    Definition("shareable", " on OBJECT | FIELD_DEFINITION", _v(0), _v(2)),
    Definition("shareable", " repeatable on OBJECT | FIELD_DEFINITION", _v(2)),
    Definition("inaccessible", f" on {_TAG_LOCATIONS}", _v(0)),
    Definition("override", "(from: String!) on FIELD_DEFINITION", _v(0), _v(7)),
    Definition("override", "(from: String!, label: String) on FIELD_DEFINITION", _v(7)),
    Definition("composeDirective", "(name: String) repeatable on SCHEMA", _v(1)),
    Definition("interfaceObject", " on OBJECT", _v(3)),
    Definition("authenticated", f" on {_AUTH_LOCATIONS}", _v(5)),
    Definition("requiresScopes", f"(scopes: [[{{Scope}}!]!]!) on {_AUTH_LOCATIONS}", _v(5), None, ("Scope",)),
    Definition("policy", f"(policies: [[{{Policy}}!]!]!) on {_AUTH_LOCATIONS}", _v(6), None, ("Policy",)),
    Definition("context", "(name: String!) repeatable on INTERFACE | OBJECT | UNION", _v(8)),
    Definition(
        "fromContext", "(field: {ContextFieldValue}) on ARGUMENT_DEFINITION", _v(8), None, ("ContextFieldValue",)
    ),
    Definition(
        "cost",
        "(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR",
        _v(9),
    ),
    Definition(
        "listSize",
        "(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION",
        _v(9),
    ),
    Definition("cacheTag", "(format: String!) repeatable on OBJECT | FIELD_DEFINITION", _v(12)),
)

FEDERATION_TYPES: Final = {"FieldSet": _v(0), "Scope": _v(5), "Policy": _v(6), "ContextFieldValue": _v(8)}

FEDERATION_1: Final = """
scalar _FieldSet
directive @key(fields: _FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @requires(fields: _FieldSet!) on FIELD_DEFINITION
directive @provides(fields: _FieldSet!) on FIELD_DEFINITION
directive @external(reason: String) on OBJECT | FIELD_DEFINITION
directive @extends on OBJECT | INTERFACE
directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
"""

FEDERATION_1_NAMES: Final = ("key", "requires", "provides", "external", "extends", "tag")

LINK_DEFINITIONS: Final = {
    "Purpose": 'enum {Purpose} {\n  "Metadata needed to resolve fields securely."\n  SECURITY\n  "Metadata needed to execute operations."\n  EXECUTION\n}',
    "Import": "scalar {Import}",
    "link": "directive @{link}(url: String, as: String, for: {Purpose}, import: [{Import}]) repeatable on SCHEMA",
}


@lru_cache(maxsize=64)
def available(version: Version) -> Mapping[str, Definition]:
    """The directives of one version of federation."""
    found = (
        definition
        for definition in FEDERATION_DIRECTIVES
        if definition.since <= version and (definition.until is None or version < definition.until)
    )
    return MappingProxyType({definition.name: definition for definition in found})


def available_types(version: Version) -> tuple[str, ...]:
    """The types of one version of federation."""
    return tuple(name for name, since in FEDERATION_TYPES.items() if since <= version)


def directive_sdl(definition: Definition, link: Link) -> str:
    """The definition, in the names of a schema that links federation."""
    body = definition.sdl
    for name in definition.types:
        body = body.replace("{" + name + "}", link.type(name))
    return f"directive @{link.directive(definition.name)}{body}"


@lru_cache(maxsize=1024)
def parsed(sdl: str) -> tuple[DefinitionNode, ...]:
    """Definitions as AST without places: nobody wrote them."""
    return parse(sdl, no_location=True).definitions


# -- supergraphs ------------------------------------------------------------------------------------------------------

JOIN_VERSIONS: Final = (Version(0, 3), Version(0, 4), Version(0, 5))


def join_version(federation: Version) -> Version:
    """The oldest join specification that can carry what a version of federation can say."""
    if federation >= _v(8):
        return Version(0, 5)
    return Version(0, 4) if federation >= _v(7) else Version(0, 3)


_JOIN: Final = (
    "directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE",
    "directive @join__graph(name: String!, url: String!) on ENUM_VALUE",
    "directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE",
    "directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR",
    "directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION",
)
_JOIN_DIRECTIVE: Final = "directive @join__directive(graphs: [join__Graph!], name: String!, args: join__DirectiveArguments) repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION"


def join_directives(version: Version) -> list[str]:
    """The definitions of the join specification, without `join__Graph`."""
    override_label = ", overrideLabel: String" if version >= Version(0, 4) else ""
    context = ", contextArguments: [join__ContextArgument!]" if version >= Version(0, 5) else ""
    field = (
        "directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean,"
        f" override: String, usedOverridden: Boolean{override_label}{context}) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION"
    )
    found = [*_JOIN, field]
    if version >= Version(0, 4):
        found.append(_JOIN_DIRECTIVE)
    return found


def join_types(version: Version) -> dict[str, str]:
    """The types of the join specification, without `join__Graph`."""
    found = {"join__FieldSet": "scalar join__FieldSet"}
    if version >= Version(0, 4):
        found["join__DirectiveArguments"] = "scalar join__DirectiveArguments"
    if version >= Version(0, 5):
        found["join__FieldValue"] = "scalar join__FieldValue"
        found["join__ContextArgument"] = (
            "input join__ContextArgument {\n  name: String!\n  type: String!\n  context: String!\n  selection: join__FieldValue!\n}"
        )
    return found


def _ignore(message: str, nodes: Sequence[AstNode]) -> None:
    raise AssertionError(message, nodes)  # our own definitions are well-formed


def define(schema: Schema, sdl: str) -> None:
    """Add definitions of our own to a schema."""
    add(schema, parsed(sdl), _ignore)
