"""The terms of contracts: notice, renewal, indexation, and what a timer brings about."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.crm.rules import terms
from subgraphs.crm.rules.terms import BillingInterval, Due, Term

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(
    ("end", "deadline"), [(date(2026, 12, 31), date(2026, 9, 30)), (date(2027, 2, 28), date(2026, 11, 30))]
)
def test_at_ntc_1_the_last_day_of_notice_counts_back_from_the_day_after_the_term(end, deadline):
    assert terms.notice_deadline(end, 3) == deadline


def test_the_next_term_begins_on_the_day_after():
    assert terms.renewed(date(2026, 12, 31), 12) == Term(date(2027, 1, 1), date(2027, 12, 31))
    assert terms.renewed(date(2027, 2, 28), 1) == Term(date(2027, 3, 1), date(2027, 3, 31))


def test_reminders_come_60_30_and_7_days_before_and_only_those_that_are_still_to_come():
    assert terms.reminders(date(2026, 9, 30), after=date(2026, 1, 1)) == (
        (60, date(2026, 8, 1)),
        (30, date(2026, 8, 31)),
        (7, date(2026, 9, 23)),
    )
    assert terms.reminders(date(2026, 9, 30), after=date(2026, 8, 31)) == ((7, date(2026, 9, 23)),)


@pytest.mark.parametrize(
    ("given_on", "last"), [(date(2026, 9, 30), date(2026, 12, 31)), (date(2026, 10, 1), date(2027, 12, 31))]
)
def test_notice_a_day_late_ends_what_renews_itself_with_the_next_term(given_on, last):
    assert terms.leaves(given_on, term_end=date(2026, 12, 31), notice_months=3, renewal_months=12) == last


def test_what_does_not_renew_itself_ends_with_its_term_whenever_notice_comes():
    assert terms.leaves(date(2026, 12, 30), term_end=date(2026, 12, 31), notice_months=3, renewal_months=None) == date(
        2026, 12, 31
    )


def test_what_has_no_term_can_be_left_with_the_months_of_notice():
    assert terms.leaves(date(2026, 3, 31), term_end=None, notice_months=3, renewal_months=None) == date(2026, 6, 30)


@given(DAYS, st.integers(0, 24))
def test_the_earliest_end_is_the_first_whose_deadline_is_kept(day, months):
    end = terms.earliest_end(day, months)

    assert terms.notice_deadline(end, months) >= day
    assert terms.notice_deadline(end - timedelta(days=1), months) < day or end - timedelta(days=1) < day


@given(DAYS, st.integers(1, 60), st.integers(1, 60))
def test_terms_follow_each_other_without_a_gap(start, first, second):
    one = terms.term(start, first)

    assert terms.renewed(one.end, second).start == one.end + timedelta(days=1)


def test_at_idx_an_indexation_is_to_the_cent_and_half_a_cent_goes_up():
    assert terms.indexed(Decimal("45.00"), Decimal("3.5")) == Decimal("46.58")
    assert terms.indexed(Decimal("2.60"), Decimal("2.5")) == Decimal("2.67")  # 2.665
    assert terms.index_change(Decimal("121.4"), Decimal("124.3")) == Decimal("2.39")


def test_the_running_period_counts_from_the_original_start():
    start = date(2026, 1, 31)
    assert terms.running_period(start, BillingInterval.MONTHLY, date(2026, 3, 30)) == date(2026, 2, 28)
    assert terms.running_period(start, BillingInterval.MONTHLY, date(2026, 3, 31)) == date(2026, 3, 31)
    assert terms.running_period(start, BillingInterval.QUARTERLY, date(2026, 8, 1)) == date(2026, 7, 31)
    assert terms.running_period(start, BillingInterval.MONTHLY, date(2025, 1, 1)) == start


@given(DAYS, DAYS, st.sampled_from([one for one in BillingInterval if one.months]))
def test_today_lies_within_the_running_period(start, today, interval):
    first = terms.running_period(start, interval, today)

    assert first == start or first <= today
    assert today < terms.plus_months(first, interval.months + 1) or today < start


@pytest.mark.parametrize(
    ("expected", "now", "today", "renews", "due"),
    [
        (date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1), True, Due.RENEW),
        (date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1), False, Due.END),
        (date(2026, 12, 31), date(2026, 12, 31), date(2026, 12, 31), True, Due.NOTHING),
        (date(2026, 12, 31), date(2027, 12, 31), date(2027, 1, 1), True, Due.NOTHING),
        (date(2026, 12, 31), None, date(2027, 1, 1), True, Due.NOTHING),
    ],
)
def test_a_timer_looks_at_the_contract_and_not_only_at_the_clock(expected, now, today, renews, due):
    assert terms.over(expected=expected, term_end=now, today=today, renews=renews) is due


def test_prices_of_an_interval_come_to_so_much_in_a_month():
    assert terms.monthly([Decimal(100), Decimal(100)], BillingInterval.QUARTERLY) == Decimal("66.67")
    assert terms.monthly([Decimal(100)], BillingInterval.ONE_TIME) == Decimal("0.00")


def test_prices_that_did_not_fall_with_the_index_rise_again_only_above_where_they_were():
    fell = terms.reference_after(Decimal("120.0"), Decimal("118.0"))

    assert fell == Decimal("120.0")
    assert terms.index_change(fell, Decimal("121.0")) == Decimal("0.83")
    assert terms.reference_after(fell, Decimal("121.0")) == Decimal("121.0")
    assert terms.reference_after(fell, None) == Decimal("120.0")
    assert terms.reference_after(None, None) is None
