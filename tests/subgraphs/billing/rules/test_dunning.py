"""Asking for money that is late."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from subgraphs.billing.rules.dunning import (
    DEFAULT_BASE_RATES,
    DEFAULT_POLICY,
    FLAT_FEE,
    BaseRate,
    Claim,
    NotDunned,
    Step,
    _base_rate,
    flat_fee,
    interest,
    letters,
    next_step,
    payments_are_fresh,
)
from subgraphs.billing.rules.invoices import InvoiceKind, InvoiceStatus

DUE = date(2026, 3, 1)
CUSTOMER = UUID(int=100)


def claim(n: int = 1, **more) -> Claim:
    plain = {
        "id": UUID(int=n),
        "customer_id": CUSTOMER,
        "kind": InvoiceKind.INVOICE,
        "status": InvoiceStatus.ISSUED,
        "due": DUE,
        "open_amount": Decimal("100.00"),
    }
    return Claim(**{**plain, **more})


def on(days: int) -> date:
    return DUE + timedelta(days=days)


def test_at_dun_1_thirty_days_of_default_between_businesses():
    assert interest(Decimal("1190.00"), date(2026, 2, 1), date(2026, 3, 3)) == Decimal("10.04")


def test_at_dun_2_the_base_rate_changes_in_between():
    assert interest(Decimal("5000.00"), date(2025, 6, 16), date(2025, 7, 16)) == Decimal("44.26")


def test_at_dun_3_a_partial_payment_on_the_tenth_day():
    assert interest(
        Decimal("1190.00"), date(2026, 2, 1), date(2026, 3, 3), payments=[(date(2026, 2, 11), Decimal("800.00"))]
    ) == Decimal("5.54")


def test_at_dun_4_one_letter_at_the_highest_level_and_each_invoice_keeps_its_own():
    first = claim(1, level=0, last_notice=on(7))
    second = claim(2, level=1, last_notice=on(21))

    (letter,) = letters([first, second], DEFAULT_POLICY, on(35))

    assert letter.level == 2
    assert [(step.claim.id.int, step.level.level) for step in letter.steps] == [(1, 1), (2, 2)]


def test_at_dun_5_forty_euros_are_charged_once_for_levels_1_to_3():
    charged = []
    one = claim(level=0, last_notice=on(7))
    for days in (21, 35, 49):
        step = next_step(one, DEFAULT_POLICY, on(days))
        assert isinstance(step, Step)
        charged.append(flat_fee(step, consumer=False))
        one = claim(level=step.level.level, last_notice=on(days), flat_fee_charged=any(charged))

    assert charged == [FLAT_FEE, 0, 0]
    assert one.level == 3


def test_a_consumer_pays_less_interest_and_no_flat_fee():
    step = next_step(claim(level=0), DEFAULT_POLICY, on(21))

    assert isinstance(step, Step)
    assert flat_fee(step, consumer=True) == 0
    assert interest(Decimal("1190.00"), date(2026, 2, 1), date(2026, 3, 3), consumer=True) == Decimal("6.13")


@pytest.mark.parametrize(
    ("more", "days", "reason"),
    [
        ({}, 6, NotDunned.NOT_YET),
        ({"status": InvoiceStatus.CANCELLED}, 30, NotDunned.NOT_ISSUED),
        ({"kind": InvoiceKind.CREDIT_NOTE}, 30, NotDunned.NO_CLAIM),
        ({"open_amount": Decimal("4.99")}, 30, NotDunned.TOO_SMALL),
        ({"disputed": True}, 30, NotDunned.DISPUTED),
        ({"blocked_until": on(30)}, 30, NotDunned.BLOCKED),
        ({"customer_blocked": True}, 30, NotDunned.BLOCKED),
        ({"level": 3, "last_notice": on(49)}, 80, NotDunned.LAST_LEVEL),
        ({"level": 0, "last_notice": on(29)}, 35, NotDunned.TOO_SOON),
    ],
)
def test_some_are_left_alone(more, days, reason):
    assert next_step(claim(**more), DEFAULT_POLICY, on(days)) is reason


def test_no_level_is_skipped_however_late_it_is():
    step = next_step(claim(), DEFAULT_POLICY, on(300))

    assert isinstance(step, Step)
    assert step.level.level == 0


def test_credit_that_nobody_has_allocated_covers_the_oldest_first():
    old, new = claim(1), claim(2, due=on(1))

    (letter,) = letters([new, old], DEFAULT_POLICY, on(20), credit_of={CUSTOMER: Decimal("100.00")})

    assert [step.claim.id for step in letter.steps] == [new.id]
    assert letters([new, old], DEFAULT_POLICY, on(20), credit_of={CUSTOMER: Decimal("200.00")}) == ()


def test_payments_must_have_been_imported_within_a_day():
    now = datetime(2026, 3, 10, 9, tzinfo=UTC)

    assert payments_are_fresh(now - timedelta(hours=23), now) is True
    assert payments_are_fresh(now - timedelta(hours=24), now) is False
    assert payments_are_fresh(None, now) is False


@pytest.mark.parametrize(
    ("day", "percent"),
    [((2016, 6, 30), "-0.83"), ((2016, 7, 1), "-0.88"), ((2022, 12, 31), "-0.88"), ((2023, 1, 1), "1.62"),
     ((2023, 7, 1), "3.12"), ((2024, 1, 1), "3.62"), ((2024, 12, 31), "3.37"), ((2025, 1, 1), "2.27"), ((2026, 3, 1), "1.27")],
)  # fmt: skip
def test_claims_of_older_years_have_the_base_rate_of_their_day(day, percent):
    since = date(*day)

    assert _base_rate(DEFAULT_BASE_RATES, since) == Decimal(percent)


def test_a_consumer_pays_five_points_and_a_claim_that_spans_years_each_of_its_rates():
    assert interest(Decimal(1000), date(2024, 12, 22), date(2025, 1, 11), consumer=True) == Decimal("4.28")


def test_before_the_first_rate_that_is_known_the_first_holds():
    rates = (BaseRate(date(2025, 1, 1), Decimal(2)),)

    assert interest(Decimal(3650), date(2024, 1, 1), date(2024, 1, 11), base_rates=rates) == Decimal("11.00")
