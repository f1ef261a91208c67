"""Values out of a URL and a body: what can't be is refused where it stands, without a server."""

from __future__ import annotations

import pytest
from graphql import GraphQLScalarType

from router.rest import values


@pytest.mark.parametrize(
    ("value", "following"),
    [
        ("2026-02-28", "2026-03-01"),
        ("2026-12-31T23:59:59.999999+00:00", "2027-01-01T00:00:00+00:00"),
    ],
)
def test_what_follows_a_day_or_a_moment(value: str, following: str) -> None:
    assert values.after(value) == following


@pytest.mark.parametrize("last", ["9999-12-31", "9999-12-31T23:59:59.999999+00:00"])
def test_nothing_follows_the_last_day(last: str) -> None:
    with pytest.raises(values.Wrong, match="Nothing comes after this"):
        values.after(last)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_a_moment_that_no_year_in_utc_has_is_refused(text: str) -> None:
    with pytest.raises(values.Wrong, match="outside of the years 1 to 9999"):
        values.from_text(GraphQLScalarType("DateTime"), text)


@pytest.mark.parametrize(
    "text", ["", " ", "2026", "20260131", "2026-1-31", "2026-02-30", "2026-01-31T00:00:00Z", "0000-01-01"]
)
def test_a_day_is_written_in_one_way(text: str) -> None:
    with pytest.raises(values.Wrong) as refused:
        values.from_text(GraphQLScalarType("Date"), text)

    assert refused.value.message == "This must be a day, as 2026-01-31."


@pytest.mark.parametrize("text", ["", "2026-01-31", "2026-01-31T08:30:00", "2026-01-31T25:00:00Z"])
def test_a_moment_says_its_time_zone(text: str) -> None:
    with pytest.raises(values.Wrong) as refused:
        values.from_text(GraphQLScalarType("DateTime"), text)

    assert refused.value.message == "This must be a moment with its time zone, as 2026-01-31T08:30:00Z."
