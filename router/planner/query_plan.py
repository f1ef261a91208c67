"""The nodes of a query plan: what is fetched from whom, in which order, and where the answers go.

The shapes are Apollo's, so that a plan of ours reads like a plan of any other gateway:

    QueryPlan {
      Sequence {
        Fetch(service: "crm") { { customer(id: "123") { __typename id name } } }
        Flatten(path: "customer") {
          Fetch(service: "tickets") { { ... on Customer { __typename id } } => { ... on Customer { tickets { id } } } }
        }
      }
    }

A path is a tuple of steps: a response key, `@` for "each element of this list", and `|[A,B]` for "only
objects of these types" (by their `__typename`, or by what they are fetched as where they have none; an interface's
name stands for itself and for all its types).

What a reader has to know beyond the shapes:

* Representations are made from `requires`: one per object at the path for which a fragment's type condition holds
  (of the object's `__typename`: that type itself or one that it is of). The value of a field lies in the data under
  `response_key` and is sent under `name`.
* A `Fetch` without `requires` inside a `Flatten` starts again from the subgraph's query type: it runs once, and its
  answer is merged into each object found at the path.
* `input_rewrites` apply to each representation before it is sent, `output_rewrites` to the answer before it is merged.
  Their paths start at the representation, at the entity of an entity fetch, or at the root of the answer.
* `context_rewrites` say where the values of variables lie that an ancestor of the objects hands down: the first path that leads
  somewhere counts. They start at the object, and objects for which the values differ are asked for in different requests.
* An object of which only fields of an interface object were asked may have no `__typename`, or the interface's name.
* Data may hold more than the operation asks for (keys, requirements, fields under internal names `_name_0`).
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never

from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode, parse, print_ast

from router.graph.selections import Deferral

OperationKind = Literal["query", "mutation", "subscription"]

Path = tuple[str, ...]
UP = ".."  # in the path of a context: to the object around this one, lists left aside


@dataclass(frozen=True, slots=True)
class RequiresField:
    """One field of the representation that an entity fetch sends."""

    name: str
    alias: str | None = None
    selections: tuple[RequiresSelection, ...] = ()

    @property
    def response_key(self) -> str:
        """The key under which the value lies in the data fetched so far."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class RequiresFragment:
    """The part of a representation that is sent for objects of one type (or of its subtypes)."""

    type_condition: str
    selections: tuple[RequiresSelection, ...] = ()


RequiresSelection = RequiresField | RequiresFragment


@dataclass(frozen=True, slots=True)
class KeyRename:
    """Rename a response key of a subgraph's answer (an internal alias goes back to its real name).

    `path` leads to the object, in the notation of `Path`, relative to where the fetch's answer is merged.
    """

    path: Path
    from_key: str
    to_key: str


@dataclass(frozen=True, slots=True)
class ValueSetter:
    """Overwrite a value in a representation before it is sent (`__typename` becomes an interface's name)."""

    path: Path
    value: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to one subgraph.

    `operation` is the GraphQL text that is sent. With `requires`, it's an entity fetch: its operation has
    a variable `representations` and runs once for all entities found at the path of the enclosing `Flatten`.

    Objects that lack some of what `requires` names are asked for by each of the `parts` instead, as far as they have what that
    part needs (`router.planner.shares`). Apollo's plans know no such thing, so it stands in no JSON.
    """

    service_name: str
    operation: str
    operation_kind: OperationKind = "query"
    operation_name: str | None = None
    variable_usages: tuple[str, ...] = ()
    requires: tuple[RequiresSelection, ...] = ()
    input_rewrites: tuple[ValueSetter, ...] = ()
    output_rewrites: tuple[KeyRename, ...] = ()
    context_rewrites: tuple[KeyRename, ...] = ()
    id: str | None = None
    parts: tuple[Fetch, ...] = ()

    @property
    def representations(self) -> str:
        """The variable that holds the representations."""
        return representations_variable(self.variable_usages)


def representations_variable(usages: Container[str]) -> str:
    """Name the variable for representations so that it is none of those that the client's operation uses there."""
    name = "representations"
    while name in usages:
        name = f"_{name}"
    return name


@dataclass(frozen=True, slots=True)
class Flatten:
    """Run `node` for the objects found at `path` in the data fetched so far."""

    path: Path
    node: PlanNode


