"""A billing run that takes longer than a request: the same run, done by a worker, with how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from subgraphs.billing.models.invoices import BillingRun
from subgraphs.billing.service import runs
from subgraphs.billing.service.entities import the_one
from subgraphs.kit import progress
from subgraphs.kit.progress import Failure, Job, Long, Made, Progress
from subgraphs.kit.work import Work


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


RUN: Final = Long("billing.run", "invoices:write", _run, _failed)
