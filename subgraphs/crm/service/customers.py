"""What customer management does: every write to customers, sites and contacts, and every event that follows from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from contracts.events import crm as events
from contracts.events.envelope import Event
from subgraphs.crm.errors import NumberTaken
from subgraphs.crm.models.customers import Contact, Customer, Site
from subgraphs.crm.models.relations import CustomerGroup
from subgraphs.crm.rules import customers as rules
from subgraphs.crm.rules import particulars
from subgraphs.crm.rules.custom_fields import CustomEntity
from subgraphs.crm.rules.customers import ContactRole, CustomerStatus
from subgraphs.crm.service import colleagues, custom_fields, groups
from subgraphs.crm.service.entering import Clean, changed_by, cleaned, kept
from subgraphs.kit import numbers
from subgraphs.kit.errors import Forbidden, Invalid, NotFound
from subgraphs.kit.filters import conditions, containing
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import line, optional_line, prose
from subgraphs.kit.values import AddressInput
from subgraphs.kit.work import Work

BY_NAME = Order((Customer.name,))
BY_LAST_NAME = Order((Contact.last_name,))

OfCustomer = TypeVar("OfCustomer", Site, Contact)

# --- reading


async def find(work: Work, identity: str) -> Customer | None:
    """The customer with this UUID or number, or None."""
    if (key := parsed(identity)) is not None:
        return await work.find(Customer, key)
    found: Customer | None = await work.session.scalar(select(Customer).where(Customer.number == identity))
    return found


def selected(
    *, status: CustomerStatus | None = None, wanted: Any = None, search: str | None = None
) -> Select[Customer]:
    """The query for customers of this status, filter and search."""
    query = select(Customer).where(
        Customer.merged_into_id.is_(None),
        *conditions(Customer, wanted),
        *containing(search, Customer.name, Customer.legal_name, Customer.number),
    )
    if status is not None:
        query = query.where(Customer.status == status)
    if wanted is not None and wanted.tag is not None:
        query = query.where(Customer.tags.contains([wanted.tag]))
    if wanted is not None and wanted.avv_signed is not None:
        signed = Customer.avv_signed_at.is_not(None)
        query = query.where(signed if wanted.avv_signed else ~signed)
    if wanted is not None and wanted.health_score_at_most is not None:
        query = query.where(Customer.health_score <= wanted.health_score_at_most)
    if wanted is not None and wanted.external_id is not None:
        system, identity = wanted.external_id.system.strip().lower(), wanted.external_id.id.strip()
        query = query.where(Customer.external_ids.contains([{"system": system, "id": identity}]))
    if wanted is not None and wanted.parent_id is not None:
        # Whom a customer belongs to is told to those who see that one, too: a known id must not be a question.
        parent = aliased(Customer)
        query = query.where(exists().where(parent.tenant_id == Customer.tenant_id, parent.id == Customer.parent_id))
    if wanted is not None and wanted.group_id is not None:
        # The same holds for the group in which it is.
        group = (CustomerGroup.tenant_id == Customer.tenant_id, CustomerGroup.id == Customer.group_id)
        query = query.where(exists().where(*group))
    return query


async def listed(
    work: Work, *, search: str | None, status: CustomerStatus | None, limit: int, offset: int
) -> Sequence[Customer]:
    """Customers of the tenant, by name."""
    query = selected(status=status, search=search).order_by(Customer.name, Customer.id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


def selected_contacts(*, wanted: Any = None, search: str | None = None) -> Select[Contact]:
    """The query for contacts of this filter and search."""
    query = select(Contact).where(
        Contact.merged_into_id.is_(None),
        *conditions(Contact, wanted),
        *containing(search, Contact.first_name, Contact.last_name, Contact.email),
    )
    if wanted is not None and wanted.role is not None:
        query = query.where(Contact.roles.contains([wanted.role.value]))
    return query


async def sites_of(work: Work, customers: Sequence[UUID], *, limit: int, offset: int) -> Mapping[UUID, Sequence[Site]]:
    """The sites of each customer, headquarters first, then by name."""
    order = (Site.is_headquarters.desc(), Site.name, Site.id)
    return await work.per_parent(Site, Site.customer_id, customers, order=order, limit=limit, offset=offset)


async def contacts_of(
    work: Work,
    customers: Sequence[UUID],
    *,
    role: ContactRole | None,
    active: bool | None,
    limit: int,
    offset: int,
) -> Mapping[UUID, Sequence[Contact]]:
    """The contacts of each customer: those who left at the end, everybody else by name."""
    where: list[ColumnElement[bool]] = [Contact.merged_into_id.is_(None)]
    where += [] if role is None else [Contact.roles.contains([role.value])]
    where += [] if active is None else [Contact.active.is_(active)]
    order = (Contact.active.desc(), Contact.last_name, Contact.id)
    return await work.per_parent(
        Contact, Contact.customer_id, customers, where=where, order=order, limit=limit, offset=offset
    )


async def primary_contacts_of(work: Work, customers: Sequence[UUID]) -> Mapping[UUID, Sequence[Contact]]:
    """The one person of each customer to call first, if there is one."""
    return await work.per_parent(Contact, Contact.customer_id, customers, where=[Contact.is_primary.is_(True)], limit=1)


# --- customers


async def create_customer(
    work: Work, *, number: str | None = None, parent_id: UUID | None = None, **described: Any
) -> Customer:
    """Write down a customer, under the number it has elsewhere or under our next one."""
    if work.caller.customers is not None:
        raise Forbidden("Whoever sees only some customers cannot add one.")
    values = {**rules.DEFAULTS} | {name: value for name, value in described.items() if value is not None}
    particulars.signed_at(described.get("avv_signed_at"), now=work.at, field="avvSignedAt")
    custom = await custom_fields.applied(work, CustomEntity.CUSTOMER, described.get("custom_fields"))
    customer = Customer(status=CustomerStatus.ACTIVE, parent_id=parent_id, custom=custom, **cleaned(_CUSTOMER, values))
    await groups.check(work, customer.group_id)
    await colleagues.check(work, customer.account_manager_id, field="accountManagerId")
    if parent_id is not None:
        await above(work, parent_id)
    await _under_a_number(work, customer, None if number is None else rules.number(number, field="number"))
    await _tell(work, customer, events.CustomerCreated(**_copy(customer)))
    return customer


async def update_customer(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Customer:
    """Change what describes a customer, whom it belongs to, or its status (but for blocking it)."""
    if "parent_id" in changes:
        await alone_in_the_tree(work)
    customer = await work.take(Customer, id, field="id", version=version)
    values = cleaned(_CUSTOMER, changes)
    particulars.signed_at(changes.get("avv_signed_at"), now=work.at, field="avvSignedAt")
    if "status" in changes:
        values["status"] = rules.status_by_hand(customer.status, changes["status"])
    if changes.get("parent_id"):
        rules.check_parent(customer.id, await above(work, changes["parent_id"]))
    await groups.check(work, changes.get("group_id"))
    if changes.get("account_manager_id") != customer.account_manager_id:
        await colleagues.check(work, changes.get("account_manager_id"), field="accountManagerId")
    entered = changes.get("custom_fields")
    values["custom"] = await custom_fields.applied(work, CustomEntity.CUSTOMER, entered, customer.custom)
    if changed := changed_by(customer, values):
        await tell_customer(work, customer, changed)
    return customer


async def block_customer(work: Work, id: UUID, reason: str | None = None, version: int | None = None) -> Customer:
    """Refuse to work for a customer from now on."""
    customer = await work.take(Customer, id, field="id", version=version)
    customer.status = rules.blocked(customer.status)
    happened = events.CustomerBlocked(id=customer.id, reason=optional_line(reason, field="reason", longest=1000))
    await _tell(work, customer, happened)
    await tell_customer(work, customer, ("status",))
    return customer


async def tell_customer(work: Work, customer: Customer, changed: tuple[str, ...]) -> None:
    """Tell that a customer is another one now."""
    await _tell(work, customer, events.CustomerUpdated(**_copy(customer), changed=changed))


async def alone_in_the_tree(work: Work) -> None:
    """Let nobody else of this tenant move branches until this transaction ends: two moves could make one circle.

    Whoever does not see every customer cannot know that there is no circle, and moves no branch.
    """
    if work.caller.customers is not None or work.caller.denied:
        raise Forbidden("This needs access to every customer.", field="parentId")
    key = func.hashtextextended(f"crm.tree.{work.caller.tenant}", 0)
    await work.session.execute(select(func.pg_advisory_xact_lock(key)))


async def above(work: Work, parent_id: UUID) -> Sequence[UUID]:
    """A customer that another one shall belong to, and all that it belongs to itself; refuses when it is not there."""
    above = select(Customer.id, Customer.parent_id).where(Customer.id == parent_id).cte("above", recursive=True)
    above = above.union(select(Customer.id, Customer.parent_id).where(Customer.id == above.c.parent_id))
    found = (await work.session.scalars(select(above.c.id))).all()
    if not found:
        raise NotFound("There is no customer with this id.", field="parentId")
    return found


async def _under_a_number(work: Work, customer: Customer, number: str | None) -> None:
    """Write the row with this number, or else with the first of ours that no import has taken.

    The index decides and not a question asked before, because it also sees numbers that this caller does not.
    """
    while True:
        customer.number = number or str(await numbers.following(work, "customer", first=rules.FIRST_NUMBER))
        try:
            async with work.session.begin_nested():
                work.add(customer)
                await work.session.flush()
        except IntegrityError as error:
            if "customer_number" not in str(error.orig):
                raise
            if number is not None:
                raise NumberTaken(f"Another customer has the number {number}.", field="number") from error
        else:
            return


def _copy(customer: Customer) -> dict[str, Any]:
    """What other modules keep of a customer."""
    status = customer.status.value
    billed_at = events.BilledAt(
        legal_name=customer.legal_name,
        address=events.PostalAddress(**customer.billing_address),
        vat_id=customer.vat_id,
        is_business=customer.is_business,
        currency=customer.currency,
        language=customer.language,
        invoice_email=customer.invoice_email,
        buyer_reference=customer.leitweg_id,
        tax_number=customer.tax_number,
        small_business=bool(customer.small_business),
    )
    names = ("id", "number", "name", "parent_id", "group_id", "holiday_region", "avv_signed_at")
    return {name: getattr(customer, name) for name in names} | {"status": status, "billed_at": billed_at}


# --- sites


async def create_site(work: Work, *, customer_id: UUID, **described: Any) -> Site:
    """Write down where a customer is."""
    customer = await work.take(Customer, customer_id, field="customerId")
    custom = await custom_fields.applied(work, CustomEntity.SITE, described.get("custom_fields"))
    site = Site(customer_id=customer.id, custom=custom, **cleaned(_SITE, described))
    if site.is_headquarters:
        await _no_other_headquarters(work, customer.id)
    work.add(site)
    await _tell(work, site, events.SiteCreated(id=site.id, customer_id=site.customer_id, name=site.name))
    return site


async def update_site(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Site:
    """Change what describes a site; a new headquarters takes over from the old one."""
    site = await _taken_with_customer(work, Site, id, version)
    values = cleaned(_SITE, changes)
    entered = changes.get("custom_fields")
    values["custom"] = await custom_fields.applied(work, CustomEntity.SITE, entered, site.custom)
    if values.get("is_headquarters") and not site.is_headquarters:
        await _no_other_headquarters(work, site.customer_id)
    if changed := changed_by(site, values):
        await tell_site(work, site, changed)
    return site


async def _no_other_headquarters(work: Work, customer_id: UUID) -> None:
    query = select(Site).where(Site.customer_id == customer_id, Site.is_headquarters).with_for_update()
    if former := await work.session.scalar(query):
        former.is_headquarters = False
        await work.session.flush()  # before the new one is written: the index allows no second, not even for a moment
        await tell_site(work, former, ("isHeadquarters",))


async def tell_site(work: Work, site: Site, changed: tuple[str, ...]) -> None:
    """Tell that a site is another one now."""
    happened = events.SiteUpdated(id=site.id, customer_id=site.customer_id, name=site.name, changed=changed)
    await _tell(work, site, happened)


# --- contacts


async def create_contact(work: Work, *, customer_id: UUID, **described: Any) -> Contact:
    """Write down somebody who works for a customer."""
    customer = await work.take(Customer, customer_id, field="customerId")
    custom = await custom_fields.applied(work, CustomEntity.CONTACT, described.get("custom_fields"))
    contact = Contact(customer_id=customer.id, active=True, custom=custom, **cleaned(_CONTACT, described))
    await _check_site(work, contact.site_id, customer.id)
    if contact.is_primary:
        await _no_other_primary(work, customer.id)
    work.add(contact)
    await _tell(work, contact, events.ContactCreated(**_person(contact)))
    return contact


async def update_contact(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Contact:
    """Change what describes a person; a new primary contact takes over from the old one."""
    contact = await _taken_with_customer(work, Contact, id, version)
    values = cleaned(_CONTACT, changes)
    entered = changes.get("custom_fields")
    values["custom"] = await custom_fields.applied(work, CustomEntity.CONTACT, entered, contact.custom)
    await _check_site(work, values.get("site_id"), contact.customer_id)
    if values.get("is_primary") and not contact.is_primary:
        rules.check_primary(active=contact.active)
        await _no_other_primary(work, contact.customer_id)
    if changed := changed_by(contact, values):
        await tell_contact(work, contact, changed)
    return contact


async def deactivate_contact(work: Work, id: UUID, version: int | None = None) -> Contact:
    """Note that somebody left, or may no longer act for the customer; they are nobody's primary contact any more."""
    contact = await work.take(Contact, id, field="id", version=version)
    rules.check_leaving(active=contact.active)
    contact.active, contact.left_at, contact.is_primary = False, work.at, False
    happened = events.ContactDeactivated(id=contact.id, customer_id=contact.customer_id)
    await _tell(work, contact, happened)
    return contact


