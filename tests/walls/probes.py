"""Questions and commands that no wall may answer, generated from a schema: a new field is probed the day it is born.

A probe is one root field with a foreign value at one position:

    ticketsConnection(filter: {customerId: «a foreign id»}) { everything, down to every type }
    updateTicket(input: {id: «a foreign id», title: …}) { … }

Positions are all places where a caller may put a value: arguments, and the fields of input objects inside them. What
comes back is asked for as a whole: every field of every type, and where a type is met again below itself, its leaves.
Everything here is pure: a schema and a handful of values in, operations and their variables out.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from uuid import NAMESPACE_OID, uuid5

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

Kind = Literal["query", "mutation"]

EACH = int(os.environ.get("PSA_TEST_PROBES_EACH", "1"))
"""How many foreign values of a kind, and half of how many kinds, are tried at each position; 40 make a long night of it."""

OPTIMISTIC = frozenset({"version", "clientMutationId", "dryRun"})
"""Input fields that make a command careful, repeatable or harmless; a probe without them reaches further."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place for a value: a root field, and the way from its arguments to the place."""

    field: str
    path: tuple[str, ...]
    type: GraphQLInputType
    entity: str = ""
    """The type that the field is about."""

    @property
    def means(self) -> str:
        """The type whose identifiers belong here, by the name of the place."""
        name = self.path[-1].removesuffix("Ids").removesuffix("Id")
        return self.entity if name in ("id", "ids") else name

    def __str__(self) -> str:
        return f"{self.field}({'.'.join(self.path)})"


@dataclass(frozen=True, slots=True)
class Probe:
    """One root field with its arguments; `position` is where the foreign `value` is among them."""

    kind: Kind
    field: str
    arguments: Mapping[str, Any]
    position: Position | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """What the one who asks has got hold of and must have no use for: identifiers by kind, and texts by what they are."""

    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def some(self, each: int) -> Foreign:
        """At most so many values of each kind."""
        return Foreign(
            {kind: values[:each] for kind, values in self.ids.items()},
            {kind: values[:each] for kind, values in self.texts.items()},
        )

    def called(self, name: str) -> Iterator[str]:
        """Texts of this name, and those by which things are found."""
        for kind in dict.fromkeys((name, *_IDENTIFYING)):
            yield from self.texts.get(kind, ())


_IDENTIFYING = ("number", "key", "name")


# --- positions


def positions(schema: GraphQLSchema, kind: Kind) -> Iterator[Position]:
    """Every place in every root field where a caller may put a value."""
    for name, root_field in roots(schema, kind).items():
        for argument, definition in root_field.args.items():
            for path, leaf in _leaves((argument,), definition.type):
                yield Position(name, path, leaf, _entity(root_field))


def roots(schema: GraphQLSchema, kind: Kind) -> Mapping[str, GraphQLField]:
    """The root fields of queries or of mutations, without those that federation adds."""
    root = schema.query_type if kind == "query" else schema.mutation_type
    return {name: one for name, one in root.fields.items() if not name.startswith("_")} if root else {}


def _leaves(
    path: tuple[str, ...], of: GraphQLInputType, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], GraphQLInputType]]:
    named = get_named_type(of)
    if not isinstance(named, GraphQLInputObjectType):
        yield path, of
    elif named.name not in above:
        for name, one in named.fields.items():
            yield from _leaves((*path, name), one.type, (*above, named.name))


def values(position: Position, foreign: Foreign, kinds: int = 2 * EACH) -> Iterator[Any]:
    """What to try at a position: foreign values where any can be meant, and elsewhere what may ask for more.

    Of values that name nothing, only a few are tried at each position, and others at the next one: which status is
    asked for is nothing that a wall depends on.
    """
    named, wrap = get_named_type(position.type), _wrapper(position.type)
    match named:
        case GraphQLEnumType():
            tried: Iterable[Any] = _some(tuple(named.values), position)
        case _ if named.name == "ID":
            tried = itertools.chain(*_of_some_kinds(position, foreign, kinds), foreign.texts.get("number", ()))
        case _ if named.name == "String" and position.path[0] == "input":
            # What a command says is its own; only what names something, a key, can reach for something foreign.
            tried = itertools.islice(
                itertools.chain(foreign.texts.get("key", ()), foreign.called(position.path[-1])), 1
            )
        case _ if named.name == "String":
            tried = itertools.islice(foreign.called(position.path[-1]), 2 * EACH)
        case _:
            tried = _some(_PLAIN[named.name], position)
    yield from map(wrap, tried)


