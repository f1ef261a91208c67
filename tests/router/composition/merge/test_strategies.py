"""Access control of several subgraphs is multiplied out: whoever passes must pass everywhere."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from router.composition.merge.strategies import strategies

MERGE = strategies("requiresScopes")["scopes"][1]
SCOPES = st.sampled_from("abcd")
FORMS = st.lists(st.lists(SCOPES, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)


def passes(form: object, held: frozenset[str]) -> bool:
    assert isinstance(form, tuple)
    return any(set(clause) <= held for clause in form)


def test_absorbed_clauses_disappear() -> None:
    assert MERGE(((("b",), ("a",)), (("b",), ("c",)))) == (("b",), ("a", "c"))


@given(st.lists(FORMS, min_size=1, max_size=3), st.frozensets(SCOPES))
def test_the_merged_form_passes_exactly_who_passes_all(forms: list[object], held: frozenset[str]) -> None:
    assert passes(MERGE(tuple(forms)), held) == all(passes(form, held) for form in forms)  # type: ignore[arg-type]


def test_costs_take_the_highest_and_lists_are_united() -> None:
    assert strategies("cost")["weight"][1]((1, 5, 3)) == 5
    assert strategies("listSize")["sizedFields"][1]((("a",), ("b", "a"))) == ("a", "b")
    assert strategies("listSize")["requireOneSlicingArgument"][1]((True, False)) is False
    assert list(chain(strategies("tag"))) == []
