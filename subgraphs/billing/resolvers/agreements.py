"""Asking and telling about what was agreed: accounts, contracts, quantities, balances."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

from subgraphs.billing.models import agreements as models
from subgraphs.billing.resolvers.catalogue import PriceTierInput, entered
from subgraphs.billing.rules.accounts import EInvoiceFormat
from subgraphs.billing.rules.contracts import CalendarPart, ContractStatus, ContractType, RuleEffect
from subgraphs.billing.rules.periods import BillingInterval
from subgraphs.billing.rules.prepaid import Overage
from subgraphs.billing.rules.proration import ProrationMode
from subgraphs.billing.rules.quantities import QuantityMode, QuantityPolicy, VarianceStatus
from subgraphs.billing.rules.vat import VatIdStatus
from subgraphs.billing.service import accounts, contracts, counting, prepaid, vat_ids
from subgraphs.billing.types.agreements import (
    READ,
    BilledContract,
    BilledContractLinePayload,
    BilledContractPayload,
    BillingAccount,
    BillingAccountPayload,
    PrepaidBalancePayload,
    QuantityChangePayload,
    QuantityVariance,
    QuantityVariancePayload,
)
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Context, Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.values import AddressInput
from subgraphs.kit.work import Work

WRITE = "invoices:write"
WRITE_CONTRACTS = "contracts:write"


@strawberry.type
class AgreementQuery:
    """What can be asked about what was agreed."""

    @strawberry.field
    async def billing_accounts(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[BillingAccount]:
        """How customers are billed, by name."""
        async with info.context.work(READ) as work:
            rows = await accounts.listed(work, limit=bounded(limit), offset=skipped(offset))
        return [BillingAccount.of(row) for row in rows]

    @strawberry.field
    async def billed_contracts(
        self,
        info: Info,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[BilledContract]:
        """The contracts as billing knows them, by number."""
        wanted = parsed(customer_id) if customer_id else None
        if customer_id and wanted is None:
            return []
        async with info.context.work(READ) as work:
            rows = await contracts.listed(work, customer_id=wanted, limit=bounded(limit), offset=skipped(offset))
        return [BilledContract.of(row) for row in rows]

    @strawberry.field
    async def quantity_variances(
        self,
        info: Info,
        status: VarianceStatus | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[QuantityVariance]:
        """Where sources count another number than contracts bill, the dearest first."""
        async with info.context.work(READ) as work:
            rows = await counting.listed(work, status=status, limit=bounded(limit), offset=skipped(offset))
        return [QuantityVariance.of(row) for row in rows]


@strawberry.input
class SkontoTermInput:
    """So much may be taken off for paying within so many days."""

    days: int
    """Within so many days."""
    percent: Decimal
    """So much."""


@strawberry.input
class ElectronicAddressInput:
    """Where documents go as data."""

    value: str
    """The address."""
    scheme: str = "EM"
    """What kind of address it is: EM for mail."""


@strawberry.input
class UpdateBillingAccountInput(Change):
    """Changes to how a customer is billed; what is absent stays."""

    customer_id: strawberry.ID
    """The customer."""
    name: str | None = strawberry.UNSET
    """The customer's name on documents."""
    address: AddressInput | None = strawberry.UNSET
    """Where documents are addressed to."""
    vat_id: str | None = strawberry.UNSET
    """The customer's VAT id; another one is unchecked until you say what the register said."""
    vat_id_status: VatIdStatus | None = strawberry.UNSET
    """What the register said of the VAT id."""
    is_business: bool | None = strawberry.UNSET
    """A company, and no consumer."""
    currency: str | None = strawberry.UNSET
    """The currency of its documents."""
    language: str | None = strawberry.UNSET
    """The language of its documents: de or en."""
    payment_days: int | None = strawberry.UNSET
    """Within how many days it pays; null is 14."""
    skonto: list[SkontoTermInput] | None = strawberry.UNSET
    """What may be taken off for paying early."""
    invoice_email: str | None = strawberry.UNSET
    """Where documents are sent."""
    einvoice_format: EInvoiceFormat | None = strawberry.UNSET
    """How it wants documents."""
    einvoice_endpoint: ElectronicAddressInput | None = strawberry.UNSET
    """Where documents go as data."""
    buyer_reference: str | None = strawberry.UNSET
    """What it wants on documents: the Leitweg-ID of an authority, or a reference of its own."""
    debtor_account: str | None = strawberry.UNSET
    """Its account in bookkeeping."""
    dunning_block: bool | None = strawberry.UNSET
    """It is never asked."""


@strawberry.input
class CheckVatIdInput(Command):
    """The customer whose VAT id the register is asked for."""

    customer_id: strawberry.ID
    """The customer."""
    legal_entity_id: strawberry.ID | None = None
    """In whose name; the only company that sells unless you say so."""


