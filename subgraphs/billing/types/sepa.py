"""How mandates and direct debits look in the graph."""

from __future__ import annotations

import base64
from datetime import date, datetime
from typing import Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.billing.models import sepa as models
from subgraphs.billing.rules.sepa import BatchStatus, MandateStatus, MandateType, SequenceType
from subgraphs.billing.service import debits
from subgraphs.billing.types.agreements import money
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import Money, UserError

READ_PAYMENTS = "payments:read"

for spoken in (BatchStatus, MandateStatus, MandateType, SequenceType):
    strawberry.enum(spoken, name=f"Sepa{spoken.__name__}")


@entity(keys=["id"])
class SepaMandate:
    """What a customer signed: that we may take what they owe from their account."""

    id: strawberry.ID
    """The identifier: a UUID."""
    customer_id: strawberry.ID
    """Who signed it."""
    reference: str
    """Its reference, which stands on documents and in files."""
    type: MandateType
    """Under which scheme."""
    status: MandateStatus
    """Whether it holds."""
    holder: str
    """Whose account it is."""
    iban: str
    """The account."""
    bic: str | None
    """The bank."""
    signed_on: date
    """When it was signed."""
    prenotification_days: int
    """So many days before a debit the customer is told."""
    last_used_on: date | None
    """The day of its last debit; without one the next is its first."""
    revoked_on: date | None
    """When it was taken back."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.SepaMandate) -> Self:
        """The mandate in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The mandate that another module points at."""
        row = await info.context.row(models.SepaMandate, id, READ_PAYMENTS)
        return cls.of(row) if row else None


@strawberry.type
class SepaDebit:
    """So much is taken for a document."""

    invoice_id: strawberry.ID
    """The document."""
    number: str
    """Its number."""
    customer_id: strawberry.ID
    """From whom."""
    mandate_id: strawberry.ID
    """With which mandate."""
    sequence: SequenceType
    """The first debit of the mandate, or a later one."""
    amount: Money
    """How much."""
    payment_id: strawberry.ID | None
    """The payment that it became."""

    @classmethod
    def of(cls, row: models.SepaDebit) -> Self:
        """The debit in this row."""
        return shape(cls, row, amount=money(row.amount))


@entity(keys=["id"])
class SepaBatch:
    """A file of direct debits for the bank: pain.008.001.08."""

    id: strawberry.ID
    """The identifier: a UUID."""
    legal_entity_id: strawberry.ID
    """Who takes the money."""
    type: MandateType
    """Under which scheme: a bank wants a file for each."""
    status: BatchStatus
    """What became of it."""
    collection_date: date
    """When the money is taken."""
    file_name: str
    """What the file is called."""
    sha256: str
    """The hash of the file."""
    debit_count: int
    """How many debits it has."""
    total: Money
    """What they come to."""
    created_at: datetime
    """When it was made."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @strawberry.field
    async def debits(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[SepaDebit]:
        """What is taken, by the number of the document."""
        rows = await info.context.lists(
            debits.of_batches, self.id, READ_PAYMENTS, limit=bounded(limit), offset=skipped(offset)
        )
        return [SepaDebit.of(row) for row in rows]

    @strawberry.field
    async def content_base64(self, info: Info) -> str | None:
        """The file, in base64; its text is UTF-8."""
        async with info.context.work(READ_PAYMENTS) as work:
            key = parsed(self.id)
            found = await debits.content(work, key) if key else None
        return base64.b64encode(found).decode() if found is not None else None

    @classmethod
    def of(cls, row: models.SepaBatch) -> Self:
        """The file in this row."""
        return shape(cls, row, debit_count=row.debits, total=money(row.total))

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The file that another module points at."""
        row = await info.context.row(models.SepaBatch, id, READ_PAYMENTS)
        return cls.of(row) if row else None


@strawberry.type
class SepaMandatePayload:
    """What became of a command on a mandate."""

    sepa_mandate: SepaMandate | None = None
    """The mandate as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class SepaBatchPayload:
    """What became of a command on a file of direct debits."""

    sepa_batch: SepaBatch | None = None
    """The file as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