def _some(plain: Sequence[Any], position: Position) -> Sequence[Any]:
    first = _digest(str(position))[0] % len(plain)
    return [*plain[first:], *plain[:first]][:EACH]


def _of_some_kinds(position: Position, foreign: Foreign, kinds: int) -> Iterator[Sequence[str]]:
    """Identifiers of the kind that the position means, and of a few others, which differ from position to position."""
    name = position.means.lower()
    alike = [kind for kind in foreign.ids if name in kind.rpartition(".")[2].replace("_", "")]
    meant = sorted(alike, key=len)[:1]
    rest = [kind for kind in foreign.ids if kind not in meant]
    rest.sort(key=lambda kind: _digest(f"{position}{kind}"))
    for kind in [*meant, *rest[: kinds - len(meant)]]:
        yield foreign.ids[kind]


def is_for_names(position: Position) -> bool:
    """Whether the position takes identifiers or texts, so that something foreign can be named there."""
    return get_named_type(position.type).name in {"ID", "String"}


def naming(probes: Iterable[Probe]) -> Iterator[Probe]:
    """Of these, the questions and commands as they are, and those that name something foreign."""
    return (probe for probe in probes if probe.position is None or is_for_names(probe.position))


_PLAIN: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "Boolean": (True, False),
        "Int": (1, 200),
        "Float": (1.0,),
        "Decimal": ("12.50",),
        "Date": ("1990-01-01", "2090-01-01"),
        "DateTime": ("1990-01-01T00:00:00Z", "2090-01-01T00:00:00Z"),
        "JSON": ({},),
    }
)


def _wrapper(kind: GraphQLInputType) -> Callable[[Any], Any]:
    inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    return (lambda value: [value]) if isinstance(inner, GraphQLList) else (lambda value: value)


# --- probes


def questions(
    schema: GraphQLSchema, foreign: Foreign, own: Mapping[str, str], *, kinds: int = 2 * EACH
) -> Iterator[Probe]:
    """Each root query field as it is, and with each foreign value at each position."""
    for name, root_field in roots(schema, "query").items():
        if not any(is_required_argument(argument) for argument in root_field.args.values()):
            yield Probe("query", name, {})
    speller = Speller(own)
    for position in positions(schema, "query") if own else ():
        for value in values(position, foreign, kinds):
            arguments = speller.arguments(roots(schema, "query")[position.field], full=False)
            yield Probe("query", position.field, placed(arguments, position.path, value), position, value)


def commands(
    schema: GraphQLSchema, foreign: Foreign, own: Mapping[str, str], words: Iterator[str], *, kinds: int = 2 * EACH
) -> Iterator[Probe]:
    """Each mutation with each foreign value at each position that takes one, and valid input of one's own around it."""
    speller = Speller(own, words)
    for position in positions(schema, "mutation"):
        if is_for_names(position) and position.path[-1] not in OPTIMISTIC:
            for value in values(position, foreign, kinds):
                arguments = speller.arguments(roots(schema, "mutation")[position.field])
                yield Probe("mutation", position.field, placed(arguments, position.path, value), position, value)


def valid_commands(schema: GraphQLSchema, own: Mapping[str, str], words: Iterator[str]) -> Iterator[Probe]:
    """Each mutation with valid input about things of one's own."""
    speller = Speller(own, words)
    for name, root_field in roots(schema, "mutation").items():
        yield Probe("mutation", name, speller.arguments(root_field))