@strawberry.input
class CoverageRuleInput:
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
    """At these sites."""
    calendar_part: CalendarPart = CalendarPart.ANY
    """When it was done."""


@strawberry.input
class ContractLineInput:
    """Something that a contract bills again and again."""

    description: str | None = None
    """What stands on documents; the product's name unless you say so."""
    product_id: strawberry.ID | None = None
    """The product."""
    quantity: Decimal = Decimal(1)
    """How many."""
    unit_price: Decimal | None = None
    """What one costs for one interval; the product's price unless you say so."""
    unit_code: str | None = None
    """In what it is counted; MON unless the product says something else."""
    quantity_mode: QuantityMode = QuantityMode.FIXED
    """Where its quantity comes from."""
    quantity_policy: QuantityPolicy = QuantityPolicy.PRORATED_CHANGES
    """Which quantity of a period counts when it changes."""
    min_quantity: Decimal | None = None
    """At least so many are billed."""
    max_quantity: Decimal | None = None
    """At most so many are billed."""
    discount_percent: Decimal | None = None
    """What is taken off."""
    tiers: list[PriceTierInput] | None = None
    """What each costs when there are many."""
    tax_code: str | None = None
    """Its tax code when it is supplied here; DE19 unless the product says something else."""
    prorate: ProrationMode = ProrationMode.DAILY
    """What a part of a period costs."""
    valid_from: date | None = None
    """The first day on which it is billed; the contract's start unless you say so."""
    valid_to: date | None = None
    """The last day on which it is billed."""


@strawberry.input
class RegisterContractInput(Command):
    """A contract as billing has to know it, found by its number; lines that are given are added."""

    customer_id: strawberry.ID
    """With whom it was made."""
    number: str
    """Its number."""
    title: str
    """What it is called."""
    type: ContractType
    """How it is paid for."""
    start_date: date
    """Its first day; periods are counted from here, so it can't be moved."""
    id: strawberry.ID | None = None
    """The identifier that it has elsewhere; a new one unless you say so."""
    status: ContractStatus = ContractStatus.ACTIVE
    """Where it is between draft and end."""
    end_date: date | None = None
    """Its last day."""
    billing_interval: BillingInterval = BillingInterval.MONTHLY
    """How often it is billed."""
    bill_in_advance: bool = True
    """Billed at the beginning of a period, not at its end."""
    priority: int = 100
    """The lower is asked first whether it pays for work."""
    coverage: list[CoverageRuleInput] | None = None
    """Which work it pays for."""
    asset_ids: list[strawberry.ID] | None = None
    """The assets that its lines cover."""
    included_hours: Decimal | None = None
    """So many hours of a month are covered."""
    hourly_rate: Decimal | None = None
    """What an hour costs beyond that, or beyond its balance."""
    overage: Overage = Overage.BILL_RATE
    """What happens to work that its balance can't pay."""
    legal_entity_id: strawberry.ID | None = None
    """Who sells; any unless you say so."""
    po_number: str | None = None
    """The customer's order number: it stands on documents."""
    lines: list[ContractLineInput] | None = None
    """What it bills again and again."""


@strawberry.input
class AddContractLineInput(ContractLineInput, Command):
    """A line more for a contract."""

    contract_id: strawberry.ID
    """The contract."""


@strawberry.input
class EndContractLineInput(Change):
    """The last day on which a line is billed."""

    id: strawberry.ID
    """The line."""
    valid_to: date
    """The last day on which it is billed."""


@strawberry.input
class ChangeContractQuantityInput(Command):
    """From a day on, a contract line counts more or less."""

    contract_line_id: strawberry.ID
    """The line."""
    effective_date: date
    """The first day on which it counts."""
    delta: Decimal
    """So many more, or fewer."""
    reason: str
    """Why."""


@strawberry.input
class ReconcileQuantityInput(Command):
    """What a source counts, to be compared with what is billed."""

    contract_line_id: strawberry.ID
    """The line."""
    source: str
    """Who counted: an RMM, a licence portal."""
    quantity: Decimal
    """What it counted."""
    tolerance: Decimal = Decimal(0)
    """A difference up to here is none."""


@strawberry.input
class AcceptVarianceInput(Change):
    """The source is right."""

    id: strawberry.ID
    """The difference."""
    effective_date: date
    """From this day on the line counts what the source counts."""


@strawberry.input
class IgnoreVarianceInput(Change):
    """The contract is right."""

    id: strawberry.ID
    """The difference."""


