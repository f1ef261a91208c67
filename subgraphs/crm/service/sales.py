"""Sales: the pipeline, opportunities on their way through it, and quotes from draft to contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from contracts.events import sales as events
from subgraphs.crm.errors import OpportunityClosed
from subgraphs.crm.models.customers import Customer
from subgraphs.crm.models.sales import Opportunity, PipelineStage
from subgraphs.crm.rules import contracts as bounds
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.custom_fields import CustomEntity
from subgraphs.crm.rules.quotes import StageOutcome
from subgraphs.crm.service import colleagues, custom_fields
from subgraphs.kit.errors import Conflict, NotFound
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

# --- the pipeline


async def stages(work: Work) -> Sequence[PipelineStage]:
    """The stages of the pipeline, in their order."""
    return (await work.session.scalars(select(PipelineStage).order_by(PipelineStage.position, PipelineStage.id))).all()


async def _pipeline(work: Work) -> Sequence[PipelineStage]:
    """The stages; a tenant that has none begins with the usual ones."""
    found = await stages(work)
    if not found:
        for position, (name, likely, outcome) in enumerate(rules.STAGES, start=1):
            stage = PipelineStage(name=name, position=position, probability=likely, outcome=StageOutcome(outcome))
            work.add(stage)
        await work.session.flush()
        found = await stages(work)
    return found


async def create_stage(work: Work, *, name: str, position: int, probability: int) -> PipelineStage:
    """Add an open stage to the pipeline."""
    taken = {stage.name.lower() for stage in await _pipeline(work)}
    named = line(name, field="name")
    if named.lower() in taken:
        raise Conflict("There is a stage with this name.", field="name")
    likely = rules.probability(probability, field="probability")
    return work.add(PipelineStage(name=named, position=position, probability=likely, outcome=StageOutcome.OPEN))


async def create_opportunity(work: Work, *, customer_id: UUID, title: str, **described: Any) -> Opportunity:
    """Write down what a customer might buy, at the first stage."""
    customer = await work.take(Customer, customer_id, field="customerId")
    await colleagues.check(work, described.get("owner_id"), field="ownerId")
    first = next(stage for stage in await _pipeline(work) if stage.outcome is StageOutcome.OPEN)
    opportunity = Opportunity(
        customer_id=customer.id,
        title=line(title, field="title"),
        stage_id=first.id,
        outcome=StageOutcome.OPEN,
        probability=first.probability,
        expected_close=described.get("expected_close"),
        amount=_money(described.get("amount"), "amount"),
        mrr_amount=_money(described.get("mrr_amount"), "mrrAmount"),
        currency=customer.currency,
        owner_id=described.get("owner_id") or work.caller.subject,
        custom=await custom_fields.applied(work, CustomEntity.OPPORTUNITY, described.get("custom_fields")),
    )
    work.add(opportunity)
    await _tell_stage(work, opportunity, events.OpportunityCreated(**_opportunity(opportunity, first)))
    return opportunity


async def move_opportunity(work: Work, id: UUID, stage_id: UUID, version: int | None = None) -> Opportunity:
    """Move an opportunity to another stage of the pipeline; the last ones win and lose it."""
    opportunity = await _open(work, id, version)
    stage = await work.find(PipelineStage, stage_id)
    if stage is None:
        raise NotFound("There is no stage with this id.", field="stageId")
    return await _to(work, opportunity, stage)


async def win_opportunity(work: Work, id: UUID, version: int | None = None) -> Opportunity:
    """They buy."""
    return await _close(work, await _open(work, id, version), StageOutcome.WON)


async def lose_opportunity(work: Work, id: UUID, reason: str, version: int | None = None) -> Opportunity:
    """They don't buy."""
    opportunity = await _open(work, id, version)
    opportunity.lost_reason = line(reason, field="reason", longest=1000)
    return await _close(work, opportunity, StageOutcome.LOST)


async def _open(work: Work, id: UUID, version: int | None) -> Opportunity:
    opportunity = await work.take(Opportunity, id, field="id", version=version)
    if opportunity.outcome is not StageOutcome.OPEN:
        raise OpportunityClosed(f"This opportunity is {opportunity.outcome.value} already.", field="id")
    return opportunity


async def _close(work: Work, opportunity: Opportunity, outcome: StageOutcome) -> Opportunity:
    return await _to(work, opportunity, next(stage for stage in await _pipeline(work) if stage.outcome is outcome))


async def _to(work: Work, opportunity: Opportunity, stage: PipelineStage) -> Opportunity:
    opportunity.stage_id, opportunity.outcome, opportunity.probability = stage.id, stage.outcome, stage.probability
    opportunity.closed_at = None if stage.outcome is StageOutcome.OPEN else work.at
    await _tell_stage(work, opportunity, events.OpportunityStageChanged(**_opportunity(opportunity, stage)))
    if stage.outcome is StageOutcome.WON:
        await _tell_stage(work, opportunity, events.OpportunityWon(**_opportunity(opportunity, stage)))
    if stage.outcome is StageOutcome.LOST:
        await _tell_stage(work, opportunity, events.OpportunityLost(**_opportunity(opportunity, stage)))
    return opportunity


async def _tell_stage(work: Work, opportunity: Opportunity, happened: events.OpportunityFact) -> None:
    await work.emit(happened, subject=opportunity.id, customer=opportunity.customer_id)


def _opportunity(opportunity: Opportunity, stage: PipelineStage) -> dict[str, Any]:
    names = ("id", "customer_id", "title", "probability", "amount", "mrr_amount", "currency", "lost_reason")
    values = {name: getattr(opportunity, name) for name in names}
    return {**values, "stage": stage.name, "outcome": stage.outcome.value}


def _money(value: Decimal | None, field: str) -> Decimal:
    return bounds.price(value or Decimal(0), field=field).quantize(Decimal("0.01"))


# --- reading


async def opportunities(
    work: Work, *, outcome: StageOutcome | None, customer_id: UUID | None, limit: int, offset: int
) -> Sequence[Opportunity]:
    """Opportunities, those that close next first."""
    query = select(Opportunity).order_by(Opportunity.expected_close.nulls_last(), Opportunity.id)
    query = query if outcome is None else query.where(Opportunity.outcome == outcome)
    query = query if customer_id is None else query.where(Opportunity.customer_id == customer_id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def opportunities_of(
    work: Work, customers: Sequence[UUID], *, outcome: StageOutcome | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[Opportunity]]:
    """The opportunities of each customer, those that close next first."""
    where = [] if outcome is None else [Opportunity.outcome == outcome]
    order = (Opportunity.expected_close.nulls_last(), Opportunity.id)
    return await work.per_parent(
        Opportunity, Opportunity.customer_id, customers, where=where, order=order, limit=limit, offset=offset
    )