@dataclass(frozen=True, slots=True)
class Sequence:
    """Run the nodes one after the other: each may need what the ones before it fetched."""

    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """Run the nodes at the same time."""

    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """Run one of two nodes, by the value of a Boolean variable (from `@skip` and `@include`)."""

    condition: str
    if_clause: PlanNode | None = None
    else_clause: PlanNode | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Open a stream with `primary`, and run `rest` for every event of it."""

    primary: Fetch
    rest: PlanNode | None = None


@dataclass(frozen=True, slots=True)
class DeferredNode:
    """A part of the answer that may come later."""

    path: Path
    label: str | None
    depends: tuple[str, ...]
    node: PlanNode | None
    sub_selection: str | None = None
    deferral: Deferral | None = None  # which fragment it is for; Apollo's plans know it by path and label


@dataclass(frozen=True, slots=True)
class Defer:
    """Answer with `primary` at once, and send each of `deferred` when it is ready."""

    primary: PlanNode | None
    deferred: tuple[DeferredNode, ...]
    primary_sub_selection: str | None = None


PlanNode = Fetch | Flatten | Sequence | Parallel | Condition | Subscription | Defer


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """All that has to be fetched for one operation; `node` is None when the router can answer alone."""

    node: PlanNode | None = field(default=None)


def to_json(plan: QueryPlan) -> dict[str, Any]:
    """The plan in the shape that Apollo's tools read."""
    return _present({"kind": "QueryPlan", "node": plan.node and _node_json(plan.node)})


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _node_json(node: PlanNode) -> dict[str, Any]:
    match node:
        case Fetch():
            return _fetch_json(node)
        case Flatten(path=path, node=inner):
            return {"kind": "Flatten", "path": list(path), "node": _node_json(inner)}
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            return {"kind": type(node).__name__, "nodes": [_node_json(inner) for inner in nodes]}
        case Condition():
            clauses = {"ifClause": node.if_clause, "elseClause": node.else_clause}
            inner_nodes = {name: _node_json(clause) for name, clause in clauses.items() if clause}
            return {"kind": "Condition", "condition": node.condition, **inner_nodes}
        case Subscription(primary=primary, rest=rest):
            return _present({"kind": "Subscription", "primary": _node_json(primary), "rest": rest and _node_json(rest)})
        case Defer():
            return _defer_json(node)
        case _:
            assert_never(node)


def _fetch_json(node: Fetch) -> dict[str, Any]:
    return _present(
        {
            "kind": "Fetch",
            "id": node.id,
            "serviceName": node.service_name,
            "variableUsages": list(node.variable_usages),
            "operation": node.operation,
            "operationKind": node.operation_kind,
            "operationName": node.operation_name,
            "requires": [_requires_json(item) for item in node.requires] or None,
            "inputRewrites": [_setter_json(item) for item in node.input_rewrites] or None,
            "outputRewrites": [_rename_json(item) for item in node.output_rewrites] or None,
            "contextRewrites": [_rename_json(item) for item in node.context_rewrites] or None,
        }
    )


def _requires_json(item: RequiresSelection) -> dict[str, Any]:
    inner = [_requires_json(selection) for selection in item.selections]
    match item:
        case RequiresField():
            return _present({"kind": "Field", "alias": item.alias, "name": item.name, "selections": inner or None})
        case RequiresFragment():
            return {"kind": "InlineFragment", "typeCondition": item.type_condition, "selections": inner}


def _setter_json(item: ValueSetter) -> dict[str, Any]:
    return {"kind": "ValueSetter", "path": _rewrite_path(item.path), "setValueTo": item.value}


def _rename_json(item: KeyRename) -> dict[str, Any]:
    return {"kind": "KeyRenamer", "path": [*_rewrite_path(item.path), item.from_key], "renameKeyTo": item.to_key}


def _rewrite_path(path: Path) -> list[str]:
    return [f"... on {step[2:-1]}" if step.startswith("|") else step for step in path]


def _defer_json(node: Defer) -> dict[str, Any]:
    primary = {"subselection": node.primary_sub_selection, "node": node.primary and _node_json(node.primary)}
    return {
        "kind": "Defer",
        "primary": _present(primary),
        "deferred": [
            _present(
                {
                    "depends": [{"id": number} for number in part.depends],
                    "label": part.label,
                    "queryPath": list(part.path),
                    "subselection": part.sub_selection,
                    "node": part.node and _node_json(part.node),
                }
            )
            for part in node.deferred
        ],
    }


def pretty(plan: QueryPlan) -> str:
    """The plan as text, as Apollo's tools print it."""
    inner = _pretty_lines(plan.node, "  ") if plan.node else ()
    return "\n".join(("QueryPlan {", *inner, "}"))