@strawberry.input
class PurchasePrepaidInput(Command):
    """A block of hours, of money or of tickets."""

    contract_id: strawberry.ID
    """The contract: of block hours, a retainer, or packs of tickets."""
    quantity: Decimal
    """How much."""
    price: Decimal | None = None
    """What it costs without VAT: it goes onto the next invoice."""
    bought_on: date | None = None
    """When it was bought; today unless you say so."""
    expires_on: date | None = None
    """The last day on which it can be used."""
    description: str | None = None
    """What stands on the invoice."""


@strawberry.input
class AdjustPrepaidInput(Command):
    """A balance, put right."""

    id: strawberry.ID
    """The balance."""
    quantity: Decimal
    """So much more, or less."""
    reason: str
    """Why."""


Heard = tuple[vat_ids.Asked, Mapping[str, Any]]


async def _register_says(context: Context, given: CheckVatIdInput) -> Heard:
    """What the register was asked and what it said; it takes seconds when it is busy, and nothing waits for it meanwhile."""
    async with context.work(WRITE) as work:
        asked = await vat_ids.question(work, **entered(given))
    return asked, await vat_ids.ask(context.settings, asked.question)


@strawberry.type
class AgreementMutation:
    """What can be done with what was agreed."""

    @command(WRITE, BillingAccountPayload)
    async def update_billing_account(work: Work, input: UpdateBillingAccountInput) -> models.BillingAccount:
        """Say how a customer is billed."""
        return await accounts.change(work, **entered(input))

    @command(WRITE, BillingAccountPayload, before=_register_says)
    async def check_vat_id(work: Work, input: CheckVatIdInput, heard: Heard) -> models.BillingAccount:  # noqa: ARG002 - it was read before
        """Ask the Union's register (VIES) whether a customer's VAT id is valid, and keep its answer as evidence."""
        return await vat_ids.keep(work, *heard)

    @command(WRITE_CONTRACTS, BilledContractPayload)
    async def register_contract(work: Work, input: RegisterContractInput) -> models.BilledContract:
        """Enter a contract as billing has to know it, or change the one with this number and add lines to it."""
        values = entered(input)
        return await contracts.register(work, **values | {"lines": values.get("lines") or ()})

    @command(WRITE_CONTRACTS, BilledContractLinePayload, rest=Rest(path="/billed-contracts/{id}/actions/add-line"))
    async def add_contract_line(work: Work, input: AddContractLineInput) -> models.ContractLine:
        """Add a line to a contract."""
        return await contracts.add_line(work, **entered(input))

    @command(WRITE_CONTRACTS, BilledContractLinePayload, rest=Rest(path="/billed-contract-lines/{id}/actions/end"))
    async def end_contract_line(work: Work, input: EndContractLineInput) -> models.ContractLine:
        """Say on which day a line is billed for the last time."""
        return await contracts.end_line(work, **entered(input))

    @command(
        WRITE_CONTRACTS,
        QuantityChangePayload,
        rest=Rest(path="/billed-contract-lines/{id}/actions/change-quantity"),
    )
    async def change_contract_quantity(work: Work, input: ChangeContractQuantityInput) -> models.QuantityChange:
        """Count more or less of a line from a day on; what is billed already is caught up with by the next run."""
        return await contracts.change_quantity(work, **entered(input))

    @command(WRITE, QuantityVariancePayload)
    async def reconcile_quantity(work: Work, input: ReconcileQuantityInput) -> models.QuantityVariance:
        """Compare what a source counts with what is billed; a difference is kept, and changes no invoice by itself."""
        return await counting.reconcile(work, **entered(input))

    @command(WRITE, QuantityVariancePayload)
    async def accept_variance(work: Work, input: AcceptVarianceInput) -> models.QuantityVariance:
        """Count from a day on what the source counts."""
        return await counting.accept(work, **entered(input))

    @command(WRITE, QuantityVariancePayload)
    async def ignore_variance(work: Work, input: IgnoreVarianceInput) -> models.QuantityVariance:
        """Stay with what the contract says."""
        return await counting.ignore(work, **entered(input))

    @command(WRITE, PrepaidBalancePayload, rest=Rest(path="/contracts/{id}/actions/purchase-prepaid"))
    async def purchase_prepaid(work: Work, input: PurchasePrepaidInput) -> models.PrepaidBalance:
        """Sell a block of hours, of money or of tickets."""
        return await prepaid.purchase(work, **entered(input))

    @command(WRITE, PrepaidBalancePayload, rest=Rest(path="/prepaid-balances/{id}/actions/adjust"))
    async def adjust_prepaid(work: Work, input: AdjustPrepaidInput) -> models.PrepaidBalance:
        """Put a balance right, and say why."""
        return await prepaid.adjust(work, **entered(input))
