"""Rounding and splitting."""

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.billing.rules.money import CENT, rounded, split

cents = st.integers(-(10**9), 10**9).map(lambda n: D(n) * CENT)
weights = st.lists(st.integers(0, 10**7).map(lambda n: D(n) * CENT), min_size=1, max_size=12)


def test_at_rnd_1_halves_are_rounded_away_from_zero():
    assert rounded(D("2.665")) == D("2.67")
    assert rounded(D("-2.665")) == D("-2.67")
    assert D("2.665").quantize(CENT) == D("2.66")  # what Python would do by itself


def test_at_rnd_2_a_split_loses_no_cent():
    assert split(D("100.00"), [D(1), D(1), D(1)]) == (D("33.34"), D("33.33"), D("33.33"))


def test_parts_of_nothing_are_nothing():
    assert split(D("1.00"), []) == ()
    assert split(D("0.03"), [D(0), D(0)]) == (D("0.02"), D("0.01"))


@given(cents, weights)
def test_parts_sum_up_and_are_within_a_cent_of_exact(amount, shares):
    parts = split(amount, shares)

    total = sum(shares) or D(len(shares))
    assert sum(parts) == amount
    for part, share in zip(parts, shares if sum(shares) else [D(1)] * len(shares), strict=True):
        assert abs(part - amount * share / total) < CENT


@given(cents, weights)
def test_a_split_of_the_negative_amount_mirrors_that_of_the_positive(amount, shares):
    assert split(-amount, shares) == tuple(-part for part in split(amount, shares))
