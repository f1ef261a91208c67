"""Groups of customers: who belongs together, and whether a person who works for several of them is counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from contracts.events import crm as events
from subgraphs.crm.models.customers import Customer
from subgraphs.crm.models.relations import CustomerGroup
from subgraphs.kit.errors import Conflict, Forbidden, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work


async def groups(work: Work, *, limit: int, offset: int) -> Sequence[CustomerGroup]:
    """The groups of the tenant, by name."""
    query = select(CustomerGroup).order_by(CustomerGroup.name, CustomerGroup.id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def customers_of(
    work: Work, found: Sequence[UUID], *, limit: int, offset: int
) -> Mapping[UUID, Sequence[Customer]]:
    """The customers of each group, by name."""
    where = [Customer.merged_into_id.is_(None)]
    order = (Customer.name, Customer.id)
    return await work.per_parent(
        Customer, Customer.group_id, found, where=where, order=order, limit=limit, offset=offset
    )


async def create_group(work: Work, *, name: str, count_users_once_per_group: bool = False) -> CustomerGroup:
    """Make a group; customers come into it by updateCustomer."""
    _inside(work)
    row = CustomerGroup(name=line(name, field="name"), count_users_once_per_group=count_users_once_per_group)
    work.add(row)
    await _under_its_name(work)
    await work.emit(events.CustomerGroupCreated(**_told(row)), subject=row.id)
    return row


async def update_group(work: Work, id: UUID, version: int | None = None, **changes: Any) -> CustomerGroup:
    """Change the name of a group, or how the people of its customers are counted."""
    _inside(work)
    row = await work.take(CustomerGroup, id, field="id", version=version)
    if changes.get("name") is not None:
        row.name = line(changes["name"], field="name")
    if changes.get("count_users_once_per_group") is not None:
        row.count_users_once_per_group = changes["count_users_once_per_group"]
    if work.session.is_modified(row):
        await _under_its_name(work)
        await work.emit(events.CustomerGroupUpdated(**_told(row)), subject=row.id)
    return row


async def check(work: Work, group_id: UUID | None) -> None:
    """Raise `NotFound` when a customer shall come into a group that is not there."""
    if group_id is not None and await work.find(CustomerGroup, group_id) is None:
        raise NotFound("There is no group with this id.", field="groupId")


async def _under_its_name(work: Work) -> None:
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        if "customer_group_name" not in str(error.orig):
            raise
        raise Conflict("There is a group with this name already.", field="name") from error


def _told(row: CustomerGroup) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "count_users_once_per_group": row.count_users_once_per_group}


def _inside(work: Work) -> None:
    if work.caller.customers is not None:
        raise Forbidden("Whoever sees only some customers cannot group them.")