def placed(arguments: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """The arguments with the value at the end of the path."""
    first, *rest = path
    inner = placed(arguments.get(first) or {}, rest, value) if rest else value
    return {**arguments, first: inner}


# --- valid input


@dataclass(slots=True)
class Speller:
    """Makes valid arguments for a field: every text from the next word, in the form that its name asks for.

    `own` has an identifier for each type that is pointed at. Optional references stay absent.
    """

    own: Mapping[str, str]
    words: Iterator[str] = field(default_factory=lambda: (f"probe{number}" for number in itertools.count(1)))

    def arguments(self, of: GraphQLField, *, full: bool = True) -> dict[str, Any]:
        """All arguments of a field, or only those it cannot do without."""
        entity = _entity(of)
        return {
            name: self._value(name, argument.type, entity)
            for name, argument in of.args.items()
            if full or is_required_argument(argument)
        }

    def _value(self, name: str, of: GraphQLInputType, entity: str) -> Any:
        named, wrap = get_named_type(of), _wrapper(of)
        match named:
            case GraphQLInputObjectType():
                return {
                    key: self._value(key, one.type, entity)
                    for key, one in named.fields.items()
                    if key not in OPTIMISTIC and (is_required_input_field(one) or get_named_type(one.type).name != "ID")
                }
            case GraphQLEnumType():
                return wrap(next(iter(named.values)))
            case _ if named.name == "ID":
                kind = entity if name == "id" else name.removesuffix("Id")[:1].upper() + name[1:-2]
                return wrap(self.own.get(kind, NOBODYS))
            case _ if named.name == "String":
                return wrap(_FORMS.get(name, _plain)(next(self.words)))
            case _:
                return wrap(_SINGLE["Past" if name in _OVER else named.name])


def _entity(of: GraphQLField) -> str:
    """The type that a field is about: what it returns, or what the payload that it returns holds."""
    named = get_named_type(of.type)
    if isinstance(named, GraphQLObjectType) and "errors" in named.fields:
        named = next(get_named_type(one.type) for key, one in named.fields.items() if key != "errors")
    return named.name.removesuffix("Connection")


def _plain(word: str) -> str:
    return word


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()


NOBODYS = str(uuid5(NAMESPACE_OID, "nobody's"))
"""Stands for what a command cannot make: a session, a second factor."""

_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "email": lambda word: f"{word}@example.org",
        "invoiceEmail": lambda word: f"{word}@example.org",
        "website": lambda word: f"https://{word}.example",
        "vatId": lambda word: f"DE{word[:13].upper()}",
        "macAddresses": lambda word: "02:" + _digest(word)[:5].hex(":"),
        "ipAddresses": lambda word: "10." + ".".join(map(str, _digest(word)[:3])),
        "currency": lambda _: "EUR",
        "revenueAccount": lambda _: "8400",
        "taxKey": lambda _: "0003",
        "leitwegId": lambda _: "04011000-1234512345-06",
        "holidayRegion": lambda _: "DE-BY",
        "language": lambda _: "de-DE",
        "locale": lambda _: "de-DE",
        "roles": lambda _: "technician",
        "roleKey": lambda _: "portal_user",
        "permissions": lambda _: "kb:read",
        "denied": lambda _: "kb:write",
        "scopes": lambda _: "kb:read",
        "ipAllowList": lambda _: "192.0.2.0/24",
        "customerIds": lambda word: str(uuid5(NAMESPACE_OID, word)),
        "timeZone": lambda _: "Europe/Berlin",
        "country": lambda _: "DE",
        "type": lambda _: "server",
        "parent": lambda _: "server",
        "url": lambda word: f"https://{word}.example/hook",
        "eventPatterns": lambda _: "ticket.*",
        "query": lambda word: f"query {word}($id: ID!) {{ ticket(id: $id) {{ title }} }}",
        "header": lambda word: f"x-{word}",
        "idHeader": lambda word: f"x-id-{word}",
        "secret": lambda word: f"whsec_{base64.b64encode(_digest(word)).decode()}",
    }
)
"""Texts that must have a certain form, by the name of their input field, made of a word as far as possible."""

_OVER = frozenset({"avvSignedAt"})
"""Moments that are never to come."""

_SINGLE: Mapping[str, Any] = MappingProxyType(
    {
        "Boolean": True,
        "Int": 12,
        "Float": 1.0,
        "Decimal": "12.50",
        "Date": "2030-01-02",
        "Time": "22:00:00",
        "DateTime": "2036-01-02T03:04:05Z",
        "Past": "2026-01-02T03:04:05Z",
        "JSON": {},
    }
)


# --- operations


@functools.lru_cache(maxsize=1000)
def everything(of: GraphQLOutputType) -> str:
    """The selection of all fields of a type and of all types below it.

    A type that is met in several places is opened where it is nearest, and shows its leaves elsewhere: every field of every
    type is asked for once, and a question grows with the schema and not with the ways through it.
    """
    return _opened(of, (), _where_each_is_nearest(of))


