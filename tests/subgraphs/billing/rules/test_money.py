"""Rounding and splitting."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.billing.rules.money import CENT, rounded, split

cents = st.integers(-(10**9), 10**9).map(lambda n: Decimal(n) * CENT)
weights = st.lists(st.integers(0, 10**7).map(lambda n: Decimal(n) * CENT), min_size=1, max_size=12)


def test_at_rnd_1_halves_are_rounded_away_from_zero():
    assert rounded(Decimal("2.665")) == Decimal("2.67")
    assert rounded(Decimal("-2.665")) == Decimal("-2.67")
    assert Decimal("2.665").quantize(CENT) == Decimal("2.66")  # what Python would do by itself


def test_at_rnd_2_a_split_loses_no_cent():
    assert split(Decimal("100.00"), [Decimal(1), Decimal(1), Decimal(1)]) == (
        Decimal("33.34"),
        Decimal("33.33"),
        Decimal("33.33"),
    )


def test_parts_of_nothing_are_nothing():
    assert split(Decimal("1.00"), []) == ()
    assert split(Decimal("0.03"), [Decimal(0), Decimal(0)]) == (Decimal("0.02"), Decimal("0.01"))


@given(cents, weights)
def test_parts_sum_up_and_are_within_a_cent_of_exact(amount, shares):
    parts = split(amount, shares)

    total = sum(shares) or Decimal(len(shares))
    assert sum(parts) == amount
    for part, share in zip(parts, shares if sum(shares) else [Decimal(1)] * len(shares), strict=True):
        assert abs(part - amount * share / total) < CENT


@given(cents, weights)
def test_a_split_of_the_negative_amount_mirrors_that_of_the_positive(amount, shares):
    assert split(-amount, shares) == tuple(-part for part in split(amount, shares))
