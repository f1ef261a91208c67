"""Direct debits: files for the bank, and what becomes of them.

createSepaBatch ──► CREATED ──bookSepaBatch──► BOOKED       a payment for each debit; one that the bank returns is reversed
                       └─────cancelSepaBatch─► CANCELLED    the file was not handed in; its documents are free again
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from subgraphs.billing.documents import pain
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.models.invoices import Invoice
from subgraphs.billing.models.sepa import SepaBatch, SepaDebit, SepaFile, SepaMandate
from subgraphs.billing.rules import days, sepa
from subgraphs.billing.rules.dunning import EURO
from subgraphs.billing.rules.invoices import CLAIMS, InvoiceStatus
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.rules.payments import PaymentMethod
from subgraphs.billing.rules.sepa import BatchStatus, Debit, Due, MandateStatus, MandateType
from subgraphs.billing.service import entities, mandates, settling
from subgraphs.kit.errors import InvalidTransition, NotFound, PreconditionFailed
from subgraphs.kit.ids import uuid7
from subgraphs.kit.work import Work

MOST_DEBITS = 5_000

# --- a file for the bank


async def create(
    work: Work,
    *,
    legal_entity_id: UUID | None = None,
    type: MandateType = MandateType.CORE,
    collection_date: date | None = None,
    invoice_ids: Sequence[UUID] = (),
    told_on: date | None = None,
) -> SepaBatch:
    """Write the file with which the bank collects what is due, or the documents that are named."""
    entity = await entities.the_one(work, legal_entity_id)
    if not entity.sepa_creditor_id:
        raise PreconditionFailed("The legal entity lacks its creditor identifier.", field="legalEntityId")
    today = days.local(work.at, entity.time_zone)
    day = sepa.collection_day(collection_date, today)
    documents = await _documents(work, entity, day, invoice_ids)
    held = await _held(work, {one.customer_id for one in documents})
    waiting = await pending(work, [one.id for one in documents])
    found = []
    for one in documents:
        mandate = held.get(one.customer_id)
        due = _due(one, mandate, min(told_on, today) if told_on else None, in_a_batch=one.id in waiting)
        debit = sepa.debit(due, mandates.known(mandate) if mandate else None, type, day)
        if isinstance(debit, Debit):
            found.append(debit)
        elif invoice_ids:
            raise PreconditionFailed(f"{one.number} can't be collected: {debit.value}.", field="invoiceIds")
    if not found:
        raise PreconditionFailed("Nothing is there to be collected on that day.", field="collectionDate")
    rows = {row.id: row for row in held.values()}
    return _written(work, entity, sepa.first_once(found), {one.id: one for one in documents}, rows, type, day)


async def _documents(work: Work, entity: LegalEntity, day: date, wanted: Sequence[UUID]) -> Sequence[Invoice]:
    """The documents that are named, or all that are due for customers with a mandate; locked."""
    query = select(Invoice).where(Invoice.legal_entity_id == entity.id)
    if wanted:
        query = query.where(Invoice.id.in_(list(wanted)))
    else:
        with_mandate = select(SepaMandate.customer_id).where(SepaMandate.status == MandateStatus.ACTIVE)
        query = query.where(
            Invoice.document_status == InvoiceStatus.ISSUED, Invoice.kind.in_(CLAIMS), Invoice.open_amount > 0,
            Invoice.currency == EURO, Invoice.due_date <= day, Invoice.customer_id.in_(with_mandate),
        )  # fmt: skip
    rows = (await work.session.scalars(query.order_by(Invoice.id).limit(MOST_DEBITS).with_for_update())).all()
    if len(rows) < len(set(wanted)):
        raise NotFound("There is no such document of this legal entity.", field="invoiceIds")
    return rows


async def _held(work: Work, customers: Iterable[UUID]) -> dict[UUID, SepaMandate]:
    """The mandates of customers, locked: which debit is a mandate's first is decided by one file at a time."""
    found = await mandates.active(work, list(customers))
    for row in sorted(found.values(), key=lambda one: one.id):
        await work.take(SepaMandate, row.id, field="id")
    return found


def _due(document: Invoice, mandate: SepaMandate | None, told_on: date | None, *, in_a_batch: bool) -> Due:
    named = ((document.buyer_snapshot or {}).get("mandate") or {}).get("id")
    by_document = document.issue_date if mandate is not None and named == str(mandate.id) else None
    return Due(
        document.id, document.kind, document.document_status, document.currency, document.open_amount,
        document.due_date or document.created_at.date(), by_document or told_on, document.disputed, in_a_batch,
    )  # fmt: skip


