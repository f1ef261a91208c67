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
    Level,
    NotDunned,
    Policy,
    Step,
    _base_rate,
    fee,
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
        ({"being_collected": True}, 30, NotDunned.BEING_COLLECTED),
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

    (letter,) = letters([new, old], DEFAULT_POLICY, on(20), credit_of={(CUSTOMER, "EUR"): Decimal("100.00")})

    assert [step.claim.id for step in letter.steps] == [new.id]
    assert letters([new, old], DEFAULT_POLICY, on(20), credit_of={(CUSTOMER, "EUR"): Decimal("200.00")}) == ()


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


# --- several currencies

FRANCS = {"currency": "CHF", "exchange_rate": Decimal("0.95")}


def test_francs_and_euros_have_no_sum_so_there_is_a_letter_for_each():
    found = letters([claim(1, level=0, **FRANCS), claim(2, due=on(1))], DEFAULT_POLICY, on(21))

    assert [(one.customer_id, one.currency, one.level, len(one.steps)) for one in found] == [
        (CUSTOMER, "CHF", 1, 1),
        (CUSTOMER, "EUR", 0, 1),
    ]


def test_credit_in_euros_covers_no_claim_in_francs():
    in_euros, in_francs = claim(1), claim(2, **FRANCS)

    (letter,) = letters([in_euros, in_francs], DEFAULT_POLICY, on(20), credit_of={(CUSTOMER, "EUR"): Decimal(500)})

    assert (letter.currency, [step.claim for step in letter.steps]) == ("CHF", [in_francs])


def test_what_law_and_policy_say_in_euros_is_asked_for_in_the_currency_of_the_letter():
    policy = Policy((Level(0, 7), Level(1, 21, fee=Decimal("2.50"), flat_fee=True)))

    (letter,) = letters([claim(level=0, **FRANCS)], policy, on(21))

    assert flat_fee(letter.steps[0], consumer=False) == Decimal("38.00")
    assert fee(letter) == Decimal("2.38")


def test_what_is_too_small_is_measured_in_euros():
    assert next_step(claim(open_amount=Decimal("4.75"), **FRANCS), DEFAULT_POLICY, on(7)) != NotDunned.TOO_SMALL
    assert next_step(claim(open_amount=Decimal("4.74"), **FRANCS), DEFAULT_POLICY, on(7)) is NotDunned.TOO_SMALL
