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
objects of these types".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

OperationKind = Literal["query", "mutation", "subscription"]

Path = tuple[str, ...]


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
    a variable `$representations`, and it runs once for all entities found at the path of the enclosing `Flatten`.
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
