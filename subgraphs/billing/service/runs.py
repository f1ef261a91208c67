"""A billing run: what is due and what is ready, for all customers at once, as drafts or only as a preview.

    contracts ──► periods that are due ──┐
                                         ├──► items ──► taxes ──► one draft per customer (and per order number, and
    what is ready: time, products, … ────┘                        apart what isn't taxable here)

A preview goes the same way to the end, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select

from contracts.events import billing as events
from subgraphs.billing.errors import NothingToBill, WrongRunStatus
from subgraphs.billing.models.agreements import BilledContract, BillingAccount
from subgraphs.billing.models.catalogue import LegalEntity, Product
from subgraphs.billing.models.invoices import BillableItem, BillingRun, Invoice
from subgraphs.billing.rules import entered
from subgraphs.billing.rules.invoices import CLAIMS, InvoiceKind, InvoiceStatus
from subgraphs.billing.rules.items import BillableSource, BillableStatus, BillingRunStatus
from subgraphs.billing.rules.money import ONE, ZERO
from subgraphs.billing.rules.recurring import Charge, charges
from subgraphs.billing.rules.totals import Line, Totals, totals
from subgraphs.billing.rules.vat import apart
from subgraphs.billing.service import accounts, drafts, recurring, taxing
from subgraphs.billing.service.entities import the_one
from subgraphs.billing.service.recurring import Recurring
from subgraphs.billing.service.taxing import Taxed
from subgraphs.kit.errors import Forbidden
from subgraphs.kit.filters import among
from subgraphs.kit.progress import Failure, Progress
from subgraphs.kit.work import Work

MOST_WARNINGS = 200
_AT_ONCE = 50
"""So many drafts go to the database together: all at once would keep everybody else in this process waiting."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft that a run would write."""

    account: BillingAccount
    order_reference: str | None
    lines: tuple[Taxed, ...]
    totals: Totals
    """What it would come to."""
    credits: Invoice | None = None
    """The document that it gives back a part of, when all in all it gives back more than it asks for."""


