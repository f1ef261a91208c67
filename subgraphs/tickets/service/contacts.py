"""What the desk knows about contacts: whose people they are, where they write from, and who is heard first."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from contracts.events import crm
from contracts.events.envelope import Envelope
from subgraphs.kit.work import Work
from subgraphs.tickets.models.desk import ContactCopy


async def learn(work: Work, envelope: Envelope) -> None:
    """Remember what an event told about a contact; an older event never overwrites a newer one."""
    event = crm.ContactCreated if envelope.type == crm.ContactCreated.type else crm.ContactUpdated
    told = envelope.read(event)
    key = {"tenant_id": work.caller.tenant, "contact_id": told.id}
    row = await work.session.get(ContactCopy, key, with_for_update=True)
    if row is None:
        row = ContactCopy(contact_id=told.id, at=envelope.time)
        work.session.add(row)
    elif row.at > envelope.time:
        return
    row.customer_id, row.at = told.customer_id, envelope.time
    row.email = told.email.lower() if told.email else None
    row.is_vip, row.active = told.is_vip, told.active
    if told.roles is not None:
        row.roles = list(told.roles)


async def left(work: Work, envelope: Envelope) -> None:
    """Somebody left their company: they act for it no more."""
    told = envelope.read(crm.ContactDeactivated)
    key = {"tenant_id": work.caller.tenant, "contact_id": told.id}
    row = await work.session.get(ContactCopy, key, with_for_update=True)
    if row is None:
        row = ContactCopy(contact_id=told.id, customer_id=told.customer_id, at=envelope.time)
        work.session.add(row)
    if row.at <= envelope.time:
        row.active, row.at = False, envelope.time


async def is_vip(work: Work, contact_id: UUID | None) -> bool:
    """Whether the contact is heard first."""
    if contact_id is None:
        return False
    found = await work.session.scalar(select(ContactCopy.is_vip).where(ContactCopy.contact_id == contact_id))
    return bool(found)


async def writing_from(work: Work, address: str) -> ContactCopy | None:
    """The contact who has this mail address; None when nobody has it, or people of several customers do."""
    query = select(ContactCopy).where(ContactCopy.email == address.lower()).order_by(ContactCopy.at.desc()).limit(2)
    rows = (await work.session.scalars(query)).all()
    return rows[0] if rows and len({row.customer_id for row in rows}) == 1 else None


async def addresses(work: Work, contacts: list[UUID]) -> dict[UUID, str]:
    """The mail addresses of these contacts, of those who have one."""
    rows = await work.session.scalars(
        select(ContactCopy).where(ContactCopy.contact_id.in_(contacts), ContactCopy.email.is_not(None))
    )
    return {row.contact_id: row.email for row in rows if row.email}
