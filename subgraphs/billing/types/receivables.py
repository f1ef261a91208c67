"""How what comes in and what is asked for late looks in the graph, and what bookkeeping gets."""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.billing.models import receivables as models
from subgraphs.billing.rules.bank import BankEntryStatus
from subgraphs.billing.rules.payments import PaymentMethod
from subgraphs.billing.service import bank, dunning, exports, files, settling
from subgraphs.billing.types.agreements import money
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import FileRef, Money, UserError

READ_PAYMENTS = "payments:read"
READ_DUNNING = "dunning:read"
EXPORT = "datev:export"

strawberry.enum(PaymentMethod)
strawberry.enum(BankEntryStatus)


@strawberry.type
class PaymentAllocation:
    """So much of a payment pays so much of a document."""

    id: strawberry.ID
    """The identifier: a UUID."""
    invoice_id: strawberry.ID
    """The document."""
    amount: Decimal
    """What it pays."""
    skonto_amount: Decimal
    """What was taken off for paying early."""


@entity(keys=["id"])
class Payment:
    """Money that came in."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """Who paid."""
    amount: Money
    """How much."""
    unallocated: Money
    """What of it nobody has claimed: the customer's credit."""
    value_date: date
    """On which day."""
    method: PaymentMethod
    """How."""
    bank_reference: str | None
    """What the bank said of it."""
    reversed_at: datetime | None
    """When it was taken back."""
    reversal_reason: str | None
    """Why it was taken back."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was entered."""

    @strawberry.field
    async def allocations(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[PaymentAllocation]:
        """What it pays."""
        rows = await info.context.lists(settling.allocations_of, self.id, READ_PAYMENTS, limit=bounded(limit))
        return [shape(PaymentAllocation, row) for row in rows]

    @classmethod
    def of(cls, row: models.Payment) -> Self:
        """The payment in this row."""
        amounts = {name: money(getattr(row, name), row.currency) for name in ("amount", "unallocated")}
        return shape(cls, row, **amounts)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The payment that another module points at."""
        row = await info.context.row(models.Payment, id, READ_PAYMENTS)
        return cls.of(row) if row else None


# --- dunning


@strawberry.type
class DunningLevel:
    """How urgently somebody is asked."""

    level: int
    """Its number, beginning with 0."""
    days_after_due: int
    """So many days after a document was due."""
    fee: Decimal
    """What the letter costs."""
    interest: bool
    """Whether interest is asked for."""
    flat_fee: bool
    """Whether companies are asked for the 40 euros of the law."""


@strawberry.type
class DunningPolicy:
    """When and how late customers are asked."""

    min_amount: Decimal
    """Less than this is left alone."""
    days_between: int
    """So many days at least between two letters."""
    require_fresh_payments: bool
    """Nobody is asked while the last payment was entered more than 24 hours ago."""
    rest_days: bool
    """What is due on a Saturday, a Sunday or a holiday of the customer's is in time on the next working day (§ 193 BGB)."""
    stored: strawberry.Private[list[Any]]

    @strawberry.field
    def levels(self, limit: Limit = DEFAULT_LIMIT) -> list[DunningLevel]:
        """The levels, in order."""
        return [DunningLevel(**one | {"fee": Decimal(one["fee"])}) for one in self.stored[: bounded(limit)]]

    @classmethod
    def of(cls, row: models.DunningPolicy) -> Self:
        """The policy in this row."""
        return shape(cls, row, stored=row.levels)


@strawberry.type
class DunningClaim:
    """A document in a letter."""

    invoice_id: strawberry.ID
    """The document."""
    number: str
    """Its number."""
    due_date: date
    """When it should have been paid."""
    level: int
    """Its own level."""
    open_amount: Decimal
    """What is open of it."""
    flat_fee: Decimal
    """The 40 euros of the law, once for each document."""
    interest: Decimal
    """The interest until the day of the letter."""


@entity(keys=["id"])
class DunningNotice:
    """One letter to one customer about everything that is late in one currency, and owed to one company."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """Who is asked."""
    level: int
    """How urgently: the highest level of its documents."""
    on_date: date
    """The date of the letter."""
    open_amount: Money
    """What is open."""
    fee: Money
    """What the letter costs."""
    flat_fee40: Money
    """The 40 euros of the law, for the documents for which they are asked the first time."""
    interest: Money
    """The interest; it has no VAT."""
    sent_at: datetime | None
    """When it was handed over for delivery."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored: strawberry.Private[list[Any]]

    @strawberry.field
    async def pdf(self, info: Info) -> FileRef | None:
        """The letter on paper."""
        found = await info.context.lists(files.letters, self.id, READ_DUNNING)
        return FileRef(**asdict(found[0])) if found else None

    @strawberry.field
    def claims(self, limit: Limit = DEFAULT_LIMIT) -> list[DunningClaim]:
        """The documents that it is about."""
        return [_claim(one) for one in self.stored[: bounded(limit)]]

    @classmethod
    def of(cls, row: models.DunningNotice) -> Self:
        """The letter in this row."""
        amounts = {"open_amount": row.open_amount, "fee": row.fee, "flat_fee40": row.flat_fee, "interest": row.interest}
        shown = {name: money(amount, row.currency) for name, amount in amounts.items()}
        return shape(cls, row, **shown, stored=row.claims)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The letter that another module points at."""
        row = await info.context.row(models.DunningNotice, id, READ_DUNNING)
        return cls.of(row) if row else None


def _claim(stored: dict[str, str]) -> DunningClaim:
    return DunningClaim(
        invoice_id=strawberry.ID(stored["invoice_id"]),
        number=stored["number"],
        due_date=date.fromisoformat(stored["due_date"]),
        level=int(stored["level"]),
        open_amount=Decimal(stored["open_amount"]),
        flat_fee=Decimal(stored["flat_fee"]),
        interest=Decimal(stored["interest"]),
    )


@strawberry.type
class DunningSkipped:
    """A document that is late and was left alone."""

    invoice_id: strawberry.ID
    """The document."""
    reason: str
    """Why: NOT_YET, TOO_SOON, BLOCKED, DISPUTED, BEING_COLLECTED, TOO_SMALL or LAST_LEVEL."""


@strawberry.type
class DunningRun:
    """One round of asking."""

    id: strawberry.ID
    """The identifier: a UUID."""
    on_date: date
    """On which day."""
    notice_count: int
    """How many letters it wrote."""
    total_open: Decimal
    """What they ask for, in euros."""
    stored: strawberry.Private[list[Any]]

    @strawberry.field
    async def notices(self, info: Info, limit: Limit = DEFAULT_LIMIT) -> list[DunningNotice]:
        """Its letters, the most urgent first."""
        rows = await info.context.lists(dunning.notices_of, self.id, READ_DUNNING, limit=bounded(limit))
        return [DunningNotice.of(row) for row in rows]

    @strawberry.field
    def skipped(self, limit: Limit = DEFAULT_LIMIT) -> list[DunningSkipped]:
        """What is late and was left alone."""
        return [
            DunningSkipped(invoice_id=strawberry.ID(one["invoice_id"]), reason=one["reason"])
            for one in self.stored[: bounded(limit)]
        ]

    @classmethod
    def of(cls, row: models.DunningRun) -> Self:
        """The round in this row."""
        return shape(cls, row, notice_count=row.notices, stored=row.skipped)


# --- exports


@entity(keys=["id"])
class ExportBatch:
    """A file for bookkeeping."""

    id: strawberry.ID
    """The identifier: a UUID."""
    legal_entity_id: strawberry.ID
    """Whose books."""
    period_start: date
    """The first day."""
    period_end: date
    """The last day."""
    file_name: str
    """What the file is called."""
    sha256: str
    """The hash of the file."""
    rows: int
    """How many bookings it has."""
    debit: Decimal
    """The sum of what is owed."""
    credit: Decimal
    """The sum of what was given back."""
    duplicate: bool
    """Something of this period was exported before."""
    created_at: datetime
    """When it was made."""

    @strawberry.field
    async def content_base64(self, info: Info) -> str | None:
        """The file, in base64; its text is Windows-1252."""
        async with info.context.work(EXPORT) as work:
            key = parsed(self.id)
            found = await exports.content(work, key) if key else None
        return base64.b64encode(found).decode() if found is not None else None

    @classmethod
    def of(cls, row: models.ExportBatch) -> Self:
        """The batch in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The batch that another module points at."""
        row = await info.context.row(models.ExportBatch, id, EXPORT)
        return cls.of(row) if row else None


@entity(keys=["id"])
class BankEntry:
    """Money that the bank told of."""

    id: strawberry.ID
    """The identifier: a UUID."""
    iban: str | None
    """The account that it came to."""
    amount: Money
    """How much."""
    value_date: date
    """On which day."""
    debtor: str | None
    """Who paid, as the bank says it."""
    remittance: str
    """What they wrote."""
    status: BankEntryStatus
    """What became of it."""
    reason: str | None
    """Why nobody knows whose it is: NO_NUMBER, SEVERAL_CUSTOMERS, or PAID_BEFORE in the same statement."""
    payment_id: strawberry.ID | None
    """The payment that it became."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.BankEntry) -> Self:
        """The entry in this row."""
        return shape(cls, row, amount=money(row.amount, row.currency))

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The entry that another module points at."""
        row = await info.context.row(models.BankEntry, id, READ_PAYMENTS)
        return cls.of(row) if row else None


@entity(keys=["id"])
class BankStatement:
    """A file of the bank that was read, and what it brought."""

    id: strawberry.ID
    """The identifier: a UUID."""
    matched: int
    """So many became payments of customers."""
    unmatched: int
    """So many somebody had to look at: ask `bankEntries`."""
    known: int
    """So many had been told before, and were left as they were."""
    created_at: datetime
    """When it was read."""

    @strawberry.field
    async def entries(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[BankEntry]:
        """What it told for the first time."""
        rows = await info.context.lists(
            bank.of_statements, self.id, READ_PAYMENTS, limit=bounded(limit), offset=skipped(offset)
        )
        return [BankEntry.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.BankStatement) -> Self:
        """The statement in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The statement that another module points at."""
        row = await info.context.row(models.BankStatement, id, READ_PAYMENTS)
        return cls.of(row) if row else None


@strawberry.type
class BankStatementPayload:
    """What became of a statement."""

    bank_statement: BankStatement | None = None
    """What it brought; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class BankEntryPayload:
    """What became of a command on money that the bank told of."""

    bank_entry: BankEntry | None = None
    """The entry as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class PaymentPayload:
    """What became of a command on a payment."""

    payment: Payment | None = None
    """The payment as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class DunningPolicyPayload:
    """What became of a command on the dunning policy."""

    dunning_policy: DunningPolicy | None = None
    """The policy as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class DunningRunPayload:
    """What became of a round of asking."""

    dunning_run: DunningRun | None = None
    """The round; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class DunningNoticePayload:
    """What became of a command on a letter."""

    dunning_notice: DunningNotice | None = None
    """The letter as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class ExportBatchPayload:
    """What became of an export."""

    export_batch: ExportBatch | None = None
    """The batch; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
