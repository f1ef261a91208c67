"""A case directory: subgraphs and their supergraph, an operation, the plan for it, the data and the answer.

`data.json` names objects `Type:ref`; `{"$": "Type:ref"}` leads to one. A value under `field(argument:value)` is that field's
for those arguments. Every subgraph answers from the same data, as far as its own schema lets it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    Visitor,
    VisitorAction,
    build_schema,
    execute_sync,
    parse,
    print_ast,
    visit,
)

from router.federation.supergraph import Supergraph

_ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
CASES = Path(__file__).parent / "cases"


class _WithoutFederation(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: Any) -> VisitorAction:
        return None if node.name.value == "deprecated" else REMOVE

    def enter_schema_extension(self, *_: Any) -> VisitorAction:
        return REMOVE


@dataclass(frozen=True)
class Case:
    """One directory."""

    path: Path

    def _json(self, name: str, default: Any) -> Any:
        file = self.path / name
        return json.loads(file.read_text()) if file.exists() else default

    @cached_property
    def supergraph(self) -> Supergraph:
        return Supergraph.parse((self.path / "supergraph.graphql").read_text())

    @cached_property
    def document(self) -> DocumentNode:
        return parse((self.path / "query.graphql").read_text(), no_location=True)

    @cached_property
    def plan(self) -> dict[str, Any]:
        return self._json("plan.json", {})

    @cached_property
    def labels(self) -> frozenset[str]:
        return frozenset(self._json("labels.json", []))

    @cached_property
    def variables(self) -> dict[str, Any]:
        return self._json("variables.json", {})

    @cached_property
    def data(self) -> dict[str, Any]:
        return self._json("data.json", {})

    @cached_property
    def answer(self) -> Any:
        return self._json("answer.json", None)

    @cached_property
    def schemas(self) -> dict[str, GraphQLSchema]:
        return {file.stem: _executable(file.read_text()) for file in sorted((self.path / "subgraphs").iterdir())}

    def ask(self, graph: str, operation: DocumentNode, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What a subgraph says."""
        result = execute_sync(
            self.schemas[graph],
            operation,
            root_value=None,
            variable_values=dict(variables),
            field_resolver=self._field,
            type_resolver=lambda source, *_: source["seen as"],
        )
        if result.errors:
            raise AssertionError(f"{graph}: {result.errors}")
        return result.data or {}

    def _field(self, source: dict[str, Any] | None, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        if info.field_name == "_entities":
            return [self._entity(item, info.schema) for item in arguments["representations"]]
        known = self.data.get(_ROOTS[info.operation.operation.value], {}) if source is None else source
        said = ",".join(f"{name}:{value}" for name, value in arguments.items())
        value = known.get(f"{info.field_name}({said})", known.get(info.field_name))
        return self._seen(value, str(info.return_type).strip("[]!"))

    def _seen(self, value: Any, as_type: str) -> Any:
        match value:
            case list():
                return [self._seen(item, as_type) for item in value]
            case {"$": str(name)}:
                return {**self.data[name], "seen as": name.split(":")[0]}
            case _:
                return value

    def _entity(self, representation: Mapping[str, Any], schema: GraphQLSchema) -> dict[str, Any] | None:
        wanted = {key: value for key, value in representation.items() if key != "__typename"}
        called = representation["__typename"]
        for name, known in self.data.items():
            if wanted and all(self._matches(known.get(key), value) for key, value in wanted.items() if key in known):
                if not any(key in known for key in wanted):
                    continue
                is_object = isinstance(schema.type_map[called], GraphQLObjectType)
                return {**known, "seen as": called if is_object else name.split(":")[0]}
        return None

    def _matches(self, known: Any, sent: Any) -> bool:
        match known, sent:
            case {"$": str(name)}, dict():
                return all(
                    self._matches(self.data[name].get(key), value) for key, value in sent.items() if key != "__typename"
                )
            case _:
                return bool(known == sent)


def _executable(sdl: str) -> GraphQLSchema:
    sdl = sdl.replace("extend type", "type")
    document = visit(parse(sdl, no_location=True), _WithoutFederation())
    entities = [
        node.name.value
        for node in parse(sdl, no_location=True).definitions
        if isinstance(node, ObjectTypeDefinitionNode)
        and any(mark.name.value == "key" for mark in node.directives or ())
    ]
    text = print_ast(document)
    if entities:
        root = "extend" if "type Query" in text else ""
        text += f"\n{root} type Query {{ _entities(representations: [_Any!]!): [_Entity]! }}"
        text += f"\nscalar _Any\nunion _Entity = {' | '.join(entities)}"
    return build_schema(text)


ALL = [Case(path) for path in sorted(CASES.iterdir()) if path.is_dir()] if CASES.exists() else []
