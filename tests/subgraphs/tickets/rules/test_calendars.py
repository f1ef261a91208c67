"""Business time: windows, holidays, the night, and the two days of a year that are not 24 hours long."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.errors import Invalid
from subgraphs.tickets.rules import calendars, defaults, holiday_regions
from subgraphs.tickets.rules.calendars import ALWAYS, Calendar, Window

BERLIN = ZoneInfo("Europe/Berlin")
W = Calendar(
    windows=tuple(Window(day, time(8), time(17)) for day in range(1, 6)),
    holidays=frozenset({date(2026, 5, 1), date(2026, 5, 14), date(2026, 5, 25)}),
)
NIGHT = Calendar(windows=tuple(Window(day, time(22), time(6)) for day in range(1, 8)))

instants = st.integers(0, 400 * 24 * 60).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n))
some_calendars = st.sampled_from([W, NIGHT, ALWAYS, Calendar(windows=W.windows, region="DE-BY")])


def at(text: str) -> datetime:
    """`2026-05-04 11:00` on the clocks of Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_AT_SLA_10_a_night_has_seven_hours_when_summer_begins_and_nine_when_it_ends():
    assert calendars.between(NIGHT, at("2026-03-28 12:00"), at("2026-03-29 12:00")) == hours(7)
    assert calendars.between(NIGHT, at("2026-10-24 12:00"), at("2026-10-25 12:00")) == hours(9)
    assert calendars.between(NIGHT, at("2026-06-10 12:00"), at("2026-06-11 12:00")) == hours(8)


def test_time_that_ends_with_a_window_is_due_at_its_end():
    assert calendars.after(W, at("2026-05-04 16:00"), hours(1)) == at("2026-05-04 17:00")
    assert calendars.after(W, at("2026-05-04 17:00"), hours(1)) == at("2026-05-05 09:00")


def test_a_holiday_is_off_from_midnight_to_midnight_also_for_a_night_that_began_before():
    calendar = Calendar(windows=NIGHT.windows, holidays=frozenset({date(2026, 5, 1)}))

    assert calendars.between(calendar, at("2026-04-30 12:00"), at("2026-05-01 12:00")) == hours(2)
    assert calendars.between(calendar, at("2026-05-01 12:00"), at("2026-05-02 12:00")) == hours(6)


def test_a_window_may_last_until_midnight():
    calendar = Calendar(windows=(Window(1, time(20), time(0)), Window(2, time(0), time(2))))

    assert list(calendars.spans(calendar, at("2026-05-04 00:00"), at("2026-05-06 00:00"))) == [
        (at("2026-05-04 20:00"), at("2026-05-05 00:00")),
        (at("2026-05-05 00:00"), at("2026-05-05 02:00")),
    ]


@pytest.mark.parametrize(
    ("day", "region", "is_off"),
    [
        (date(2026, 1, 6), "DE-BY", True),  # Epiphany
        (date(2026, 1, 6), "DE-BE", False),
        (date(2026, 3, 8), "DE-BE", True),  # Women's Day
        (date(2026, 3, 8), "DE-BY", False),
        (date(2026, 6, 4), "DE-BY", True),  # Corpus Christi
        (date(2026, 6, 4), "DE-SH", False),
        (date(2026, 10, 31), "DE-SH", True),  # Reformation Day
        (date(2026, 10, 31), "DE-BY", False),
        (date(2026, 11, 11), "DE-BY", False),  # St. Martin is no holiday anywhere
        (date(2026, 10, 3), "DE", True),
        (date(2026, 10, 26), "AT", True),
    ],
)
def test_holidays_are_those_of_the_state(day, region, is_off):
    assert Calendar(windows=W.windows, region=region).is_off(day) is is_off


