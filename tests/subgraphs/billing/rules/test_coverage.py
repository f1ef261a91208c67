"""Who pays for work."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from subgraphs.billing.rules.contracts import (
    CalendarPart,
    Contract,
    ContractStatus,
    ContractType,
    CoverageRule,
    RuleEffect,
)
from subgraphs.billing.rules.coverage import AMBIGUOUS, Coverage, CoverageEffect, Project, WorkDone, resolve
from subgraphs.billing.rules.rates import Rate, segments, weighted_hours

DAY = date(2026, 3, 10)


def number(n: int) -> UUID:
    return UUID(int=n)


def rule(n: int, effect: RuleEffect = RuleEffect.COVERED, **dimensions) -> CoverageRule:
    return CoverageRule(number(n), effect, **dimensions)


def contract(n: int, type_: ContractType, *rules: CoverageRule, **more) -> Contract:
    plain = {"status": ContractStatus.ACTIVE, "start": date(2026, 1, 1), "priority": 10}
    return Contract(number(n), f"Contract {n}", type_, rules=rules, **{**plain, **more})


def work(work_type: str = "remote", **more) -> WorkDone:
    return WorkDone(**{"service_date": DAY, "hours": Decimal(2), "work_type": work_type, **more})


PER_USER = contract(1, ContractType.PER_USER, rule(11, work_types=frozenset({"remote"})))
BLOCK = contract(2, ContractType.BLOCK_HOURS, rule(21, work_types=frozenset({"on-site"})), priority=20)
BOTH = (PER_USER, BLOCK)
P = Project(number(9), fixed_price=True)


def test_at_cov_1_work_on_a_task_of_a_fixed_price_project_is_covered_by_the_project():
    found = resolve(work(project=P), BOTH)

    assert (found.effect, found.project_id, found.contract_id) == (CoverageEffect.COVERED, P.id, None)


def test_at_cov_1_remote_work_on_a_ticket_is_covered():
    found = resolve(work("remote"), BOTH)

    assert (found.effect, found.contract_id, found.rule_id) == (CoverageEffect.COVERED, PER_USER.id, number(11))
    assert found.explanation == (
        "rejected: no rule of Contract 2 matches",
        "matched: Contract 1 has a rule for it",
    )


def test_at_cov_1_two_hours_on_site_after_hours_take_three_from_the_block():
    found = resolve(work("on-site", calendar_part=CalendarPart.AFTER_HOURS), BOTH)
    taken = weighted_hours(
        segments(Rate(Decimal(120), multiplier_after_hours=Decimal("1.5")), minutes=120, after_hours=120)
    )

    assert (found.effect, found.contract_id) == (CoverageEffect.PREPAID, BLOCK.id)
    assert taken == 3


def test_at_cov_1_what_no_rule_names_is_time_and_material():
    found = resolve(work("training"), BOTH)

    assert (found.effect, found.contract_id) == (CoverageEffect.BILLABLE, None)
    assert found.explanation == (
        "rejected: no rule of Contract 1 matches",
        "rejected: no rule of Contract 2 matches",
        "matched: no contract pays for it, so time and material",
    )


def test_at_cov_2_two_contracts_that_are_equal_in_everything_hold_the_item():
    other = contract(3, ContractType.FLAT_RATE, rule(31, work_types=frozenset({"remote"})))

    found = resolve(work(), (PER_USER, other))

    assert (found.effect, found.hold_reason, found.contract_id) == (CoverageEffect.HELD, AMBIGUOUS, None)
    assert found.explanation[-1] == "held: Contract 1, Contract 3 are equal in priority, specificity and start"


@pytest.mark.parametrize(
    ("day", "effect"),
    [(date(2026, 3, 31), CoverageEffect.COVERED), (date(2026, 4, 1), CoverageEffect.BILLABLE)],
)
def test_at_cov_3_a_contract_pays_until_its_last_day(day, effect):
    ending = contract(1, ContractType.FLAT_RATE, rule(11), end=date(2026, 3, 31))

    assert resolve(work(service_date=day), (ending,)).effect is effect


def test_the_more_specific_rule_comes_before_the_general_one():
    general = contract(3, ContractType.FLAT_RATE, rule(31))
    site = contract(
        4, ContractType.FLAT_RATE, rule(41, site_ids=frozenset({number(5)}), work_types=frozenset({"remote"}))
    )

    assert resolve(work(site_id=number(5)), (general, site)).contract_id == site.id
    assert resolve(work(site_id=number(6)), (general, site)).contract_id == general.id


def test_of_equals_the_older_contract_pays():
    older = contract(3, ContractType.FLAT_RATE, rule(31), start=date(2025, 1, 1))
    newer = contract(4, ContractType.FLAT_RATE, rule(41))

    assert resolve(work(), (newer, older)).contract_id == older.id


def test_the_contract_that_the_entry_names_comes_before_the_project_and_the_ticket():
    found = resolve(work("training", contract_id=BLOCK.id, ticket_contract_id=PER_USER.id, project=P), BOTH)

    assert (found.effect, found.contract_id) == (CoverageEffect.PREPAID, BLOCK.id)


def test_a_named_contract_that_does_not_hold_is_rejected_with_a_reason():
    ended = contract(3, ContractType.FLAT_RATE, end=date(2026, 1, 31))

    found = resolve(work(contract_id=ended.id), (ended, PER_USER))

    assert found.contract_id == PER_USER.id
    assert found.explanation[0] == "rejected: Contract 3 was not in force on 2026-03-10"


def test_a_suspended_contract_pays_for_nothing_and_an_ended_one_for_what_was_before_its_end():
    suspended = contract(3, ContractType.FLAT_RATE, rule(31), status=ContractStatus.SUSPENDED)
    ended = contract(4, ContractType.FLAT_RATE, rule(41), status=ContractStatus.ENDED, end=date(2026, 3, 31))

    assert resolve(work(), (suspended,)).effect is CoverageEffect.BILLABLE
    assert resolve(work(), (ended,)).effect is CoverageEffect.COVERED


def test_a_line_that_covers_the_device_comes_before_rules():
    device = contract(3, ContractType.PER_DEVICE, assets=frozenset({number(7)}), priority=99)

    assert resolve(work(asset_id=number(7)), (*BOTH, device)).contract_id == device.id
    assert resolve(work(asset_id=number(8)), (*BOTH, device)).contract_id == PER_USER.id


def test_an_excluded_work_type_leaves_the_flat_rate_and_is_billed():
    flat = contract(
        3, ContractType.FLAT_RATE, rule(31), rule(32, RuleEffect.EXCLUDED, work_types=frozenset({"training"}))
    )

    assert resolve(work("remote"), (flat,)).effect is CoverageEffect.COVERED
    assert resolve(work("training"), (flat,)) == Coverage(
        CoverageEffect.BILLABLE,
        (
            "rejected: Contract 3 excludes this work",
            "matched: no contract pays for it, so time and material",
        ),
    )


def test_hours_are_covered_until_they_are_used_up():
    some = contract(3, ContractType.FLAT_RATE, rule(31, RuleEffect.COVERED_UNTIL_HOURS), included_hours=Decimal(10))

    assert resolve(work(), (some,), used_hours={some.id: Decimal(8)}).effect is CoverageEffect.COVERED
    partly = resolve(work(), (some,), used_hours={some.id: Decimal(9)})
    assert (partly.effect, partly.covered_hours) == (CoverageEffect.PARTLY_COVERED, Decimal(1))
    assert resolve(work(), (some,), used_hours={some.id: Decimal(10)}).effect is CoverageEffect.BILLABLE


def test_hours_that_another_contract_covered_use_up_nothing_of_this_one():
    some = contract(3, ContractType.FLAT_RATE, rule(31, RuleEffect.COVERED_UNTIL_HOURS), included_hours=Decimal(10))

    assert resolve(work(), (some,), used_hours={number(99): Decimal(40)}).effect is CoverageEffect.COVERED


def test_a_project_by_time_and_material_is_billed():
    found = resolve(work(project=Project(number(9), fixed_price=False)), BOTH)

    assert (found.effect, found.project_id) == (CoverageEffect.BILLABLE, number(9))


@pytest.mark.parametrize(
    ("type_", "effect"),
    [
        (ContractType.FLAT_RATE, CoverageEffect.COVERED),
        (ContractType.BLOCK_HOURS, CoverageEffect.PREPAID),
        (ContractType.RETAINER, CoverageEffect.PREPAID),
        (ContractType.PER_TICKET, CoverageEffect.PREPAID),
        (ContractType.PER_USER, CoverageEffect.BILLABLE),
        (ContractType.FIXED_PRICE, CoverageEffect.BILLABLE),
    ],
)
def test_what_is_all_in_or_paid_before_and_names_no_work_is_for_any(type_, effect):
    found = resolve(work("training"), (contract(1, type_),))

    assert found.effect is effect
    assert (found.contract_id is None) == (effect is CoverageEffect.BILLABLE)


def test_a_flat_rate_that_says_only_what_it_excludes_covers_the_rest():
    flat = contract(1, ContractType.FLAT_RATE, rule(11, RuleEffect.EXCLUDED, work_types=frozenset({"project"})))

    assert resolve(work("remote"), (flat,)).effect is CoverageEffect.COVERED
    assert resolve(work("project"), (flat,)).effect is CoverageEffect.BILLABLE
    assert resolve(work("remote"), (flat,)).explanation == ("matched: Contract 1 is for any work",)


def test_a_rule_that_names_the_work_comes_before_a_contract_for_any():
    block = contract(1, ContractType.BLOCK_HOURS)

    assert resolve(work("remote"), (block, PER_USER)).contract_id == PER_USER.id
    assert resolve(work("training"), (block, PER_USER)).contract_id == block.id


def test_a_flat_rate_for_some_devices_is_not_for_any_work():
    flat = contract(1, ContractType.FLAT_RATE, assets=frozenset({number(77)}))

    assert resolve(work(asset_id=number(77)), (flat,)).effect is CoverageEffect.COVERED
    assert resolve(work(), (flat,)).contract_id is None


def test_a_contract_for_time_and_material_pays_last_at_its_rates():
    plain = contract(3, ContractType.TIME_AND_MATERIAL)

    found = resolve(work("training"), (plain, *BOTH))
    assert (found.effect, found.contract_id) == (CoverageEffect.BILLABLE, plain.id)
    assert resolve(work("remote"), (plain, *BOTH)).contract_id == PER_USER.id
    both = resolve(work("training"), (plain, contract(4, ContractType.TIME_AND_MATERIAL)))
    assert (both.effect, both.hold_reason) == (CoverageEffect.HELD, AMBIGUOUS)