def _for_totals(one: Taxed) -> Line:
    assert one.rate is not None  # noqa: S101 - whoever has none is held
    item, rate = one.item, one.rate
    reasons = (rate.exemption_code, rate.exemption_text)
    return Line(item.quantity, item.unit_price, rate.category, rate.rate, item.discount_percent, *reasons)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a run would do."""

    entity: LegalEntity
    proposals: tuple[Proposal, ...]
    held: tuple[Taxed, ...]
    waiting: tuple[Proposal, ...] = ()
    """What would give back more than it asks for, and has no issued document yet that it could credit."""

    @property
    def warnings(self) -> list[str]:
        """What somebody has to look at."""
        found = [f"{one.item.description}: {one.hold_reason}" for one in self.held]
        found += [
            f"{one.lines[0].item.description}: WAITS, it would come to {one.totals.gross}" for one in self.waiting
        ]
        rest = len(found) - MOST_WARNINGS
        return found if rest <= 0 else [*found[:MOST_WARNINGS], f"… and {rest} more"]


async def plan(
    work: Work,
    *,
    until: date,
    legal_entity_id: UUID | None,
    customer_ids: Sequence[UUID] = (),
    look: bool = False,
) -> Plan:
    """Work out what a run on the day `until` would bill; whoever only wants to `look` locks nothing."""
    entered.day(until, field="until")
    entity = await the_one(work, legal_entity_id)
    items, orders = await _due(work, entity, until, customer_ids)
    items += await _ready(work, entity, until, customer_ids, lock=not look)
    by_customer: dict[UUID, list[BillableItem]] = {}
    for item in items:
        by_customer.setdefault(item.customer_id, []).append(item)
    known_accounts = await accounts.those(work, list(by_customer))
    products = await work.those(Product, list({item.product_id for item in items if item.product_id}))
    known = await taxing.read(work)
    proposals: list[Proposal] = []
    held: list[Taxed] = []
    for customer, mine in by_customer.items():
        account = known_accounts[customer]
        found = taxing.taxed(mine, products, account, entity, known)
        held.extend(one for one in found if one.hold_reason)
        proposals.extend(_proposals(account, [one for one in found if not one.hold_reason], orders))
    told = [one if one.totals.gross >= 0 else await _crediting(work, one) for one in proposals]
    ready = tuple(one for one in told if one.totals.gross >= 0 or one.credits is not None)
    return Plan(entity, ready, tuple(held), tuple(one for one in told if one not in ready))


async def _crediting(work: Work, one: Proposal) -> Proposal:
    """Find the issued document on which stands what is given back."""
    given_back = next((line.item for line in one.lines if line.net < 0), None)
    if given_back is None:
        return one
    query = (
        select(Invoice)
        .join(BillableItem, BillableItem.invoice_id == Invoice.id)
        .where(
            BillableItem.source_id == given_back.source_id,
            BillableItem.period_start == given_back.period_start,
            Invoice.document_status == InvoiceStatus.ISSUED,
            Invoice.kind.in_(CLAIMS),
        )
    )
    found = (await work.session.scalars(query.order_by(Invoice.issue_date.desc(), Invoice.id.desc()).limit(1))).first()
    return replace(one, credits=found)


def _proposals(account: BillingAccount, found: Sequence[Taxed], orders: dict[UUID, str | None]) -> Iterator[Proposal]:
    """A customer's lines on as few documents as may be: order numbers stay apart, and what isn't taxable here."""
    by_order: dict[str | None, list[Taxed]] = {}
    for one in found:
        by_order.setdefault(orders.get(one.item.contract_id) if one.item.contract_id else None, []).append(one)
    for order, lines in by_order.items():
        categories = [one.rate.category for one in lines if one.rate]
        for group in apart(categories):
            on_it = tuple(lines[place] for place in group)
            yield Proposal(account, order, on_it, totals([_for_totals(one) for one in on_it]))


async def _due(
    work: Work, entity: LegalEntity, until: date, customers: Sequence[UUID]
) -> tuple[list[BillableItem], dict[UUID, str | None]]:
    """The recurring lines that are due, as items that nobody has written yet; and the order numbers of contracts."""
    contracts = await recurring.in_force(work, legal_entity_id=entity.id, customers=customers, only=bool(customers))
    lines = await recurring.of_contracts(work, contracts)
    before = await recurring.billed(work, [one.line.id for one in lines])
    items = [
        item_of(one, charge) for one in lines for charge in charges(one.line, one.schedule, until=until, billed=before)
    ]
    return items, {contract.id: contract.po_number for contract in contracts}


def item_of(one: Recurring, charge: Charge) -> BillableItem:
    """The item that bills a charge; nobody has written it yet."""
    return BillableItem(
        customer_id=one.row.customer_id,
        source=BillableSource.CONTRACT_LINE,
        source_id=one.row.id,
        part=charge.part,
        contract_id=one.contract.id,
        product_id=one.row.product_id,
        period_start=charge.period.start,
        description=_described(one, charge),
        quantity=charge.quantity,
        unit_code=one.row.unit_code,
        unit_price=charge.unit_price,
        discount_percent=one.row.discount_percent,
        notional_value=ZERO,
        cost=one.row.cost,
        tax_code=one.row.tax_code,
        service_from=charge.active.start,
        service_to=charge.active.last_day,
        status=BillableStatus.READY,
        explanation=_explained(one, charge),
    )


def _described(one: Recurring, charge: Charge) -> str:
    span = f"{charge.active.start:%d.%m.%Y}-{charge.active.last_day:%d.%m.%Y}"
    return f"{one.row.description} ({span})"


def _explained(one: Recurring, charge: Charge) -> list[str]:
    reasons = [
        f"contract {one.contract.number}: {one.contract.title}",
        f"period {charge.period.start} to {charge.period.last_day}, {charge.period.days} days",
        f"{charge.agreed_quantity.normalize():f} by {one.row.quantity_mode.value}, {one.row.quantity_policy.value}",
    ]
    if abs(charge.quantity) == ONE and abs(charge.agreed_quantity) != ONE:
        reasons.append("as one piece, because no number of them at one price comes to this amount")
    if charge.active != charge.period:
        part = f"{charge.active.days} of {charge.period.days} days from {charge.active.start}"
        reasons.append(f"{one.row.prorate.value}: {part}")
    return reasons


async def _ready(
    work: Work, entity: LegalEntity, until: date, customers: Sequence[UUID], *, lock: bool
) -> list[BillableItem]:
    """What is ready, but nothing of contracts with another of the tenant's companies: that one bills it."""
    others = select(BilledContract.id).where(BilledContract.legal_entity_id != entity.id)
    query = select(BillableItem).where(
        BillableItem.status == BillableStatus.READY,
        BillableItem.service_from <= until,
        or_(BillableItem.contract_id.is_(None), BillableItem.contract_id.not_in(others)),
    )
    if customers:
        query = query.where(among(BillableItem.customer_id, customers))
    order = (
        BillableItem.customer_id,
        BillableItem.service_from,
        BillableItem.source_id,
        BillableItem.part,
        BillableItem.id,
    )
    ordered = query.order_by(*order)
    return list((await work.session.scalars(ordered.with_for_update() if lock else ordered)).all())