def test_all_sixteen_states_have_their_table():
    counts = {state: len(holiday_regions.of_year(state, 2026)) for state in defaults.STATES}

    assert counts == {
        "DE-BB": 12, "DE-BE": 10, "DE-BW": 12, "DE-BY": 12, "DE-HB": 10, "DE-HE": 10, "DE-HH": 10, "DE-MV": 11,
        "DE-NI": 10, "DE-NW": 11, "DE-RP": 11, "DE-SH": 10, "DE-SL": 12, "DE-SN": 11, "DE-ST": 11, "DE-TH": 11,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("calendar", "field"),
    [
        (Calendar(), "weekly"),
        (Calendar(windows=(Window(8, time(8), time(17)),)), "weekly"),
        (Calendar(windows=(Window(1, time(8), time(17)), Window(1, time(16), time(18)))), "weekly"),
        (Calendar(windows=(Window(7, time(22), time(6)), Window(1, time(5), time(9)))), "weekly"),
        (Calendar(windows=W.windows, time_zone="Europe/Buxtehude"), "timeZone"),
        (Calendar(windows=W.windows, region="DE-XX"), "holidayRegion"),
    ],
)
def test_a_calendar_in_which_no_clock_can_run_is_refused(calendar, field):
    with pytest.raises(Invalid) as refused:
        calendars.checked(calendar)
    assert refused.value.field == field


def test_business_days_leave_out_weekends_and_holidays():
    assert calendars.business_days(W, at("2026-04-30 16:00"), at("2026-05-05 09:00")) == 2
    assert calendars.after_business_days(W, at("2026-04-30 16:00"), 2) == at("2026-05-06 00:00")


@given(calendar=some_calendars, moments=st.tuples(instants, instants, instants))
def test_B_is_additive(calendar, moments):
    a, b, c = sorted(moments)

    whole = calendars.between(calendar, a, c)
    assert whole == calendars.between(calendar, a, b) + calendars.between(calendar, b, c)


@given(calendar=some_calendars, since=instants, minutes=st.integers(0, 6000))
def test_after_is_the_inverse_of_between(calendar, since, minutes):
    duration = timedelta(minutes=minutes)
    due = calendars.after(calendar, since, duration)

    assert due >= since
    assert calendars.between(calendar, since, due) == duration


@pytest.mark.parametrize(
    ("region", "day", "off"),
    [
        ("DE-BE", date(2018, 3, 8), False), ("DE-BE", date(2019, 3, 8), True),
        ("DE-MV", date(2022, 3, 8), False), ("DE-MV", date(2023, 3, 8), True),
        ("DE-TH", date(2018, 9, 20), False), ("DE-TH", date(2019, 9, 20), True),
        ("DE-SH", date(2016, 10, 31), False), ("DE-BY", date(2017, 10, 31), True),
        ("DE-SH", date(2018, 10, 31), True), ("DE-BY", date(2018, 10, 31), False),
        ("DE-BE", date(2025, 5, 8), True), ("DE-SN", date(2026, 11, 18), True),
        ("DE-Augsburg", date(2028, 8, 8), True), ("DE-BY", date(2028, 8, 8), False),
    ],
)  # fmt: skip
def test_the_states_have_their_own_holidays_since_their_own_years(region, day, off):
    assert (day in holiday_regions.of_year(holiday_regions.checked(region.upper()), day.year)) is off


@pytest.mark.parametrize(
    ("begins", "ends", "day", "length"),
    [
        ("02:30", "05:00", "2026-03-29", 2),  # the clock leaps from two to three: what is left begins at three
        ("00:00", "02:30", "2026-03-29", 2),
        ("02:00", "03:00", "2026-03-29", 0),
        ("02:30", "05:00", "2026-10-25", 3.5),
        ("01:00", "04:00", "2026-10-25", 4),
    ],
)
def test_a_window_whose_edge_the_clock_leaps_over_ends_or_begins_where_it_leaps(begins, ends, day, length):
    windows = (Window(7, time.fromisoformat(begins), time.fromisoformat(ends)),)
    calendar = Calendar("Europe/Berlin", windows)

    assert calendars.between(calendar, at(f"{day} 00:00"), at(f"{day} 23:00")) == hours(length)
