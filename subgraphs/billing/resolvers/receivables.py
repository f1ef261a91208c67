"""Asking and telling about what comes in, what is asked for late, and what bookkeeping gets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import strawberry

from subgraphs.billing.models import invoices
from subgraphs.billing.models import receivables as models
from subgraphs.billing.resolvers.catalogue import entered
from subgraphs.billing.rules.bank import BankEntryStatus
from subgraphs.billing.rules.dunning import DEFAULT_POLICY
from subgraphs.billing.rules.payments import PaymentMethod
from subgraphs.billing.service import bank, dunning, exports, settling
from subgraphs.billing.types.invoices import InvoicePayload
from subgraphs.billing.types.receivables import (
    EXPORT,
    READ_DUNNING,
    READ_PAYMENTS,
    BankEntry,
    BankEntryPayload,
    BankStatementPayload,
    DunningNotice,
    DunningNoticePayload,
    DunningPolicy,
    DunningPolicyPayload,
    DunningRunPayload,
    ExportBatch,
    ExportBatchPayload,
    PaymentPayload,
)
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.work import Work

WRITE_PAYMENTS = "payments:write"
WRITE_DUNNING = "dunning:write"


@strawberry.type
class ReceivableQuery:
    """What can be asked about what comes in."""

    @strawberry.field
    async def dunning_policy(self, info: Info) -> DunningPolicy:
        """When and how late customers are asked."""
        async with info.context.work(READ_DUNNING) as work:
            row = await dunning.policy_row(work)
        if row is not None:
            return DunningPolicy.of(row)
        return DunningPolicy(
            min_amount=DEFAULT_POLICY.min_amount,
            days_between=DEFAULT_POLICY.days_between,
            require_fresh_payments=True,
            rest_days=False,
            stored=dunning.default_levels(),
        )

    @strawberry.field
    async def dunning_notices(
        self,
        info: Info,
        customer_id: strawberry.ID | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[DunningNotice]:
        """Letters, newest first."""
        wanted = parsed(customer_id) if customer_id else None
        if customer_id and wanted is None:
            return []
        async with info.context.work(READ_DUNNING) as work:
            rows = await dunning.listed(work, customer_id=wanted, limit=bounded(limit), offset=skipped(offset))
        return [DunningNotice.of(row) for row in rows]

    @strawberry.field
    async def bank_entries(
        self, info: Info, status: BankEntryStatus | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[BankEntry]:
        """Money that the bank told of, the last day first."""
        async with info.context.work(READ_PAYMENTS) as work:
            rows = await bank.listed(work, status=status, limit=bounded(limit), offset=skipped(offset))
        return [BankEntry.of(row) for row in rows]

    @strawberry.field
    async def export_batches(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[ExportBatch]:
        """Files for bookkeeping, newest first."""
        async with info.context.work(EXPORT) as work:
            rows = await exports.listed(work, limit=bounded(limit), offset=skipped(offset))
        return [ExportBatch.of(row) for row in rows]


@strawberry.input
class AllocationInput:
    """So much of a payment pays so much of a document."""

    invoice_id: strawberry.ID
    """The document."""
    amount: Decimal
    """What it pays."""
    skonto_amount: Decimal | None = None
    """What is taken off for paying early."""


@strawberry.input
class RecordPaymentInput(Command):
    """Money that came in."""

    customer_id: strawberry.ID
    """Who paid."""
    amount: Decimal
    """How much."""
    value_date: date
    """On which day."""
    currency: str = "EUR"
    """The currency."""
    method: PaymentMethod = PaymentMethod.BANK_TRANSFER
    """How."""
    bank_reference: str | None = None
    """What the bank said of it."""
    allocations: list[AllocationInput] | None = None
    """What it pays."""
    allocate_oldest: bool = False
    """Without allocations: it pays what is open longest."""


@strawberry.input
class ImportBankStatementInput(Command):
    """A statement of a bank."""

    content: str
    """The XML: camt.053 or camt.054 of any version."""


@strawberry.input
class AssignBankEntryInput(Change):
    """Money of which nobody knew whose it is."""

    id: strawberry.ID
    """The entry."""
    customer_id: strawberry.ID
    """Whose it is."""
    allocations: list[AllocationInput] | None = None
    """What it pays."""
    allocate_oldest: bool = False
    """Without allocations: it pays what is open longest."""


@strawberry.input
class IgnoreBankEntryInput(Change):
    """Money that no customer owed us."""

    id: strawberry.ID
    """The entry."""


@strawberry.input
class AllocatePaymentInput(Change):
    """What the rest of a payment pays."""

    id: strawberry.ID
    """The payment."""
    allocations: list[AllocationInput]
    """What it pays."""


@strawberry.input
class ReversePaymentInput(Change):
    """A payment to take back."""

    id: strawberry.ID
    """The payment."""
    reason: str
    """Why: a direct debit was returned, say."""


@strawberry.input
class DunningLevelInput:
    """How urgently somebody is asked."""

    level: int
    """Its number, beginning with 0."""
    days_after_due: int
    """So many days after a document was due."""
    fee: Decimal | None = None
    """What the letter costs."""
    interest: bool = False
    """Whether interest is asked for."""
    flat_fee: bool = False
    """Whether companies are asked for the 40 euros of the law."""


@strawberry.input
class SetDunningPolicyInput(Command):
    """When and how late customers are asked."""

    levels: list[DunningLevelInput]
    """The levels, counted from 0."""
    min_amount: Decimal = Decimal("5.00")
    """Less than this is left alone."""
    days_between: int = 7
    """So many days at least between two letters."""
    require_fresh_payments: bool = True
    """Nobody is asked while the last payment was entered more than 24 hours ago."""
    rest_days: bool = False
    """What is due on a Saturday, a Sunday or a holiday of the customer's is in time on the next working day (§ 193 BGB); for what is issued from now on."""


