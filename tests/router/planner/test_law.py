"""Random schemas, cut at random into subgraphs, with random data and operations: federated answer = monolith's answer."""

from __future__ import annotations

import pytest
from law import trials
from world import World


@pytest.mark.parametrize("first", range(0, 50, 5))
def test_the_federated_answer_is_the_monoliths_answer(first: int) -> None:
    for seed in range(first, first + 5):
        world = World(seed)
        for trial in trials(world):
            assert trial.federated == trial.monolith, trial.report(world)


@pytest.mark.parametrize("seed", [7, 213])
def test_the_order_in_which_subgraphs_are_listed_changes_no_plan(seed: int) -> None:
    world, turned = World(seed), World(seed)
    turned.graphs = turned.graphs[::-1]
    for spec in turned.types.values():
        spec.graphs = dict(reversed(spec.graphs.items()))

    assert turned.supergraph_sdl() != world.supergraph_sdl()
    assert [trial.plan for trial in trials(turned)] == [trial.plan for trial in trials(world)]
