"""Balances that were paid before."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.billing.rules.money import product, rounded
from subgraphs.billing.rules.prepaid import Block, Movement, MovementKind, consume, expired
from subgraphs.billing.rules.rates import Rate, segments, weighted_hours

MAY = date(2026, 5, 12)
FIRST, SECOND = UUID(int=1), UUID(int=2)


def block(n: int, hours: str, *, left: str | None = None, expires: date | None = None) -> Block:
    return Block(UUID(int=n), date(2026, 1, 1), Decimal(hours), Decimal(left or hours), expires)


def test_at_pre_1_a_block_of_ten_hours_and_10_25_hours_of_work():
    after_hours = weighted_hours(
        segments(Rate(Decimal(130), multiplier_after_hours=Decimal("1.5")), minutes=120, after_hours=120)
    )
    first = consume([block(1, "10")], Decimal("7.25"), MAY)
    second = consume([block(1, "10", left="2.75")], after_hours, MAY)

    assert (first.consumed, first.overage, first.exhausted, first.low) == (Decimal("7.25"), 0, False, False)
    assert (second.consumed, second.overage, second.exhausted) == (Decimal("2.75"), Decimal("0.25"), True)
    assert rounded(product(second.overage, Decimal("130.00"))) == Decimal("32.50")


def test_at_pre_1_the_balance_is_told_to_be_exhausted_once():
    assert consume([block(1, "10", left="0")], Decimal(1), MAY).exhausted is False
    assert consume([block(1, "10", left="0")], Decimal(1), MAY).overage == 1


def test_at_pre_2_what_expires_first_is_used_first():
    blocks = [block(2, "10", expires=date(2026, 12, 31)), block(1, "5", expires=date(2026, 6, 30))]

    used = consume(blocks, Decimal(6), MAY)

    assert used.movements == (
        Movement(FIRST, MovementKind.CONSUME, Decimal(-5)),
        Movement(SECOND, MovementKind.CONSUME, Decimal(-1)),
    )
    assert used.overage == 0


def test_at_pre_3_expired_hours_are_taken_out_by_a_movement():
    blocks = [block(1, "5", left="2", expires=date(2026, 6, 30)), block(2, "10")]

    assert expired(blocks, date(2026, 6, 30)) == ()
    assert expired(blocks, date(2026, 7, 1)) == (Movement(FIRST, MovementKind.EXPIRE, Decimal(-2)),)
    assert consume(blocks, Decimal(1), date(2026, 7, 1)).movements[0].block == SECOND


def test_a_balance_is_low_from_a_fifth_on_and_says_so_once():
    assert consume([block(1, "10", left="3")], Decimal("0.75"), MAY).low is False
    assert consume([block(1, "10", left="3")], Decimal(1), MAY).low is True
    assert consume([block(1, "10", left="2")], Decimal("0.25"), MAY).low is False
    assert consume([block(1, "10", left="1")], Decimal("0.25"), MAY).low is False


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(1, 200))
def test_nothing_is_lost_and_no_block_goes_below_zero(remaining, wanted):
    blocks = [Block(UUID(int=n), MAY, Decimal(40), Decimal(left)) for n, left in enumerate(remaining)]

    used = consume(blocks, Decimal(wanted), MAY)

    assert used.consumed + used.overage == wanted
    left = {one.id: one.remaining for one in blocks}
    assert all(left[movement.block] + movement.quantity >= 0 for movement in used.movements)
