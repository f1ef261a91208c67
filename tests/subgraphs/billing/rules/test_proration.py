"""Parts of periods."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.billing.rules.periods import Period, month_of
from subgraphs.billing.rules.proration import (
    Commitment,
    ProrationMode,
    Tier,
    amount,
    effective_from,
    factor,
    refund,
    tier_price,
)

APRIL = month_of(date(2026, 4, 1))


def test_at_pro_1_five_users_from_the_11th_of_april():
    assert amount(Decimal(5), Decimal("45.00"), Period(date(2026, 4, 11), APRIL.end), APRIL) == Decimal("150.00")


def test_at_pro_2_three_licences_from_the_10th_of_february():
    february = month_of(date(2026, 2, 1))

    assert amount(Decimal(3), Decimal("19.90"), Period(date(2026, 2, 10), february.end), february) == Decimal("40.51")


def test_at_pro_3_who_leaves_an_annual_period_gets_the_rest_back():
    year = Period(date(2026, 3, 15), date(2027, 3, 15))

    back = refund(Decimal("1200.00"), year, terminated_on=date(2026, 9, 30))

    assert (year.days, back.used_days, back.used, back.credit) == (365, 200, Decimal("657.53"), Decimal("542.47"))


def test_the_mode_says_what_a_first_period_costs_that_is_not_whole():
    late = Period(date(2026, 4, 11), APRIL.end)
    early = Period(APRIL.start, date(2026, 4, 16))

    assert factor(ProrationMode.NONE, late, APRIL) == 1
    assert factor(ProrationMode.FULL_FIRST, late, APRIL) == 1
    assert factor(ProrationMode.FREE_FIRST, late, APRIL) == 0
    assert factor(ProrationMode.FREE_FIRST, early, APRIL) == Decimal("0.5")
    assert factor(ProrationMode.DAILY, early, APRIL) == Decimal("0.5")
    assert factor(ProrationMode.DAILY, None, APRIL) == 0


def test_less_of_a_promised_quantity_counts_when_the_promise_ends():
    promised = Commitment(until=date(2026, 12, 1), reducible=False)

    assert effective_from(date(2026, 4, 1), Decimal(-2), promised) == date(2026, 12, 1)
    assert effective_from(date(2026, 4, 1), Decimal(2), promised) == date(2026, 4, 1)
    assert effective_from(date(2026, 4, 1), Decimal(-2), Commitment(date(2026, 12, 1), reducible=True)) == date(
        2026, 4, 1
    )


def test_the_highest_step_that_is_reached_gives_the_price():
    steps = [
        Tier(Decimal(1), Decimal("10.00")),
        Tier(Decimal(50), Decimal("8.50")),
        Tier(Decimal(100), Decimal("7.00")),
    ]

    assert [tier_price(steps, Decimal(n), Decimal("12.00")) for n in (0, 1, 49, 50, 250)] == [
        Decimal("12.00"),
        Decimal("10.00"),
        Decimal("10.00"),
        Decimal("8.50"),
        Decimal("7.00"),
    ]


@given(st.integers(0, 30), st.integers(1, 999))
def test_a_period_cut_in_two_costs_as_much_as_the_whole_within_a_cent(days, quantity):
    cut = date.fromordinal(APRIL.start.toordinal() + days)
    parts = [Period(a, b) for a, b in ((APRIL.start, cut), (cut, APRIL.end)) if a < b]

    whole = amount(Decimal(quantity), Decimal("19.90"), APRIL, APRIL)

    assert abs(sum(amount(Decimal(quantity), Decimal("19.90"), part, APRIL) for part in parts) - whole) <= Decimal(
        "0.01"
    )
