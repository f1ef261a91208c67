"""Which contract pays for a piece of work, and why.

The ways are tried in order, and the first that leads somewhere decides:

    1  the entry names a contract
    2  the work is a task of a project                 the project's own billing rule
    3  the ticket names a contract
    4  a contract line covers the ticket's asset
    5  a rule of a contract matches                    by priority, then by how much it says, then the older contract
    6  nothing: time and material, by the customer's contract for it where there is one

A contract that is all-in or paid before and names no work that it covers, nor devices, covers any work but what it excludes; a rule
that names the work comes before that. A contract must be in force on the day of service. Where two candidates are equal in everything, nobody guesses: the item is
held with `AMBIGUOUS_COVERAGE`. Every answer says what was matched and what was rejected because of what, in order.

A rule that says EXCLUDED takes its contract out of the search and lets the others have a try; BILLABLE ends the search: this
contract pays, at its rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import groupby
from types import MappingProxyType
from uuid import UUID

from subgraphs.billing.rules.contracts import CalendarPart, Contract, ContractType, CoverageRule, RuleEffect
from subgraphs.billing.rules.money import ZERO

AMBIGUOUS = "AMBIGUOUS_COVERAGE"


class CoverageEffect(Enum):
    """What became of a piece of work."""

    COVERED = "COVERED"
    """A contract or a project has paid for it."""
    PREPAID = "PREPAID"
    """It is taken from what was paid before."""
    BILLABLE = "BILLABLE"
    """It is billed."""
    PARTLY_COVERED = "PARTLY_COVERED"
    """Its first hours are covered, the rest is billed."""
    HELD = "HELD"
    """Somebody has to decide."""


@dataclass(frozen=True, slots=True)
class Project:
    """The project that a task belongs to, as far as it decides who pays."""

    id: UUID
    fixed_price: bool


@dataclass(frozen=True, slots=True)
class WorkDone:
    """A piece of work, as far as it decides who pays."""

    service_date: date
    hours: Decimal
    work_type: str | None = None
    ticket_type: str | None = None
    asset_id: UUID | None = None
    asset_type: str | None = None
    site_id: UUID | None = None
    calendar_part: CalendarPart = CalendarPart.BUSINESS
    contract_id: UUID | None = None
    """The contract that the entry names."""
    ticket_contract_id: UUID | None = None
    """The contract that its ticket names."""
    project: Project | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who pays, and why."""

    effect: CoverageEffect
    explanation: tuple[str, ...]
    contract_id: UUID | None = None
    rule_id: UUID | None = None
    project_id: UUID | None = None
    covered_hours: Decimal = ZERO
    """Of these hours, so many are covered; the rest is billed or taken from a balance."""
    hold_reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    contract: Contract
    rule: CoverageRule | None
    because: str

    @property
    def order(self) -> tuple[int, int, date]:
        specificity = self.rule.specificity if self.rule else 0
        return (self.contract.priority, -specificity, self.contract.start)


_PREPAID = frozenset({ContractType.BLOCK_HOURS, ContractType.RETAINER, ContractType.PER_TICKET})
_ALL_IN = frozenset({ContractType.FLAT_RATE, ContractType.FIXED_PRICE})
_FOR_ANY_WORK = _PREPAID | {ContractType.FLAT_RATE}
_COVERING = frozenset({RuleEffect.COVERED, RuleEffect.COVERED_UNTIL_HOURS})


Used = Mapping[UUID, Decimal]
"""The hours that each contract has covered."""
NOTHING_USED: Used = MappingProxyType({})