# --- running


async def run(
    work: Work,
    *,
    until: date,
    legal_entity_id: UUID | None = None,
    customer_ids: Sequence[UUID] = (),
    progress: Progress | None = None,
) -> BillingRun:
    """Write the drafts of everything that is due; somebody looks at them before they are approved."""
    found = await plan(work, until=until, legal_entity_id=legal_entity_id, customer_ids=customer_ids)
    billing_run = work.add(
        BillingRun(
            legal_entity_id=found.entity.id,
            until=until,
            customer_ids=[str(one) for one in customer_ids],
            status=BillingRunStatus.REVIEW,
            drafts=len(found.proposals),
            lines=sum(len(one.lines) for one in found.proposals),
            total_net=sum((one.totals.net for one in found.proposals), ZERO),
            currency=found.entity.base_currency,
            warnings=found.warnings,
        )
    )
    for number, proposal in enumerate(found.proposals):
        if progress is not None:
            await progress.tell(number, len(found.proposals))
        await _write(work, found.entity, billing_run, proposal)
        if number % _AT_ONCE == _AT_ONCE - 1:
            await work.session.flush()
    for one in found.held:
        one.item.status, one.item.hold_reason = BillableStatus.HELD, one.hold_reason
        work.add(one.item)
    await _completed(work, billing_run)
    return billing_run


async def failed(
    work: Work, job: UUID, entity: LegalEntity, *, until: date, customer_ids: Sequence[str], why: Failure
) -> None:
    """Write down that the run that a job was to make could not be made, and why; it is known by the id of the job."""
    billing_run = work.add(
        BillingRun(
            id=job,
            legal_entity_id=entity.id,
            until=until,
            customer_ids=list(customer_ids),
            status=BillingRunStatus.FAILED,
            drafts=0,
            lines=0,
            total_net=ZERO,
            currency=entity.base_currency,
            warnings=[why.message],
        )
    )
    told = events.BillingRunFailed(
        id=billing_run.id, until=until, legal_entity_id=entity.id, reason=why.code, message=why.message
    )
    await work.emit(told, subject=billing_run.id)


