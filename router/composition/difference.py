"""What changed between two supergraphs: for clients by level and stable code, for operators which subgraph does what now.

The reference implementation finds most of what clients can notice; its words and codes differ between versions, so the codes
here are our own. What it doesn't look at is added: access, deprecations, root types, objects that appear behind an interface.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from graphql import (
    ConstDirectiveNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    print_ast,
    specified_scalar_types,
)
from graphql.utilities import (
    BreakingChangeType,
    DangerousChangeType,
    SafeChangeType,
    SchemaChange,
    find_schema_changes,
)

from router.federation.api_schema import api_schema
from router.federation.joins import FieldJoin
from router.federation.supergraph import Supergraph


class Level(StrEnum):
    """What a change does to clients; notes are about subgraphs, and clients never see them."""

    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    SAFE = "safe"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: its code never changes its meaning, its coordinate says where."""

    level: Level
    code: str
    coordinate: str
    message: str


def _codes(table: str) -> Mapping[str, str]:
    return MappingProxyType(dict(line.split() for line in table.strip().splitlines()))


# The reference implementation's codes and ours, where they differ.
_CODES = _codes("""
TYPE_CHANGED_KIND TYPE_KIND_CHANGED
TYPE_REMOVED_FROM_UNION UNION_MEMBER_REMOVED
TYPE_ADDED_TO_UNION UNION_MEMBER_ADDED
VALUE_REMOVED_FROM_ENUM ENUM_VALUE_REMOVED
VALUE_ADDED_TO_ENUM ENUM_VALUE_ADDED
REQUIRED_INPUT_FIELD_ADDED INPUT_FIELD_REQUIRED_ADDED
OPTIONAL_INPUT_FIELD_ADDED INPUT_FIELD_OPTIONAL_ADDED
IMPLEMENTED_INTERFACE_REMOVED INTERFACE_REMOVED
IMPLEMENTED_INTERFACE_ADDED INTERFACE_ADDED
FIELD_CHANGED_KIND FIELD_TYPE_CHANGED
FIELD_CHANGED_KIND_SAFE FIELD_TYPE_NARROWED
REQUIRED_ARG_ADDED ARG_REQUIRED_ADDED
OPTIONAL_ARG_ADDED ARG_OPTIONAL_ADDED
ARG_CHANGED_KIND ARG_TYPE_CHANGED
ARG_CHANGED_KIND_SAFE ARG_TYPE_WIDENED
ARG_DEFAULT_VALUE_CHANGE ARG_DEFAULT_CHANGED
ARG_DEFAULT_VALUE_ADDED ARG_DEFAULT_ADDED
INPUT_FIELD_DEFAULT_VALUE_CHANGE INPUT_FIELD_DEFAULT_CHANGED
INPUT_FIELD_DEFAULT_VALUE_ADDED INPUT_FIELD_DEFAULT_ADDED
REQUIRED_DIRECTIVE_ARG_ADDED DIRECTIVE_ARG_REQUIRED_ADDED
OPTIONAL_DIRECTIVE_ARG_ADDED DIRECTIVE_ARG_OPTIONAL_ADDED
""")
# Its descriptions name what they are about: at the end, or else after a few words that say of what kind it is.
_AT_THE_END = re.compile(r"(?:union type|interfaces implemented by|(?<= )(?:from|to)(?= @)) (?P<subject>@?\w+)\.$")
_AT_THE_START = re.compile(
    r"(?:Description of (?:input-field |field |argument |enum value )?|Standard scalar |Field |Argument |Enum value "
    r"|An? (?:required|optional) (?:field|argument) )?(?P<subject>@?\w+(?:\.\w+)?(?:\(\w+:\))?)"
)
_ORDER = list(Level)


def between(old: Supergraph, new: Supergraph) -> tuple[Change, ...]:
    """All changes, the worst first."""
    before, after = api_schema(old), api_schema(new)
    changes = [
        *filter(_is_told, map(_known, find_schema_changes(before, after))),
        *_roots(before, after),
        *_possible_types(before, after),
        *_type_details(before, after),
        *_deprecations(before, after),
        *_access(old, new, after),
        *_subgraphs(old, new),
        *_keys(old, new),
        *_resolvers(old, new),
    ]
    return tuple(sorted(changes, key=lambda c: (_ORDER.index(c.level), c.coordinate, c.code, c.message)))


def is_breaking(changes: Iterable[Change]) -> bool:
    """Whether some client may fail."""
    return any(change.level is Level.BREAKING for change in changes)


def as_text(changes: tuple[Change, ...]) -> str:
    """One line per change, and a count."""
    counts = ", ".join(f"{sum(c.level is level for c in changes)} {level.value}" for level in Level)
    return "\n".join((*(f"{c.level.value:<9}  {c.code}  {c.message}" for c in changes), counts))


def as_json(changes: tuple[Change, ...]) -> dict[str, Any]:
    """The changes as JSON has them."""
    return {"breaking": is_breaking(changes), "changes": [asdict(change) for change in changes]}


