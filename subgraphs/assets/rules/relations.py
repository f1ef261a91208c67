"""How assets hang together, and who suffers when one fails.

    virtual machine ──RUNS_ON──► host ──CONNECTED_TO──► switch ──PART_OF──► rack
                                                          ▲
    notebook ──USES──► printer ──CONNECTED_TO─────────────┘

Every relation points from the one that needs to the one that is needed. So the impact of a failure are all that can be reached
against the arrows: the switch takes host, virtual machine, printer and notebook with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from subgraphs.assets.errors import RelationCircle
from subgraphs.kit.errors import Invalid

DEEPEST = 10
"""How far an impact is followed."""


class RelationKind(Enum):
    """How one asset needs another."""

    RUNS_ON = "RUNS_ON"
    """It runs on the other: a virtual machine on its host."""
    CONNECTED_TO = "CONNECTED_TO"
    """It reaches the world through the other: a server through its switch."""
    USES = "USES"
    """It uses what the other offers: a workstation a printer."""
    PART_OF = "PART_OF"
    """It is built into the other: a blade into its chassis."""


HIERARCHIES = frozenset({RelationKind.RUNS_ON, RelationKind.PART_OF})
"""Kinds in which nothing can contain itself, however long the way round."""


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` needs `target`."""

    source: UUID
    target: UUID
    kind: RelationKind


@dataclass(frozen=True, slots=True)
class Hit:
    """An asset that suffers."""

    asset: UUID
    distance: int
    """How many relations away; 1 is the next."""
    via: UUID
    """The asset through which it is hit."""
    kind: RelationKind
    """How it needs that one."""


def check(edge: Edge, above: Iterable[UUID]) -> None:
    """Raise unless the relation makes sense; `above` is what its target runs on or is part of, all the way up."""
    if edge.source == edge.target:
        raise Invalid("An asset has no relation to itself.", field="toId")
    if edge.kind in HIERARCHIES and edge.source in set(above):
        raise RelationCircle(f"It would be {edge.kind.value} itself, the long way round.", field="toId")


def spread(hits: Mapping[UUID, Hit], edges: Iterable[Edge], start: UUID, distance: int) -> dict[UUID, Hit]:
    """Those that are hit next: `edges` lead to what was hit in the last round, `hits` are all that are known."""
    found: dict[UUID, Hit] = {}
    for edge in edges:
        if edge.source not in hits and edge.source != start and edge.source not in found:
            found[edge.source] = Hit(edge.source, distance, edge.target, edge.kind)
    return found