@strawberry.input
class RunDunningInput(Command):
    """A round of asking."""

    on_date: date | None = None
    """The date of the letters; today unless you say so."""
    customer_ids: list[strawberry.ID] | None = None
    """Only these customers."""


@strawberry.input
class SendDunningNoticeInput(Change):
    """A letter to hand over for delivery."""

    id: strawberry.ID
    """The letter."""


@strawberry.input
class SetDunningBlockInput(Change):
    """A document to keep out of dunning."""

    invoice_id: strawberry.ID
    """The document."""
    until: date | None = None
    """Until the end of this day; null lifts the block."""


@strawberry.input
class ExportDatevInput(Command):
    """The bookings of a period."""

    period_start: date
    """The first day."""
    period_end: date
    """The last day."""
    legal_entity_id: strawberry.ID | None = None
    """Whose books; the only one unless you say so."""
    again: bool = False
    """It was exported before, and you want a second batch: it is marked as a duplicate."""


@strawberry.type
class ReceivableMutation:
    """What can be done with what comes in."""

    @command(WRITE_PAYMENTS, PaymentPayload, rest=Rest(path="/customers/{id}/actions/record-payment"))
    async def record_payment(work: Work, input: RecordPaymentInput) -> models.Payment:
        """Enter money that came in, and what it pays."""
        return await settling.record(work, **entered(input))

    @command(WRITE_PAYMENTS, BankStatementPayload, rest=Rest(path="/bank-entries/actions/import-statement"))
    async def import_bank_statement(work: Work, input: ImportBankStatementInput) -> models.BankStatement:
        """Read a statement: what names our documents becomes payments, the rest somebody has to look at; the same again changes nothing."""
        return await bank.import_statement(work, **entered(input))

    @command(WRITE_PAYMENTS, BankEntryPayload)
    async def assign_bank_entry(work: Work, input: AssignBankEntryInput) -> models.BankEntry:
        """Say whose money it is that the bank told of."""
        return await bank.assign(work, **entered(input))

    @command(WRITE_PAYMENTS, BankEntryPayload)
    async def ignore_bank_entry(work: Work, input: IgnoreBankEntryInput) -> models.BankEntry:
        """Say that it is nothing that a customer owed us."""
        return await bank.ignore(work, **entered(input))

    @command(WRITE_PAYMENTS, PaymentPayload, rest=Rest(path="/payments/{id}/actions/allocate"))
    async def allocate_payment(work: Work, input: AllocatePaymentInput) -> models.Payment:
        """Say what the rest of a payment pays."""
        return await settling.allocate(work, **entered(input))

    @command(WRITE_PAYMENTS, PaymentPayload, rest=Rest(path="/payments/{id}/actions/reverse"))
    async def reverse_payment(work: Work, input: ReversePaymentInput) -> models.Payment:
        """Take a payment back; what it paid is open again."""
        return await settling.reverse(work, **entered(input))

    @command(WRITE_DUNNING, DunningPolicyPayload)
    async def set_dunning_policy(work: Work, input: SetDunningPolicyInput) -> models.DunningPolicy:
        """Say when and how late customers are asked."""
        return await dunning.set_policy(work, **entered(input))

    @command(WRITE_DUNNING, DunningRunPayload, rest=Rest(path="/dunning-notices/actions/run"))
    async def run_dunning(work: Work, input: RunDunningInput) -> models.DunningRun:
        """Ask everybody who is late: one letter for each customer, each document a level further."""
        values = entered(input)
        return await dunning.run(work, **values | {"customer_ids": values.get("customer_ids") or []})

    @command(WRITE_DUNNING, DunningNoticePayload)
    async def send_dunning_notice(work: Work, input: SendDunningNoticeInput) -> models.DunningNotice:
        """Hand a letter over for delivery."""
        return await dunning.send(work, **entered(input))

    @command(WRITE_DUNNING, InvoicePayload)
    async def set_dunning_block(work: Work, input: SetDunningBlockInput) -> invoices.Invoice:
        """Keep a document out of dunning until the end of a day."""
        return await dunning.block(work, **entered(input))

    @command(EXPORT, ExportBatchPayload)
    async def export_datev(work: Work, input: ExportDatevInput) -> models.ExportBatch:
        """Write the bookings of a period as a DATEV file."""
        return await exports.export(work, **entered(input))
