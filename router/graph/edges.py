"""The edges of the query graph: the moves that lead from one node to another.

move          from            to              what it costs
------------  --------------  --------------  -------------------------------------------------------
FieldMove     T/A             R/A             nothing: a field more in the same request
KeyMove       T/A             T/B             a request to B, after all that its key and `requires` need
RootMove      Query/A         Query/B         a request to B that needs nothing
a type condition narrows a node to one of its types in the same subgraph, and costs nothing either
"""

from __future__ import annotations

from dataclasses import dataclass

from router.federation.joins import ContextArgument
from router.graph.nodes import Node
from router.graph.selections import Selections


@dataclass(frozen=True, slots=True)
class FieldMove:
    """A field that the subgraph answers; `requires` are fields it must be handed first."""

    name: str
    type: str
    target: Node | None  # None when the field is a leaf
    list_depth: int
    requires: Selections = ()
    contexts: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyMove:
    """A way into a subgraph by one of its keys.

    `typename` is how the subgraph calls the type, if it does otherwise; `types` are the object types that go this way
    together, if they have no key in common as an interface, but each has the same.
    """

    target: Node
    key: Selections
    typename: str | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RootMove:
    """A way into a subgraph through its root type."""

    target: Node


EntryMove = KeyMove | RootMove
