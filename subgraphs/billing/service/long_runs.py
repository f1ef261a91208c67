"""A billing run that takes longer than a request: the same run, done by a worker, with how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from subgraphs.billing.service import runs
from subgraphs.billing.service.entities import the_one
from subgraphs.kit import progress
from subgraphs.kit.progress import Job, Long, Made, Progress
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


RUN: Final = Long("billing.run", "invoices:write", _run)
