"""How what was agreed looks in the graph: accounts, contracts as billing knows them, quantities, balances."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

import strawberry

from subgraphs.billing.models import agreements as models
from subgraphs.billing.rules.accounts import EInvoiceFormat
from subgraphs.billing.rules.contracts import CalendarPart, ContractStatus, ContractType, RuleEffect
from subgraphs.billing.rules.money import rounded
from subgraphs.billing.rules.periods import BillingInterval
from subgraphs.billing.rules.prepaid import MovementKind, Overage, PrepaidUnit
from subgraphs.billing.rules.proration import ProrationMode
from subgraphs.billing.rules.quantities import QuantityMode, QuantityPolicy, VarianceStatus
from subgraphs.billing.rules.vat import VatIdStatus
from subgraphs.billing.service import contracts, prepaid, vat_ids
from subgraphs.billing.types.catalogue import PriceTier, tiers
from subgraphs.billing.types.vat_ids import VatIdCheck
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import Address, Money, UserError

READ = "invoices:read"

_PREFIXED = (
    EInvoiceFormat, CalendarPart, ContractStatus, ContractType, RuleEffect, BillingInterval, MovementKind, Overage, PrepaidUnit,
    ProrationMode, QuantityMode, QuantityPolicy, VarianceStatus, VatIdStatus,
)  # fmt: skip
for spoken in _PREFIXED:
    # Other modules may say the same words for their own things: an enum that goes in and out must be the same everywhere.
    own = spoken.__name__.startswith(("Billing", "Prepaid"))
    strawberry.enum(spoken, name=spoken.__name__ if own else f"Billing{spoken.__name__}")


def money(amount: Decimal, currency: str = "EUR") -> Money:
    """An amount with its cents."""
    return Money(amount=rounded(amount), currency=currency)


@strawberry.type
class SkontoTerm:
    """So much may be taken off for paying within so many days."""

    days: int
    """Within so many days."""
    percent: Decimal
    """So much."""


def skonto(stored: list[Any]) -> list[SkontoTerm]:
    """Terms of early payment."""
    return [SkontoTerm(days=one["days"], percent=Decimal(one["percent"])) for one in stored]


@strawberry.type
class ElectronicAddress:
    """Where documents go as data."""

    value: str
    """The address."""
    scheme: str
    """What kind of address it is: EM for mail."""


@strawberry.type
class BillingAccount:
    """How a customer is billed; its identifier is the customer's."""

    id: strawberry.ID
    """The identifier: the customer's UUID."""
    number: str | None
    """The customer's number."""
    name: str
    """The customer's name on documents."""
    address: Address
    """Where documents are addressed to."""
    vat_id: str | None
    """The customer's VAT id."""
    vat_id_status: VatIdStatus
    """What the register said of it."""
    vat_id_checked_at: datetime | None
    """When it said so."""
    is_business: bool
    """A company, and no consumer."""
    currency: str
    """The currency of its documents."""
    language: str
    """The language of its documents: de or en."""
    payment_days: int
    """Within how many days it pays."""
    invoice_email: str | None
    """Where documents are sent."""
    einvoice_format: EInvoiceFormat
    """How it wants documents."""
    einvoice_endpoint: ElectronicAddress | None
    """Where documents go as data."""
    buyer_reference: str | None
    """What it wants on documents: the Leitweg-ID of an authority, or a reference of its own."""
    debtor_account: str | None
    """Its account in bookkeeping."""
    dunning_block: bool
    """It is never asked."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored_skonto: strawberry.Private[list[Any]]

    @strawberry.field
    def skonto(self, limit: Limit = DEFAULT_LIMIT) -> list[SkontoTerm]:
        """What may be taken off for paying early."""
        return skonto(self.stored_skonto)[: bounded(limit)]

    @strawberry.field
    async def vat_id_checks(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[VatIdCheck]:
        """What the register said of the customer's VAT ids, the last answer first."""
        rows = await info.context.lists(vat_ids.of_customers, self.id, READ, limit=bounded(limit))
        return [VatIdCheck.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.BillingAccount) -> Self:
        """The account in this row."""
        endpoint = row.einvoice_endpoint
        return shape(
            cls,
            row,
            address=Address(**row.address),
            stored_skonto=row.skonto,
            einvoice_endpoint=ElectronicAddress(**endpoint) if endpoint else None,
        )