def resolve(work: WorkDone, contracts: Sequence[Contract], *, used_hours: Used = NOTHING_USED) -> Coverage:
    """Find who pays for `work` among the customer's contracts; `used_hours` each covered before in this period."""
    reasons: list[str] = []
    found = (
        _named(work, work.contract_id, contracts, used_hours, reasons, "the entry")
        or _by_project(work, reasons)
        or _named(work, work.ticket_contract_id, contracts, used_hours, reasons, "the ticket")
        or _by_asset(work, contracts, used_hours, reasons)
        or _by_rules(work, contracts, used_hours, reasons)
        or _by_default(work, contracts, used_hours, reasons)
    )
    if found is not None:
        return found
    reasons.append("matched: no contract pays for it, so time and material")
    return Coverage(CoverageEffect.BILLABLE, tuple(reasons))


def _named(
    work: WorkDone,
    named: UUID | None,
    contracts: Sequence[Contract],
    used: Used,
    reasons: list[str],
    by: str,
) -> Coverage | None:
    if named is None:
        return None
    contract = next((one for one in contracts if one.id == named), None)
    if contract is None:
        reasons.append(f"rejected: the contract that {by} names is not this customer's")
        return None
    if not _in_force(contract, work, reasons):
        return None
    rule = _best_rule(contract, work)
    if rule is not None and rule.effect is RuleEffect.EXCLUDED:
        reasons.append(f"rejected: {contract.title} is named by {by}, but excludes this work")
        return None
    return _pays(_Candidate(contract, rule, ""), work, used, reasons, f"{by} names {contract.title}")


def _by_project(work: WorkDone, reasons: list[str]) -> Coverage | None:
    if work.project is None:
        return None
    if work.project.fixed_price:
        reasons.append("matched: a task of a project with a fixed price; what it takes longer is reported, not billed")
        return Coverage(CoverageEffect.COVERED, tuple(reasons), project_id=work.project.id, covered_hours=work.hours)
    reasons.append("matched: a task of a project that is billed by time and material")
    return Coverage(CoverageEffect.BILLABLE, tuple(reasons), project_id=work.project.id)


def _by_asset(work: WorkDone, contracts: Sequence[Contract], used: Used, reasons: list[str]) -> Coverage | None:
    if work.asset_id is None:
        return None
    candidates = []
    for contract in contracts:
        if work.asset_id in contract.assets and _in_force(contract, work, reasons):
            rule = _best_rule(contract, work)
            if rule is not None and rule.effect is RuleEffect.EXCLUDED:
                reasons.append(f"rejected: {contract.title} covers the device, but excludes this work")
            elif rule is None and contract.rules:
                reasons.append(f"rejected: {contract.title} covers the device, but none of its rules this work")
            else:
                candidates.append(_Candidate(contract, rule, "covers the device"))
    return _first(candidates, work, used, reasons)


def _by_rules(work: WorkDone, contracts: Sequence[Contract], used: Used, reasons: list[str]) -> Coverage | None:
    candidates = []
    for contract in contracts:
        for_any = _is_for_any_work(contract)
        if not (contract.rules or for_any) or not _in_force(contract, work, reasons):
            continue
        rule = _best_rule(contract, work)
        if rule is None and not for_any:
            reasons.append(f"rejected: no rule of {contract.title} matches")
        elif rule is not None and rule.effect is RuleEffect.EXCLUDED:
            reasons.append(f"rejected: {contract.title} excludes this work")
        else:
            candidates.append(_Candidate(contract, rule, "has a rule for it" if rule else "is for any work"))
    return _first(candidates, work, used, reasons)


def _is_for_any_work(contract: Contract) -> bool:
    """Whether a contract covers what none of its rules names: nobody said which work it is for."""
    says_which = contract.assets or any(rule.effect in _COVERING for rule in contract.rules)
    return contract.type in _FOR_ANY_WORK and not says_which


def _by_default(work: WorkDone, contracts: Sequence[Contract], used: Used, reasons: list[str]) -> Coverage | None:
    """The customer's contract for time and material: it pays for whatever no other contract does, at its rates."""
    candidates = [
        _Candidate(contract, None, "is for time and material")
        for contract in contracts
        if contract.type is ContractType.TIME_AND_MATERIAL and not contract.rules and _in_force(contract, work, reasons)
    ]
    return _first(candidates, work, used, reasons)


