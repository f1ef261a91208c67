"""Who suffers when something fails, and which relations make no sense."""

from __future__ import annotations

from uuid import UUID

import pytest

from subgraphs.assets.errors import RelationCircle
from subgraphs.assets.rules.relations import Edge, RelationKind, check, spread
from subgraphs.kit.errors import Invalid

A, B, C, D = (UUID(int=number) for number in range(1, 5))
K = RelationKind


def test_a_failure_spreads_against_the_arrows_and_nobody_is_hit_twice():
    edges = [Edge(B, A, K.RUNS_ON), Edge(C, A, K.USES), Edge(D, B, K.USES), Edge(C, B, K.USES), Edge(A, D, K.USES)]

    first = spread({}, [edge for edge in edges if edge.target == A], A, 1)
    second = spread(first, [edge for edge in edges if edge.target in first], A, 2)
    third = spread(first | second, [edge for edge in edges if edge.target in second], A, 3)

    assert [(hit.asset, hit.distance, hit.via, hit.kind) for hit in first.values()] == [
        (B, 1, A, K.RUNS_ON),
        (C, 1, A, K.USES),
    ]
    assert [(hit.asset, hit.distance, hit.via) for hit in second.values()] == [(D, 2, B)]
    assert third == {}


def test_nothing_relates_to_itself():
    with pytest.raises(Invalid, match="no relation to itself"):
        check(Edge(A, A, K.USES), [])


@pytest.mark.parametrize("kind", [K.RUNS_ON, K.PART_OF])
def test_nothing_contains_itself_the_long_way_round(kind):
    with pytest.raises(RelationCircle):
        check(Edge(A, C, kind), [B, A])
    check(Edge(A, C, kind), [B])


@pytest.mark.parametrize("kind", [K.CONNECTED_TO, K.USES])
def test_things_may_use_each_other(kind):
    check(Edge(A, C, kind), [B, A])