@strawberry.type
class BilledContractLine:
    """Something that a contract bills again and again."""

    id: strawberry.ID
    """The identifier: a UUID."""
    contract_id: strawberry.ID
    """The contract."""
    product_id: strawberry.ID | None
    """The product."""
    description: str
    """What stands on documents."""
    quantity_mode: QuantityMode
    """Where its quantity comes from."""
    quantity_policy: QuantityPolicy
    """Which quantity of a period counts when it changes."""
    quantity: Decimal
    """What was agreed at the beginning."""
    min_quantity: Decimal | None
    """At least so many are billed."""
    max_quantity: Decimal | None
    """At most so many are billed."""
    unit_code: str
    """In what it is counted."""
    unit_price: Decimal
    """What one costs for one interval of the contract."""
    discount_percent: Decimal
    """What is taken off."""
    tax_code: str
    """Its tax code when it is supplied here."""
    prorate: ProrationMode
    """What a part of a period costs."""
    valid_from: date
    """The first day on which it is billed."""
    valid_to: date | None
    """The last day on which it is billed."""
    committed_until: date | None
    """Before this day there may not be fewer."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored_tiers: strawberry.Private[list[Any]]

    @strawberry.field
    def tiers(self, limit: Limit = DEFAULT_LIMIT) -> list[PriceTier]:
        """What each costs when there are many."""
        return tiers(self.stored_tiers)[: bounded(limit)]

    @classmethod
    def of(cls, row: models.ContractLine) -> Self:
        """The line in this row."""
        return shape(cls, row, stored_tiers=row.tiers)


@strawberry.type
class BilledCoverageRule:
    """Which work a contract speaks about, and what it says; an empty list means any."""

    id: strawberry.ID
    """The identifier: a UUID."""
    effect: RuleEffect
    """What becomes of the work."""
    work_types: list[str]
    """These kinds of work."""
    ticket_types: list[str]
    """Tickets of these types."""
    asset_types: list[str]
    """Assets of these types."""
    site_ids: list[strawberry.ID]
    """At these sites."""
    calendar_part: CalendarPart
    """When it was done."""


@strawberry.type
class BilledContract:
    """A contract, as far as money depends on it; its identifier is the contract's."""

    id: strawberry.ID
    """The identifier: the contract's UUID."""
    number: str
    """Its number."""
    title: str
    """What it is called."""
    customer_id: strawberry.ID
    """With whom it was made."""
    type: ContractType
    """How it is paid for."""
    status: ContractStatus
    """Where it is between draft and end."""
    start_date: date
    """Its first day; periods are counted from here."""
    end_date: date | None
    """Its last day."""
    billing_interval: BillingInterval
    """How often it is billed."""
    bill_in_advance: bool
    """Billed at the beginning of a period, not at its end."""
    priority: int
    """The lower is asked first whether it pays for work."""
    included_hours: Decimal | None
    """So many hours of a month are covered."""
    hourly_rate: Decimal | None
    """What an hour costs beyond that."""
    overage: Overage
    """What happens to work that its balance can't pay."""
    po_number: str | None
    """The customer's order number: it stands on documents."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored_rules: strawberry.Private[list[Any]]

    @strawberry.field
    async def lines(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[BilledContractLine]:
        """What it bills again and again."""
        rows = await info.context.lists(contracts.lines_of, self.id, READ, limit=bounded(limit))
        return [BilledContractLine.of(row) for row in rows]

    @strawberry.field
    def coverage(self, limit: Limit = DEFAULT_LIMIT) -> list[BilledCoverageRule]:
        """Which work it pays for."""
        return [_rule(one) for one in self.stored_rules[: bounded(limit)]]

    @classmethod
    def of(cls, row: models.BilledContract) -> Self:
        """The contract in this row."""
        return shape(cls, row, stored_rules=row.coverage)


def _rule(stored: dict[str, Any]) -> BilledCoverageRule:
    return BilledCoverageRule(
        id=strawberry.ID(stored["id"]),
        effect=RuleEffect(stored["effect"]),
        work_types=stored["work_types"],
        ticket_types=stored["ticket_types"],
        asset_types=stored["asset_types"],
        site_ids=[strawberry.ID(one) for one in stored["site_ids"]],
        calendar_part=CalendarPart(stored["calendar_part"]),
    )


@strawberry.type
class QuantityChange:
    """From a day on, a contract line counts more or less."""

    id: strawberry.ID
    """The identifier: a UUID."""
    contract_line_id: strawberry.ID
    """The line."""
    effective_date: date
    """The first day on which it counts; later than asked for where a vendor was promised something."""
    delta: Decimal
    """So many more, or fewer."""
    reason: str
    """Why."""
    source: str
    """Who counted."""

    @classmethod
    def of(cls, row: models.QuantityChange) -> Self:
        """The change in this row."""
        return shape(cls, row)


@strawberry.type
class QuantityVariance:
    """A source counts another number than the contract bills; it changes no invoice by itself."""

    id: strawberry.ID
    """The identifier: a UUID."""
    contract_id: strawberry.ID
    """The contract."""
    contract_line_id: strawberry.ID
    """The line."""
    source: str
    """Who counted."""
    source_quantity: Decimal
    """What it counted."""
    billed_quantity: Decimal
    """What is billed."""
    difference: Decimal
    """How much more it counted; negative where less."""
    estimated_monthly_impact: Money
    """What that is worth in a month."""
    status: VarianceStatus
    """What somebody made of it."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was found."""

    @classmethod
    def of(cls, row: models.QuantityVariance) -> Self:
        """The difference in this row."""
        return shape(cls, row, estimated_monthly_impact=money(row.monthly_impact))


