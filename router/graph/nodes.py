"""The nodes of the query graph: one per type and subgraph, and one per extra view of it.

A view is what `@provides` opens: below the annotated field, and only there, the subgraph answers some fields that
are otherwise not its own. It is kept as the selections it opens, so that a node with another view is another node.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.graph.selections import Selections


@dataclass(frozen=True, slots=True)
class Node:
    """A type as one subgraph sees it, at a place where it sees `provided` besides."""

    type_name: str
    graph: str
    provided: Selections = ()

    def __str__(self) -> str:
        return f"{self.type_name}/{self.graph}{'+' if self.provided else ''}"
