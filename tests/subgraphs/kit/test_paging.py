"""Pages add up to the list, whatever their size and direction."""

from __future__ import annotations

import pytest

from subgraphs.kit import paging
from subgraphs.kit.errors import Invalid


def test_a_page_has_fifty_rows_unless_said_otherwise():
    assert paging.cut(first=None, after=None, last=None, before=None) == paging.Cut(size=50)
    assert paging.cut(first=None, after=None, last=7, before="x") == paging.Cut(size=7, before="x", backwards=True)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"first": 0}, "first"),
        ({"first": 201}, "first"),
        ({"first": -1}, "first"),
        ({"last": 0}, "last"),
        ({"first": 1, "last": 1}, "last"),
    ],
)
def test_a_size_that_we_do_not_serve_is_refused_by_name(arguments, field):
    with pytest.raises(Invalid) as refused:
        paging.cut(**{"first": None, "after": None, "last": None, "before": None} | arguments)

    assert refused.value.field == field


def test_a_negative_offset_is_refused():
    with pytest.raises(Invalid, match="offset must not be negative"):
        paging.skipped(-1)