# -- what clients see -----------------------------------------------------------------------------------------------------


def _known(change: SchemaChange) -> Change:
    match change.type:
        case BreakingChangeType():
            level = Level.BREAKING
        case DangerousChangeType():
            level = Level.DANGEROUS
        case SafeChangeType():
            level = Level.SAFE
    subject = _AT_THE_END.search(change.description) or _AT_THE_START.match(change.description)
    coordinate = subject["subject"] if subject else ""
    return Change(level, _CODES.get(change.type.name, change.type.name), coordinate, change.description)


def _is_told(change: Change) -> bool:
    """A built-in scalar is always there, whether something is of that type or not."""
    return change.coordinate not in specified_scalar_types or not change.code.startswith("TYPE_")


def _roots(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    for operation in ("query", "mutation", "subscription"):
        before, after = (str(getattr(schema, f"{operation}_type") or "nothing") for schema in (old, new))
        if before != after:
            level = Level.SAFE if before == "nothing" else Level.BREAKING
            code = "ROOT_TYPE_ADDED" if level is Level.SAFE else "ROOT_TYPE_CHANGED"
            yield Change(level, code, operation, f"The {operation} root type changed from {before} to {after}.")


def _possible_types(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    """A client that asked an interface for its known objects gets an unknown one. Known objects are told of already."""
    for interface in new.type_map.values():
        before = old.type_map.get(interface.name)
        if isinstance(interface, GraphQLInterfaceType) and isinstance(before, GraphQLInterfaceType):
            for found in new.get_possible_types(interface):
                if found.name not in old.type_map:
                    message = f"{found} is a new type behind interface {interface}."
                    yield Change(Level.DANGEROUS, "POSSIBLE_TYPE_ADDED", interface.name, message)


def _type_details(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    for name in sorted(old.type_map.keys() & new.type_map.keys()):
        match old.type_map[name], new.type_map[name]:
            case (GraphQLScalarType() as a, GraphQLScalarType() as b) if a.specified_by_url != b.specified_by_url:
                message = f"{name} was specified by {a.specified_by_url} and is by {b.specified_by_url}."
                yield Change(Level.DANGEROUS, "SPECIFIED_BY_CHANGED", name, message)
            case (GraphQLInputObjectType() as a, GraphQLInputObjectType() as b) if a.is_one_of != b.is_one_of:
                yield (
                    Change(Level.BREAKING, "ONE_OF_ADDED", name, f"Exactly one field of {name} must be given now.")
                    if b.is_one_of
                    else Change(Level.SAFE, "ONE_OF_REMOVED", name, f"Any fields of {name} may be given now.")
                )


def _deprecations(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    before, after = dict(_reasons(old)), dict(_reasons(new))
    for coordinate in sorted(before.keys() & after.keys()):
        match before[coordinate], after[coordinate]:
            case None, str(reason):
                yield Change(Level.SAFE, "DEPRECATION_ADDED", coordinate, f"{coordinate} is deprecated: {reason}")
            case str(), None:
                yield Change(Level.SAFE, "DEPRECATION_REMOVED", coordinate, f"{coordinate} is no longer deprecated.")
            case str(a), str(b) if a != b:
                message = f"{coordinate} is deprecated for another reason: {b}"
                yield Change(Level.SAFE, "DEPRECATION_REASON_CHANGED", coordinate, message)


def _reasons(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Why elements are deprecated, if they are, by coordinate."""
    for name, definition in schema.type_map.items():
        match definition:
            case GraphQLEnumType(values=values):
                yield from ((f"{name}.{key}", value.deprecation_reason) for key, value in values.items())
            case GraphQLInputObjectType(fields=inputs):
                yield from ((f"{name}.{key}", value.deprecation_reason) for key, value in inputs.items())
            case GraphQLObjectType() | GraphQLInterfaceType() if not name.startswith("__"):
                for key, member in definition.fields.items():
                    yield f"{name}.{key}", member.deprecation_reason
                    for argument, value in member.args.items():
                        yield f"{name}.{key}({argument}:)", value.deprecation_reason


_ACCESS = ("authenticated", "requiresScopes", "policy")


def _access(old: Supergraph, new: Supergraph, api: GraphQLSchema) -> Iterator[Change]:
    """Who may see an element: a query that was answered may be refused now."""
    before, after = _requirements(old), _requirements(new)
    for coordinate in sorted(before.keys() & after.keys()):
        a, b = before[coordinate], after[coordinate]
        if a == b or coordinate.split(".")[0] not in api.type_map:
            continue
        if b:
            message = f"{coordinate} needs {' '.join(sorted(b))}; before, it needed {' '.join(sorted(a)) or 'nothing'}."
            yield Change(Level.DANGEROUS, "ACCESS_REQUIREMENT_CHANGED", coordinate, message)
        else:
            message = f"{coordinate} no longer needs {' '.join(sorted(a))}."
            yield Change(Level.SAFE, "ACCESS_REQUIREMENT_REMOVED", coordinate, message)


def _requirements(supergraph: Supergraph) -> dict[str, frozenset[str]]:
    names = {supergraph.features.directive(name, name): name for name in _ACCESS}
    found: dict[str, frozenset[str]] = {}

    def read(coordinate: str, directives: Iterable[ConstDirectiveNode] | None) -> None:
        known = ((names.get(directive.name.value), directive) for directive in directives or ())
        found[coordinate] = frozenset(_renamed(directive, name) for name, directive in known if name is not None)

    for node in supergraph.document.definitions:
        if isinstance(node, TypeDefinitionNode):
            read(node.name.value, node.directives)
        if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            for member in node.fields or ():
                read(f"{node.name.value}.{member.name.value}", member.directives)
    return found


def _renamed(directive: ConstDirectiveNode, name: str) -> str:
    """An applied directive under the name that its specification gives it."""
    return f"@{name}{print_ast(directive).removeprefix(f'@{directive.name.value}')}"


# -- what operators see ---------------------------------------------------------------------------------------------------


def _note(code: str, coordinate: str, message: str) -> Change:
    return Change(Level.NOTE, code, coordinate, message)


def _subgraphs(old: Supergraph, new: Supergraph) -> Iterator[Change]:
    for name in sorted(old.subgraphs.keys() | new.subgraphs.keys()):
        before, after = old.subgraphs.get(name), new.subgraphs.get(name)
        if before is None:
            yield _note("SUBGRAPH_ADDED", name, f'Subgraph "{name}" was added.')
        elif after is None:
            yield _note("SUBGRAPH_REMOVED", name, f'Subgraph "{name}" was removed.')
        elif before.url != after.url:
            message = f'Subgraph "{name}" moved from "{before.url}" to "{after.url}".'
            yield _note("SUBGRAPH_URL_CHANGED", name, message)


def _keys(old: Supergraph, new: Supergraph) -> Iterator[Change]:
    for name in sorted(old.types.keys() & new.types.keys()):
        before, after = _keys_of(old, name), _keys_of(new, name)
        for subgraph, key in sorted(before - after):
            yield _note("KEY_REMOVED", name, f'{name} can no longer be entered in subgraph "{subgraph}" by "{key}".')
        for subgraph, key in sorted(after - before):
            yield _note("KEY_ADDED", name, f'{name} can be entered in subgraph "{subgraph}" by "{key}".')


def _keys_of(supergraph: Supergraph, name: str) -> set[tuple[str, str]]:
    return {
        (supergraph.endpoint(graph).name, key.fields)
        for graph, join in supergraph.types[name].graphs.items()
        for key in join.keys
        if key.resolvable
    }


def _resolvers(old: Supergraph, new: Supergraph) -> Iterator[Change]:
    before, after = _resolved_by(old), _resolved_by(new)
    for coordinate in sorted(before.keys() & after.keys()):
        a, b = set(before[coordinate]), set(after[coordinate])
        if a and b and not a & b:
            message = f"{coordinate} moved from {_quoted(a)} to {_quoted(b)}."
            yield _note("FIELD_MOVED", coordinate, message)
            continue
        if b - a:
            yield _note("FIELD_RESOLVER_ADDED", coordinate, f"{coordinate} is now resolved by {_quoted(b - a)} too.")
        if a - b:
            message = f"{coordinate} is no longer resolved by {_quoted(a - b)}."
            yield _note("FIELD_RESOLVER_REMOVED", coordinate, message)
        for subgraph in sorted(a & b):
            yield from _join_changes(coordinate, subgraph, before[coordinate][subgraph], after[coordinate][subgraph])


_MARKS: tuple[tuple[str, str, Callable[[FieldJoin], str | None]], ...] = (
    ("REQUIRES_CHANGED", "requires", lambda join: join.requires),
    ("PROVIDES_CHANGED", "provides", lambda join: join.provides),
    ("OVERRIDE_LABEL_CHANGED", "is resolved under the label", lambda join: join.label),
)


def _join_changes(coordinate: str, subgraph: str, old: FieldJoin, new: FieldJoin) -> Iterator[Change]:
    for code, words, read in _MARKS:
        before, after = read(old), read(new)
        if before != after:
            said = [f'"{value}"' if value else "nothing" for value in (after, before)]
            message = f'In subgraph "{subgraph}" {coordinate} {words} {said[0]}; before: {said[1]}.'
            yield _note(code, coordinate, message)


def _resolved_by(supergraph: Supergraph) -> dict[str, dict[str, FieldJoin]]:
    """The subgraphs that may answer each field of each object type; with a label, either of two may."""
    return {
        f"{name}.{field}": {
            supergraph.endpoint(graph).name: join
            for graph, join in joins.items()
            if not join.external and (join.label is not None or not join.overridden)
        }
        for name, joined in supergraph.types.items()
        if isinstance(supergraph.schema.type_map.get(name), GraphQLObjectType)
        for field, joins in joined.fields.items()
    }


def _quoted(names: set[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))
