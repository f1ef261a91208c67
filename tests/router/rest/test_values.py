"""Values of clients that are not what they should be are refused, each with words of its own."""

from __future__ import annotations

import pytest
from graphql import GraphQLScalarType

from router.rest import values

DAY, MOMENT = GraphQLScalarType("Date"), GraphQLScalarType("DateTime")


@pytest.mark.parametrize(
    "text", ["", " ", "2026", "20260131", "2026-1-31", "2026-02-30", "2026-01-31T00:00:00Z", "0000-01-01"]
)
def test_a_day_is_written_in_one_way(text: str) -> None:
    with pytest.raises(values.Wrong) as refused:
        values.from_text(DAY, text)

    assert refused.value.message == "This must be a day, as 2026-01-31."


@pytest.mark.parametrize("text", ["", "2026-01-31", "2026-01-31T08:30:00", "2026-01-31T25:00:00Z"])
def test_a_moment_says_its_time_zone(text: str) -> None:
    with pytest.raises(values.Wrong) as refused:
        values.from_text(MOMENT, text)

    assert refused.value.message == "This must be a moment with its time zone, as 2026-01-31T08:30:00Z."


def test_what_follows_a_day_is_the_next_one_and_what_follows_a_moment_a_microsecond_later() -> None:
    assert values.after("2026-02-28") == "2026-03-01"
    assert values.after("2026-02-28T23:59:59.999999+01:00") == "2026-03-01T00:00:00+01:00"


@pytest.mark.parametrize("last", ["9999-12-31", "9999-12-31T23:59:59.999999Z"])
def test_nothing_follows_the_end_of_the_calendar(last: str) -> None:
    with pytest.raises(values.Wrong) as refused:
        values.after(last)

    assert refused.value.message == "This must be earlier: nothing comes after it."
