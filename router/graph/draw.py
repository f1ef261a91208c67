"""The query graph as mermaid, for people: which subgraph answers what, and by which keys one gets from one to another."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import GraphQLInterfaceType, GraphQLObjectType

from router.graph.build import QueryGraph
from router.graph.edges import KeyMove
from router.graph.nodes import Node
from router.graph.selections import Selections, describe


def mermaid(graph: QueryGraph) -> str:
    """Draw all types with fields, grouped by subgraph; arrows are fields, dotted arrows are keys."""
    lines = ["flowchart LR"]
    for name in graph.graphs:
        lines += [
            f"  subgraph {name}",
            *(f"    {_id(node)}[{node.type_name}]" for node in _nodes(graph, name)),
            "  end",
        ]
    for name in graph.graphs:
        for node in _nodes(graph, name):
            lines += dict.fromkeys((*_fields(graph, node), *_keys(graph, node)))
    return "\n".join(lines)


def _nodes(graph: QueryGraph, name: str) -> list[Node]:
    composite = GraphQLObjectType | GraphQLInterfaceType
    return [
        Node(joined.name, name)
        for joined in graph.supergraph.types.values()
        if name in joined.graphs and isinstance(graph.type(joined.name), composite)
    ]


def _id(node: Node) -> str:
    return f"{node.graph}_{node.type_name}"


def _fields(graph: QueryGraph, node: Node) -> Iterator[str]:
    for name in graph.supergraph.types[node.type_name].fields:
        move = graph.field(node, name)
        if move is not None and move.target is not None:
            needs = f" needs {_words(move.requires)}" if move.requires else ""
            yield f'  {_id(node)} -- "{name}{needs}" --> {_id(Node(move.target.type_name, node.graph))}'


def _keys(graph: QueryGraph, node: Node) -> Iterator[str]:
    for other in graph.graphs:
        for entry in graph.entries(node.type_name, other) if other != node.graph else ():
            if isinstance(entry, KeyMove):
                yield f'  {_id(node)} -. "{_words(entry.key)}" .-> {_id(entry.target)}'


def _words(selections: Selections) -> str:
    return " ".join(describe(selections).split())
