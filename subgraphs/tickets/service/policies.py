"""What is promised, and to whom; a change of either replays the clocks of every ticket that it holds for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from subgraphs.kit import jobs, references
from subgraphs.kit.errors import Conflict, Invalid, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work
from subgraphs.tickets.models.desk import Queue
from subgraphs.tickets.models.sla import BusinessCalendar, SlaAssignment, SlaPolicy
from subgraphs.tickets.models.tickets import Ticket
from subgraphs.tickets.rules import defaults as defaults_rules
from subgraphs.tickets.rules import policies as rules
from subgraphs.tickets.rules.policies import SlaScope
from subgraphs.tickets.rules.tickets import DONE
from subgraphs.tickets.service import sla

REPLAY_JOB: Final = "sla.replay"
_AT_ONCE = 200


async def listed(work: Work, *, limit: int, offset: int) -> Sequence[SlaPolicy]:
    """The policies of the tenant, by name."""
    query = select(SlaPolicy).where(SlaPolicy.archived_at.is_(None)).order_by(SlaPolicy.name, SlaPolicy.id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def create(
    work: Work,
    *,
    name: str,
    calendar_id: UUID,
    targets: Sequence[Mapping[str, Any]],
    update_target_minutes: int | None = None,
    pause_on_vendor: bool = False,
    warn_at: Sequence[int] | None = None,
    is_default: bool = False,
) -> SlaPolicy:
    """Make a policy; the default holds for every ticket for which nothing else is agreed."""
    if is_default:
        await _no_other_default(work)
    policy = work.add(
        SlaPolicy(
            name=line(name, field="name"),
            calendar_id=await _calendar(work, calendar_id, field="calendarId"),
            targets=await _targets(work, targets),
            update_target_minutes=rules.checked_update(update_target_minutes),
            pause_on_vendor=pause_on_vendor,
            warn_at=rules.checked_warnings(defaults_rules.WARN_AT if warn_at is None else warn_at),
            is_default=is_default,
        )
    )
    await _flush(work)
    if is_default:
        await replay_later(work)
    return policy


async def change(work: Work, id: UUID, version: int | None = None, **changes: Any) -> SlaPolicy:
    """Change what a policy promises, from now on; running clocks are replayed."""
    policy = await work.take(SlaPolicy, id, field="id", version=version)
    if "name" in changes:
        policy.name = line(changes["name"], field="name")
    if changes.get("calendar_id"):
        policy.calendar_id = await _calendar(work, changes["calendar_id"], field="calendarId")
    if changes.get("targets") is not None:
        policy.targets = await _targets(work, changes["targets"])
    if "update_target_minutes" in changes:
        policy.update_target_minutes = rules.checked_update(changes["update_target_minutes"])
    if changes.get("pause_on_vendor") is not None:
        policy.pause_on_vendor = changes["pause_on_vendor"]
    if changes.get("warn_at") is not None:
        policy.warn_at = rules.checked_warnings(changes["warn_at"])
    if changes.get("is_default") and not policy.is_default:
        await _no_other_default(work)
        policy.is_default = True
    await _flush(work)
    await replay_later(work)
    return policy


async def assign(
    work: Work,
    *,
    policy_id: UUID,
    contract_id: UUID | None = None,
    customer_id: UUID | None = None,
    queue_id: UUID | None = None,
) -> SlaPolicy:
    """Promise a policy to a contract, a customer or a queue; it takes the place of what was promised there."""
    policy = await work.take(SlaPolicy, policy_id, field="policyId")
    given = {SlaScope.CONTRACT: contract_id, SlaScope.CUSTOMER: customer_id, SlaScope.QUEUE: queue_id}
    named = [(scope, target) for scope, target in given.items() if target is not None]
    if len(named) != 1:
        raise Invalid("Name one: a contract, a customer or a queue.", field="customerId")
    scope, target = named[0]
    if scope is SlaScope.CUSTOMER:
        await references.require(work, "Customer", target, field="customerId")
    if scope is SlaScope.CONTRACT:
        await references.require(work, "Contract", target, field="contractId")
    if scope is SlaScope.QUEUE and await work.find(Queue, target) is None:
        raise NotFound("There is no queue with this id.", field="queueId")
    query = select(SlaAssignment).where(SlaAssignment.scope == scope, SlaAssignment.target_id == target)
    found = await work.session.scalar(query.with_for_update())
    if found is None:
        work.add(SlaAssignment(policy_id=policy.id, scope=scope, target_id=target))
    else:
        found.policy_id = policy.id
    await replay_later(work)
    return policy


# --- what follows from a change


async def replay_later(work: Work) -> None:
    """Have all tickets that are not done looked at, because what is promised changed."""
    await jobs.enqueue(work, REPLAY_JOB, {"after": None}, key=f"replay/{work.at.isoformat()}")


async def replay(work: Work, payload: jobs.Payload) -> None:
    """Give the tickets that are not done their terms of today, some at a time; the rest is another job's."""
    after = payload["after"]
    query = select(Ticket).where(Ticket.status.not_in(DONE), Ticket.sla_started_at.is_not(None))
    if after:
        query = query.where(Ticket.id > UUID(after))
    tickets = list(await work.session.scalars(query.order_by(Ticket.id).limit(_AT_ONCE).with_for_update()))
    for ticket in tickets:
        await sla.retermed(work, ticket)
    if len(tickets) == _AT_ONCE:
        last = str(tickets[-1].id)
        await jobs.enqueue(work, REPLAY_JOB, {"after": last}, key=f"replay/{work.at.isoformat()}/{last}")


# --- what the above share


async def _calendar(work: Work, calendar_id: UUID, *, field: str) -> UUID:
    calendar = await work.find(BusinessCalendar, calendar_id)
    if calendar is None or calendar.archived_at is not None:
        raise NotFound("There is no calendar with this id.", field=field)
    return calendar.id


async def _targets(work: Work, targets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    checked = rules.checked_targets(targets)
    for one in checked:
        if one["calendarId"]:
            await _calendar(work, UUID(one["calendarId"]), field="targets")
    return checked


async def _no_other_default(work: Work) -> None:
    """Take the default from whoever has it; the index looks at every statement, so it is taken before it is given."""
    for other in await work.session.scalars(select(SlaPolicy).where(SlaPolicy.is_default).with_for_update()):
        other.is_default = False
    await work.session.flush()


async def _flush(work: Work) -> None:
    try:
        async with work.session.begin_nested():
            await work.session.flush()
    except IntegrityError as error:
        raise Conflict("There is a policy with this name.", field="name") from error
