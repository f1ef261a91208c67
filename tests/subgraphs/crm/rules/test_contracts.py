"""What is true about contracts: moves, bounds, tiers and coverage."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from subgraphs.crm.errors import ContractIncomplete, ContractInForce, ContractTerm, ContractWrongStatus
from subgraphs.crm.rules import contracts as rules
from subgraphs.crm.rules.contracts import CalendarPart, ContractStatus, ContractType, RuleEffect, Tier
from subgraphs.kit.errors import Invalid

S = ContractStatus
WAYS = {
    ("submitContract", S.DRAFT): S.PENDING_SIGNATURE,
    ("activateContract", S.DRAFT): S.ACTIVE,
    ("activateContract", S.PENDING_SIGNATURE): S.ACTIVE,
    ("suspendContract", S.ACTIVE): S.SUSPENDED,
    ("resumeContract", S.SUSPENDED): S.ACTIVE,
    ("giveNotice", S.ACTIVE): S.NOTICE_GIVEN,
    ("endContract", S.NOTICE_GIVEN): S.ENDED,
    ("cancelContract", S.DRAFT): S.CANCELLED,
    ("cancelContract", S.PENDING_SIGNATURE): S.CANCELLED,
}


@pytest.mark.parametrize("command", rules.MOVES)
@pytest.mark.parametrize("before", ContractStatus)
def test_each_command_leads_somewhere_or_is_refused(command, before):
    if (command, before) in WAYS:
        assert rules.moved(command, before) is WAYS[command, before]
    else:
        with pytest.raises(ContractWrongStatus):
            rules.moved(command, before)


def test_only_a_draft_is_rewritten_but_a_title_always():
    rules.check_rewriting(S.ACTIVE, ("title", "po_number"))
    rules.check_rewriting(S.DRAFT, ("start_date",))
    with pytest.raises(ContractInForce):
        rules.check_rewriting(S.ACTIVE, ("title", "start_date"))


def test_an_amendment_never_reaches_into_a_period_that_may_be_billed():
    day = date(2026, 4, 1)
    rules.check_amending(S.ACTIVE, effective=day, earliest=day, last=day)
    with pytest.raises(ContractTerm):
        rules.check_amending(S.ACTIVE, effective=date(2026, 3, 31), earliest=day, last=None)
    with pytest.raises(ContractTerm):
        rules.check_amending(S.ACTIVE, effective=date(2026, 4, 2), earliest=day, last=day)
    with pytest.raises(ContractWrongStatus):
        rules.check_amending(S.SUSPENDED, effective=day, earliest=day, last=None)


def test_only_time_and_material_needs_no_lines():
    rules.check_complete(lines=0, kind=ContractType.TIME_AND_MATERIAL)
    with pytest.raises(ContractIncomplete):
        rules.check_complete(lines=0, kind=ContractType.PER_USER)


def test_the_highest_step_that_is_reached_holds_for_all():
    steps = rules.tiers([(Decimal(50), Decimal("38.00")), (Decimal(10), Decimal("42.00"))], field="tiers")

    assert steps == (Tier(Decimal(10), Decimal(42)), Tier(Decimal(50), Decimal(38)))
    assert [rules.tier_price(steps, Decimal(n), Decimal(45)) for n in (9, 10, 49, 50)] == [45, 42, 42, 38]


def test_two_steps_from_the_same_number_are_none():
    with pytest.raises(Invalid):
        rules.tiers([(Decimal(1), Decimal(2)), (Decimal(1), Decimal(3))], field="tiers")


@pytest.mark.parametrize("value", ["-0.01", "NaN", "Infinity", "1e20"])
def test_a_price_is_a_number_that_one_can_pay(value):
    with pytest.raises(Invalid):
        rules.price(Decimal(value), field="unitPrice")


def test_what_renews_itself_needs_a_term_and_months():
    months = {"notice_months": 3, "renewal_months": 12}
    rules.check_term(start=date(2026, 1, 1), end=date(2026, 12, 31), auto_renew=True, **months)
    with pytest.raises(Invalid):
        rules.check_term(start=date(2026, 1, 1), end=None, auto_renew=True, **months)


def test_coverage_keeps_each_name_once():
    rule = {"effect": RuleEffect.COVERED, "work_types": ["Remote ", "Remote"], "calendar_part": CalendarPart.ANY}

    assert rules.coverage([rule], field="coverage") == [
        {
            "effect": "COVERED",
            "work_types": ["Remote"],
            "ticket_types": [],
            "asset_types": [],
            "site_ids": [],
            "calendar_part": "ANY",
        }
    ]