def _first(candidates: Iterable[_Candidate], work: WorkDone, used: Used, reasons: list[str]) -> Coverage | None:
    """The best of the candidates, or a hold where the best are equal."""
    ranked = sorted(candidates, key=lambda one: one.order)
    for _order, group in groupby(ranked, key=lambda one: one.order):
        best, *equals = group
        if equals:
            titles = ", ".join(sorted(one.contract.title for one in (best, *equals)))
            reasons.append(f"held: {titles} are equal in priority, specificity and start")
            return Coverage(CoverageEffect.HELD, tuple(reasons), hold_reason=AMBIGUOUS)
        reasons.extend(
            f"rejected: {one.contract.title} {one.because}, but {best.contract.title} comes first"
            for one in ranked
            if one is not best
        )
        return _pays(best, work, used, reasons, f"{best.contract.title} {best.because}")
    return None


def _pays(candidate: _Candidate, work: WorkDone, used: Used, reasons: list[str], because: str) -> Coverage:
    contract, rule = candidate.contract, candidate.rule
    effect, covered = _effect(contract, rule, work.hours, used.get(contract.id, ZERO))
    reasons.append(f"matched: {because}")
    if effect is CoverageEffect.PARTLY_COVERED:
        reasons.append(f"matched: {covered.normalize():f} hours are left of what is included; the rest is billed")
    return Coverage(effect, tuple(reasons), contract.id, rule.id if rule else None, covered_hours=covered)


def _effect(
    contract: Contract, rule: CoverageRule | None, hours: Decimal, used: Decimal
) -> tuple[CoverageEffect, Decimal]:
    """What the contract that pays makes of so many hours, and how many of them it covers."""
    if rule is not None and rule.effect is RuleEffect.BILLABLE:
        return CoverageEffect.BILLABLE, ZERO
    if rule is not None and rule.effect is RuleEffect.COVERED_UNTIL_HOURS:
        return _until_hours(contract, hours, used)
    if contract.type in _PREPAID:
        return CoverageEffect.PREPAID, ZERO
    if rule is not None or contract.type in _ALL_IN:
        return CoverageEffect.COVERED, hours
    if contract.type in {ContractType.PER_DEVICE, ContractType.PER_USER} and not contract.rules:
        return CoverageEffect.COVERED, hours
    return CoverageEffect.BILLABLE, ZERO


def _until_hours(contract: Contract, hours: Decimal, used: Decimal) -> tuple[CoverageEffect, Decimal]:
    left = max((contract.included_hours or ZERO) - used, ZERO)
    if left >= hours:
        return CoverageEffect.COVERED, hours
    return (CoverageEffect.PARTLY_COVERED, left) if left else (CoverageEffect.BILLABLE, ZERO)


def _in_force(contract: Contract, work: WorkDone, reasons: list[str]) -> bool:
    holds = contract.holds_on(work.service_date)
    if not holds:
        reasons.append(f"rejected: {contract.title} was not in force on {work.service_date.isoformat()}")
    return holds


def _best_rule(contract: Contract, work: WorkDone) -> CoverageRule | None:
    """The most specific rule that matches; of two that say as much, the one that stands first."""
    matching = [rule for rule in contract.rules if _matches(rule, work)]
    return max(matching, key=lambda rule: rule.specificity, default=None)


def _matches(rule: CoverageRule, work: WorkDone) -> bool:
    return (
        _names(rule.work_types, work.work_type)
        and _names(rule.ticket_types, work.ticket_type)
        and _names(rule.asset_types, work.asset_type)
        and _names(rule.site_ids, work.site_id)
        and rule.calendar_part in (CalendarPart.ANY, work.calendar_part)
    )


def _names(dimension: frozenset[str] | frozenset[UUID], value: str | UUID | None) -> bool:
    return not dimension or value in dimension
