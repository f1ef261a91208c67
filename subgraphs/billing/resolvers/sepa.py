"""Asking and telling about mandates and direct debits."""

from __future__ import annotations

from datetime import date

import strawberry

from subgraphs.billing.models import sepa as models
from subgraphs.billing.resolvers.catalogue import entered
from subgraphs.billing.rules.sepa import MandateStatus, MandateType
from subgraphs.billing.service import debits, mandates
from subgraphs.billing.types.sepa import READ_PAYMENTS, SepaBatch, SepaBatchPayload, SepaMandate, SepaMandatePayload
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.work import Work

WRITE_PAYMENTS = "payments:write"


@strawberry.type
class SepaQuery:
    """What can be asked about direct debits."""

    @strawberry.field
    async def sepa_mandates(
        self,
        info: Info,
        customer_id: strawberry.ID | None = None,
        status: MandateStatus | None = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[SepaMandate]:
        """Mandates, the newest first."""
        wanted = parsed(customer_id) if customer_id else None
        if customer_id and wanted is None:
            return []
        async with info.context.work(READ_PAYMENTS) as work:
            rows = await mandates.listed(
                work, customer_id=wanted, status=status, limit=bounded(limit), offset=skipped(offset)
            )
        return [SepaMandate.of(row) for row in rows]

    @strawberry.field
    async def sepa_batches(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[SepaBatch]:
        """Files of direct debits, the newest first."""
        async with info.context.work(READ_PAYMENTS) as work:
            rows = await debits.listed(work, limit=bounded(limit), offset=skipped(offset))
        return [SepaBatch.of(row) for row in rows]


@strawberry.input
class RecordSepaMandateInput(Command):
    """A mandate that a customer signed; it takes the place of the one that held before."""

    customer_id: strawberry.ID
    """Who signed it."""
    iban: str
    """The account."""
    signed_on: date
    """When it was signed."""
    type: MandateType = MandateType.CORE
    """Under which scheme; B2B is for companies alone."""
    reference: str | None = None
    """Its reference; one of ours unless you say so."""
    holder: str | None = None
    """Whose account it is; the customer's unless you say so."""
    bic: str | None = None
    """The bank; its IBAN is enough within the euro area."""
    prenotification_days: int | None = None
    """So many days before a debit the customer is told; 14 unless something shorter was agreed."""


@strawberry.input
class RevokeSepaMandateInput(Change):
    """The mandate that the customer took back."""

    id: strawberry.ID
    """The mandate."""


@strawberry.input
class CreateSepaBatchInput(Command):
    """What the bank collects."""

    legal_entity_id: strawberry.ID | None = None
    """Who takes the money; the only company that sells unless you say so."""
    type: MandateType = MandateType.CORE
    """Under which scheme: a bank wants a file for each."""
    collection_date: date | None = None
    """When the money is taken; as soon as the bank can unless you say so."""
    invoice_ids: list[strawberry.ID] | None = None
    """These documents, or none at all; without them all that are due and may be collected."""
    told_on: date | None = None
    """When customers were told of the debit whose documents don't say it."""


@strawberry.input
class BookSepaBatchInput(Change):
    """The file whose money came in."""

    id: strawberry.ID
    """The file."""


@strawberry.input
class CancelSepaBatchInput(Change):
    """The file that was not handed in."""

    id: strawberry.ID
    """The file."""


@strawberry.type
class SepaMutation:
    """What can be done about direct debits."""

    @command(WRITE_PAYMENTS, SepaMandatePayload)
    async def record_sepa_mandate(work: Work, input: RecordSepaMandateInput) -> models.SepaMandate:
        """Enter a mandate that a customer signed."""
        return await mandates.record(work, **entered(input))

    @command(WRITE_PAYMENTS, SepaMandatePayload)
    async def revoke_sepa_mandate(work: Work, input: RevokeSepaMandateInput) -> models.SepaMandate:
        """Note that a customer took a mandate back."""
        return await mandates.revoke(work, **entered(input))

    @command(WRITE_PAYMENTS, SepaBatchPayload)
    async def create_sepa_batch(work: Work, input: CreateSepaBatchInput) -> models.SepaBatch:
        """Write the file with which the bank collects what is due."""
        values = entered(input)
        return await debits.create(work, **values | {"invoice_ids": values.get("invoice_ids") or ()})

    @command(WRITE_PAYMENTS, SepaBatchPayload)
    async def book_sepa_batch(work: Work, input: BookSepaBatchInput) -> models.SepaBatch:
        """Note that the money of a file came in: each debit becomes a payment."""
        return await debits.book(work, **entered(input))

    @command(WRITE_PAYMENTS, SepaBatchPayload)
    async def cancel_sepa_batch(work: Work, input: CancelSepaBatchInput) -> models.SepaBatch:
        """Note that a file was not handed in: its documents can be collected otherwise."""
        return await debits.cancel(work, **entered(input))
