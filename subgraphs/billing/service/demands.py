"""Letters about late payment on paper: what they say is frozen with them, the page is set right afterwards and kept.

    runDunning ──► letter: who writes to whom, until when ──commit──► page, with its hash ──► whoever asks gets these bytes

Who asks before the page was kept gets what will be: it comes from the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from subgraphs.billing.documents import demand
from subgraphs.billing.documents.demand import Demand, Owed
from subgraphs.billing.models.agreements import BillingAccount
from subgraphs.billing.models.catalogue import LegalEntity
from subgraphs.billing.models.invoices import Invoice
from subgraphs.billing.models.receivables import DunningFile, DunningNotice
from subgraphs.billing.rules.dunning import Rate
from subgraphs.billing.rules.money import ZERO
from subgraphs.billing.service import accounts, snapshots
from subgraphs.kit import jobs
from subgraphs.kit.work import Work

JOB: Final = "dunning.letter"


def frozen(
    entity: LegalEntity,
    account: BillingAccount,
    *,
    pay_until: date,
    is_last: bool,
    rates: Sequence[Rate],
    charged_before: Decimal = ZERO,
) -> dict[str, Any]:
    """What a letter says besides its claims, as it is on its day."""
    return {
        "seller": snapshots.seller(entity),
        "buyer": snapshots.buyer(account),
        "pay_until": pay_until.isoformat(),
        "is_last": is_last,
        "charged_before": str(charged_before),
        "rates": [[rate.since.isoformat(), str(rate.percent)] for rate in rates],
    }


async def later(work: Work, notice: DunningNotice) -> None:
    """Have the page of a letter set as soon as it is written."""
    await jobs.enqueue(work, JOB, {"notice": str(notice.id)})


async def make(work: Work, notice_id: UUID) -> None:
    """Set the page of a letter and keep it, unless that was done before."""
    notice = await work.find(DunningNotice, notice_id)
    if notice is None or await _kept(work, notice_id) is not None:
        return
    content = await demand.pdf(await _whole(work, notice))
    sha256 = hashlib.sha256(content).hexdigest()
    work.session.add(
        DunningFile(
            notice_id=notice.id, customer_id=notice.customer_id, content=content, sha256=sha256, made_at=work.at
        )
    )


async def content(work: Work, notice: DunningNotice) -> bytes:
    """The page of a letter as it was kept, or as it will be."""
    kept = await _kept(work, notice.id)
    return kept if kept is not None else await demand.pdf(await _whole(work, notice))


async def _kept(work: Work, notice_id: UUID) -> bytes | None:
    found: bytes | None = await work.session.scalar(
        select(DunningFile.content).where(DunningFile.notice_id == notice_id)
    )
    return found


async def _whole(work: Work, notice: DunningNotice) -> Demand:
    documents = await work.those(Invoice, [UUID(one["invoice_id"]) for one in notice.claims])
    said = notice.paper or await _as_of_today(work, notice, documents)
    seller, buyer = said["seller"], said["buyer"]
    return Demand(
        level=notice.level,
        is_last=said["is_last"],
        day=notice.on_date,
        pay_until=date.fromisoformat(said["pay_until"]),
        language=str(buyer.get("language") or "de"),
        currency=notice.currency,
        seller=snapshots.seller_party(seller),
        buyer=snapshots.buyer_party(buyer),
        owed=[_owed(one, documents.get(UUID(one["invoice_id"]))) for one in notice.claims],
        fee=notice.fee,
        charged_before=Decimal(said["charged_before"]),
        consumer=not buyer.get("is_business", True),
        iban=seller.get("iban") or None,
        bic=seller.get("bic"),
        rates=[(date.fromisoformat(first), Decimal(percent)) for first, percent in said["rates"]],
    )


def _owed(claim: Mapping[str, str], document: Invoice | None) -> Owed:
    return Owed(
        number=claim["number"],
        issue_date=document.issue_date if document else None,
        due_date=date.fromisoformat(claim["due_date"]),
        amount=Decimal(claim["open_amount"]),
        interest=Decimal(claim["interest"]),
        flat_fee=Decimal(claim["flat_fee"]),
    )


async def _as_of_today(work: Work, notice: DunningNotice, documents: Mapping[UUID, Invoice]) -> dict[str, Any]:
    """What a letter says that was written before letters kept it."""
    document = next(iter(documents.values()))
    entity = await work.find(LegalEntity, document.legal_entity_id)
    assert entity is not None  # noqa: S101 - documents name one that is there, and none is ever deleted
    account = await accounts.of(work, notice.customer_id)
    return frozen(entity, account, pay_until=notice.on_date, is_last=False, rates=())
