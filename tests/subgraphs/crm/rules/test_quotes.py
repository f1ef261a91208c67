"""What is true about quotes: totals, options, moves, and what becomes of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from subgraphs.crm.errors import QuoteNotAcceptable, QuoteWrongStatus
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.quotes import QuoteLine, QuoteStatus
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.kit.errors import Invalid

S = QuoteStatus


def line(name, price, quantity=1, **more):
    return QuoteLine(id=name, description=name, quantity=Decimal(quantity), unit_price=Decimal(price), **more)


LINES = [
    line("firewall", "899.00", cost=Decimal(700)),
    line("user", "45.00", 10, recurring=BillingInterval.MONTHLY, discount_percent=Decimal(5)),
    line("domain", "24.00", recurring=BillingInterval.ANNUAL),
    line("backup", "9.90", 3, recurring=BillingInterval.MONTHLY, optional=True, selected=False),
]


def test_totals_keep_intervals_apart_and_leave_out_options_that_nobody_selected():
    found = rules.totals(LINES)

    assert found.one_time == Decimal("899.00")
    assert found.recurring == {BillingInterval.MONTHLY: Decimal("427.50"), BillingInterval.ANNUAL: Decimal("24.00")}
    assert found.monthly == Decimal("429.50")
    assert found.options == Decimal("29.70")
    assert (found.cost, found.margin) == (Decimal("700.00"), Decimal("650.50"))


def test_each_line_is_rounded_half_up():
    assert line("x", "2.665").net == Decimal("2.67")


def test_a_quote_of_nothing_comes_to_nothing():
    assert rules.totals([]).monthly == Decimal("0.00")


def test_only_options_can_be_selected():
    assert rules.chosen(LINES, None) == ()
    assert rules.chosen(LINES, ["backup"]) == ("backup",)
    with pytest.raises(Invalid):
        rules.chosen(LINES, ["firewall"])


def test_a_high_discount_needs_approval():
    assert rules.sent(S.DRAFT, LINES) is S.SENT
    dear = [line("x", "1", discount_percent=Decimal("10.01"))]
    with pytest.raises(QuoteWrongStatus):
        rules.sent(S.DRAFT, dear)
    assert rules.sent(S.APPROVED, dear) is S.SENT


def test_the_last_day_still_counts_and_the_next_does_not():
    last = date(2026, 3, 31)
    assert rules.accepted(S.SENT, valid_until=last, today=last) is S.ACCEPTED
    with pytest.raises(QuoteNotAcceptable):
        rules.accepted(S.VIEWED, valid_until=last, today=date(2026, 4, 1))
    with pytest.raises(QuoteNotAcceptable):
        rules.accepted(S.SUPERSEDED, valid_until=last, today=last)
    with pytest.raises(QuoteWrongStatus):
        rules.accepted(S.ACCEPTED, valid_until=last, today=last)


def test_a_contract_is_billed_as_often_as_the_most_frequent_line():
    assert rules.contract_interval(LINES) is BillingInterval.MONTHLY
    assert rules.price_each(LINES[2], BillingInterval.MONTHLY) == Decimal("2.0000")
    assert rules.price_each(LINES[0], BillingInterval.MONTHLY) == Decimal("899.00")
