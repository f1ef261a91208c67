"""Field sets are read as Apollo reads them, and printed back in one canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.federation.fieldsets import (
    FieldSet,
    FieldSetSyntaxError,
    Fragment,
    SelectedField,
    context_selection,
    leaves,
    parse,
    printed,
    walk,
)


def test_outer_braces_mean_nothing() -> None:
    assert (
        parse("{ id org { id } }")
        == parse("id org { id }")
        == (
            SelectedField("id"),
            SelectedField("org", (SelectedField("id"),)),
        )
    )


def test_arguments_fragments_and_aliases_are_kept() -> None:
    (field, fragment) = parse('a: price(unit: "EUR", size: [1]) ... on Book { isbn }')

    assert field == SelectedField("price", arguments=(("unit", "EUR"), ("size", (1,))), alias="a")
    assert fragment == Fragment("Book", (SelectedField("isbn"),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'Syntax Error: Expected Name, found "}".'),
        ("id {", 'Syntax Error: Expected Name, found "}".'),
        ("id } query { id", "Selections should contain a single definitions, found 2"),
        ("...F", 'Cannot find fragment name "F" (no fragments were provided)'),
    ],
)
def test_what_is_no_field_set_is_refused(text: str, message: str) -> None:
    with pytest.raises(FieldSetSyntaxError) as refused:
        parse(text)

    assert str(refused.value) == message


def test_leaves_and_walk_see_everything() -> None:
    selections = parse("id org { id ... on Firm { name } }")

    assert list(leaves(selections)) == [("id",), ("org", "id"), ("org", "name")]
    assert len(list(walk(selections))) == 5


NAMES = st.sampled_from(["a", "b", "c", "id"])
SELECTIONS: st.SearchStrategy[FieldSet] = st.recursive(
    st.builds(SelectedField, NAMES).map(lambda field: (field,)),
    lambda inner: st.lists(
        st.one_of(st.builds(SelectedField, NAMES, inner), st.builds(Fragment, st.sampled_from(["T", None]), inner)),
        min_size=1,
        max_size=3,
    ).map(tuple),
    max_leaves=8,
)


@given(SELECTIONS)
def test_what_is_printed_reads_back(selections: FieldSet) -> None:
    assert parse(printed(selections)) == selections


def test_a_context_is_taken_apart_to_the_letter() -> None:
    assert context_selection("$user { id }") == ("user", " { id }")
    assert context_selection("$user{id} ") == ("user", "{id} ")
    assert context_selection("$user") is None
    assert context_selection("user { id }") is None
    assert context_selection(None) is None