async def _write(work: Work, entity: LegalEntity, billing_run: BillingRun | None, proposal: Proposal) -> Invoice:
    kind = InvoiceKind.CREDIT_NOTE if proposal.credits else InvoiceKind.INVOICE
    invoice = work.add(drafts.new(entity, proposal.account, kind=kind))
    if proposal.credits:
        invoice.preceding_id, invoice.payment_days, invoice.skonto = proposal.credits.id, 0, []
        invoice.discount_percent = proposal.credits.discount_percent  # what was less then goes back less
        invoice.reason = f"{proposal.credits.number}: {proposal.lines[0].item.description}"[:500]
    invoice.billing_run_id = billing_run.id if billing_run else None
    invoice.order_reference = proposal.order_reference
    for one in proposal.lines:
        work.add(one.item)
    await drafts.write_lines(work, invoice, proposal.lines)
    await drafts.generated(work, invoice)
    return invoice


async def generate(work: Work, *, customer_id: UUID, until: date, legal_entity_id: UUID | None = None) -> Invoice:
    """Draft everything that is due and ready for one customer; of several documents the answer is the first."""
    found = await plan(work, until=until, legal_entity_id=legal_entity_id, customer_ids=[customer_id])
    if not found.proposals:
        because = f": {found.warnings[0]}" if found.warnings else "."
        raise NothingToBill(f"Nothing is due for this customer{because}", field="customerId")
    first, *_others = [await _write(work, found.entity, None, proposal) for proposal in found.proposals]
    return first


async def _completed(work: Work, billing_run: BillingRun) -> None:
    happened = events.BillingRunCompleted(
        id=billing_run.id,
        drafts=billing_run.drafts,
        net=drafts.told(billing_run.total_net, billing_run.currency),
        warnings=len(billing_run.warnings),
    )
    await work.emit(happened, subject=billing_run.id)


async def discardable(work: Work, billing_run: BillingRun) -> Sequence[Invoice]:
    """The drafts of a run, all of which can be thrown away; raises `WrongRunStatus` when one is no draft any more."""
    check_whole(work)
    invoices = await of_run(work, billing_run.id)
    if any(invoice.document_status is not InvoiceStatus.DRAFT for invoice in invoices):
        raise WrongRunStatus("Some of its drafts are approved; take that back first.", field="id")
    return invoices


async def throw_away(
    work: Work, billing_run: BillingRun, invoices: Sequence[Invoice], progress: Progress | None = None
) -> None:
    """Throw the drafts of a run away; what was on them can be billed again."""
    for done in range(0, len(invoices), _AT_ONCE):
        if progress is not None:
            await progress.tell(done, len(invoices))
        await drafts.remove(work, invoices[done : done + _AT_ONCE])
    billing_run.status = BillingRunStatus.DISCARDED
    await work.emit(events.BillingRunDiscarded(id=billing_run.id, drafts=len(invoices)), subject=billing_run.id)


def check_whole(work: Work) -> None:
    """Refuse whoever sees all customers but some: to them a run is done when theirs are, and the others' drafts would be nobody's."""
    if work.caller.denied:
        raise Forbidden("A run is about all customers, and there are some whom you do not see.", field="id")


async def of_run(work: Work, run_id: UUID) -> Sequence[Invoice]:
    """The documents of a run."""
    query = select(Invoice).where(Invoice.billing_run_id == run_id).order_by(Invoice.id).with_for_update()
    return (await work.session.scalars(query)).all()


async def progressed(work: Work, run_ids: Iterable[UUID | None]) -> None:
    """Say of runs how far their documents are."""
    for run_id in {one for one in run_ids if one is not None}:
        billing_run = await work.take(BillingRun, run_id, field="id")
        if billing_run.status is BillingRunStatus.DISCARDING:
            continue  # the worker who throws it away looks at its documents
        await work.session.flush()
        query = select(Invoice.document_status).where(Invoice.billing_run_id == run_id).distinct()
        states = set((await work.session.scalars(query)).all())
        if not states or InvoiceStatus.DRAFT in states:
            status = BillingRunStatus.REVIEW
        elif InvoiceStatus.APPROVED in states:
            status = BillingRunStatus.APPROVED
        else:
            status = BillingRunStatus.POSTED
        if billing_run.status is not status:
            billing_run.status, billing_run.approved_by = status, work.caller.subject
