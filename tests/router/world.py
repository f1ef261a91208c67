"""A random world for laws: one schema with data, cut into subgraphs, and everything to run both.

The world is the truth: the same objects answer for the monolith and for each subgraph. A subgraph is strict. It
answers only what its schema lets it (an external field only where it's provided, an entity only by one of its own keys,
a field with requirements only from what was sent along), so a plan that asks for too much or sends too little fails.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from blueprint import KEYS, FieldSpec, TypeSpec, members_in
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    SelectionSetNode,
    build_schema,
    execute_sync,
    parse,
)
from maker import Maker

Needed = dict[str, "Needed"]


@dataclass(frozen=True)
class Thing:
    """An object, as some subgraph (or the monolith) came to know of it."""

    type: str
    ref: str
    sent: tuple[tuple[str, Any], ...] = ()
    provided: frozenset[str] = frozenset()
    seen_as: str | None = None


class World:
    """A schema, its cut and its data, all from one seed."""

    def __init__(self, seed: int, graphs: int | None = None) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        count = graphs or self.random.randint(1, 6)
        self.graphs = [f"g{number}" for number in range(count)]
        self.types = Maker(self.graphs, self.random).make()
        self.executable = {graph: build_schema(self.subgraph_schema(graph)) for graph in self.graphs}
        self.monolith = build_schema(self.monolith_sdl())

    # ---- data ----

    def _roll(self, *parts: object) -> random.Random:
        return random.Random(repr((self.seed, *parts)))

    def value(self, thing: Thing, spec: FieldSpec, arguments: Mapping[str, Any]) -> Any:
        """What a field of an object is."""
        if spec.name == "id":
            return thing.ref
        if spec.name == "code":
            return f"code-{thing.ref}"
        if spec.requires:
            return self.required(spec, self._selected(thing, needed(next(iter(spec.requires.values())))))
        roll = self._roll(thing.ref, spec.name, sorted(arguments.items()))
        return self._of_type(spec.type, spec, thing, roll, arguments)

    def _selected(self, thing: Thing, names: Needed) -> dict[str, Any]:
        own = self.types[thing.type].fields
        return {name: self._reduced(self.value(thing, own[name], {}), inner) for name, inner in names.items()}

    def _reduced(self, value: Any, names: Needed) -> Any:
        match value:
            case list():
                return [self._reduced(item, names) for item in value]
            case Thing():
                return self._selected(value, names)
            case _:
                return value

    @staticmethod
    def required(spec: FieldSpec, values: Mapping[str, Any]) -> str:
        """The value of a field that's made from other fields."""
        return f"{spec.name} of {_picked(values, needed(next(iter(spec.requires.values()))))}"

    def _of_type(
        self, type_text: str, spec: FieldSpec, thing: Thing, roll: random.Random, arguments: Mapping[str, Any]
    ) -> Any:
        if not type_text.endswith("!") and roll.random() < 0.1:
            return None
        bare = type_text.removesuffix("!")
        if bare.startswith("["):
            return [self._of_type(bare[1:-1], spec, thing, roll, arguments) for _ in range(roll.randint(0, 3))]
        if bare not in self.types:
            return f"{thing.ref}.{spec.name}.{roll.randint(0, 99)}" + (f"({arguments})" if arguments else "")
        return self._some_thing(bare, spec, thing, roll)

    def _some_thing(self, name: str, spec: FieldSpec, thing: Thing, roll: random.Random) -> Thing:
        target = self.types[name]
        if target.kind in ("interface", "union"):
            known = [set(members_in(target, graph)) for graph in spec.graphs]
            name = roll.choice(sorted(set.intersection(*known)))
        if self.types[name].kind == "value":
            return Thing(name, f"{thing.ref}/{spec.name}{roll.randint(0, 3)}")
        return Thing(name, f"{name}-{roll.randint(0, 3)}")

    # ---- schemas ----

    def _kind_word(self, spec: TypeSpec) -> str:
        return "interface" if spec.kind == "interface" else "type"

    def monolith_sdl(self) -> str:
        """The uncut schema."""
        return "\n".join(self._monolith_type(spec) for spec in self.types.values())

    def _monolith_type(self, spec: TypeSpec) -> str:
        if spec.kind == "union":
            members = sorted({name for names in spec.members.values() for name in names})
            return f"union {spec.name} = {' | '.join(members)}"
        fields = " ".join(f"{item.name}{_arguments(item)}: {item.type}" for item in spec.fields.values())
        return f"{self._kind_word(spec)} {spec.name}{self._implements(spec.name, None)} {{ {fields} }}"

    def interfaces_of(self, name: str, graph: str | None) -> list[str]:
        """The interfaces that a type implements, in one subgraph or anywhere."""
        return [
            spec.name
            for spec in self.types.values()
            if spec.kind == "interface"
            and any(name in names for where, names in spec.members.items() if graph in (None, where))
        ]

    def _implements(self, name: str, graph: str | None) -> str:
        interfaces = self.interfaces_of(name, graph)
        return f" implements {' & '.join(interfaces)}" if interfaces else ""

    def _own_fields(self, spec: TypeSpec, graph: str) -> Iterator[FieldSpec]:
        yield from (item for item in spec.fields.values() if graph in item.graphs or graph in item.external)

    def subgraph_schema(self, graph: str) -> str:
        """The schema that one subgraph executes."""
        parts = ["scalar _Any"]
        entities = []
        for spec in self.types.values():
            if graph not in spec.graphs:
                continue
            if spec.kind == "union":
                parts.append(f"union {spec.name} = {' | '.join(spec.members[graph])}")
                continue
            fields = [
                f"{item.name}{_arguments(item)}: {item.types.get(graph, item.type)}"
                for item in self._own_fields(spec, graph)
            ]
            is_interface = spec.kind == "interface" and graph not in spec.interface_object
            if spec.kind == "root":
                fields.append("_entities(representations: [_Any!]!): [_Entity]!")
            elif spec.graphs[graph] and not is_interface:
                entities.append(spec.name)
            word = "interface" if is_interface else "type"
            implements = "" if spec.name in self.graphs else self._implements(spec.name, graph)
            parts.append(f"{word} {spec.name}{implements} {{ {' '.join(fields)} }}")
        parts.append(f"union _Entity = {' | '.join(entities) or 'Query'}")
        return "\n".join(parts)

    def subgraph_sdl(self, graph: str) -> str:
        """The same as a Federation 2 subgraph says it."""
        parts = [
            (
                'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@shareable", '
                '"@external", "@requires", "@provides", "@interfaceObject"])'
            )
        ]
        for spec in self.types.values():
            if graph not in spec.graphs:
                continue
            if spec.kind == "union":
                parts.append(f"union {spec.name} = {' | '.join(spec.members[graph])}")
                continue
            fields = " ".join(self._sdl_field(spec, item, graph) for item in self._own_fields(spec, graph))
            is_object = graph in spec.interface_object
            word = "type" if is_object else self._kind_word(spec)
            marks = "".join(f' @key(fields: "{key}")' for key in spec.graphs[graph])
            marks += " @interfaceObject" if is_object else ""
            parts.append(f"{word} {spec.name}{self._implements(spec.name, graph)}{marks} {{ {fields} }}")
        return "\n".join(parts)

    def _sdl_field(self, spec: TypeSpec, item: FieldSpec, graph: str) -> str:
        marks = ""
        if graph in item.external:
            marks += " @external"
        elif spec.kind != "interface" and (len(item.graphs) > 1 or item.external) and item.name not in KEYS:
            marks += " @shareable"
        if graph in item.requires:
            marks += f' @requires(fields: "{item.requires[graph]}")'
        if graph in item.provides:
            marks += f' @provides(fields: "{item.provides[graph]}")'
        return f"{item.name}{_arguments(item)}: {item.types.get(graph, item.type)}{marks}"

    def supergraph_sdl(self) -> str:
        """The supergraph, written as a composer would (join v0.3), with every join spelled out."""
        graphs = " ".join(f'{name.upper()} @join__graph(name: "{name}", url: "http://{name}")' for name in self.graphs)
        return "\n".join(
            (_PREAMBLE, f"enum join__Graph {{ {graphs} }}", *(self._joined(spec) for spec in self.types.values()))
        )

    def _joined(self, spec: TypeSpec) -> str:
        marks = "".join(self._type_joins(spec, graph) for graph in spec.graphs)
        if spec.kind == "union":
            members = sorted({name for names in spec.members.values() for name in names})
            marks += "".join(
                f' @join__unionMember(graph: {graph.upper()}, member: "{name}")'
                for graph, names in spec.members.items()
                for name in names
            )
            return f"union {spec.name}{marks} = {' | '.join(members)}"
        marks = (
            "".join(
                f' @join__implements(graph: {graph.upper()}, interface: "{name}")'
                for graph in spec.graphs
                for name in self.interfaces_of(spec.name, graph)
            )
            + marks
        )
        fields = "\n  ".join(self._joined_field(spec, item) for item in spec.fields.values())
        return f"{self._kind_word(spec)} {spec.name}{self._implements(spec.name, None)}{marks} {{\n  {fields}\n}}"

    def _type_joins(self, spec: TypeSpec, graph: str) -> str:
        is_object = ", isInterfaceObject: true" if graph in spec.interface_object else ""
        keys = [f', key: "{key}"' for key in spec.graphs[graph]] or [""]
        return "".join(f" @join__type(graph: {graph.upper()}{key}{is_object})" for key in keys)

    def _joined_field(self, spec: TypeSpec, item: FieldSpec) -> str:
        marks = ""
        for graph in spec.graphs:
            if graph not in item.graphs and graph not in item.external:
                continue
            said = f', type: "{item.types[graph]}"' if graph in item.types else ""
            if graph in item.requires:
                said += f', requires: "{item.requires[graph]}"'
            if graph in item.provides:
                said += f', provides: "{item.provides[graph]}"'
            if graph in item.external:
                said += ", external: true"
            marks += f" @join__field(graph: {graph.upper()}{said})"
        return f"{item.name}{_arguments(item)}: {item.type}{marks or ' @join__field'}"

    # ---- answers ----

    def answer(self, document: DocumentNode, variables: Mapping[str, Any]) -> Any:
        """What the monolith says."""
        result = execute_sync(
            self.monolith,
            document,
            variable_values=dict(variables),
            field_resolver=self._monolith_field,
            type_resolver=lambda thing, *_: thing.type,
        )
        if result.errors:
            raise AssertionError(result.errors)
        return result.data

    def _monolith_field(self, source: Thing | None, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        thing = source or Thing("Query", "root")
        return self.value(thing, self.types[thing.type].fields[info.field_name], arguments)

    def ask(self, graph: str, operation: DocumentNode, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What a subgraph says; raises when it's asked for what it can't know."""

        def resolve(source: Thing | None, info: GraphQLResolveInfo, **arguments: Any) -> Any:
            if info.field_name == "_entities":
                return [self._entity(graph, item) for item in arguments["representations"]]
            return self._subgraph_field(graph, source or Thing("Query", "root"), info, arguments)

        def type_of(thing: Thing, *_: Any) -> str:
            return thing.seen_as or thing.type

        result = execute_sync(
            self.executable[graph],
            operation,
            variable_values=dict(variables),
            field_resolver=resolve,
            type_resolver=type_of,
        )
        if result.errors:
            raise AssertionError(f"{graph}: {result.errors}")
        return result.data or {}

    def _entity(self, graph: str, representation: Mapping[str, Any]) -> Thing:
        name = representation["__typename"]
        spec = self.types[name]
        if graph not in spec.graphs:
            raise GraphQLError(f"{graph} does not know {name}")
        if not any(all(part in representation for part in key.split()) for key in spec.graphs[graph]):
            raise GraphQLError(f"{graph} knows {name} by {spec.graphs[graph]}, got {representation}")
        ref = representation.get("id") or representation["code"].removeprefix("code-")
        is_object = graph in spec.interface_object
        sent = tuple((key, value) for key, value in representation.items() if key != "__typename")
        return Thing(ref.split("-")[0], ref, sent, seen_as=name if is_object else None)

    def _subgraph_field(self, graph: str, thing: Thing, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
        spec = self.types[info.parent_type.name].fields[info.field_name]
        if graph in spec.requires:
            own = self.types[thing.type].fields
            known = {name: self.value(thing, own[name], {}) for name in thing.provided if not own[name].argument}
            value: Any = self.required(spec, known | dict(thing.sent))
        elif graph in spec.external and spec.name not in thing.provided and not self._is_key(graph, info):
            raise GraphQLError(f"{graph} was asked for {info.parent_type.name}.{spec.name}, which is external there")
        else:
            real = self.types[thing.type].fields.get(spec.name, spec)
            value = self.value(thing, real, arguments)
        provided = frozenset(spec.provides.get(graph, "").split())
        return self._seen(value, graph, spec, provided)

    def _is_key(self, graph: str, info: GraphQLResolveInfo) -> bool:
        return any(info.field_name in key.split() for key in self.types[info.parent_type.name].graphs[graph])

    def _seen(self, value: Any, graph: str, spec: FieldSpec, provided: frozenset[str]) -> Any:
        match value:
            case list():
                return [self._seen(item, graph, spec, provided) for item in value]
            case Thing():
                is_object = graph in self.types[spec.named].interface_object
                return Thing(value.type, value.ref, (), provided, spec.named if is_object else None)
            case _:
                return value


def needed(text: str) -> Needed:
    """A field set as nested names."""
    return _names(parse(f"{{ {text} }}").definitions[0].selection_set)  # type: ignore[attr-defined]


def _names(node: SelectionSetNode | None) -> Needed:
    return {item.name.value: _names(item.selection_set) for item in (node.selections if node else ())}  # type: ignore[union-attr]


def _picked(value: Any, names: Needed) -> Any:
    match value:
        case list():
            return [_picked(item, names) for item in value]
        case dict():
            return [_picked(value[name], inner) for name, inner in names.items()]
        case _:
            return value


def _arguments(item: FieldSpec) -> str:
    return "(x: Int = 0)" if item.argument else ""


_PREAMBLE = """schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String,
  external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false)
  repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }"""
