"""What a line of a contract asks for, period by period, whatever becomes of it after it was billed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from subgraphs.billing.rules.contracts import ContractStatus, LineKind, Pause, pauses_after
from subgraphs.billing.rules.corrections import Before
from subgraphs.billing.rules.money import product, rounded
from subgraphs.billing.rules.periods import BillingInterval
from subgraphs.billing.rules.proration import ProrationMode
from subgraphs.billing.rules.quantities import Count, QuantityPolicy
from subgraphs.billing.rules.recurring import Charge, RecurringLine, Schedule, charges

LINE = RecurringLine(
    uuid4(), Decimal(30), Decimal("45.00"), QuantityPolicy.PRORATED_CHANGES, ProrationMode.DAILY, date(2026, 4, 1)
)
MONTHLY = Schedule(date(2026, 4, 1), BillingInterval.MONTHLY, in_advance=True)
YEARLY = Schedule(date(2026, 3, 15), BillingInterval.ANNUAL, in_advance=True)


def amounts(found: tuple[Charge, ...]) -> list[tuple[str, str, Decimal]]:
    """From when until when, and what it comes to."""
    return [
        (str(one.active.start), str(one.active.last_day), rounded(product(one.quantity, one.unit_price)))
        for one in found
    ]


def remembered(*found: Charge, known=None):
    """What was billed, as the next run finds it."""
    billed = {key: dict(parts) for key, parts in (known or {}).items()}
    for number, one in enumerate(found):
        at = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(minutes=len(billed) * 100 + number)
        before = Before(at, one.active, one.quantity, one.unit_price)
        billed.setdefault((one.line, one.period.start), {})[one.part] = before
    return billed


def test_at_pro_3_who_leaves_an_annual_period_that_was_billed_gets_542_47_back():
    line = replace(LINE, quantity=Decimal(1), unit_price=Decimal(1200), valid_from=date(2026, 3, 15))
    billed = remembered(*charges(line, YEARLY, until=date(2026, 3, 15), billed={}))
    left = replace(YEARLY, end=date(2026, 9, 30))

    back = charges(line, left, until=date(2026, 10, 1), billed=billed)

    assert amounts(back) == [("2026-10-01", "2027-03-14", Decimal("-542.47"))]
    assert charges(line, left, until=date(2026, 10, 1), billed=remembered(*back, known=billed)) == ()


def test_a_line_that_is_amended_within_a_billed_month_goes_back_by_its_days_and_the_next_version_begins():
    billed = remembered(*charges(LINE, MONTHLY, until=date(2026, 4, 1), billed={}))
    former = replace(LINE, valid_to=date(2026, 4, 10))
    follower = replace(LINE, id=uuid4(), quantity=Decimal(35), valid_from=date(2026, 4, 11), follows=True)

    assert amounts(charges(former, MONTHLY, until=date(2026, 4, 20), billed=billed)) == [
        ("2026-04-11", "2026-04-30", Decimal("-900.00"))
    ]
    assert amounts(charges(follower, MONTHLY, until=date(2026, 4, 20), billed=billed)) == [
        ("2026-04-11", "2026-04-30", Decimal("1050.00"))
    ]


def test_of_a_whole_price_the_version_that_held_on_the_first_day_has_all():
    whole = replace(LINE, prorate=ProrationMode.NONE)
    billed = remembered(*charges(whole, MONTHLY, until=date(2026, 4, 1), billed={}))
    former = replace(whole, valid_to=date(2026, 4, 10))
    follower = replace(whole, id=uuid4(), unit_price=Decimal(50), valid_from=date(2026, 4, 11), follows=True)

    assert charges(former, MONTHLY, until=date(2026, 4, 20), billed=billed) == ()
    assert amounts(charges(follower, MONTHLY, until=date(2026, 5, 1), billed=billed)) == [
        ("2026-05-01", "2026-05-31", Decimal("1500.00"))
    ]


def test_a_version_that_never_held_goes_back_whole():
    billed = remembered(*charges(LINE, MONTHLY, until=date(2026, 4, 1), billed={}))

    back = charges(replace(LINE, valid_to=date(2026, 3, 31)), MONTHLY, until=date(2026, 4, 2), billed=billed)

    assert amounts(back) == [("2026-04-01", "2026-04-30", Decimal("-1350.00"))]


def test_a_renewal_asks_for_the_rest_of_a_period_that_was_cut_short_by_the_end_of_the_term():
    term = replace(MONTHLY, start=date(2026, 1, 15), end=date(2026, 12, 31))
    line = replace(LINE, quantity=Decimal(1), unit_price=Decimal(310), valid_from=date(2026, 1, 15))
    before = charges(line, term, until=date(2026, 12, 20), billed={})
    renewed = replace(term, end=date(2027, 12, 31))

    more = charges(line, renewed, until=date(2026, 12, 21), billed=remembered(*before))

    assert amounts(before)[-1] == ("2026-12-15", "2026-12-31", Decimal("170.00"))
    assert amounts(more) == [("2027-01-01", "2027-01-14", Decimal("140.00"))]


@given(ends=st.lists(st.integers(min_value=1, max_value=365), min_size=1, max_size=6))
def test_however_often_the_end_moves_the_corrections_add_up_to_what_the_days_cost(ends: list[int]):
    line = replace(LINE, quantity=Decimal(3), unit_price=Decimal("333.33"), valid_from=date(2026, 3, 15))
    (first,) = charges(line, YEARLY, until=date(2026, 3, 15), billed={})
    billed, total = remembered(first), rounded(product(first.quantity, first.unit_price))
    for days in ends:
        moved = replace(YEARLY, end=date(2026, 3, 14) + timedelta(days=days))
        found = charges(line, moved, until=date(2026, 12, 1), billed=billed)
        total += sum((amount for _, _, amount in amounts(found)), Decimal(0))
        billed = remembered(*found, known=billed)

    assert total == rounded(Decimal("999.99") * ends[-1] / 365)


def test_what_is_billed_once_is_billed_once_and_not_again_by_a_version_that_follows():
    setup = replace(LINE, kind=LineKind.ONE_TIME, quantity=Decimal(1), unit_price=Decimal(490))
    found = charges(setup, MONTHLY, until=date(2026, 7, 1), billed={})

    assert amounts(found) == [("2026-04-01", "2026-04-01", Decimal("490.00"))]
    assert charges(setup, MONTHLY, until=date(2026, 7, 1), billed=remembered(*found)) == ()
    assert charges(replace(setup, id=uuid4(), follows=True), MONTHLY, until=date(2026, 7, 1), billed={}) == ()
    assert charges(setup, MONTHLY, until=date(2026, 3, 31), billed={}) == ()


def test_a_contract_for_once_bills_its_term_once():
    once = Schedule(date(2026, 4, 1), BillingInterval.ONE_TIME, in_advance=True, end=date(2026, 9, 30))

    assert amounts(charges(LINE, once, until=date(2026, 12, 1), billed={})) == [
        ("2026-04-01", "2026-09-30", Decimal("1350.00"))
    ]


def test_periods_begin_on_the_agreed_day_of_the_month_and_the_first_is_cut_short():
    anchored = Schedule(date(2026, 4, 16), BillingInterval.MONTHLY, in_advance=True, anchor_day=1)
    line = replace(LINE, valid_from=date(2026, 4, 16))

    assert amounts(charges(line, anchored, until=date(2026, 5, 1), billed={})) == [
        ("2026-04-16", "2026-04-30", Decimal("675.00")),
        ("2026-05-01", "2026-05-31", Decimal("1350.00")),
    ]


def test_a_contract_that_rests_is_not_billed_and_begins_again_with_its_day():
    resting = replace(MONTHLY, pauses=(Pause(date(2026, 5, 1)),))
    again = replace(MONTHLY, pauses=(Pause(date(2026, 5, 1), date(2026, 7, 16)),))
    april = [("2026-04-01", "2026-04-30", Decimal("1350.00"))]

    assert amounts(charges(LINE, resting, until=date(2026, 7, 1), billed={})) == april
    assert amounts(charges(LINE, again, until=date(2026, 7, 20), billed={})) == [
        *april,
        ("2026-07-16", "2026-07-31", Decimal("696.77")),
    ]


def test_a_pause_begins_once_and_ends_when_the_contract_holds_again():
    day = date(2026, 5, 1)
    resting = pauses_after((), ContractStatus.SUSPENDED, since=day)

    assert resting == (Pause(day),)
    assert pauses_after(resting, ContractStatus.SUSPENDED, since=date(2026, 5, 9)) == resting
    assert pauses_after(resting, ContractStatus.ACTIVE, since=date(2026, 6, 1)) == (Pause(day, date(2026, 6, 1)),)
    assert pauses_after((), ContractStatus.ACTIVE, since=day) == ()


def test_devices_that_come_after_their_month_was_billed_are_caught_up_with():
    counted = replace(
        LINE, unit_price=Decimal("8.50"), least=Decimal(10), counts=(Count(date(2026, 3, 1), Decimal(12)),)
    )
    first = charges(counted, MONTHLY, until=date(2026, 4, 1), billed={})
    more = replace(counted, counts=(*(counted.counts or ()), Count(date(2026, 4, 16), Decimal(20))))
    fewer = replace(counted, counts=(*(counted.counts or ()), Count(date(2026, 4, 16), Decimal(3))))

    assert amounts(first) == [("2026-04-01", "2026-04-30", Decimal("102.00"))]
    assert amounts(charges(more, MONTHLY, until=date(2026, 4, 20), billed=remembered(*first))) == [
        ("2026-04-16", "2026-04-30", Decimal("34.00"))
    ]
    assert amounts(charges(fewer, MONTHLY, until=date(2026, 4, 20), billed=remembered(*first))) == [
        ("2026-04-16", "2026-04-30", Decimal("-8.50"))
    ]
