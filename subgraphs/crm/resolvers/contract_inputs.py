"""What commands on contracts take: a draft with its lines and rules, amendments, and every step between draft and end."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from subgraphs.crm.rules.contracts import (
    CalendarPart,
    ContractLineKind,
    ContractType,
    IndexationType,
    NoticeBy,
    Overage,
    ProrationMode,
    QuantityMode,
    QuantityPolicy,
    RuleEffect,
)
from subgraphs.crm.rules.terms import BillingInterval
from subgraphs.kit.commands import Change, Command
from subgraphs.kit.shapes import given
from subgraphs.kit.values import JSON


@strawberry.input
class ContractPriceTierInput:
    """From so many on, each costs this."""

    from_quantity: Decimal
    """From this number on."""
    unit_price: Decimal
    """The price of each."""


@strawberry.input
class ContractCoverageRuleInput:
    """Which work a contract speaks about, and what it says; what is absent means any."""

    effect: RuleEffect
    """What becomes of the work."""
    work_types: list[str] | None = None
    """These kinds of work."""
    ticket_types: list[str] | None = None
    """Tickets of these types."""
    asset_types: list[str] | None = None
    """Assets of these types."""
    site_ids: list[strawberry.ID] | None = None
    """At these sites of the customer."""
    calendar_part: CalendarPart = CalendarPart.ANY
    """When it was done."""


@strawberry.input
class ContractIndexationInput:
    """How the prices of a contract follow the times."""

    type: IndexationType
    """By what."""
    percent: Decimal | None = None
    """By how many percent."""
    reference_index: Decimal | None = None
    """The index with which the prices are compared."""
    next_date: date | None = None
    """When it is time for the first time."""


@strawberry.input
class NewContractLineInput:
    """A position of a contract."""

    description: str
    """What stands on documents."""
    unit_price: Decimal
    """What one costs for one interval."""
    quantity: Decimal | None = None
    """How many; 1 when absent."""
    product_id: strawberry.ID | None = None
    """The product."""
    kind: ContractLineKind | None = None
    """What it is for; RECURRING when absent."""
    quantity_mode: QuantityMode | None = None
    """Where its quantity comes from; FIXED when absent."""
    quantity_policy: QuantityPolicy | None = None
    """Which quantity of a period counts when it changes; PRORATED_CHANGES when absent."""
    min_quantity: Decimal | None = None
    """At least so many are billed."""
    max_quantity: Decimal | None = None
    """At most so many are billed."""
    unit_code: str | None = None
    """In what it is counted; MON when absent."""
    discount_percent: Decimal | None = None
    """What is taken off."""
    included_hours: Decimal | None = None
    """So many hours are included."""
    hourly_rate_overage: Decimal | None = None
    """What an hour beyond them costs."""
    tiers: list[ContractPriceTierInput] | None = None
    """What each costs when there are many."""
    tax_code: str | None = None
    """Its tax code; DE19 when absent."""
    prorate: ProrationMode | None = None
    """What a part of a period costs; DAILY when absent."""
    count_query: JSON | None = None
    """What is counted, when it is counted."""
    asset_ids: list[strawberry.ID] | None = None
    """The assets that it covers."""
    valid_from: date | None = None
    """The first day on which it holds; the contract's, or the amendment's, when absent."""
    valid_to: date | None = None
    """The last day on which it holds."""


@strawberry.input
class ChangedContractLineInput:
    """What is different of a position from the day of the amendment on; what is absent stays."""

    line_id: strawberry.ID
    """The version of the line that holds now."""
    description: str | None = None
    """What stands on documents."""
    quantity: Decimal | None = None
    """How many."""
    unit_price: Decimal | None = None
    """What one costs for one interval."""
    min_quantity: Decimal | None = None
    """At least so many are billed."""
    max_quantity: Decimal | None = None
    """At most so many are billed."""
    discount_percent: Decimal | None = None
    """What is taken off."""
    tiers: list[ContractPriceTierInput] | None = None
    """What each costs when there are many."""
    asset_ids: list[strawberry.ID] | None = None
    """The assets that it covers."""


@strawberry.input
class CreateContractInput(Command):
    """A new contract, as a draft."""

    customer_id: strawberry.ID
    """The customer."""
    title: str
    """What it is called."""
    type: ContractType
    """How it is paid for."""
    start_date: date
    """The first day on which it holds."""
    number: str | None = None
    """The number it has elsewhere; without one it gets the next of ours."""
    end_date: date | None = None
    """The last day of its term; `termMonths` says it, too."""
    term_months: int | None = None
    """How long its term is."""
    auto_renew: bool | None = None
    """Whether the next term begins by itself; false when absent."""
    renewal_months: int | None = None
    """How long the next terms are."""
    notice_months: int | None = None
    """How many months before the end notice must be given."""
    billing_interval: BillingInterval | None = None
    """How often it is billed; MONTHLY when absent."""
    billing_anchor_day: int | None = None
    """The day of the month on which it is billed, when it is not that of its start."""
    bill_in_advance: bool | None = None
    """Whether a period is billed on its first day; true when absent."""
    currency: str | None = None
    """The currency of its prices; the customer's when absent."""
    indexation: ContractIndexationInput | None = None
    """How its prices follow the times."""
    legal_entity_id: strawberry.ID | None = None
    """Which of our companies it is with."""
    sla_policy_id: strawberry.ID | None = None
    """What is promised, when it is not what everybody is promised."""
    priority: int | None = None
    """Which contract comes first when several could cover: the lowest; 100 when absent."""
    coverage: list[ContractCoverageRuleInput] | None = None
    """Which work it speaks about."""
    included_hours: Decimal | None = None
    """So many hours are included."""
    hourly_rate: Decimal | None = None
    """What an hour beyond them costs."""
    overage: Overage | None = None
    """What becomes of work beyond what was paid before; BILL_RATE when absent."""
    po_number: str | None = None
    """The customer's order number."""
    lines: list[NewContractLineInput] | None = None
    """What is delivered."""
    custom_fields: JSON | None = None
    """Values of your own fields, by key."""