async def _check_site(work: Work, site_id: UUID | None, customer_id: UUID) -> None:
    if site_id is None:
        return
    site = await work.find(Site, site_id)
    if site is None:
        raise NotFound("There is no site with this id.", field="siteId")
    if site.customer_id != customer_id:
        raise Invalid("This site belongs to another customer than the contact.", field="siteId")


async def _no_other_primary(work: Work, customer_id: UUID) -> None:
    query = select(Contact).where(Contact.customer_id == customer_id, Contact.is_primary).with_for_update()
    if former := await work.session.scalar(query):
        former.is_primary = False
        await work.session.flush()  # before the new one is written: the index allows no second, not even for a moment
        await tell_contact(work, former, ("isPrimary",))


async def tell_contact(work: Work, contact: Contact, changed: tuple[str, ...]) -> None:
    """Tell that a person is another one now."""
    await _tell(work, contact, events.ContactUpdated(**_person(contact), changed=changed))


def _person(contact: Contact) -> dict[str, Any]:
    """What those who keep a copy of contacts need."""
    name = " ".join(filter(None, (contact.first_name, contact.last_name)))
    return {
        "id": contact.id,
        "customer_id": contact.customer_id,
        "name": name,
        "email": contact.email,
        "is_vip": bool(contact.is_vip),
        "roles": tuple(contact.roles),
        "active": contact.active,
    }


