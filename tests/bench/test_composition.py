"""The graphs that composition is measured on: they compose, grow as asked, and both composers get the same."""

from __future__ import annotations

import pytest

from bench.composition import rows, subgraphs
from router.composition.command import read_sources
from router.composition.compose import Composed, supergraph
from router.federation.supergraph import Supergraph


@pytest.mark.parametrize(("count", "types"), [(1, 2), (2, 4), (4, 10)])
def test_every_size_composes_with_all_its_entities(count: int, types: int) -> None:
    made = subgraphs(count, types)

    composed = supergraph(read_sources(made))

    assert isinstance(composed, Composed)
    parsed = Supergraph.parse(composed.supergraph_sdl)
    assert len(parsed.subgraphs) == count
    assert sum(name.startswith("E") for name in parsed.types) == count * types // 2


@pytest.mark.timeout(120)  # two processes of their own, beside other tests
def test_the_table_has_a_line_per_size_and_says_that_it_composed() -> None:
    lines = list(rows([(1, 2), (2, 4)], None, 1))

    assert lines[0] == "| subgraphs x types | SDL, kB | ours, CPU s | supergraphs |"
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| 1 x 2", "| 2 x 4"]
    assert all(line.endswith("| composed |") for line in lines[2:])