@strawberry.input
class UpdateContractInput(Change):
    """Changes to a draft; of a contract that holds, only the title and the order number. What is absent stays."""

    id: strawberry.ID
    """The contract."""
    title: str | None = strawberry.UNSET
    """What it is called."""
    po_number: str | None = strawberry.UNSET
    """The customer's order number; null removes it."""
    type: ContractType | None = strawberry.UNSET
    """How it is paid for."""
    start_date: date | None = strawberry.UNSET
    """The first day on which it holds."""
    end_date: date | None = strawberry.UNSET
    """The last day of its term; null when it has none."""
    term_months: int | None = strawberry.UNSET
    """How long its term is; says the end, too."""
    auto_renew: bool | None = strawberry.UNSET
    """Whether the next term begins by itself."""
    renewal_months: int | None = strawberry.UNSET
    """How long the next terms are."""
    notice_months: int | None = strawberry.UNSET
    """How many months before the end notice must be given."""
    billing_interval: BillingInterval | None = strawberry.UNSET
    """How often it is billed."""
    billing_anchor_day: int | None = strawberry.UNSET
    """The day of the month on which it is billed."""
    bill_in_advance: bool | None = strawberry.UNSET
    """Whether a period is billed on its first day."""
    currency: str | None = strawberry.UNSET
    """The currency of its prices."""
    indexation: ContractIndexationInput | None = strawberry.UNSET
    """How its prices follow the times; null: they stay."""
    legal_entity_id: strawberry.ID | None = strawberry.UNSET
    """Which of our companies it is with."""
    sla_policy_id: strawberry.ID | None = strawberry.UNSET
    """What is promised."""
    priority: int | None = strawberry.UNSET
    """Which contract comes first when several could cover: the lowest."""
    coverage: list[ContractCoverageRuleInput] | None = strawberry.UNSET
    """All rules of coverage."""
    included_hours: Decimal | None = strawberry.UNSET
    """So many hours are included."""
    hourly_rate: Decimal | None = strawberry.UNSET
    """What an hour beyond them costs."""
    overage: Overage | None = strawberry.UNSET
    """What becomes of work beyond what was paid before."""
    lines: list[NewContractLineInput] | None = strawberry.UNSET
    """All that is delivered."""
    custom_fields: JSON | None = strawberry.UNSET
    """Values of your own fields, by key; null removes one, what is absent stays."""


