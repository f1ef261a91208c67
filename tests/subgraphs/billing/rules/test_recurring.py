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
from subgraphs.billing.rules.proration import ProrationMode, Tier
from subgraphs.billing.rules.quantities import Count, QuantityPolicy
from subgraphs.billing.rules.recurring import Change, Charge, RecurringLine, Schedule, charges

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


# --- changes within a period

TIERS = (Tier(Decimal(1), Decimal("10.00")), Tier(Decimal(50), Decimal("8.00")))


def changed(number: int, day: int, delta: int, *, entered: int = 1) -> Change:
    """A change of April, entered on a day of March."""
    return Change(number, date(2026, 4, day), Decimal(delta), datetime(2026, 3, entered, tzinfo=UTC))


def test_a_change_over_a_step_of_the_price_is_worth_the_difference_of_two_wholes():
    line = replace(LINE, quantity=Decimal(48), tiers=TIERS, changes=(changed(1, 11, 5),))

    assert amounts(charges(line, MONTHLY, until=date(2026, 4, 1), billed={})) == [
        ("2026-04-01", "2026-04-30", Decimal("480.00")),
        ("2026-04-11", "2026-04-30", Decimal("-37.33")),  # 53 at 8.00 instead of 48 at 10.00, for 20 of 30 days
    ]


def test_fewer_at_the_same_step_go_back_at_the_price_of_that_step():
    line = replace(LINE, quantity=Decimal(60), tiers=TIERS, changes=(changed(1, 11, -3),))
    first, less = charges(line, MONTHLY, until=date(2026, 4, 1), billed={})

    assert (less.agreed_quantity, less.quantity, less.unit_price) == (-3, -2, Decimal("8.00"))
    assert amounts((first, less))[1][2] == Decimal("-16.00")


def test_devices_that_reach_a_step_while_the_month_runs_make_all_of_them_cheaper():
    counts = (Count(date(2026, 3, 1), Decimal(48)), Count(date(2026, 4, 11), Decimal(53)))
    line = replace(LINE, tiers=TIERS, counts=counts)

    found = amounts(charges(line, MONTHLY, until=date(2026, 4, 12), billed={}))

    assert [amount for _, _, amount in found] == [Decimal("480.00"), Decimal("-37.33")]


def test_least_and_most_bound_what_is_there_and_not_what_is_added():
    least = replace(LINE, quantity=Decimal(10), least=Decimal(10), unit_price=Decimal(30))
    most = replace(LINE, quantity=Decimal(10), most=Decimal(12), unit_price=Decimal(30))
    below = replace(least, changes=(changed(1, 11, -5), changed(2, 16, 6)))

    assert [amount for _, _, amount in amounts(charges(below, MONTHLY, until=date(2026, 4, 1), billed={}))] == [
        Decimal("300.00"),
        Decimal("15.00"),  # 5 below the least, then 11: one more than the least for 15 of 30 days
    ]
    above = charges(replace(most, changes=(changed(1, 11, 5),)), MONTHLY, until=date(2026, 4, 1), billed={})
    assert amounts(above)[1] == ("2026-04-11", "2026-04-30", Decimal("40.00"))


def test_a_line_that_began_with_none_bills_its_changes_once():
    line = replace(LINE, quantity=Decimal(0), changes=(changed(1, 11, 5),))
    found = charges(line, MONTHLY, until=date(2026, 4, 20), billed={})

    assert amounts(found) == [("2026-04-11", "2026-04-30", Decimal("150.00"))]
    assert charges(line, MONTHLY, until=date(2026, 4, 20), billed=remembered(*found)) == ()


def test_what_is_said_of_a_first_period_does_not_hold_for_later_changes():
    more, fewer = (changed(1, 11, 3),), (changed(1, 11, -3),)
    for mode in (ProrationMode.FULL_FIRST, ProrationMode.FREE_FIRST):
        line = replace(LINE, prorate=mode, quantity=Decimal(10), unit_price=Decimal(30))
        for changes, wanted in ((more, "60.00"), (fewer, "-60.00")):
            _, change = charges(replace(line, changes=changes), MONTHLY, until=date(2026, 4, 1), billed={})
            assert amounts((change,))[0][2] == Decimal(wanted)


def test_of_a_whole_price_more_is_asked_whole_and_fewer_give_nothing_back_before_the_next_period():
    line = replace(LINE, prorate=ProrationMode.NONE, quantity=Decimal(10), unit_price=Decimal(30))
    fewer = replace(line, changes=(changed(1, 11, -3),))
    more = replace(line, changes=(changed(1, 11, 3),))

    assert [one[2] for one in amounts(charges(fewer, MONTHLY, until=date(2026, 5, 1), billed={}))] == [300, 210]
    assert [one[2] for one in amounts(charges(more, MONTHLY, until=date(2026, 5, 1), billed={}))] == [300, 90, 390]


@given(
    changes=st.lists(
        st.tuples(st.integers(1, 30), st.integers(-30, 30).filter(bool), st.booleans()), min_size=1, max_size=5
    )
)
def test_however_changes_come_a_month_costs_what_its_days_cost(changes: list[tuple[int, int, bool]]):
    """Each day costs what its quantity costs at its step; a cent for each part may be lost in rounding."""
    line = replace(LINE, quantity=Decimal(48), tiers=TIERS, least=Decimal(20), most=Decimal(90), changes=())
    billed, total = {}, Decimal(0)
    for number, (day, delta, run) in enumerate(changes, start=1):
        entered = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(days=number)
        line = replace(line, changes=(*line.changes, Change(number, date(2026, 4, day), Decimal(delta), entered)))
        if run or number == len(changes):
            found = charges(line, MONTHLY, until=date(2026, 4, 30), billed=billed)
            total += sum((amount for _, _, amount in amounts(found)), Decimal(0))
            for one in found:
                at = entered + timedelta(hours=1)
                before = Before(at, one.active, one.quantity, one.unit_price)
                billed.setdefault((one.line, one.period.start), {})[one.part] = before

    days = [Decimal(48 + sum(delta for first, delta, _ in changes if first <= day)) for day in range(1, 31)]
    bound = [min(max(many, Decimal(20)), Decimal(90)) for many in days]
    exact = sum((many * (8 if many >= 50 else 10) for many in bound), Decimal(0)) / 30
    assert abs(total - exact) <= Decimal("0.01") * (len(changes) + 1)


def test_periods_on_the_last_day_of_the_month_stay_there_when_the_first_month_is_short():
    last = Schedule(date(2026, 4, 30), BillingInterval.MONTHLY, in_advance=True, anchor_day=31)
    line = replace(LINE, valid_from=date(2026, 4, 30))

    assert [str(one.period.start) for one in charges(line, last, until=date(2026, 7, 31), billed={})] == [
        "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31",
    ]  # fmt: skip
