"""The plainest way to run a plan: what its words mean, with nothing done for speed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLAbstractType,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute_sync,
    is_abstract_type,
    parse,
)

from router.graph.selections import stored_key
from router.planner.query_plan import (
    Condition,
    Fetch,
    Flatten,
    KeyRename,
    Parallel,
    Path,
    PlanNode,
    QueryPlan,
    RequiresField,
    RequiresFragment,
    RequiresSelection,
    Sequence,
)

Ask = Callable[[str, DocumentNode, Mapping[str, Any]], dict[str, Any]]


class Interpreter:
    """Runs plans against subgraphs, and counts what it asks."""

    def __init__(self, schema: GraphQLSchema, ask: Ask, variables: Mapping[str, Any]) -> None:
        self.schema = schema
        self.ask = ask
        self.variables = variables
        self.data: dict[str, Any] = {}
        self.fetches: list[str] = []

    def run(self, plan: QueryPlan) -> dict[str, Any]:
        """All data that the plan fetches."""
        if plan.node:
            self._node(plan.node, ())
        return self.data

    def _node(self, node: PlanNode, path: Path) -> None:
        match node:
            case Sequence(nodes=nodes) | Parallel(nodes=nodes):
                for inner in nodes:
                    self._node(inner, path)
            case Flatten(path=inner_path, node=inner):
                self._node(inner, (*path, *inner_path))
            case Condition(condition=name, if_clause=if_clause, else_clause=else_clause):
                chosen = if_clause if self.variables[name] else else_clause
                if chosen:
                    self._node(chosen, path)
            case Fetch(context_rewrites=rewrites):
                found = list(self._lineages((self.data,), path))
                for values, group in self._handed_down(found, rewrites):
                    self._fetch(node, group, values)
            case _:
                raise AssertionError(node)

    def _handed_down(
        self, found: list[tuple[dict[str, Any], ...]], rewrites: tuple[KeyRename, ...]
    ) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """The objects found, by the values that their ancestors hand down to them; each comes with all that is around it."""
        groups: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        for lineage in found or [()]:
            values: dict[str, Any] = {}
            for rewrite in rewrites if lineage else ():
                up = rewrite.path.count("..")
                for value in self._values(lineage[-1 - up], (*rewrite.path[up:], rewrite.from_key)):
                    values.setdefault(rewrite.to_key, value)
            group = next((targets for known, targets in groups if known == values), None)
            if group is None:
                groups.append((values, group := []))
            group.extend(lineage[-1:])
        return groups

    def _values(self, value: Any, path: Path) -> Iterator[Any]:
        if not path or value is None:
            yield value
        elif not path[0].startswith("|"):
            yield from self._values(value[path[0]], path[1:])
        elif self._is(value["__typename"], path[0][2:-1]):
            yield from self._values(value, path[1:])

    def _fetch(self, node: Fetch, targets: list[dict[str, Any]], handed: Mapping[str, Any]) -> None:
        variables = {name: self.variables[name] for name in node.variable_usages if name in self.variables}
        variables |= handed
        if node.requires:
            known = [target for target in targets if "__typename" in target]
            found = [(target, self._representation(target, node.requires)) for target in known]
            pairs = [(target, self._sent(node, item)) for target, item in found if item]
            if not pairs:
                return
            variables[node.representations] = [item for _, item in pairs]
            answers = self._asked(node, variables)["_entities"]
            targets = [target for target, _ in pairs]
            for answer, (target, _) in zip(answers, pairs, strict=True):
                if answer is not None:
                    typename = answer.get("__typename") or target["__typename"]
                    self._rename(answer, node.output_rewrites, typename)
                    _merge(target, answer)
            return
        if not targets:
            return
        answer = self._asked(node, variables)
        self._rename(answer, node.output_rewrites, "Query")
        for target in targets:
            _merge(target, answer)

    def _asked(self, node: Fetch, variables: dict[str, Any]) -> dict[str, Any]:
        self.fetches.append(node.service_name)
        return self.ask(node.service_name, parse(node.operation), variables)

    def _objects(self, value: Any, path: Path) -> Iterator[dict[str, Any]]:
        yield from (lineage[-1] for lineage in self._lineages((value,), path))

    def _lineages(self, lineage: tuple[Any, ...], path: Path) -> Iterator[tuple[dict[str, Any], ...]]:
        """The objects at a path, each at the end of those around it."""
        *around, value = lineage
        if value is None:
            return
        if not path:
            yield lineage
        elif path[0] == "@":
            for item in value:
                yield from self._lineages((*around, item), path[1:])
        elif path[0].startswith("|"):
            if any(self._is(value["__typename"], name) for name in path[0][2:-1].split(",")):
                yield from self._lineages(lineage, path[1:])
        else:
            yield from self._lineages((*lineage, value.get(path[0])), path[1:])

    def _is(self, name: str, of: str) -> bool:
        if name == of:
            return True
        abstract, concrete = self.schema.type_map.get(of), self.schema.type_map.get(name)
        return is_abstract_type(abstract) and concrete is not None and self.schema.is_sub_type(abstract, concrete)

    def _representation(self, target: dict[str, Any], requires: tuple[RequiresSelection, ...]) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        for item in requires:
            match item:
                case RequiresFragment(type_condition=name, selections=selections):
                    if self._is(target["__typename"], name):
                        inner = self._representation(target, selections)
                        if inner is None:
                            return None
                        found |= inner
                case RequiresField():
                    if item.response_key not in target:
                        return None
                    found[item.name] = self._projected(target[item.response_key], item)
        return found

    def _projected(self, value: Any, item: RequiresField) -> Any:
        match value:
            case list():
                return [self._projected(one, item) for one in value]
            case dict():
                return self._representation(value, item.selections)
            case _:
                return value

    def _sent(self, node: Fetch, representation: dict[str, Any]) -> dict[str, Any]:
        for setter in node.input_rewrites:
            condition, key = setter.path
            if self._is(representation["__typename"], condition[2:-1]):
                representation = {**representation, key: setter.value}
        return representation

    def _rename(self, answer: dict[str, Any], renames: tuple[KeyRename, ...], typename: str) -> None:
        for rename in renames:
            for target in self._renamed_objects(answer, rename.path, typename):
                if rename.from_key in target:
                    target[rename.to_key] = target.pop(rename.from_key)

    def _renamed_objects(self, value: Any, path: Path, typename: str) -> Iterator[dict[str, Any]]:
        if path and path[0].startswith("|") and isinstance(value, dict):
            if any(self._is(value.get("__typename", typename), name) for name in path[0][2:-1].split(",")):
                yield from self._objects(value, path[1:])
        else:
            yield from self._objects(value, path)


def _merge(target: dict[str, Any], source: Mapping[str, Any]) -> None:
    for key, value in source.items():
        match target.get(key), value:
            case dict() as known, dict():
                _merge(known, value)
            case list() as known, list():
                target[key] = [_merged(one, other) for one, other in zip(known, value, strict=True)]
            case _, None:
                target.setdefault(key, None)
            case _:
                target[key] = value


def _merged(one: Any, other: Any) -> Any:
    match one, other:
        case dict(), dict():
            _merge(one, other)
            return one
        case list(), list():
            return [_merged(first, second) for first, second in zip(one, other, strict=True)]
        case _, None:
            return one
        case _:
            return other


def _type_of(schema: GraphQLSchema, name: str | None, abstract: GraphQLAbstractType) -> str:
    """Of an interface object nobody may have asked what it really is: then any of its types will do."""
    if name is None or is_abstract_type(schema.type_map[name]):
        return schema.get_possible_types(abstract)[0].name
    return name


def project(schema: GraphQLSchema, document: DocumentNode, data: Any, variables: Mapping[str, Any]) -> Any:
    """What the client sees of the data: the operation, executed over it by response keys."""

    def resolve(source: Any, info: GraphQLResolveInfo, **_: Any) -> Any:
        key = str(info.path.key)
        return source.get(key if key == info.field_name else stored_key(key))

    result = execute_sync(
        schema,
        document,
        root_value=data,
        variable_values=dict(variables),
        field_resolver=resolve,
        type_resolver=lambda source, _info, abstract: _type_of(schema, source.get("__typename"), abstract),
    )
    if result.errors:
        raise AssertionError(result.errors)
    return result.data