def _pretty_lines(node: PlanNode, indent: str) -> Iterator[str]:
    match node:
        case Fetch():
            yield from _pretty_fetch(node, indent)
        case Flatten(path=path, node=inner):
            yield from _block(f'Flatten(path: "{".".join(path)}")', [inner], indent)
        case Sequence(nodes=nodes) | Parallel(nodes=nodes):
            yield from _block(type(node).__name__, nodes, indent)
        case Condition():
            yield from _pretty_condition(node, indent)
        case Subscription(primary=primary, rest=rest):
            yield f"{indent}Subscription {{"
            yield from _block("Primary:", [primary], indent + "  ")
            yield from _block("Rest:", [rest] if rest else [], indent + "  ")
            yield f"{indent}}},"
        case Defer():
            yield from _pretty_defer(node, indent)
        case _:
            assert_never(node)


def _block(head: str, nodes: tuple[PlanNode, ...] | list[PlanNode], indent: str) -> Iterator[str]:
    yield f"{indent}{head} {{"
    for node in nodes:
        yield from _pretty_lines(node, indent + "  ")
    yield f"{indent}}},"


def _pretty_condition(node: Condition, indent: str) -> Iterator[str]:
    match (node.if_clause, node.else_clause):
        case (None, None):
            return
        case (None, clause) if clause is not None:
            yield from _block(f"Skip(if: ${node.condition})", [clause], indent)
        case (clause, None) if clause is not None:
            yield from _block(f"Include(if: ${node.condition})", [clause], indent)
        case (if_clause, else_clause):
            yield f"{indent}Condition(if: ${node.condition}) {{"
            yield from _block("Then", [if_clause] if if_clause else [], indent + "  ")
            yield from _block("Else", [else_clause] if else_clause else [], indent + "  ")
            yield f"{indent}}},"


def _pretty_defer(node: Defer, indent: str) -> Iterator[str]:
    """A part is what stands in it, a colon, and how it is fetched."""
    yield f"{indent}Defer {{"
    yield f"{indent}  Primary {{"
    yield from _pretty_part(node.primary_sub_selection, node.primary, indent + "    ")
    yield f"{indent}  }}, ["
    for part in node.deferred:
        label = f', label: "{part.label}"' if part.label else ""
        head = f'Deferred(depends: [{", ".join(part.depends)}], path: "{"/".join(part.path)}"{label})'
        yield f"{indent}    {head} {{"
        if isinstance(part.node, Defer):
            yield from _pretty_lines(part.node, indent + "      ")
        else:
            yield from _pretty_part(part.sub_selection, part.node, indent + "      ")
        yield f"{indent}    }},"
    yield f"{indent}  ]"
    yield f"{indent}}},"


def _pretty_part(sub_selection: str | None, node: PlanNode | None, indent: str) -> Iterator[str]:
    asked = print_ast(parse(sub_selection, no_location=True)).splitlines() if sub_selection else [""]
    for line in (*asked[:-1], f"{asked[-1]}:"):
        yield f"{indent}{line}"
    if node is not None:
        yield from _pretty_lines(node, indent)


def _pretty_fetch(node: Fetch, indent: str) -> Iterator[str]:
    number = f", id: {node.id}" if node.id else ""
    yield f'{indent}Fetch(service: "{node.service_name}"{number}) {{'
    inner = indent + "  "
    if node.requires:
        yield f"{inner}{{"
        yield from _pretty_requires(node.requires, inner + "  ")
        yield f"{inner}}} =>"
    for line in print_ast(_selection(node)).splitlines():
        yield f"{inner}{line}"
    yield f"{indent}}},"


def _selection(node: Fetch) -> SelectionSetNode:
    """What is asked for; of an entity fetch, what is asked of the entities."""
    operation = parse(node.operation, no_location=True).definitions[0]
    if not isinstance(operation, OperationDefinitionNode):
        raise TypeError(node.operation)
    selection = operation.selection_set
    if node.requires:
        entities = selection.selections[0]
        if isinstance(entities, FieldNode) and entities.selection_set:
            return entities.selection_set
    return selection


def _pretty_requires(selections: tuple[RequiresSelection, ...], indent: str) -> Iterator[str]:
    for item in selections:
        match item:
            case RequiresField():
                head = f"{item.alias}: {item.name}" if item.alias else item.name
            case RequiresFragment():
                head = f"... on {item.type_condition}"
        yield f"{indent}{head}{' {' if item.selections else ''}"
        if item.selections:
            yield from _pretty_requires(item.selections, indent + "  ")
            yield f"{indent}}}"
