"""Finding companies and people that may be one, among those whom the caller sees."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from subgraphs.crm.models.customers import Contact, Customer
from subgraphs.crm.rules import duplicates as rules
from subgraphs.crm.rules.duplicates import Company, Pair, Person
from subgraphs.kit.work import Work

_MOST = 50_000


async def companies(work: Work, *, limit: int, offset: int) -> Sequence[Pair[Company]]:
    """Customers that may be one, the surest first."""
    columns = (
        Customer.id, Customer.name, Customer.legal_name, Customer.vat_id, Customer.website, Customer.invoice_email,
        Customer.billing_address["postal_code"].astext, Customer.billing_address["city"].astext,
    )  # fmt: skip
    query = select(*columns).where(Customer.merged_into_id.is_(None)).order_by(Customer.id).limit(_MOST)
    rows = [Company(*row) for row in await work.session.execute(query)]
    found = await asyncio.to_thread(rules.companies, rows)
    return found[offset : offset + limit]


async def people(work: Work, customer_id: UUID | None, *, limit: int, offset: int) -> Sequence[Pair[Person]]:
    """Contacts that may be one, of a customer or of all, the surest first."""
    columns = (
        Contact.id, Contact.customer_id, Contact.first_name, Contact.last_name, Contact.email, Contact.phone,
        Contact.mobile,
    )  # fmt: skip
    query = select(*columns).where(Contact.merged_into_id.is_(None), Contact.erased_at.is_(None))
    query = query if customer_id is None else query.where(Contact.customer_id == customer_id)
    rows = [Person(*row) for row in await work.session.execute(query.order_by(Contact.id).limit(_MOST))]
    found = await asyncio.to_thread(rules.people, rows)
    return found[offset : offset + limit]
