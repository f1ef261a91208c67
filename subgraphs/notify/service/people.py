"""What we remember of users, contacts and tickets, as their owners tell of it; an older event never overwrites a newer one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.events import auth, crm
from contracts.events.envelope import Envelope
from subgraphs.kit import copies
from subgraphs.kit.work import Work
from subgraphs.notify.models.people import ContactCopy, CustomerCopy, Person, TicketCopy
from subgraphs.notify.rules import words

_GONE = "DISABLED"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


async def learn_user(work: Work, told: Envelope) -> None:
    """Remember what an event of auth says of a user."""
    data = told.data
    said: dict[str, Any] = {
        "customer_id": _uuid(data.get("customerId")),
        "name": data.get("displayName"),
        "email": data.get("email"),
        "kind": data.get("kind"),
        "status": data.get("status") or _STATUS.get(told.type),
        "roles": data.get("roles") if told.type == "user.role_changed" else None,
    }
    await _learn(work, Person, "user_id", _identity(data["userId"]), told, said, _NEW_PERSON)


async def learn_access(work: Work, told: Envelope) -> None:
    """Remember which customers a user sees."""
    said = told.read(auth.UserAccessChanged)
    seen: dict[str, Any] = {
        "customers": None if said.customers is None else [str(one) for one in said.customers],
        "denied": [str(one) for one in said.denied],
        "access_at": told.time,
    }
    key = {"tenant_id": work.caller.tenant, "user_id": said.user_id}
    # Whoever is not known yet is not known by this: what says who they are is newer than `at`, whenever it comes.
    made = insert(Person).values({**key, **_NEW_PERSON, **seen, "at": _LONG_AGO})
    newer = made.on_conflict_do_update(
        index_elements=["tenant_id", "user_id"],
        set_={name: made.excluded[name] for name in seen},
        where=Person.access_at.is_(None) | (Person.access_at <= made.excluded.access_at),
    )
    await work.session.execute(newer)


async def learn_contact(work: Work, told: Envelope) -> None:
    """Remember what an event of crm says of a contact."""
    data = told.data
    said: dict[str, Any] = {"customer_id": _uuid(data.get("customerId"))}
    if told.type == "contact.deactivated":
        said |= {"active": False}
    else:
        said |= {"name": data.get("name"), "active": True}
    await _learn(work, ContactCopy, "contact_id", told.subject_id, told, said, _NEW_CONTACT)
    if told.type != "contact.deactivated":  # an address that was taken away is gone
        here = (ContactCopy.contact_id == told.subject_id, ContactCopy.at == told.time)
        await work.session.execute(update(ContactCopy).where(*here).values(email=data.get("email")))


async def learn_customer(work: Work, told: Envelope) -> None:
    """Remember in which language a customer is written to, if this says so."""
    billed = told.read(_CUSTOMER[told.type]).billed_at
    if billed is not None:
        said = {"language": billed.language}
        await _learn(work, CustomerCopy, "customer_id", told.subject_id, told, said, {})


async def language(work: Work, customer: UUID | None) -> str:
    """The one of our languages in which the people of a customer are written to."""
    query = select(CustomerCopy.language).where(CustomerCopy.customer_id == customer)
    return words.locale(await work.session.scalar(query) if customer else None)


async def learn_ticket(work: Work, told: Envelope) -> TicketCopy | None:
    """Remember what an event of tickets says of a ticket; what is known of it now."""
    data = told.data
    identity = _uuid(data.get("ticketId")) or told.subject_id
    said: dict[str, Any] = {
        "customer_id": told.customerid,
        "number": data.get("number") or None,
        "title": data.get("title") or None,
        "contact_id": _uuid(data.get("contactId")),
        "priority": data.get("to") if told.type == "ticket.priority_changed" else data.get("priority"),
        "assignee_id": _uuid(data.get("assigneeId")),
    }
    await _learn(work, TicketCopy, "ticket_id", identity, told, said, {})
    if told.type == "ticket.assigned" and data.get("assigneeId") is None:
        here = (TicketCopy.ticket_id == identity, TicketCopy.at == told.time)
        await work.session.execute(update(TicketCopy).where(*here).values(assignee_id=None))
    return await ticket(work, identity)


async def ticket(work: Work, identity: UUID) -> TicketCopy | None:
    """What is known of a ticket."""
    query = select(TicketCopy).where(TicketCopy.ticket_id == identity).execution_options(populate_existing=True)
    return (await work.session.scalars(query)).one_or_none()


async def users(work: Work, identities: Collection[UUID]) -> Sequence[Person]:
    """Those of these users who are there."""
    query = select(Person).where(Person.user_id.in_(identities), Person.status != _GONE)
    return (await work.session.scalars(query.order_by(Person.user_id))).all()


async def with_roles(work: Work, roles: Sequence[str]) -> Sequence[Person]:
    """Everybody of staff who has one of these roles."""
    query = select(Person).where(Person.kind == "STAFF", Person.status == "ACTIVE").order_by(Person.user_id)
    return [one for one in await work.session.scalars(query) if set(one.roles) & set(roles)]


async def contact(work: Work, identity: UUID | None) -> ContactCopy | None:
    """A contact who can be written to."""
    if identity is None:
        return None
    query = select(ContactCopy).where(ContactCopy.contact_id == identity, ContactCopy.active)
    return (await work.session.scalars(query)).one_or_none()


_CUSTOMER = {event.type: event for event in (crm.CustomerCreated, crm.CustomerUpdated)}
_STATUS: Mapping[str, str] = {
    "user.created": "INVITED",
    "user.invited": "INVITED",
    "user.activated": "ACTIVE",
    "user.disabled": _GONE,
}
_NEW_PERSON: Mapping[str, Any] = {"kind": "STAFF", "name": "", "status": "ACTIVE", "roles": []}
_NEW_CONTACT: Mapping[str, Any] = {"name": "", "active": True}


async def _learn(
    work: Work,
    model: type[Person | ContactCopy | CustomerCopy | TicketCopy],
    key: str,
    identity: UUID,
    told: Envelope,
    said: Mapping[str, Any],
    new: Mapping[str, Any],
) -> None:
    """Write what was said over what was known before; what was not said stays as it is."""
    known = {name: value for name, value in said.items() if value is not None}
    await copies.learn(work, model, {key: identity}, known, at=told.time, new=new)


def _identity(text: Any) -> UUID:
    return UUID(str(text))


def _uuid(text: Any) -> UUID | None:
    return UUID(str(text)) if text else None
