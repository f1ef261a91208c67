"""Billing periods, notice and indexation."""

from datetime import date
from decimal import Decimal
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.billing.rules.periods import (
    BillingInterval,
    Period,
    due,
    indexed,
    month_of,
    next_due,
    notice_deadline,
    occurrence,
    periods,
    reminders,
    renewed,
)

MONTHLY, ANNUAL, ONCE = BillingInterval.MONTHLY, BillingInterval.ANNUAL, BillingInterval.ONE_TIME


def test_at_per_1_periods_are_counted_from_the_original_start_and_do_not_drift():
    start = date(2026, 1, 31)

    assert [occurrence(start, MONTHLY, k) for k in range(4)] == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]
    assert occurrence(date(2028, 1, 31), MONTHLY, 1) == date(2028, 2, 29)


def test_a_late_run_bills_every_period_that_it_missed():
    found = due(date(2026, 1, 1), MONTHLY, until=date(2026, 3, 15), in_advance=True)

    assert [period.start.month for period in found] == [1, 2, 3]
    assert found[-1].last_day == date(2026, 3, 31)


def test_in_arrears_a_period_is_due_when_it_is_over():
    assert len(due(date(2026, 1, 1), MONTHLY, until=date(2026, 2, 28), in_advance=False)) == 1
    assert len(due(date(2026, 1, 1), MONTHLY, until=date(2026, 3, 1), in_advance=False)) == 2


def test_no_period_begins_after_the_last_day_of_a_line():
    assert len(due(date(2026, 1, 1), MONTHLY, until=date(2027, 1, 1), in_advance=True, last_day=date(2026, 2, 15))) == 2
    assert (
        next_due(date(2026, 1, 1), MONTHLY, after=date(2026, 2, 1), in_advance=True, last_day=date(2026, 2, 15)) is None
    )
    assert next_due(date(2026, 1, 1), MONTHLY, after=date(2026, 2, 1), in_advance=True) == date(2026, 3, 1)


def test_what_happens_once_has_no_periods():
    assert due(date(2026, 1, 1), ONCE, until=date(2030, 1, 1), in_advance=True) == ()


@pytest.mark.parametrize(
    ("term_end", "months", "deadline"),
    [(date(2026, 12, 31), 3, date(2026, 9, 30)), (date(2027, 2, 28), 3, date(2026, 11, 30))],
)
def test_at_ntc_1_notice_can_be_given_until(term_end, months, deadline):
    assert notice_deadline(term_end, months) == deadline


def test_somebody_is_told_60_30_and_7_days_before_the_notice_is_due():
    assert reminders(date(2026, 12, 31), 3) == (date(2026, 8, 1), date(2026, 8, 31), date(2026, 9, 23))


def test_a_renewed_term_begins_the_day_after():
    assert renewed(date(2026, 12, 31), 12) == Period(date(2027, 1, 1), date(2028, 1, 1))


def test_indexation_rounds_the_price_to_the_cent():
    assert indexed(Decimal("19.90"), Decimal("0.035")) == Decimal("20.60")


def test_the_month_of_a_day_ends_with_its_last():
    assert (month_of(date(2026, 2, 14)).last_day, month_of(date(2026, 2, 14)).days) == (date(2026, 2, 28), 28)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.sampled_from([one for one in BillingInterval if one.months]))
def test_periods_follow_each_other_without_gap_or_overlap(start, interval):
    for before, after in pairwise(islice(periods(start, interval), 30)):
        assert before.end == after.start
        assert before.days > 0
