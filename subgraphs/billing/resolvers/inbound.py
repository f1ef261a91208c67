"""Asking and telling about invoices of suppliers."""

from __future__ import annotations

import strawberry

from subgraphs.billing.models import inbound as models
from subgraphs.billing.resolvers.catalogue import entered
from subgraphs.billing.rules.inbound import InboundStatus
from subgraphs.billing.service import receiving
from subgraphs.billing.types.inbound import READ, InboundInvoice, InboundInvoicePayload
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.work import Work

WRITE = "payments:write"


@strawberry.type
class InboundQuery:
    """What can be asked about invoices of suppliers."""

    @strawberry.field
    async def inbound_invoices(
        self, info: Info, status: InboundStatus | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[InboundInvoice]:
        """What suppliers sent, the newest first."""
        async with info.context.work(READ) as work:
            rows = await receiving.listed(work, status=status, limit=bounded(limit), offset=skipped(offset))
        return [InboundInvoice.of(row) for row in rows]


@strawberry.input
class ReceiveInboundInvoiceInput(Command):
    """An invoice of a supplier."""

    content_base64: str
    """The file in base64: XML in UBL or CII (XRechnung), or a PDF with it inside (ZUGFeRD)."""
    file_name: str | None = None
    """What it is called."""


@strawberry.input
class AcceptInboundInvoiceInput(Change):
    """The invoice that is right."""

    id: strawberry.ID
    """The invoice."""


@strawberry.input
class RejectInboundInvoiceInput(Change):
    """The invoice that is wrong."""

    id: strawberry.ID
    """The invoice."""
    reason: str
    """Why, in words for the supplier."""


@strawberry.type
class InboundMutation:
    """What can be done about invoices of suppliers."""

    @command(WRITE, InboundInvoicePayload)
    async def receive_inbound_invoice(work: Work, input: ReceiveInboundInvoiceInput) -> models.InboundInvoice:
        """Take in an invoice of a supplier: it is kept as it came, with what the official rules say of it."""
        return await receiving.receive(work, **entered(input))

    @command(WRITE, InboundInvoicePayload)
    async def accept_inbound_invoice(work: Work, input: AcceptInboundInvoiceInput) -> models.InboundInvoice:
        """Find an invoice of a supplier right."""
        return await receiving.accept(work, **entered(input))

    @command(WRITE, InboundInvoicePayload)
    async def reject_inbound_invoice(work: Work, input: RejectInboundInvoiceInput) -> models.InboundInvoice:
        """Find an invoice of a supplier wrong, and say why."""
        return await receiving.reject(work, **entered(input))
