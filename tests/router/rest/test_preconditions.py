"""Entity tags as RFC 9110 has them: lists, the star, strong for guarding, weak for asking."""

from __future__ import annotations

import pytest

from router.rest import preconditions
from router.rest.problems import Problem


@pytest.mark.parametrize(
    ("if_match", "versions"),
    [
        (None, ()),
        ("*", ()),
        (' "3" ', (3,)),
        ('"3-0f1e"', (3,)),
        ('"3", "5" ,W/"6","3-ab"', (3, 5)),
        ('"made-up", , "4"', (4,)),
    ],
)
def test_a_list_names_every_version_that_would_do(if_match: str | None, versions: tuple[int, ...]) -> None:
    assert preconditions.versions_wanted(if_match) == versions


@pytest.mark.parametrize("if_match", ['W/"3"', '"made-up"', '""'])
def test_a_tag_that_no_version_has_is_stale(if_match: str) -> None:
    with pytest.raises(Problem) as refused:
        preconditions.versions_wanted(if_match)

    assert (refused.value.code, refused.value.status) == ("STALE", 412)


@pytest.mark.parametrize("if_match", ["", "3", '"3" 4', '*, "3"', ", ".join(f'"{one}"' for one in range(11))])
def test_what_is_no_list_of_tags_is_refused(if_match: str) -> None:
    with pytest.raises(Problem) as refused:
        preconditions.versions_wanted(if_match)

    assert (refused.value.code, refused.value.status) == ("INVALID_PRECONDITION", 400)


@pytest.mark.parametrize(("if_match", "tag"), [(None, '"3"'), ("*", 'W/"a"'), ('"2", "3"', '"3"')])
def test_what_is_read_may_be_guarded_too(if_match: str | None, tag: str) -> None:
    preconditions.check(if_match, tag)


@pytest.mark.parametrize(("if_match", "tag"), [('"2"', '"3"'), ('W/"a"', 'W/"a"'), ('"3"', '"3-ab"')])
def test_what_has_another_tag_is_not_read(if_match: str, tag: str) -> None:
    with pytest.raises(Problem) as refused:
        preconditions.check(if_match, tag)

    assert refused.value.status == 412
