"""Consents, and what is left of somebody who wants to be forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from contracts.events import crm as events
from subgraphs.crm.errors import ContactGone
from subgraphs.crm.models.customers import Contact
from subgraphs.crm.models.relations import ConsentRecord
from subgraphs.crm.rules import consents as rules
from subgraphs.crm.rules.consents import LegalBasis
from subgraphs.kit.errors import Conflict, Forbidden
from subgraphs.kit.shapes import optional_line
from subgraphs.kit.work import Work

_PROOF = 2000


async def of_contacts(work: Work, contacts: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[ConsentRecord]]:
    """What each of these people allowed, the latest first."""
    order = (ConsentRecord.given_at.desc(), ConsentRecord.id.desc())
    return await work.per_parent(ConsentRecord, ConsentRecord.contact_id, contacts, order=order, limit=limit)


async def opted_in(work: Work, contacts: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """For which purposes each of these people said yes, and has not taken it back."""
    given = select(ConsentRecord.contact_id, ConsentRecord.purpose).where(
        ConsentRecord.contact_id.in_(contacts),
        ConsentRecord.basis == LegalBasis.CONSENT,
        ConsentRecord.given_at <= work.at,
        or_(ConsentRecord.withdrawn_at.is_(None), ConsentRecord.withdrawn_at > work.at),
    )
    found: dict[UUID, list[str]] = {one: [] for one in contacts}
    for contact, purpose in await work.session.execute(given.distinct().order_by(ConsentRecord.purpose)):
        found[contact].append(purpose)
    return found


async def record_consent(
    work: Work,
    *,
    contact_id: UUID,
    purpose: str,
    basis: LegalBasis,
    given_at: datetime | None = None,
    proof: str | None = None,
) -> ConsentRecord:
    """Write down what somebody allowed us, on what ground, and how we can show it."""
    contact = await work.take(Contact, contact_id, field="contactId")
    if contact.erased_at is not None:
        raise ContactGone("This person was forgotten, and allows nothing any more.", field="contactId")
    given = given_at or work.at
    shown = optional_line(proof, field="proof", longest=_PROOF)
    rules.check_given(basis, proof=shown, given_at=given, now=work.at)
    row = ConsentRecord(
        customer_id=contact.customer_id,
        contact_id=contact.id,
        purpose=rules.purpose(purpose, field="purpose"),
        basis=basis,
        given_at=given,
        proof=shown,
    )
    try:
        async with work.session.begin_nested():
            work.add(row)
            await work.session.flush()
    except IntegrityError as error:
        if "consent_in_force" not in str(error.orig):
            raise
        raise Conflict("Something holds for this purpose already; withdraw it first.", field="purpose") from error
    await work.emit(events.ConsentGiven(**_told(row)), subject=row.id, customer=row.customer_id)
    return row


async def withdraw_consent(
    work: Work, id: UUID, *, withdrawn_at: datetime | None = None, proof: str | None = None, version: int | None = None
) -> ConsentRecord:
    """Note that it is allowed no more; the record stays."""
    row = await work.take(ConsentRecord, id, field="id", version=version)
    moment = withdrawn_at or work.at
    row.withdrawn_at = rules.withdrawn(row.withdrawn_at, given_at=row.given_at, at=moment, now=work.at)
    row.withdrawal_proof = optional_line(proof, field="proof", longest=_PROOF)
    await work.emit(events.ConsentWithdrawn(**_told(row)), subject=row.id, customer=row.customer_id)
    return row


async def erase_contact(work: Work, id: UUID, version: int | None = None) -> Contact:
    """Forget who somebody is (Article 17 GDPR): a pseudonym stays, so that what points at them still points at one."""
    if work.caller.customers is not None:
        raise Forbidden("Whoever sees only some customers cannot erase people.")
    contact = await work.take(Contact, id, field="id", version=version)
    if contact.erased_at is not None:
        raise ContactGone("This person was forgotten already.", field="id")
    _forget(work, contact)
    for row in await _in_force(work, contact.id):
        row.withdrawn_at, row.withdrawal_proof = work.at, "erasure"
        await work.emit(events.ConsentWithdrawn(**_told(row)), subject=row.id, customer=row.customer_id)
    name, customer = contact.last_name, contact.customer_id
    told: Sequence[Any] = (
        events.ContactErased(id=contact.id, customer_id=customer, pseudonym=name),
        events.ContactUpdated(
            id=contact.id, customer_id=customer, name=name, roles=(), active=False, changed=("name", "email")
        ),
    )
    for happened in told:
        await work.emit(happened, subject=contact.id, customer=customer)
    return contact


def _forget(work: Work, contact: Contact) -> None:
    contact.last_name = rules.pseudonym(contact.id)
    for name in ("salutation", "first_name", "email", "phone", "mobile", "position", "site_id"):
        setattr(contact, name, None)
    contact.roles, contact.custom = [], {}
    contact.is_primary = contact.is_vip = contact.active = False
    contact.left_at, contact.erased_at = contact.left_at or work.at, work.at


async def _in_force(work: Work, contact_id: UUID) -> Sequence[ConsentRecord]:
    query = select(ConsentRecord).where(ConsentRecord.contact_id == contact_id, ConsentRecord.withdrawn_at.is_(None))
    return (await work.session.scalars(query.with_for_update())).all()


def _told(row: ConsentRecord) -> dict[str, Any]:
    names = ("id", "customer_id", "contact_id", "purpose", "given_at", "withdrawn_at")
    return {name: getattr(row, name) for name in names} | {"basis": row.basis.value}