def _where_each_is_nearest(of: GraphQLOutputType) -> frozenset[tuple[str, ...]]:
    """For each type below this one the shortest way to it, by the names of fields."""
    nearest: dict[str, tuple[str, ...]] = {}
    pending = deque([((), of)])
    while pending:
        way, one = pending.popleft()
        kind = get_named_type(one)
        if isinstance(kind, GraphQLObjectType) and kind.name not in nearest:
            nearest[kind.name] = way
            pending.extend(((*way, name), below.type) for name, below in kind.fields.items())
    return frozenset(nearest.values())


def _opened(of: GraphQLOutputType, way: tuple[str, ...], nearest: frozenset[tuple[str, ...]]) -> str:
    return _selection(of, lambda _: way in nearest, lambda name, one: _opened(one, (*way, name), nearest))


@functools.lru_cache(maxsize=1000)
def itself(of: GraphQLOutputType) -> str:
    """The selection of a thing's own leaves, through the page or the payload that carries it."""
    return _selection(of, lambda kind: kind.name.endswith(_CARRIERS), lambda _, one: itself(one))


_CARRIERS = ("Connection", "Edge", "Payload")


def _selection(
    of: GraphQLOutputType,
    opens: Callable[[GraphQLObjectType], bool],
    below: Callable[[str, GraphQLOutputType], str],
) -> str:
    kind = get_named_type(of)
    if not isinstance(kind, GraphQLObjectType):
        return ""
    selected = ["__typename"]
    for name, one in kind.fields.items():
        if is_leaf_type(get_named_type(one.type)):
            selected.append(f"{name}{_necessary(one)}")
        elif opens(kind):
            selected.append(f"{name}{_necessary(one)} {below(name, one.type)}")
    return "{ " + " ".join(selected) + " }"


def _necessary(of: GraphQLField) -> str:
    """The arguments that a field below the root cannot do without, as they are written."""
    given = {
        name: value if isinstance(get_named_type(of.args[name].type), GraphQLEnumType) else json.dumps(value)
        for name, value in Speller({}).arguments(of, full=False).items()
    }
    return f"({', '.join(f'{name}: {value}' for name, value in given.items())})" if given else ""


def _selected(probe: Probe, of: GraphQLOutputType) -> str:
    """Whole lists and what a foreign identifier opens are followed to the end; the rest can only be one's own."""
    names_something = probe.position is None or get_named_type(probe.position.type).name == "ID"
    return everything(of) if probe.kind == "query" and names_something else itself(of)


def operation(schema: GraphQLSchema, probe: Probe) -> tuple[str, dict[str, Any]]:
    """The operation that asks a probe, and its variables; it is the same text for all values at the same position."""
    root_field = roots(schema, probe.kind)[probe.field]
    declared = ", ".join(f"${name}: {root_field.args[name].type}" for name in probe.arguments)
    given = ", ".join(f"{name}: ${name}" for name in probe.arguments)
    field_text = f"{probe.field}({given})" if given else probe.field
    head = f"{probe.kind}({declared})" if declared else probe.kind
    return f"{head} {{ {field_text} {_selected(probe, root_field.type)} }}", dict(probe.arguments)


# --- references, asked of a subgraph directly


def entities(subgraph: GraphQLSchema) -> tuple[str, ...]:
    """The types that a subgraph can be asked for by reference."""
    union = subgraph.type_map.get("_Entity")
    return tuple(one.name for one in union.types) if isinstance(union, GraphQLUnionType) else ()


def entity_operation(subgraph: GraphQLSchema, entity: str) -> str:
    """The question for everything about the representations `$r` of an entity."""
    kind = subgraph.type_map[entity]
    assert isinstance(kind, GraphQLObjectType)
    return f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on {entity} {everything(kind)} }} }}"


def nested_operations(subgraph: GraphQLSchema, entity: str) -> Iterator[tuple[Position, str]]:
    """For each argument of each field of an entity the question for `$r` with the argument as `$value`."""
    kind = subgraph.type_map[entity]
    assert isinstance(kind, GraphQLObjectType)
    for name, one in kind.fields.items():
        for argument, definition in one.args.items():
            selection = f"... on {entity} {{ {name}({argument}: $value) {everything(one.type)} }}"
            text = (
                f"query($r: [_Any!]!, $value: {definition.type}) {{ _entities(representations: $r) {{ {selection} }} }}"
            )
            yield Position(f"{entity}.{name}", (argument,), definition.type), text
