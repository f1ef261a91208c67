"""Schedules live on the wall clock of their zone: over both changes of it nothing is left out, and nothing comes twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.rules.planning import checked_rule, following

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
STARTS = datetime(2026, 1, 1, 1, 30, tzinfo=UTC)  # 02:30 in Berlin


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-03-28 01:30", "2026-03-29 01:30"),  # 02:30 is not there: an hour later on the clock, once
        ("2026-03-29 01:30", "2026-03-30 00:30"),
        ("2026-10-24 00:30", "2026-10-25 00:30"),  # 02:30 is there twice: the first time
        ("2026-10-25 00:30", "2026-10-26 01:30"),
        ("2026-10-25 01:15", "2026-10-26 01:30"),  # asked between the two: it was there already
    ],
)
def test_half_past_two_comes_once_on_the_days_of_the_change(after: str, expected: str) -> None:
    assert following("FREQ=DAILY", STARTS, utc(after), BERLIN) == utc(expected)


@pytest.mark.parametrize(
    ("day", "offset"), [("2026-03-28", 1), ("2026-03-30", 2), ("2026-10-24", 2), ("2026-10-26", 1)]
)
def test_nine_o_clock_stays_nine_o_clock(day: str, offset: int) -> None:
    starts = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
    assert following("FREQ=DAILY", starts, utc(f"{day} 00:00"), BERLIN) == utc(f"{day} {9 - offset:02}:00")


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("30 2 * * *", "2026-03-28 01:30", "2026-03-29 01:00"),  # 02:30 is not there: at once, at three
        ("30 2 * * *", "2026-03-29 01:00", "2026-03-30 00:30"),
        ("30 2 * * *", "2026-10-25 00:30", "2026-10-26 01:30"),  # 02:30 is there twice, and counts once
        ("30 * * * *", "2026-10-25 00:30", "2026-10-25 01:30"),  # every hour that passes
        ("0 9 * * MON-FRI", "2026-03-27 08:00", "2026-03-30 07:00"),
        ("0 9 * * MON-FRI", "2025-01-01 00:00", "2026-01-01 08:00"),  # not before it begins
    ],
)
def test_cron_keeps_to_the_wall_clock_too(expression: str, after: str, expected: str) -> None:
    assert following(checked_rule(expression, STARTS, BERLIN), STARTS, utc(after), BERLIN) == utc(expected)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=4,6;BYMONTHDAY=-31",
        "FREQ=DAILY;BYYEARDAY=366;BYMONTH=1",
        "* * * * *",
        "0,30 9 * * *",
        "61 9 * * *",
        "0 9 * * * *",
        "٣ 9 * * *",
    ],
)
def test_what_comes_never_or_all_the_time_is_no_schedule(rule: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_rule(rule, STARTS, BERLIN)
    assert refused.value.field == "rrule"


@given(
    minutes=st.integers(0, 365 * 24 * 60),
    zone=st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, "UTC"]),
    rule=st.sampled_from(["FREQ=HOURLY", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU"]),
)
def test_what_follows_is_always_later_and_never_out_of_reach(minutes: int, zone: str, rule: str) -> None:
    after = STARTS + timedelta(minutes=minutes)
    found = following(rule, STARTS, after, zone)
    assert found is not None
    longest = {"FREQ=HOURLY": 3, "FREQ=DAILY": 26}.get(rule, 8 * 24)
    assert after < found <= after + timedelta(hours=longest)
