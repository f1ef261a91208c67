"""The ways to contracts by GraphQL: unpack, begin work, call the service, shape the answer."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry

from subgraphs.crm.models import contracts as models
from subgraphs.crm.rules.contracts import (
    CalendarPart,
    ContractLineKind,
    ContractStatus,
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
from subgraphs.crm.service import contracts as service
from subgraphs.crm.service import terms
from subgraphs.crm.types.contracts import READ, Contract, ContractFilter, ContractPayload
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.values import JSON
from subgraphs.kit.work import Work

WRITE = "contracts:write"
APPROVE = "contracts:approve"


@strawberry.type
class ContractQuery:
    """What can be asked about contracts."""

    @strawberry.field
    async def contract(self, info: Info, id: strawberry.ID) -> Contract | None:
        """One contract, by its UUID or its number; null when it is not there or not yours."""
        async with info.context.work(READ) as work:
            row = await service.find(work, id)
        return Contract.of(row) if row else None

    @strawberry.field
    async def contracts(
        self,
        info: Info,
        status: ContractStatus | None = None,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Contract]:
        """Contracts by number."""
        customer = parsed(customer_id) if customer_id else None
        if customer_id and customer is None:
            return []
        async with info.context.work(READ) as work:
            rows = await service.listed(
                work, status=status, customer_id=customer, limit=bounded(limit), offset=skipped(offset)
            )
        return [Contract.of(row) for row in rows]

    @strawberry.field
    async def contracts_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        filter: ContractFilter | None = None,
        search: str | None = None,
    ) -> Connection[Contract]:
        """Contracts page by page, by number; `search` looks into titles, numbers and order numbers."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = service.selected(wanted=filter, search=search)
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(work, query, models.Contract, service.BY_NUMBER, wanted, Contract.of, count=count)

    @strawberry.field
    async def expiring_contracts(
        self, info: Info, until: date, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[Contract]:
        """Contracts whose last day of notice, or last day of all, comes until this day; the next one first."""
        async with info.context.work(READ) as work:
            rows = await service.expiring(work, until=until, limit=bounded(limit), offset=skipped(offset))
        return [Contract.of(row) for row in rows]


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


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@strawberry.type
class ContractMutation:
    """What can be done with contracts."""

    @command(WRITE, ContractPayload)
    async def create_contract(work: Work, input: CreateContractInput) -> models.Contract:
        """Draw up a contract, as a draft that only staff see."""
        return await service.create_contract(work, **_present(entered(input)))

    @command(WRITE, ContractPayload)
    async def update_contract(work: Work, input: UpdateContractInput) -> models.Contract:
        """Rewrite a draft, or the title and the order number of a contract that holds."""
        return await service.update_contract(work, **entered(input))

    @command(WRITE, ContractPayload)
    async def submit_contract(work: Work, input: SubmitContractInput) -> models.Contract:
        """Give a draft to the customer, to be signed."""
        return await terms.submit_contract(work, **given(input))

    @command(APPROVE, ContractPayload)
    async def activate_contract(work: Work, input: ActivateContractInput) -> models.Contract:
        """Put a contract into force, from its start on."""
        return await terms.activate_contract(work, **given(input))

    @command(WRITE, ContractPayload)
    async def amend_contract(work: Work, input: AmendContractInput) -> models.Contract:
        """Let other lines and conditions hold from a day on; what held before stays as it was."""
        values = entered(input)
        values |= {name: values.get(name) or () for name in ("add", "change", "end")}
        return await service.amend_contract(work, **values)

    @command(WRITE, ContractPayload)
    async def index_contract(work: Work, input: IndexContractInput) -> models.Contract:
        """Let the prices of a contract follow the times from a day on."""
        return await service.index_contract(work, **given(input))

    @command(APPROVE, ContractPayload)
    async def suspend_contract(work: Work, input: SuspendContractInput) -> models.Contract:
        """Let a contract rest."""
        return await terms.suspend_contract(work, **given(input))

    @command(APPROVE, ContractPayload)
    async def resume_contract(work: Work, input: ResumeContractInput) -> models.Contract:
        """Let a contract that rested hold again."""
        return await terms.resume_contract(work, **given(input))

    @command(WRITE, ContractPayload)
    async def give_notice(work: Work, input: GiveNoticeInput) -> models.Contract:
        """Note that one side ends the contract: with its term, or with the next one where the last day has passed."""
        return await terms.give_notice(work, **given(input))

    @command(WRITE, ContractPayload)
    async def renew_contract(work: Work, input: RenewContractInput) -> models.Contract:
        """Let a contract go on for another term; a notice is taken back with it."""
        return await terms.renew_contract(work, **given(input))

    @command(APPROVE, ContractPayload)
    async def end_contract(work: Work, input: EndContractInput) -> models.Contract:
        """End a contract under notice, today or on an earlier day that both agreed on."""
        return await terms.end_contract(work, **given(input))

    @command(WRITE, ContractPayload)
    async def cancel_contract(work: Work, input: CancelContractInput) -> models.Contract:
        """Put away a contract that never held."""
        return await terms.cancel_contract(work, **given(input))
