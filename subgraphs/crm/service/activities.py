"""Activities: calls, mails, meetings, notes and tasks, along the time of a customer, a contact or an opportunity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from contracts.events import crm as events
from subgraphs.crm.models.customers import Contact, Customer
from subgraphs.crm.models.relations import Activity
from subgraphs.crm.models.sales import Opportunity
from subgraphs.crm.rules import activities as rules
from subgraphs.crm.rules.activities import ActivityKind
from subgraphs.crm.rules.customers import present
from subgraphs.crm.service import colleagues
from subgraphs.crm.service.entering import Clean, changed_by, cleaned, kept
from subgraphs.kit import jobs
from subgraphs.kit.errors import NotFound
from subgraphs.kit.filters import conditions
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import line, prose
from subgraphs.kit.work import Work

DUE_JOB = "crm.activity_due"
NEWEST = Order((Activity.happened_at,), descending=True)

# --- reading


def selected(wanted: Any = None) -> Select[Activity]:
    """The query for activities of this filter."""
    query = select(Activity).where(*conditions(Activity, wanted))
    if wanted is not None and wanted.open is not None:
        done = Activity.done_at.is_not(None) | (Activity.due_at.is_(None) & (Activity.kind != ActivityKind.TASK))
        query = query.where(~done if wanted.open else done)
    return query


async def of(
    work: Work, parents: Sequence[UUID], *, whose: str, kind: ActivityKind | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[Activity]]:
    """The activities of each customer, contact or opportunity, the latest first; `whose` names the column."""
    where = [] if kind is None else [Activity.kind == kind]
    order = (Activity.happened_at.desc(), Activity.id.desc())
    return await work.per_parent(
        Activity, getattr(Activity, whose), parents, where=where, order=order, limit=limit, offset=offset
    )


# --- writing


async def log_activity(work: Work, *, customer_id: UUID, **described: Any) -> Activity:
    """Write down what was done, or what is to be done."""
    customer = await work.take(Customer, customer_id, field="customerId")
    values = {"happened_at": described.get("due_at") or work.at} | {
        name: value for name, value in described.items() if value is not None
    }
    row = Activity(customer_id=customer.id, **cleaned(_ACTIVITY, values | {"kind": described["kind"]}))
    await colleagues.check(work, row.owner_id, field="ownerId")
    await _check(work, row)
    work.add(row)
    await _arm(work, row)
    await work.emit(events.ActivityCreated(**_told(row)), subject=row.id, customer=row.customer_id)
    return row


async def update_activity(work: Work, id: UUID, version: int | None = None, **changes: Any) -> Activity:
    """Change what was written down, or until when it must be done."""
    row = await work.take(Activity, id, field="id", version=version)
    if changes.get("owner_id") != row.owner_id:
        await colleagues.check(work, changes.get("owner_id"), field="ownerId")
    changed = changed_by(row, cleaned(_ACTIVITY, changes))
    await _check(work, row)
    if "dueAt" in changed:
        await _arm(work, row)
    if changed:
        await _tell(work, row, changed)
    return row


async def complete_activity(work: Work, id: UUID, version: int | None = None) -> Activity:
    """Note that it is done."""
    row = await work.take(Activity, id, field="id", version=version)
    row.done_at = rules.done(row.kind, due_at=row.due_at, done_at=row.done_at, at=work.at)
    await _tell(work, row, ("doneAt",))
    return row


async def reopen_activity(work: Work, id: UUID, version: int | None = None) -> Activity:
    """Note that there is something left to do."""
    row = await work.take(Activity, id, field="id", version=version)
    if row.done_at is not None:
        row.done_at = None
        await _tell(work, row, ("doneAt",))
    return row


async def due(work: Work, id: UUID, expected: datetime) -> None:
    """The moment has come by which it should be done; whoever owns it hears of it once."""
    row = await work.find(Activity, id)
    if row is not None and rules.reminds(expected=expected, due_at=row.due_at, done_at=row.done_at):
        await work.emit(events.ActivityDue(**_told(row)), subject=row.id, customer=row.customer_id)


async def _check(work: Work, row: Activity) -> None:
    rules.check_due(row.kind, row.due_at)
    for model, identity, field in (
        (Contact, row.contact_id, "contactId"),
        (Opportunity, row.opportunity_id, "opportunityId"),
    ):
        found: Any = await work.find(model, identity) if identity else None
        if identity and (found is None or found.customer_id != row.customer_id):
            raise NotFound(f"There is no {model.__name__.lower()} with this id at this customer.", field=field)


async def _arm(work: Work, row: Activity) -> None:
    if row.due_at is not None and row.done_at is None:
        payload = {"activity": str(row.id), "due": row.due_at.isoformat()}
        await jobs.enqueue(work, DUE_JOB, payload, at=row.due_at)


async def _tell(work: Work, row: Activity, changed: tuple[str, ...]) -> None:
    await work.emit(events.ActivityUpdated(**_told(row), changed=changed), subject=row.id, customer=row.customer_id)


def _told(row: Activity) -> dict[str, Any]:
    names = ("id", "customer_id", "contact_id", "opportunity_id", "subject", "due_at", "done_at", "owner_id")
    return {name: getattr(row, name) for name in names} | {"kind": row.kind.value}


_ACTIVITY: Mapping[str, Clean] = MappingProxyType(
    {
        "contact_id": kept,
        "opportunity_id": kept,
        "kind": kept,
        "subject": line,
        "body": prose,
        "happened_at": present,
        "due_at": kept,
        "done_at": kept,
        "owner_id": kept,
    }
)
