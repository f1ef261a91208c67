"""Names of subgraphs become names of enum values, unique and valid."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from router.composition.merge.merging import join_names
from router.composition.merge.wording import listed, subgraphs


def test_names_are_upper_case_and_unique() -> None:
    assert join_names(["1x", "A", "a", "a-1", "tickets"]) == ("_1X", "A_1", "A_2", "A_1_", "TICKETS")


@given(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6, unique=True))
def test_every_name_becomes_a_unique_enum_value(names: list[str]) -> None:
    found = join_names(names)

    assert len(set(found)) == len(names)
    assert all(re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) for name in found)


def test_lists_are_told_as_people_tell_them() -> None:
    assert subgraphs(["a"]) == 'subgraph "a"'
    assert subgraphs(["a", "b", "c"]) == 'subgraphs "a", "b" and "c"'
    assert listed(["x", "y"]) == "x and y"


def test_a_long_list_of_names_ends_with_dots() -> None:
    names = [f"subgraph-number-{number}" for number in range(9)]

    assert subgraphs(names) == (
        'subgraphs "subgraph-number-0", "subgraph-number-1", "subgraph-number-2", "subgraph-number-3", "subgraph-number-4", ...'
    )
    assert subgraphs(names, most=500).endswith('"subgraph-number-7" and "subgraph-number-8"')