@strawberry.type
class PrepaidMovement:
    """A change of a balance."""

    id: strawberry.ID
    """The identifier: a UUID."""
    on_date: date
    """On which day."""
    quantity: Decimal
    """How much: negative when something went out."""
    kind: MovementKind
    """Why."""
    source_id: strawberry.ID | None
    """The time entry or ticket that took it."""
    reason: str | None
    """What somebody said who put it right."""


@strawberry.type
class PrepaidBalance:
    """What was bought at once, and what is left of it."""

    id: strawberry.ID
    """The identifier: a UUID."""
    contract_id: strawberry.ID
    """The contract."""
    unit: PrepaidUnit
    """What it counts."""
    bought_on: date
    """When it was bought."""
    purchased: Decimal
    """How much was bought."""
    expires_on: date | None
    """The last day on which it can be used."""

    @strawberry.field
    async def remaining(self, info: Info) -> Decimal:
        """What is left: the sum of all movements."""
        found = await info.context.lists(prepaid.remaining, self.id, READ)
        return found[0] if found else Decimal(0)

    @strawberry.field
    async def consumed(self, info: Info) -> Decimal:
        """What is gone."""
        found = await info.context.lists(prepaid.remaining, self.id, READ)
        return self.purchased - (found[0] if found else Decimal(0))

    @strawberry.field
    async def movements(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[PrepaidMovement]:
        """What happened to it, oldest first."""
        rows = await info.context.lists(prepaid.movements_of, self.id, READ, limit=bounded(limit))
        return [shape(PrepaidMovement, row) for row in rows]

    @classmethod
    def of(cls, row: models.PrepaidBalance) -> Self:
        """The balance in this row."""
        return shape(cls, row)


@strawberry.type
class BillingAccountPayload:
    """What became of a command on a billing account."""

    billing_account: BillingAccount | None = None
    """The account as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class BilledContractPayload:
    """What became of a command on a contract."""

    contract: BilledContract | None = None
    """The contract as billing knows it now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class BilledContractLinePayload:
    """What became of a command on a contract line."""

    contract_line: BilledContractLine | None = None
    """The line as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class QuantityChangePayload:
    """What became of a command on a quantity."""

    quantity_change: QuantityChange | None = None
    """The change; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class QuantityVariancePayload:
    """What became of a command on a difference."""

    variance: QuantityVariance | None = None
    """The difference as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class PrepaidBalancePayload:
    """What became of a command on a balance."""

    balance: PrepaidBalance | None = None
    """The balance as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
