"""How urgent a ticket is: what stands still, and how soon that hurts.

                urgency  HIGH   MEDIUM   LOW
impact  HIGH             P1     P2       P3
        MEDIUM           P2     P3       P4
        LOW              P3     P4       P4
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.rules.tickets import TicketPriority

P = TicketPriority


class TicketLevel(Enum):
    """How far something reaches, or how soon it hurts."""

    HIGH = "HIGH"
    """Everybody; at once."""
    MEDIUM = "MEDIUM"
    """A department; today."""
    LOW = "LOW"
    """One person; some day."""


Matrix = Mapping[str, str]

MATRIX: Matrix = MappingProxyType(
    {
        "HIGH/HIGH": "P1",
        "HIGH/MEDIUM": "P2",
        "MEDIUM/HIGH": "P2",
        "HIGH/LOW": "P3",
        "MEDIUM/MEDIUM": "P3",
        "LOW/HIGH": "P3",
        "MEDIUM/LOW": "P4",
        "LOW/MEDIUM": "P4",
        "LOW/LOW": "P4",
    }
)
"""Impact by urgency; a tenant may have another."""


def of(impact: TicketLevel, urgency: TicketLevel, *, matrix: Matrix = MATRIX, vip: bool = False) -> TicketPriority:
    """The priority; for an important person one level more, but never P1 by that alone."""
    priority = TicketPriority(matrix[f"{impact.value}/{urgency.value}"])
    return raised(priority) if vip else priority


def raised(priority: TicketPriority) -> TicketPriority:
    """One level more urgent, P2 at most."""
    return {P.P4: P.P3, P.P3: P.P2}.get(priority, priority)


def checked(matrix: Matrix) -> dict[str, str]:
    """The matrix, if it has a priority for each impact and urgency and nothing else; raises `Invalid`."""
    if matrix.keys() != MATRIX.keys() or not set(matrix.values()) <= {one.value for one in P}:
        raise Invalid("Give a priority P1 to P4 for each impact and urgency.", field="priorityMatrix")
    return dict(matrix)
