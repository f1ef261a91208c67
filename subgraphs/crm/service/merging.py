"""Two customers, or two contacts, that are one: everything of the source becomes the target's, and the source stays as a signpost.

    source ──► sites, contacts, contracts, quotes, opportunities, activities, consents, branches ──► target
       └── INACTIVE, archived, mergedInto = target; its number stays taken

Each thing that moves tells so with its own `….updated`, and `customer.merged` or `contact.merged` tells everybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from contracts.events import crm as events
from subgraphs.crm.models.contracts import Contract, ContractLine
from subgraphs.crm.models.customers import Contact, Customer, Site
from subgraphs.crm.models.relations import Activity, ConsentRecord
from subgraphs.crm.models.sales import Opportunity, Quote, QuoteFile
from subgraphs.crm.rules import customers as customer_rules
from subgraphs.crm.rules import merging as rules
from subgraphs.crm.rules import particulars
from subgraphs.crm.rules.customers import CustomerStatus
from subgraphs.crm.service import contract_events, customers
from subgraphs.kit import references
from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.work import Work

_OF_CUSTOMERS = (
    "legal_name", "vat_id", "website", "industry", "invoice_email", "billing_address", "account_manager_id", "group_id",
    "parent_id", "tax_number", "leitweg_id", "shipping_address", "employees", "holiday_region", "credit_limit",
    "health_score", "avv_signed_at", "source",
)  # fmt: skip
_OF_CONTACTS = ("site_id", "salutation", "first_name", "email", "phone", "mobile", "position")
_FOLLOWERS = (Activity, Opportunity, Quote, ContractLine, ConsentRecord)
"""What belongs to a customer and keeps no copy elsewhere: so that nobody has to be told."""

# --- customers


async def merge_customers(work: Work, *, source_id: UUID, target_id: UUID, version: int | None = None) -> Customer:
    """Let one customer become another one; `version` is the target's."""
    if work.caller.customers is not None or work.caller.denied:
        raise Forbidden("Merging needs access to every customer.")
    await customers.alone_in_the_tree(work)
    source, target = await _both(work, source_id, target_id, version)
    rules.check(source.id, target.id, gone=(source.merged_into_id, target.merged_into_id))
    await _move_people_and_places(work, source, target)
    for contract in await _of(work, Contract, source.id):
        contract.customer_id = target.id
        await contract_events.tell(
            work,
            contract,
            events.ContractUpdated(**await contract_events.document(work, contract, changed=("customer",))),
        )
    for model in _FOLLOWERS:
        await _repoint(work, model, source.id, target.id)
    papers = update(QuoteFile).where(QuoteFile.customer_id == source.id).values(customer_id=target.id)
    await work.session.execute(papers)
    await references.move(work, source.id, target.id)
    await _take_over(work, source, target)
    return target


async def _both(work: Work, source_id: UUID, target_id: UUID, version: int | None) -> tuple[Customer, Customer]:
    """Both rows, locked in the order of their ids, so that two merges the other way round don't wait for each other."""
    await work.lock(Customer, (source_id, target_id))
    source = await work.take(Customer, source_id, field="sourceId")
    return source, await work.take(Customer, target_id, field="targetId", version=version)


async def _move_people_and_places(work: Work, source: Customer, target: Customer) -> None:
    """A customer has one headquarters and one primary contact: the target's stay, the source's are others from now on."""
    taken = {
        Site: await work.session.scalar(select(Site.id).where(Site.customer_id == target.id, Site.is_headquarters)),
        Contact: await work.session.scalar(
            select(Contact.id).where(Contact.customer_id == target.id, Contact.is_primary)
        ),
    }
    for site in await _of(work, Site, source.id):
        site.is_headquarters = site.is_headquarters and taken[Site] is None
        site.customer_id = target.id
        await customers.tell_site(work, site, ("customer", "isHeadquarters"))
    for contact in await _of(work, Contact, source.id):
        contact.is_primary = contact.is_primary and taken[Contact] is None
        contact.customer_id = target.id
        await customers.tell_contact(work, contact, ("customer", "isPrimary"))


