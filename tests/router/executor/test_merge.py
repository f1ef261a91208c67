"""Two answers about the same thing become one; the laws that make their order unimportant."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.executor import merge

OBJECTS = frozenset({"Book", "Film"})


def merged(target: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    done = copy.deepcopy(target)
    merge.into(done, copy.deepcopy(source), OBJECTS)
    return done


@pytest.mark.parametrize(
    ("target", "source", "done"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": None}, {"a": 1}),
        ({"a": None}, {"a": 1}, {"a": 1}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": [{"x": 1}, {"x": 2}]}, {"a": [{"y": 1}, None]}, {"a": [{"x": 1, "y": 1}, {"x": 2}]}),
        ({"a": [1]}, {"a": [1, 2]}, {"a": [1, 2]}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1, 2]}),
        ({"a": [[{"x": 1}]]}, {"a": [[{"y": 2}]]}, {"a": [[{"x": 1, "y": 2}]]}),
        ({"__typename": "Media"}, {"__typename": "Book"}, {"__typename": "Book"}),
        ({"__typename": "Book"}, {"__typename": "Media"}, {"__typename": "Book"}),
        ({"__typename": "Book"}, {"__typename": ["no name"]}, {"__typename": "Book"}),
        ({"__typename": {}}, {"__typename": "Book"}, {"__typename": "Book"}),
    ],
)
def test_the_rules_of_merging(target: dict[str, Any], source: dict[str, Any], done: dict[str, Any]) -> None:
    assert merged(target, source) == done


def shaped(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects over one fixed truth, each with some of its parts missing or null."""
    inner = st.fixed_dictionaries({}, optional={"x": st.just(1) | st.none(), "y": st.just(2) | st.none()})
    return st.fixed_dictionaries(
        {}, optional={"a": leaf, "o": inner | st.none(), "l": st.lists(inner | st.none(), min_size=2, max_size=2)}
    )


answers = shaped(st.just("same") | st.none())


@given(answers, answers)
def test_answers_that_agree_may_come_in_any_order(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert merged(one, other) == merged(other, one)


@given(answers, answers, answers)
def test_and_in_any_grouping(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> None:
    assert merged(merged(one, two), three) == merged(one, merged(two, three))


@given(answers)
def test_the_same_answer_twice_changes_nothing(one: dict[str, Any]) -> None:
    assert merged(one, one) == one
