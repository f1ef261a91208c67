"""Asking and telling about billing runs: previews, drafts for all customers, and whether the number ranges are whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry

from subgraphs.billing.models import invoices as models
from subgraphs.billing.resolvers.catalogue import entered, lists
from subgraphs.billing.service import documents, issuing, long_runs, reports, runs, simulating
from subgraphs.billing.types.agreements import READ
from subgraphs.billing.types.invoices import (
    BillingRun,
    BillingRunPayload,
)
from subgraphs.billing.types.previews import BillingPreview, ContractSimulation, NumberRangeReport
from subgraphs.kit import live
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.progress import Job
from subgraphs.kit.progress_log import JobPayload
from subgraphs.kit.work import Work

WRITE = "invoices:write"
APPROVE = "invoices:approve"
ISSUE = "invoices:issue"
NOBODY = UUID(int=0)

Until = Annotated[date, strawberry.argument(description="What is due on this day is billed.")]
Since = Annotated[
    date | None, strawberry.argument(description="The first day; three months before the last when absent.")
]
SimulatedUntil = Annotated[date | None, strawberry.argument(description="The last day; today when absent.")]
Verify = Annotated[
    bool | None, strawberry.argument(description="Compute the chain of hashes again, document by document.")
]


@strawberry.type
class RunQuery:
    """What can be asked about billing runs."""

    @strawberry.field
    async def billing_runs(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[BillingRun]:
        """Billing runs, newest first."""
        async with info.context.work(READ) as work:
            rows = await documents.runs_listed(work, limit=bounded(limit), offset=skipped(offset))
        return [BillingRun.of(row) for row in rows]

    @strawberry.field
    async def billing_run(self, info: Info, id: strawberry.ID) -> BillingRun | None:
        """One billing run; null when it is not there."""
        row = await info.context.row(models.BillingRun, id, READ)
        return BillingRun.of(row) if row else None

    @strawberry.field
    async def preview_billing(
        self,
        info: Info,
        until: Until,
        legal_entity_id: strawberry.ID | None = None,
        customer_ids: list[strawberry.ID] | None = None,
    ) -> BillingPreview:
        """What a billing run would do, without doing it."""
        wanted = [key for one in customer_ids or () if (key := parsed(one))]
        if customer_ids and not wanted:
            wanted = [NOBODY]
        entity = parsed(legal_entity_id) or NOBODY if legal_entity_id else None
        async with info.context.work(WRITE) as work:
            found = await runs.plan(work, until=until, legal_entity_id=entity, customer_ids=wanted, look=True)
        return BillingPreview.of(found, until)

    @strawberry.field
    async def simulate_contract(
        self, info: Info, id: strawberry.ID, since: Since = None, until: SimulatedUntil = None
    ) -> ContractSimulation | None:
        """What a contract would bill in a span of time, as if nothing of it had been billed; null when it is not there."""
        key = parsed(id)
        if key is None:
            return None
        async with info.context.work(READ) as work:
            found = await simulating.contract(work, key, since=since, until=until)
        return ContractSimulation.of(found) if found else None

    @strawberry.field
    async def number_ranges(
        self, info: Info, verify: Verify = None, limit: Limit = DEFAULT_LIMIT
    ) -> list[NumberRangeReport]:
        """The number ranges with their gaps, newest first: what an auditor asks for."""
        async with info.context.work(ISSUE) as work:
            found = await reports.ranges(work, limit=bounded(limit), verify=bool(verify))
        return [NumberRangeReport.of(one) for one in found]


@strawberry.input
class RunBillingInput(Command):
    """A billing run."""

    until: date
    """What is due on this day is billed."""
    legal_entity_id: strawberry.ID | None = None
    """Who sells; the only one unless you say so."""
    customer_ids: list[strawberry.ID] | None = None
    """Only these customers."""


@strawberry.input
class StartBillingRunInput(RunBillingInput):
    """A billing run that a worker does."""


@strawberry.input
class BillingRunMove(Change):
    """The billing run that a command is about."""

    id: strawberry.ID
    """The run."""


@strawberry.input
class DiscardBillingRunInput(BillingRunMove):
    """The run whose drafts are thrown away."""


@strawberry.input
class ApproveBillingRunInput(BillingRunMove):
    """The run whose drafts are right."""


@strawberry.type
class RunMutation:
    """What can be done with billing runs."""

    @command(WRITE, BillingRunPayload)
    async def run_billing(work: Work, input: RunBillingInput) -> models.BillingRun:
        """Draft everything that is due and ready, for all customers at once."""
        return await runs.run(work, **lists(entered(input), "customer_ids"))

    @command(WRITE, JobPayload, rest=Rest(method="POST", path="/jobs/billing/actions/run-billing"))
    async def start_billing_run(work: Work, input: StartBillingRunInput) -> Job:
        """Have everything drafted that is due and ready, by a worker: for many customers, where `runBilling` takes long."""
        return await long_runs.start(work, **lists(entered(input), "customer_ids"))

    @command(WRITE, BillingRunPayload)
    async def discard_billing_run(work: Work, input: DiscardBillingRunInput) -> models.BillingRun:
        """Throw the drafts of a run away; what was on them can be billed again. A worker does it where they are many: `DISCARDING` until then."""
        return await long_runs.discard(work, **entered(input))

    @command(APPROVE, BillingRunPayload)
    async def approve_billing_run(work: Work, input: ApproveBillingRunInput) -> models.BillingRun:
        """Approve all drafts of a run."""
        return await issuing.approve_run(work, **entered(input))


@strawberry.type
class RunSubscription:
    """What can be watched about billing runs."""

    @strawberry.subscription
    async def billing_run_progress(self, info: Info, id: strawberry.ID) -> AsyncGenerator[BillingRun, None]:
        """A billing run, each time when something happened to it."""
        async with aclosing(live.changes(info.context, models.BillingRun, READ, identity=id)) as rows:
            async for row in rows:
                yield BillingRun.of(row)