@strawberry.input
class AmendContractInput(Change):
    """Other lines and conditions of a contract that holds, from a day on."""

    id: strawberry.ID
    """The contract."""
    effective_date: date
    """From this day on; not in a period that may be billed already."""
    add: list[NewContractLineInput] | None = None
    """Lines that begin."""
    change: list[ChangedContractLineInput] | None = None
    """Lines that go on otherwise."""
    end: list[strawberry.ID] | None = None
    """Lines that end on the day before."""
    coverage: list[ContractCoverageRuleInput] | None = strawberry.UNSET
    """All rules of coverage."""
    auto_renew: bool | None = strawberry.UNSET
    """Whether the next term begins by itself."""
    renewal_months: int | None = strawberry.UNSET
    """How long the next terms are."""
    notice_months: int | None = strawberry.UNSET
    """How many months before the end notice must be given."""
    priority: int | None = strawberry.UNSET
    """Which contract comes first when several could cover."""
    included_hours: Decimal | None = strawberry.UNSET
    """So many hours are included."""
    hourly_rate: Decimal | None = strawberry.UNSET
    """What an hour beyond them costs."""
    overage: Overage | None = strawberry.UNSET
    """What becomes of work beyond what was paid before."""
    sla_policy_id: strawberry.ID | None = strawberry.UNSET
    """What is promised."""


@strawberry.input
class IndexContractInput(Change):
    """Prices that follow the times."""

    id: strawberry.ID
    """The contract."""
    effective_date: date | None = None
    """From this day on; the contract's next date when absent."""
    percent: Decimal | None = None
    """By how many percent; what was agreed when absent."""
    reference: Decimal | None = None
    """What the index is now; it never lowers prices."""


@strawberry.input
class SubmitContractInput(Change):
    """A draft that the customer shall sign."""

    id: strawberry.ID
    """The contract."""


@strawberry.input
class SuspendContractInput(Change):
    """A contract that shall rest."""

    id: strawberry.ID
    """The contract."""


@strawberry.input
class ResumeContractInput(Change):
    """A contract that shall hold again."""

    id: strawberry.ID
    """The contract."""


@strawberry.input
class CancelContractInput(Change):
    """A contract that never held."""

    id: strawberry.ID
    """The contract."""


@strawberry.input
class ActivateContractInput(Change):
    """A contract that comes into force."""

    id: strawberry.ID
    """The contract."""
    signed_at: datetime | None = None
    """When it was signed; now when absent."""


@strawberry.input
class GiveNoticeInput(Change):
    """The end of a contract, as one side wants it."""

    id: strawberry.ID
    """The contract."""
    by: NoticeBy
    """Who gives notice."""
    received_on: date | None = None
    """When it was received; today when absent."""


@strawberry.input
class EndContractInput(Change):
    """A contract under notice that is over."""

    id: strawberry.ID
    """The contract."""
    end_date: date | None = None
    """Its last day, when both agreed on an earlier one; today when absent."""


@strawberry.input
class RenewContractInput(Change):
    """A contract that goes on."""

    id: strawberry.ID
    """The contract."""
    months: int | None = None
    """For how long; as was agreed when absent."""


def entered(input: Any) -> dict[str, Any]:
    """What a command was given, with the input objects within it as plain values."""
    return {name: _plain(value) for name, value in given(input).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return entered(value) if dataclasses.is_dataclass(value) else value


def present(values: dict[str, Any]) -> dict[str, Any]:
    """What was said of all this."""
    return {name: value for name, value in values.items() if value is not None}
