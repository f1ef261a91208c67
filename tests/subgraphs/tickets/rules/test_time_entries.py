"""Time entries: rounding, what lies after hours, and who may still change what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.errors import Immutable, Invalid
from subgraphs.tickets.errors import TimeEntryWrongStatus
from subgraphs.tickets.rules import time_entries as rules
from subgraphs.tickets.rules.time_entries import (
    EntryMove,
    RoundingMode,
    RoundingRule,
    RoundingScope,
    Segment,
    TimeEntryStatus,
)
from tests.subgraphs.tickets.rules.test_calendars import NIGHT, Calendar, Window, at

UP = RoundingRule()
EVENING = Calendar(
    windows=tuple(Window(day, at("2026-01-01 08:00").time(), at("2026-01-01 18:00").time()) for day in range(1, 6))
)


@pytest.mark.parametrize(
    ("minutes", "charged"), [(0, 0), (1, 15), (7, 15), (15, 15), (16, 30), (31, 45), (45, 45), (46, 60)]
)
def test_AT_TIM_1_a_quarter_begun_counts(minutes, charged):
    assert rules.billable(minutes, UP) == charged


@pytest.mark.parametrize(("minutes", "charged"), [(33, 30), (36, 45), (35, 30), (3, 15), (30, 30)])
def test_AT_TIM_2_grace_gives_the_first_minutes_away_but_not_below_the_minimum(minutes, charged):
    assert rules.billable(minutes, RoundingRule(grace=5)) == charged


def test_AT_TIM_3_three_times_ten_minutes_are_45_apart_and_30_together():
    together = RoundingRule(scope=RoundingScope.PER_TICKET_DAY)

    assert sum(rules.billable_of_day([10, 10, 10], UP)) == 45
    assert rules.billable_of_day([10, 10, 10], together) == (15, 15, 0)


def test_AT_TIM_4_rounding_goes_to_the_cheaper_part():
    started, ended = at("2026-05-05 17:35"), at("2026-05-05 18:15")
    actual = rules.worked(started, ended, now=ended)
    after = rules.after_hours(started, ended, EVENING)
    charged = rules.billable(actual, UP)
    parts = rules.segments(actual, after, charged, multiplier=Decimal(1), after_hours_multiplier=Decimal("1.5"))

    assert (actual, after, charged) == (40, 15, 45)
    assert parts == (Segment(30, Decimal(1)), Segment(15, Decimal("1.5"), after_hours=True))
    assert rules.amounts(parts, Decimal("120.00")) == (Decimal("60.00"), Decimal("45.00"))


@pytest.mark.parametrize("status", [TimeEntryStatus.LOCKED, TimeEntryStatus.BILLED])
@pytest.mark.parametrize("move", [EntryMove.REVISE, EntryMove.SUBMIT, EntryMove.REJECT])
def test_AT_TIM_5_what_a_billing_run_has_taken_is_immutable(move, status):
    with pytest.raises(Immutable) as refused:
        rules.moved(move, status)
    assert refused.value.code == "IMMUTABLE"


def test_an_entry_goes_from_draft_to_the_invoice_and_back_only_where_that_is_allowed():
    status = TimeEntryStatus.DRAFT
    for move in (EntryMove.SUBMIT, EntryMove.REJECT, EntryMove.REVISE, EntryMove.SUBMIT, EntryMove.APPROVE, EntryMove.LOCK,
                 EntryMove.UNLOCK, EntryMove.LOCK, EntryMove.BILL):  # fmt: skip
        status = rules.moved(move, status)
    assert status is TimeEntryStatus.BILLED

    with pytest.raises(TimeEntryWrongStatus):
        rules.moved(EntryMove.APPROVE, TimeEntryStatus.DRAFT)


@pytest.mark.parametrize(
    ("started", "ended"),
    [
        ("2026-05-05 10:00", "2026-05-05 10:00"),
        ("2026-05-05 10:00", "2026-05-05 09:00"),
        ("2026-05-05 10:00", "2026-05-06 12:01"),
        ("2026-05-05 10:00", "2026-05-06 02:01"),
    ],
)
def test_nobody_works_backwards_in_the_future_or_for_more_than_sixteen_hours(started, ended):
    with pytest.raises(Invalid) as refused:
        rules.worked(at(started), at(ended), now=at("2026-05-06 12:00"))
    assert refused.value.field == "endedAt"


def test_an_entry_over_midnight_belongs_to_the_day_on_which_it_began():
    assert str(rules.local_day(at("2026-05-05 23:30"), "Europe/Berlin")) == "2026-05-05"
    assert rules.after_hours(at("2026-05-05 21:30"), at("2026-05-05 22:30"), NIGHT) == 30


@given(
    st.integers(-(2**30), 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"]),
)
def test_what_belongs_to_a_day_begins_between_the_moments_around_it(moment, zone):
    day = rules.local_day(moment, zone)

    first, last = rules.moments_around(day, day + timedelta(days=1))

    assert first is not None
    assert last is not None
    assert first <= moment < last


def test_the_ends_of_time_have_nothing_around_them():
    assert rules.moments_around(None, None) == (None, None)
    assert rules.moments_around(date.min, date.max) == (None, None)


def test_rounding_down_takes_from_the_cheaper_part_first():
    parts = rules.segments(40, 30, 15, multiplier=Decimal(1), after_hours_multiplier=Decimal("1.5"))

    assert parts == (Segment(15, Decimal("1.5"), after_hours=True),)


modes = st.builds(
    RoundingRule,
    increment=st.integers(1, 60),
    minimum=st.integers(0, 60),
    mode=st.sampled_from(RoundingMode),
    grace=st.just(0),
    scope=st.sampled_from(RoundingScope),
)


@given(minutes=st.lists(st.integers(1, 200), max_size=6), rule=modes)
def test_what_is_charged_is_never_negative_and_up_never_gives_away(minutes, rule):
    charged = rules.billable_of_day(minutes, rule)

    assert len(charged) == len(minutes)
    assert all(one >= 0 for one in charged)
    if rule.mode is RoundingMode.UP:
        assert sum(charged) >= sum(minutes)
    if rule.scope is RoundingScope.PER_TICKET_DAY and minutes:
        assert sum(charged) == rules.billable(sum(minutes), rule)


@given(actual=st.integers(1, 500), share=st.integers(0, 100), rule=modes, factor=st.sampled_from(["0.5", "1", "1.5"]))
def test_the_parts_of_an_entry_add_up_to_what_is_charged(actual, share, rule, factor):
    after = actual * share // 100
    charged = rules.billable(actual, rule)
    parts = rules.segments(actual, after, charged, multiplier=Decimal(1), after_hours_multiplier=Decimal(factor))

    assert sum(part.minutes for part in parts) == charged
