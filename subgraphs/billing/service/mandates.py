"""What customers signed, so that we may take what they owe from their accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from subgraphs.billing.models.sepa import SepaDebit, SepaMandate
from subgraphs.billing.rules import accounts as account_rules
from subgraphs.billing.rules import days, sepa
from subgraphs.billing.rules.sepa import MandateStatus, MandateType
from subgraphs.billing.service import accounts
from subgraphs.billing.service.uniqueness import added
from subgraphs.kit import numbers
from subgraphs.kit.errors import Invalid, InvalidTransition, PreconditionFailed
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work


async def record(
    work: Work,
    *,
    customer_id: UUID,
    iban: str,
    signed_on: date,
    type: MandateType = MandateType.CORE,
    reference: str | None = None,
    holder: str | None = None,
    bic: str | None = None,
    prenotification_days: int | None = None,
) -> SepaMandate:
    """Enter a mandate that a customer signed; it takes the place of the one that held before."""
    account = await accounts.of(work, customer_id)
    today = days.local(work.at)
    if signed_on > today:
        raise Invalid("Nobody signs on a day in the future.", field="signedOn")
    if type is MandateType.B2B and not account.is_business:
        raise PreconditionFailed("The business scheme is for companies; this customer is a consumer.", field="type")
    told = sepa.PRENOTIFICATION_DAYS if prenotification_days is None else prenotification_days
    if not 1 <= told <= 60:
        raise Invalid("Somebody is told 1 to 60 days before.", field="prenotificationDays")
    row = SepaMandate(
        customer_id=account.customer_id, type=type, status=MandateStatus.ACTIVE, signed_on=signed_on,
        reference=sepa.mandate_reference(reference) if reference else await _reference(work, today),
        holder=line(holder or account.name, field="holder"), iban=account_rules.iban(iban), bic=account_rules.bic(bic),
        prenotification_days=told,
    )  # fmt: skip
    if sepa.lapsed(sepa.Mandate(row.customer_id, type, signed_on), today):
        raise PreconditionFailed("This mandate was not used for 36 months: it has lapsed.", field="signedOn")
    before = await active(work, [account.customer_id])
    if before:
        _revoke(await work.take(SepaMandate, before[account.customer_id].id, field="customerId"), today)
        await work.session.flush()
    return await added(work, row, message="There is a mandate of this reference.", field="reference")


async def _reference(work: Work, today: date) -> str:
    return f"MD-{today.year}-{await numbers.following(work, f'sepa-mandate-{today.year}'):06d}"


async def revoke(work: Work, id: UUID, version: int | None = None) -> SepaMandate:
    """Note that a customer took a mandate back; refused while a file that waits takes money with it."""
    row = await work.take(SepaMandate, id, field="id", version=version)
    if row.status is not MandateStatus.ACTIVE:
        raise InvalidTransition("This mandate was taken back before.", field="id")
    waits = select(SepaDebit.id).where(SepaDebit.mandate_id == row.id, SepaDebit.pending).limit(1)
    if await work.session.scalar(waits):
        raise InvalidTransition(
            "A file for the bank takes money with this mandate: cancel or book it first.", field="id"
        )
    _revoke(row, days.local(work.at))
    return row


def _revoke(row: SepaMandate, today: date) -> None:
    row.status, row.revoked_on = MandateStatus.REVOKED, today


async def active(work: Work, customers: Sequence[UUID]) -> dict[UUID, SepaMandate]:
    """The mandates that hold, by customer; of two that came together in a merge, the newer."""
    query = select(SepaMandate).where(
        SepaMandate.customer_id.in_(list(customers)), SepaMandate.status == MandateStatus.ACTIVE
    )
    rows = await work.session.scalars(query.order_by(SepaMandate.signed_on, SepaMandate.id))
    return {row.customer_id: row for row in rows}


async def on_document(work: Work, customer_id: UUID, *, at: date) -> dict[str, Any] | None:
    """What a document says of the mandate by which it is collected, if there is one that holds."""
    row = (await active(work, [customer_id])).get(customer_id)
    if row is None or sepa.lapsed(known(row), at):
        return None
    return {"id": str(row.id), "reference": row.reference, "iban": row.iban}


def known(row: SepaMandate) -> sepa.Mandate:
    """A mandate as the rules see it."""
    return sepa.Mandate(row.id, row.type, row.signed_on, row.last_used_on, row.prenotification_days)


async def of_customers(work: Work, customers: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[SepaMandate]]:
    """The mandates of customers, the newest first."""
    order = (SepaMandate.signed_on.desc(), SepaMandate.id.desc())
    return await work.per_parent(SepaMandate, SepaMandate.customer_id, customers, order=order, limit=limit)


async def listed(
    work: Work, *, customer_id: UUID | None, status: MandateStatus | None, limit: int, offset: int
) -> Sequence[SepaMandate]:
    """Mandates, the newest first."""
    query = select(SepaMandate).order_by(SepaMandate.signed_on.desc(), SepaMandate.id.desc())
    if customer_id is not None:
        query = query.where(SepaMandate.customer_id == customer_id)
    if status is not None:
        query = query.where(SepaMandate.status == status)
    return (await work.session.scalars(query.limit(limit).offset(offset))).all()
