"""How invoices of suppliers look in the graph."""

from __future__ import annotations

import base64
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.billing.documents import inbound as documents
from subgraphs.billing.models import inbound as models
from subgraphs.billing.rules.einvoice import Severity
from subgraphs.billing.rules.inbound import InboundFormat, InboundStatus
from subgraphs.billing.service import receiving
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, bounded
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError

READ = "payments:read"

strawberry.enum(InboundFormat, name="InboundInvoiceFormat")
strawberry.enum(InboundStatus, name="InboundInvoiceStatus")
strawberry.enum(Severity, name="EInvoiceSeverity")


@strawberry.type
class EInvoiceFinding:
    """What a rule has against an invoice."""

    rule: str
    """The rule: BR-CO-15, BR-DE-6, XSD, or one of ours (PAGE-DIFFERS, OTHER-BUYER, KNOWN-NUMBER, SUMS-DIFFER)."""
    severity: Severity
    """How grave it is."""
    message: str
    """What is wrong."""
    location: str | None
    """Where in the data."""


@entity(keys=["id"])
class InboundInvoice:
    """An invoice that a supplier sent, and what was found about it."""

    id: strawberry.ID
    """The identifier: a UUID."""
    format: InboundFormat
    """How it came."""
    status: InboundStatus
    """What became of it."""
    received_at: datetime
    """When it came."""
    file_name: str | None
    """What the file was called."""
    sha256: str
    """The hash of the file as it came."""
    xml_sha256: str
    """The hash of the data inside."""
    number: str | None
    """Its number."""
    type_code: str | None
    """What it is: 380 is an invoice, 381 a credit note."""
    profile: str | None
    """Which rules it claims to follow."""
    issue_date: date | None
    """Its date."""
    due_date: date | None
    """Until when it is to be paid."""
    currency: str | None
    """Its currency."""
    supplier: str | None
    """Who sent it."""
    supplier_vat_id: str | None
    """The supplier's VAT id."""
    supplier_tax_number: str | None
    """The supplier's number at the tax office."""
    buyer: str | None
    """To whom it is addressed."""
    buyer_vat_id: str | None
    """The buyer's VAT id on it."""
    iban: str | None
    """The account to pay to."""
    net: Decimal | None
    """Its net."""
    tax: Decimal | None
    """Its VAT."""
    gross: Decimal | None
    """Its gross."""
    payable: Decimal | None
    """What is to be paid."""
    valid: bool
    """The official rules have nothing fatal against it."""
    reason: str | None
    """Why it was rejected."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    stored: strawberry.Private[list[Any]]

    @strawberry.field
    def findings(self, limit: Limit = DEFAULT_LIMIT) -> list[EInvoiceFinding]:
        """What was found about it: first our own doubts, then what the official rules say, the gravest first."""
        return [
            EInvoiceFinding(
                rule=one["rule"], severity=Severity(one["severity"]), message=one["message"], location=one["location"]
            )
            for one in self.stored[: bounded(limit)]
        ]

    @strawberry.field
    async def content_base64(self, info: Info) -> str | None:
        """The file as it came, in base64."""
        found = await self._file(info)
        return base64.b64encode(found.content).decode() if found else None

    @strawberry.field
    async def xml(self, info: Info) -> str | None:
        """The data, which is the invoice."""
        found = await self._file(info)
        return documents.text(found.xml) if found else None

    async def _file(self, info: Info) -> models.InboundFile | None:
        async with info.context.work(READ) as work:
            key = parsed(self.id)
            return await receiving.file(work, key) if key else None

    @classmethod
    def of(cls, row: models.InboundInvoice) -> Self:
        """The invoice in this row."""
        return shape(cls, row, stored=row.findings)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The invoice that another module points at."""
        row = await info.context.row(models.InboundInvoice, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class InboundInvoicePayload:
    """What became of a command on an invoice of a supplier."""

    inbound_invoice: InboundInvoice | None = None
    """The invoice as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
