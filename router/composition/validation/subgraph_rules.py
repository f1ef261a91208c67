"""All rules that one subgraph must keep on its own, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from router.composition.validation import (
    auth,
    context,
    cost,
    external,
    interface_key,
    interface_object,
    key,
    provides,
    requires,
    shareable,
)
from router.federation.codes import CompositionError
from router.federation.subgraph import Subgraph

Rule: TypeAlias = Callable[[Subgraph], Iterator[CompositionError]]

RULES: tuple[Rule, ...] = (
    requires.check,
    provides.check,
    context.check,
    external.check,
    interface_key.check,
    interface_object.check,
    shareable.check,
    cost.check,
    auth.check,
)


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check one subgraph against all rules."""
    # A provision that can't be followed hides what else is wrong with what is provided.
    misplaced = next(provides.misplaced(subgraph), None)
    if misplaced is not None:
        yield misplaced
        return
    bad_keys = list(key.check(subgraph))
    yield from bad_keys
    for rule in RULES:
        # Which objects have the key of their interface can't be told of a key that is none.
        if rule is not interface_key.check or not bad_keys:
            yield from rule(subgraph)
