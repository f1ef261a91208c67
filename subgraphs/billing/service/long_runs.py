"""What of a billing run takes longer than a request, done by a worker with how far it is: the run itself, and throwing it away.

discardBillingRun ──► few drafts ──────────────────────────────────────────────► DISCARDED
                  └─► many ──► DISCARDING ──► worker ──► all of them are drafts ─► DISCARDED
                                                     └─► one is approved ────────► REVIEW, as if nobody had asked

Both are one transaction each: a worker that is killed leaves nothing behind, and another one begins again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from subgraphs.billing.errors import WrongRunStatus
from subgraphs.billing.models.invoices import BillingRun
from subgraphs.billing.rules.items import BillingRunStatus
from subgraphs.billing.service import runs
from subgraphs.billing.service.entities import the_one
from subgraphs.kit import progress
from subgraphs.kit.progress import Failure, Job, Long, Made, Progress
from subgraphs.kit.work import Work

_MOST_IN_A_REQUEST: Final = 200
"""So many drafts are thrown away at once; each has some fourteen items, and each item a record in the audit."""


async def start(
    work: Work, *, until: date, legal_entity_id: UUID | None = None, customer_ids: Sequence[UUID] = ()
) -> Job:
    """Have a run made; who sells is checked now, everything else by the run."""
    entity = await the_one(work, legal_entity_id)
    given = {"until": until.isoformat(), "entity": str(entity.id), "customers": [str(one) for one in customer_ids]}
    return await progress.start(work, RUN, given)


async def _run(work: Work, given: Mapping[str, Any], told: Progress) -> Made:
    made = await runs.run(
        work,
        until=date.fromisoformat(given["until"]),
        legal_entity_id=UUID(given["entity"]),
        customer_ids=[UUID(one) for one in given["customers"]],
        progress=told,
    )
    return Made("BillingRun", made.id)


async def _failed(work: Work, job: UUID, given: Mapping[str, Any], why: Failure) -> None:
    """Leave a run behind that says so, once for a job: it is looked for where the others are."""
    entity, until = await the_one(work, UUID(given["entity"])), date.fromisoformat(given["until"])
    if await work.find(BillingRun, job) is None:
        await runs.failed(work, job, entity, until=until, customer_ids=given["customers"], why=why)


async def discard(work: Work, id: UUID, version: int | None = None) -> BillingRun:
    """Throw the drafts of a run away, or have it done when they are many; what was on them can be billed again."""
    billing_run = await work.take(BillingRun, id, field="id", version=version)
    if billing_run.status is not BillingRunStatus.REVIEW:
        raise WrongRunStatus(f"discardBillingRun works from REVIEW; this is {billing_run.status.value}.", field="id")
    invoices = await runs.discardable(work, billing_run)
    if len(invoices) <= _MOST_IN_A_REQUEST:
        await runs.throw_away(work, billing_run, invoices)
    else:
        billing_run.status = BillingRunStatus.DISCARDING
        await progress.start(work, DISCARD, {"run": str(billing_run.id)})
    return billing_run


async def _discard(work: Work, given: Mapping[str, Any], told: Progress) -> Made:
    billing_run = await work.take(BillingRun, UUID(given["run"]), field="id")
    if billing_run.status not in {BillingRunStatus.DISCARDING, BillingRunStatus.REVIEW}:
        raise WrongRunStatus(f"Meanwhile this run is {billing_run.status.value}.", field="id")
    await runs.throw_away(work, billing_run, await runs.discardable(work, billing_run), told)
    return Made("BillingRun", billing_run.id)


async def _kept(work: Work, _job: UUID, given: Mapping[str, Any], _why: Failure) -> None:
    """Let the run be what its documents say; nothing of it was thrown away."""
    billing_run = await work.take(BillingRun, UUID(given["run"]), field="id")
    if billing_run.status is BillingRunStatus.DISCARDING:
        billing_run.status = BillingRunStatus.REVIEW
        await work.session.flush()  # the next line reads it again
        await runs.progressed(work, [billing_run.id])


RUN: Final = Long("billing.run", "invoices:write", _run, _failed)
DISCARD: Final = Long("billing.discard", "invoices:write", _discard, _kept)
