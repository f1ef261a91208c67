"""What work costs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.billing.rules.rates import Rate, RateCard, RateScope, Segment, as_line, beyond, price, rate_for, segments
from subgraphs.billing.rules.totals import line_net

REMOTE = Rate(Decimal("110.00"), work_type="remote")
SENIOR = Rate(Decimal("140.00"), role="senior")
ANY = Rate(Decimal("120.00"), multiplier_after_hours=Decimal("1.5"), multiplier_weekend=Decimal(2))


def test_at_tim_4_the_price_of_30_normal_minutes_and_15_after_hours():
    parts = segments(ANY, minutes=45, after_hours=15)

    assert parts == (Segment(Decimal(30)), Segment(Decimal(15), Decimal("1.5")))
    assert price(parts[:1], ANY.hourly_rate) == Decimal("60.00")
    assert price(parts[1:], ANY.hourly_rate) == Decimal("45.00")
    assert price(parts, ANY.hourly_rate) == Decimal("105.00")


def test_the_card_of_the_contract_comes_first_and_then_the_more_specific_rate():
    tenant = RateCard(RateScope.TENANT, (ANY, SENIOR, REMOTE))
    customer = RateCard(RateScope.CUSTOMER, (Rate(Decimal("99.00"), work_type="on-site"),))
    contract = RateCard(RateScope.CONTRACT, (Rate(Decimal("90.00")),))

    assert rate_for([tenant], work_type="remote", role="senior") == REMOTE
    assert rate_for([tenant], work_type="training", role="senior") == SENIOR
    assert rate_for([tenant], work_type="training", role=None) == ANY
    assert rate_for([tenant, customer], work_type="on-site", role=None).hourly_rate == Decimal("99.00")
    assert rate_for([tenant, customer, contract], work_type="on-site", role=None).hourly_rate == Decimal("90.00")
    assert rate_for([customer], work_type="remote", role=None) is None


def test_the_first_hours_are_the_covered_ones():
    parts = segments(ANY, minutes=120, after_hours=30)

    assert beyond(parts, Decimal(1)) == (Segment(Decimal(30)), Segment(Decimal(30), Decimal("1.5")))
    assert beyond(parts, Decimal(2)) == ()


@pytest.mark.parametrize(
    ("minutes", "rate", "line"),
    [
        (20, "187.50", ("0.3333", "187.5188")),
        (5, "187.50", ("0.0833", "187.6351")),
        (15, "120.00", ("0.2500", "120.0000")),
    ],
)
def test_a_third_of_an_hour_costs_what_its_minutes_cost(minutes, rate, line):
    """0.3333 hours at 187.50 would be 62.49: a cent less than twenty minutes are worth."""
    assert as_line(Segment(Decimal(minutes)), Decimal(rate)) == tuple(map(Decimal, line))


@given(minutes=st.integers(1, 960), cents=st.integers(1, 50_000), multiplier=st.sampled_from(["1", "1.25", "1.5", "2"]))
def test_a_line_of_work_multiplies_to_what_the_work_costs(minutes, cents, multiplier):
    part, hourly = Segment(Decimal(minutes), Decimal(multiplier)), Decimal(cents) / 100
    hours, each = as_line(part, hourly)

    assert line_net(hours, each) == price([part], hourly)
