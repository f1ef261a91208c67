"""Invoices of suppliers: taken in as they came, looked at by the official rules, and decided."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from contracts.events import billing as events
from subgraphs.billing.documents import inbound as documents
from subgraphs.billing.documents.check import findings
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.models.inbound import InboundFile, InboundInvoice
from subgraphs.billing.rules import inbound as rules
from subgraphs.billing.rules.einvoice import Finding
from subgraphs.billing.rules.inbound import InboundStatus, Said
from subgraphs.billing.service.drafts import told
from subgraphs.billing.service.uniqueness import added
from subgraphs.kit.errors import Conflict, Invalid, InvalidTransition
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work

MOST_FINDINGS = 200


async def receive(work: Work, *, content_base64: str, file_name: str | None = None) -> InboundInvoice:
    """Take in an invoice of a supplier: XML in UBL or CII, or a PDF with it inside."""
    file = _decoded(content_base64)
    read = await documents.read(file, field="contentBase64")
    xml_sha256 = hashlib.sha256(read.xml).hexdigest()
    before = select(InboundInvoice.id).where(InboundInvoice.xml_sha256 == xml_sha256)
    if await work.session.scalar(before) is not None:
        raise Conflict("This invoice was received before.", field="contentBase64")
    found = await _found(work, read)
    row = InboundInvoice(
        format=read.format, status=InboundStatus.RECEIVED, received_at=work.at,
        file_name=optional_line(file_name, field="fileName"), sha256=hashlib.sha256(file).hexdigest(),
        xml_sha256=xml_sha256, valid=rules.in_order(found), findings=[_stored(one) for one in found[:MOST_FINDINGS]],
        **asdict(read.said),
    )  # fmt: skip
    await added(work, row, message="This invoice was received a moment ago.", field="contentBase64")
    work.session.add(InboundFile(tenant_id=work.caller.tenant, inbound_invoice_id=row.id, content=file, xml=read.xml))
    await _tell(work, row)
    return row


def _decoded(text: str) -> bytes:
    if len(text) > documents.LARGEST * 4 // 3 + 4:
        raise Invalid(f"An invoice has up to {documents.LARGEST:,} bytes.", field="contentBase64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("This is no base64.", field="contentBase64") from None


async def _found(work: Work, read: documents.Read) -> tuple[Finding, ...]:
    """What the official rules say, and what we doubt ourselves."""
    official = await findings(read.xml, read.syntax, xrechnung=read.said.is_xrechnung, extended=read.said.is_extended)
    ours = (await work.session.scalars(select(LegalEntity.vat_id).where(LegalEntity.vat_id.is_not(None)))).all()
    own = rules.doubts(
        read.said,
        page_differs=read.page_differs,
        ours=[one for one in ours if one],
        known_number=await _known(work, read.said),
    )
    return (*own, *official)


async def _known(work: Work, said: Said) -> bool:
    """Whether this supplier sent an invoice of this number before; one that was rejected may come again, mended."""
    supplier = [
        column == value
        for column, value in (
            (InboundInvoice.supplier_vat_id, said.supplier_vat_id),
            (InboundInvoice.supplier, said.supplier),
        )
        if value
    ]
    if not said.number or not supplier:
        return False
    query = select(InboundInvoice.id).where(
        InboundInvoice.number == said.number, InboundInvoice.status != InboundStatus.REJECTED, or_(*supplier)
    )
    return await work.session.scalar(query.limit(1)) is not None


def _stored(one: Finding) -> dict[str, Any]:
    return {"rule": one.rule, "severity": one.severity.value, "message": one.message[:2000], "location": one.location}


async def _tell(work: Work, row: InboundInvoice) -> None:
    happened = events.InboundInvoiceReceived(
        id=row.id,
        format=row.format.value,
        number=row.number,
        supplier=row.supplier,
        gross=told(row.gross, row.currency) if row.gross is not None and row.currency else None,
        valid=row.valid,
    )
    await work.emit(happened, subject=row.id)


# --- what somebody decides


async def accept(work: Work, id: UUID, version: int | None = None) -> InboundInvoice:
    """Find an invoice right."""
    row = await _undecided(work, id, version)
    row.status = InboundStatus.ACCEPTED
    return row


async def reject(work: Work, id: UUID, *, reason: str, version: int | None = None) -> InboundInvoice:
    """Find an invoice wrong, and say why."""
    row = await _undecided(work, id, version)
    row.status, row.reason = InboundStatus.REJECTED, line(reason, field="reason", longest=500)
    return row


async def _undecided(work: Work, id: UUID, version: int | None) -> InboundInvoice:
    row = await work.take(InboundInvoice, id, field="id", version=version)
    if row.status is not InboundStatus.RECEIVED:
        raise InvalidTransition(f"This invoice is {row.status.value} already.", field="id")
    return row


# --- reading


async def listed(work: Work, *, status: InboundStatus | None, limit: int, offset: int) -> Sequence[InboundInvoice]:
    """What suppliers sent, the newest first."""
    query = select(InboundInvoice).order_by(InboundInvoice.received_at.desc(), InboundInvoice.id.desc())
    if status is not None:
        query = query.where(InboundInvoice.status == status)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def file(work: Work, identity: UUID) -> InboundFile | None:
    """What came, byte for byte."""
    query = select(InboundFile).where(InboundFile.inbound_invoice_id == identity)
    row: InboundFile | None = await work.session.scalar(query)
    return row