# --- what the above share


async def _tell(work: Work, row: Customer | Site | Contact, happened: Event) -> None:
    await work.emit(happened, subject=row.id, customer=row.customer_id)


def _address(value: AddressInput | None, *, field: str) -> dict[str, str]:
    return rules.address(dataclasses.asdict(value) if value else None, field=field)


def _place(value: AddressInput | None, *, field: str) -> dict[str, str]:
    return rules.place(dataclasses.asdict(value) if value else None, field=field)


_CUSTOMER: Mapping[str, Clean] = MappingProxyType(
    {
        "name": line,
        "legal_name": optional_line,
        "kind": rules.present,
        "parent_id": kept,
        "vat_id": rules.vat_id,
        "is_business": rules.present,
        "currency": rules.currency,
        "language": rules.language,
        "time_zone": rules.time_zone,
        "website": rules.website,
        "industry": optional_line,
        "invoice_email": rules.email,
        "billing_address": _address,
        "tags": rules.tags,
        "account_manager_id": kept,
        "group_id": kept,
        "tax_number": particulars.tax_number,
        "leitweg_id": particulars.leitweg_id,
        "small_business": rules.present,
        "shipping_address": _address,
        "employees": particulars.employees,
        "holiday_region": particulars.holiday_region,
        "credit_limit": particulars.credit_limit,
        "health_score": particulars.health_score,
        "avv_signed_at": kept,
        "source": optional_line,
        "external_ids": particulars.external_ids,
    }
)
_SITE: Mapping[str, Clean] = MappingProxyType(
    {
        "name": line,
        "address": _place,
        "time_zone": rules.optional_time_zone,
        "is_headquarters": rules.present,
        "access_notes": prose,
    }
)
_CONTACT: Mapping[str, Clean] = MappingProxyType(
    {
        "site_id": kept,
        "salutation": optional_line,
        "first_name": optional_line,
        "last_name": line,
        "email": rules.email,
        "phone": optional_line,
        "mobile": optional_line,
        "position": optional_line,
        "roles": rules.roles,
        "is_primary": rules.present,
        "is_vip": rules.present,
    }
)
"""How each field that can be entered becomes the value that is stored."""


async def _taken_with_customer(work: Work, model: type[OfCustomer], id: UUID, version: int | None) -> OfCustomer:
    """The row, locked after its customer, in the order in which a new one locks them: so nobody waits for each other."""
    customer_id = await work.session.scalar(select(model.customer_id).where(model.id == id))
    if customer_id is not None:
        await work.take(Customer, customer_id, field="id")
    return await work.take(model, id, field="id", version=version)