def _written(
    work: Work,
    entity: LegalEntity,
    debits: Sequence[Debit],
    documents: Mapping[UUID, Invoice],
    held: Mapping[UUID, SepaMandate],
    scheme: MandateType,
    day: date,
) -> SepaBatch:
    identity = uuid7()
    content = pain.file(
        pain.Creditor(entity.name, entity.iban, entity.bic, entity.sepa_creditor_id or ""),
        tuple(
            pain.Group(kind, tuple(_transaction(documents[one.document.id], held[one.mandate.id]) for one in some))
            for kind, some in sepa.by_sequence(debits)
        ),
        message=identity.hex, scheme=scheme, on=day, made_at=work.at,
    )  # fmt: skip
    batch = work.add(
        SepaBatch(
            id=identity, legal_entity_id=entity.id, type=scheme, status=BatchStatus.CREATED, collection_date=day,
            file_name=f"SEPA_{scheme.value}_{day:%Y%m%d}_{identity.hex[-6:]}.xml", debits=len(debits),
            sha256=hashlib.sha256(content).hexdigest(), total=sum((one.document.open_amount for one in debits), ZERO),
        )
    )  # fmt: skip
    work.session.add(SepaFile(tenant_id=work.caller.tenant, batch_id=identity, content=content))
    for one in debits:
        document = documents[one.document.id]
        held[one.mandate.id].last_used_on = day
        work.add(
            SepaDebit(
                customer_id=document.customer_id, batch_id=identity, mandate_id=one.mandate.id, invoice_id=document.id,
                number=str(document.number), sequence=one.sequence, amount=document.open_amount, pending=True,
            )
        )  # fmt: skip
    return batch


def _transaction(document: Invoice, mandate: SepaMandate) -> pain.Transaction:
    return pain.Transaction(
        end_to_end=str(document.number), amount=document.open_amount, mandate_reference=mandate.reference,
        signed_on=mandate.signed_on, debtor=mandate.holder, iban=mandate.iban, bic=mandate.bic,
        remittance=f"{document.number} {document.issue_date:%d.%m.%Y}",
    )  # fmt: skip


# --- what becomes of it


async def book(work: Work, id: UUID, version: int | None = None) -> SepaBatch:
    """Note that the money of a file came in: a payment for each debit."""
    batch = await _waiting(work, id, version)
    if days.local(work.at) < batch.collection_date:
        raise PreconditionFailed(f"The money comes in on {batch.collection_date}.", field="id")
    for debit in await _debits(work, batch.id):
        document = await work.find(Invoice, debit.invoice_id)
        part = ZERO
        if document is not None and document.document_status is InvoiceStatus.ISSUED:
            part = min(debit.amount, document.open_amount)
        payment = await settling.record(
            work,
            customer_id=debit.customer_id,
            amount=debit.amount,
            value_date=batch.collection_date,
            method=PaymentMethod.DIRECT_DEBIT,
            bank_reference=f"{batch.file_name} {debit.number}",
            allocations=[{"invoice_id": debit.invoice_id, "amount": part}] if part else None,
        )
        debit.pending, debit.payment_id = False, payment.id
    batch.status = BatchStatus.BOOKED
    return batch


async def cancel(work: Work, id: UUID, version: int | None = None) -> SepaBatch:
    """Note that a file was not handed in: its documents can be collected otherwise, and its mandates were not used."""
    batch = await _waiting(work, id, version)
    batch.status = BatchStatus.CANCELLED
    debits = await _debits(work, batch.id)
    for debit in debits:
        debit.pending = False
    await work.session.flush()
    for mandate_id in sorted({debit.mandate_id for debit in debits}):
        mandate = await work.take(SepaMandate, mandate_id, field="id")
        mandate.last_used_on = await _last_used(work, mandate_id)
    return batch


async def _waiting(work: Work, id: UUID, version: int | None) -> SepaBatch:
    batch = await work.take(SepaBatch, id, field="id", version=version)
    if batch.status is not BatchStatus.CREATED:
        raise InvalidTransition(f"This file is {batch.status.value} already.", field="id")
    return batch


async def _debits(work: Work, batch_id: UUID) -> Sequence[SepaDebit]:
    query = select(SepaDebit).where(SepaDebit.batch_id == batch_id).order_by(SepaDebit.invoice_id)
    return (await work.session.scalars(query.with_for_update())).all()


async def _last_used(work: Work, mandate_id: UUID) -> date | None:
    query = (
        select(func.max(SepaBatch.collection_date))
        .join(SepaDebit, SepaDebit.batch_id == SepaBatch.id)
        .where(SepaDebit.mandate_id == mandate_id, SepaBatch.status != BatchStatus.CANCELLED)
    )
    found: date | None = await work.session.scalar(query)
    return found


# --- reading


async def pending(work: Work, invoices: Sequence[UUID]) -> frozenset[UUID]:
    """Which of these documents are in a file that waits."""
    query = select(SepaDebit.invoice_id).where(SepaDebit.invoice_id.in_(list(invoices)), SepaDebit.pending)
    return frozenset(await work.session.scalars(query))


async def of_batches(
    work: Work, batches: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[SepaDebit]]:
    """What files take, by the number of the document."""
    order = (SepaDebit.number, SepaDebit.id)
    return await work.per_parent(SepaDebit, SepaDebit.batch_id, batches, order=order, limit=limit, offset=offset)


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[SepaBatch]:
    """The files, the newest first."""
    query = select(SepaBatch).order_by(SepaBatch.created_at.desc(), SepaBatch.id.desc())
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def content(work: Work, batch_id: UUID) -> bytes | None:
    """The file of a batch."""
    found: bytes | None = await work.session.scalar(select(SepaFile.content).where(SepaFile.batch_id == batch_id))
    return found