async def _take_over(work: Work, source: Customer, target: Customer) -> None:
    """Give the target what only the source knew, put its branches under the target, and put the source away."""
    learned = rules.filled(_values(target, _OF_CUSTOMERS), _values(source, _OF_CUSTOMERS))
    if learned.get("parent_id"):
        above = await customers.above(work, learned["parent_id"])
        if target.id in above:
            del learned["parent_id"]
    for name, value in learned.items():
        setattr(target, name, value)
    target.tags = rules.united(target.tags, source.tags)[: customer_rules.MOST_TAGS]
    target.custom = {**source.custom, **target.custom}
    target.external_ids = particulars.united(target.external_ids, source.external_ids)
    if target.parent_id == source.id:
        target.parent_id = source.parent_id
    for branch in await _branches(work, source.id):
        branch.parent_id = target.id if branch.id != target.id else branch.parent_id
        await customers.tell_customer(work, branch, ("parent",))
    source.parent_id, source.merged_into_id = None, target.id
    source.status, source.archived_at = CustomerStatus.INACTIVE, work.at
    await work.emit(
        events.CustomerMerged(source_id=source.id, target_id=target.id), subject=source.id, customer=target.id
    )
    await customers.tell_customer(work, source, ("status", "mergedInto"))
    await customers.tell_customer(work, target, tuple(sorted(learned)) or ("mergedFrom",))


async def _branches(work: Work, source_id: UUID) -> Sequence[Customer]:
    query = select(Customer).where(Customer.parent_id == source_id).order_by(Customer.id)
    return (await work.session.scalars(query)).all()


# --- contacts


async def merge_contacts(work: Work, *, source_id: UUID, target_id: UUID, version: int | None = None) -> Contact:
    """Let one person become another one of the same customer; `version` is the target's."""
    if source_id == target_id:
        raise Invalid("Nobody can be merged with themselves.", field="targetId")
    await work.lock(Contact, (source_id, target_id))
    source = await work.take(Contact, source_id, field="sourceId")
    target = await work.take(Contact, target_id, field="targetId", version=version)
    rules.check(source.id, target.id, gone=(source.merged_into_id, target.merged_into_id))
    if source.customer_id != target.customer_id:
        raise Invalid("They work for different customers; merge these first.", field="targetId")
    await _into_one_person(work, source, target)
    return target


async def _into_one_person(work: Work, source: Contact, target: Contact) -> None:
    for name, value in rules.filled(_values(target, _OF_CONTACTS), _values(source, _OF_CONTACTS)).items():
        setattr(target, name, value)
    target.roles = [*target.roles, *(role for role in source.roles if role not in target.roles)]
    target.custom = {**source.custom, **target.custom}
    target.is_vip = target.is_vip or source.is_vip
    primary = source.is_primary
    source.active = source.is_primary = False
    source.merged_into_id, source.left_at, source.archived_at = target.id, source.left_at or work.at, work.at
    await work.session.flush()  # before the target is primary: the index allows no second, not even for a moment
    target.is_primary = target.is_primary or (primary and target.active)
    await _move_consents(work, source, target)
    for activity in (await work.session.scalars(select(Activity).where(Activity.contact_id == source.id))).all():
        activity.contact_id = target.id
    customer = target.customer_id
    merged = events.ContactMerged(source_id=source.id, target_id=target.id, customer_id=customer)
    await work.emit(merged, subject=source.id, customer=customer)
    await work.emit(events.ContactDeactivated(id=source.id, customer_id=customer), subject=source.id, customer=customer)
    await customers.tell_contact(work, target, ("mergedFrom",))


async def _move_consents(work: Work, source: Contact, target: Contact) -> None:
    """What one of the two withdrew or never gave stays as it was; where both allow the same, the older record holds."""
    rows = (
        await work.session.scalars(
            select(ConsentRecord)
            .where(ConsentRecord.contact_id.in_((source.id, target.id)))
            .order_by(ConsentRecord.given_at, ConsentRecord.id)
            .with_for_update()
        )
    ).all()
    held: set[str] = set()
    for row in rows:
        if row.withdrawn_at is None and row.purpose in held:
            row.withdrawn_at, row.withdrawal_proof = work.at, "superseded: the same person had allowed it before"
        if row.withdrawn_at is None:
            held.add(row.purpose)
    await work.session.flush()
    for row in rows:
        row.contact_id = target.id


# --- what both share


def _values(row: Customer | Contact, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


async def _of(work: Work, model: Any, customer_id: UUID) -> Sequence[Any]:
    query = select(model).where(model.customer_id == customer_id).order_by(model.id).with_for_update()
    return (await work.session.scalars(query)).all()


async def _repoint(work: Work, model: Any, source: UUID, target: UUID) -> None:
    for row in await _of(work, model, source):
        row.customer_id = target
