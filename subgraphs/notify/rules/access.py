"""Who may hear of a customer: what a person sees in the graph, and nothing else, reaches them by any channel."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

_OUTSIDE: Final = frozenset({"CUSTOMER", "COMANAGED"})


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose rows a person sees, as identity told of it."""

    kind: str
    own: UUID | None
    """The customer for whom they work; None for staff."""
    customers: Collection[UUID] | None = None
    """Those that were named; None means that nobody named any."""
    denied: Collection[UUID] = ()


def sees(person: Sight, customer: UUID | None) -> bool:
    """Whether a person may hear of what is about this customer; what is about none is for everybody."""
    if customer is None:
        return True
    if customer in person.denied:
        return False
    if person.customers is not None:
        return customer in person.customers
    return person.kind not in _OUTSIDE or customer == person.own
