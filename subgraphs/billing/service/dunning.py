"""Asking for money that is late: the policy, a run with its letters, and what keeps a document out of it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from contracts.events import billing as events
from subgraphs.billing.errors import PaymentsStale
from subgraphs.billing.models.agreements import BillingAccount
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.models.invoices import Invoice
from subgraphs.billing.models.receivables import (
    Allocation,
    BankStatement,
    DunningNotice,
    DunningPolicy,
    DunningRun,
    Payment,
)
from subgraphs.billing.rules import days, entered, invoices, rest_days
from subgraphs.billing.rules import dunning as rules
from subgraphs.billing.rules.dunning import DEFAULT_POLICY, BaseRate, Claim, Letter, Level, Policy, Step
from subgraphs.billing.rules.invoices import InvoiceMove, InvoiceStatus
from subgraphs.billing.rules.money import ONE, ZERO
from subgraphs.billing.service import accounts as service_accounts
from subgraphs.billing.service import debits, demands, settling, taxes
from subgraphs.billing.service.drafts import told
from subgraphs.kit.errors import Invalid, InvalidTransition
from subgraphs.kit.filters import among
from subgraphs.kit.work import Work

MOST_SKIPPED = 200

# --- the policy


async def policy_row(work: Work, *, lock: bool = False) -> DunningPolicy | None:
    """The tenant's policy, or None while it has none of its own."""
    query = select(DunningPolicy)
    return (await work.session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def policy(work: Work) -> Policy:
    """When and how late the tenant asks."""
    row = await policy_row(work)
    if row is None:
        return DEFAULT_POLICY
    return Policy(tuple(_level(stored) for stored in row.levels), row.min_amount, row.days_between)


async def in_time_until(work: Work, account: BillingAccount, due: date) -> date | None:
    """The last day on which a payment is in time that falls due on a day of rest; None where the day itself is the last."""
    row = await policy_row(work)
    if row is None or not row.rest_days:
        return None
    day = rest_days.in_time_until(due, account.holiday_region or account.address.get("country"))
    return day if day != due else None


def _level(stored: Mapping[str, Any]) -> Level:
    return Level(
        stored["level"], stored["days_after_due"], Decimal(stored["fee"]), stored["interest"], stored["flat_fee"]
    )


async def set_policy(
    work: Work,
    *,
    levels: Sequence[Mapping[str, Any]],
    min_amount: Decimal = DEFAULT_POLICY.min_amount,
    days_between: int = DEFAULT_POLICY.days_between,
    require_fresh_payments: bool = True,
    rest_days: bool = False,
) -> DunningPolicy:
    """Say when and how late customers are asked."""
    if not 0 <= days_between <= 90:
        raise Invalid("Between two letters there are 0 to 90 days.", field="daysBetween")
    values = {
        "levels": _stored(levels),
        "min_amount": entered.count(min_amount, field="minAmount"),
        "days_between": days_between,
        "require_fresh_payments": require_fresh_payments,
        "rest_days": rest_days,
    }
    row = await policy_row(work, lock=True)
    if row is None:
        return work.add(DunningPolicy(**values))
    for name, value in values.items():
        setattr(row, name, value)
    return row


def _stored(levels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    ordered = sorted(levels, key=lambda one: one["level"])
    if [one["level"] for one in ordered] != list(range(len(ordered))) or not ordered:
        raise Invalid("Levels are counted from 0 without a gap.", field="levels")
    days = [one["days_after_due"] for one in ordered]
    if days != sorted(set(days)) or not 0 <= days[0] <= days[-1] <= 365:
        raise Invalid("Each level comes later than the one before, within a year.", field="levels")
    return [
        {
            "level": one["level"],
            "days_after_due": one["days_after_due"],
            "fee": str(entered.count(one.get("fee") or ZERO, field="levels")),
            "interest": bool(one.get("interest")),
            "flat_fee": bool(one.get("flat_fee")),
        }
        for one in ordered
    ]


# --- a run


async def run(work: Work, *, on_date: date | None = None, customer_ids: Sequence[UUID] = ()) -> DunningRun:
    """Ask everybody who is late: one letter per customer, currency and company that is owed, each document a level further."""
    today = on_date or days.local(work.at)
    if today > days.local(work.at):
        raise Invalid("Nobody can be asked on a day in the future.", field="onDate")
    row = await policy_row(work)
    if row is not None and row.require_fresh_payments:
        await _check_payments(work)
    mine = await policy(work)
    documents = {one.id: one for one in await _late(work, today, customer_ids)}
    accounts = await work.those(BillingAccount, list({one.customer_id for one in documents.values()}))
    collected = await debits.pending(work, list(documents))
    claims = [_claim(one, accounts.get(one.customer_id), collected) for one in documents.values()]
    credit = await settling.credit_of(work, list(accounts))
    letters = rules.letters(claims, mine, today, credit_of=credit)
    entities = await work.those(LegalEntity, list({one.creditor for one in letters if one.creditor}))
    earlier = await _earlier(work, {one.customer_id for one in letters})
    asking = _Asking(mine, today, await taxes.base_rates(work), documents, entities, earlier)
    dunning_run = work.add(
        DunningRun(
            on_date=today,
            notices=len(letters),
            total_open=sum((rules.in_euros(step.claim) for letter in letters for step in letter.steps), ZERO),
            skipped=_skipped(claims, mine, today),
        )
    )
    for letter in letters:
        account = accounts.get(letter.customer_id) or await service_accounts.of(work, letter.customer_id)
        await _write(work, dunning_run, letter, account, asking)
    return dunning_run


@dataclass(frozen=True, slots=True)
class _Asking:
    """What all letters of a run have in common."""

    policy: Policy
    today: date
    rates: Sequence[BaseRate]
    documents: Mapping[UUID, Invoice]
    entities: Mapping[UUID, LegalEntity]
    earlier: Sequence[DunningNotice]
    """The letters that these customers got before."""


async def _earlier(work: Work, customers: Iterable[UUID]) -> Sequence[DunningNotice]:
    query = select(DunningNotice).where(among(DunningNotice.customer_id, customers))
    return (await work.session.scalars(query)).all()


async def _check_payments(work: Work) -> None:
    """Refuse to ask anybody while nobody looked at the account lately; a statement that brought nothing was looked at, too."""
    newest: datetime | None = await work.session.scalar(
        select(
            func.greatest(
                select(func.max(Payment.created_at)).scalar_subquery(),
                select(func.max(BankStatement.created_at)).scalar_subquery(),
            )
        )
    )
    if not rules.payments_are_fresh(newest, work.at):
        raise PaymentsStale("No payment was entered within the last 24 hours: import the statements first.")


async def _late(work: Work, today: date, customers: Sequence[UUID]) -> Sequence[Invoice]:
    query = select(Invoice).where(
        Invoice.document_status == InvoiceStatus.ISSUED,
        Invoice.kind.in_(invoices.CLAIMS),
        Invoice.open_amount > 0,
        Invoice.due_date < today,
    )
    if customers:
        query = query.where(Invoice.customer_id.in_(list(customers)))
    return (await work.session.scalars(query.order_by(Invoice.id).with_for_update())).all()


def _claim(document: Invoice, account: BillingAccount | None, collected: Container[UUID]) -> Claim:
    assert document.due_date is not None  # noqa: S101 - issued documents have one
    return Claim(
        id=document.id,
        customer_id=document.customer_id,
        kind=document.kind,
        status=document.document_status,
        due=document.due_date,
        open_amount=document.open_amount,
        currency=document.currency,
        exchange_rate=document.exchange_rate or ONE,
        level=document.dunning_level,
        last_notice=document.last_notice_on,
        disputed=document.disputed,
        blocked_until=document.dunning_blocked_until,
        customer_blocked=bool(account and account.dunning_block),
        being_collected=document.id in collected,
        flat_fee_charged=document.flat_fee_charged,
        in_time_until=document.in_time_until,
        creditor=document.legal_entity_id,
    )


def _skipped(claims: Sequence[Claim], mine: Policy, today: date) -> list[dict[str, str]]:
    """Why documents that are late were left alone."""
    found = [(claim, rules.next_step(claim, mine, today)) for claim in claims]
    return [
        {"invoice_id": str(claim.id), "reason": reason.value} for claim, reason in found if not isinstance(reason, Step)
    ][:MOST_SKIPPED]


async def _write(
    work: Work,
    dunning_run: DunningRun,
    letter: Letter,
    account: BillingAccount,
    asking: _Asking,
) -> None:
    consumer = not account.is_business
    claims = [await _asked(work, step, asking, consumer=consumer) for step in letter.steps]
    notice = work.add(
        DunningNotice(
            customer_id=letter.customer_id, run_id=dunning_run.id, level=letter.level, on_date=dunning_run.on_date,
            claims=[{name: str(value) for name, value in claim.items()} for claim in claims],
            open_amount=sum((Decimal(claim["open_amount"]) for claim in claims), ZERO), fee=rules.fee(letter),
            flat_fee=sum((Decimal(claim["flat_fee"]) for claim in claims), ZERO),
            interest=sum((Decimal(claim["interest"]) for claim in claims), ZERO),
            currency=letter.currency, legal_entity_id=letter.creditor, paper=_paper(letter, account, asking),
        )
    )  # fmt: skip
    await demands.later(work, notice)


def _paper(letter: Letter, account: BillingAccount, asking: _Asking) -> dict[str, Any]:
    assert letter.creditor is not None  # noqa: S101 - documents name who sells
    since = min(step.claim.late_since for step in letter.steps)
    rates = rules.rates_between(since, asking.today, base_rates=asking.rates, consumer=not account.is_business)
    return demands.frozen(
        asking.entities[letter.creditor],
        account,
        pay_until=asking.today + timedelta(days=asking.policy.days_between or DEFAULT_POLICY.days_between),
        is_last=letter.level == max(level.level for level in asking.policy.levels),
        rates=rates,
        charged_before=_charged_before(letter, asking.earlier),
    )


def _charged_before(letter: Letter, earlier: Sequence[DunningNotice]) -> Decimal:
    """The fees and flat fees of earlier letters about documents that are still open."""
    mine = {str(step.claim.id) for step in letter.steps}
    found = ZERO
    for notice in earlier:
        claims = [claim for claim in notice.claims if claim["invoice_id"] in mine]
        found += sum((Decimal(claim["flat_fee"]) for claim in claims), notice.fee if claims else ZERO)
    return found


async def _asked(work: Work, step: Step, asking: _Asking, *, consumer: bool) -> dict[str, Any]:
    """What is asked for one document; it is a level further from now on."""
    document = asking.documents[step.claim.id]
    flat = rules.flat_fee(step, consumer=consumer)
    late = await _interest(work, document, step, asking, consumer=consumer) if step.level.interest else ZERO
    document.dunning_level, document.last_notice_on = step.level.level, asking.today
    document.flat_fee_charged = document.flat_fee_charged or bool(flat)
    return {
        "invoice_id": document.id,
        "number": document.number,
        "due_date": document.due_date,
        "level": step.level.level,
        "open_amount": document.open_amount,
        "flat_fee": flat,
        "interest": late,
    }


async def _interest(work: Work, document: Invoice, step: Step, asking: _Asking, *, consumer: bool) -> Decimal:
    """Interest since the first day of default; what was paid in between counts from its day on."""
    query = select(Allocation.value_date, Allocation.amount + Allocation.skonto_amount).where(
        Allocation.invoice_id == document.id, Allocation.released_at.is_(None)
    )
    paid = [(day, amount) for day, amount in await work.session.execute(query)]
    since = step.claim.late_since
    until = max(asking.today, since)
    return rules.interest(document.total_gross, since, until, base_rates=asking.rates, consumer=consumer, payments=paid)


# --- letters, and what keeps out of them


async def notices_of(work: Work, parents: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[DunningNotice]]:
    """The letters of runs."""
    order = (DunningNotice.level.desc(), DunningNotice.id)
    return await work.per_parent(DunningNotice, DunningNotice.run_id, parents, order=order, limit=limit)


async def listed(work: Work, *, customer_id: UUID | None, limit: int, offset: int) -> Sequence[DunningNotice]:
    """Letters, newest first."""
    query = select(DunningNotice).order_by(DunningNotice.created_at.desc(), DunningNotice.id.desc())
    if customer_id is not None:
        query = query.where(DunningNotice.customer_id == customer_id)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()


async def send(work: Work, *, id: UUID, version: int | None = None) -> DunningNotice:
    """Hand a letter over for delivery."""
    notice = await work.take(DunningNotice, id, field="id", version=version)
    if notice.sent_at is not None:
        raise InvalidTransition("This letter was sent before.", field="id")
    notice.sent_at = work.at
    happened = events.DunningNoticeSent(
        id=notice.id,
        customer_id=notice.customer_id,
        level=notice.level,
        invoice_ids=tuple(UUID(claim["invoice_id"]) for claim in notice.claims),
        fee=told(notice.fee + notice.flat_fee, notice.currency),
        interest=told(notice.interest, notice.currency),
    )
    await work.emit(happened, subject=notice.id, customer=notice.customer_id)
    return notice


async def block(work: Work, *, invoice_id: UUID, until: date | None, version: int | None = None) -> Invoice:
    """Keep a document out of dunning until the end of a day; no day lifts the block."""
    document = await work.take(Invoice, invoice_id, field="invoiceId", version=version)
    invoices.moved(InvoiceMove.SEND, document.document_status)
    document.dunning_blocked_until = until
    happened = events.InvoiceUpdated(id=document.id, changed=("dunningBlockedUntil",))
    await work.emit(happened, subject=document.id, customer=document.customer_id)
    return document


def default_levels() -> list[dict[str, Any]]:
    """The levels of a tenant that has not set its own."""
    return [asdict(level) | {"fee": str(level.fee)} for level in DEFAULT_POLICY.levels]
