"""Addresses that are written to no more, and the reports that make them so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.events import notify as events
from subgraphs.kit.errors import Invalid, NotFound
from subgraphs.kit.ids import uuid7
from subgraphs.kit.paging import Order
from subgraphs.kit.work import Work
from subgraphs.notify.models.deliveries import Delivery, SuppressedAddress
from subgraphs.notify.rules import bounces, mail
from subgraphs.notify.rules.bounces import Report, ReportKind
from subgraphs.notify.rules.channels import DeliveryStatus, SuppressionReason

BY_ADDRESS = Order((SuppressedAddress.address,))


def selected() -> Select[SuppressedAddress]:
    """All addresses that are written to no more."""
    return select(SuppressedAddress).where(SuppressedAddress.archived_at.is_(None))


async def among(work: Work, addresses: Sequence[str]) -> Collection[str]:
    """Those of these addresses that are written to no more."""
    wanted = [one.lower() for one in addresses]
    query = selected().where(SuppressedAddress.address.in_(wanted)).with_only_columns(SuppressedAddress.address)
    return set(await work.session.scalars(query))


async def bounced(
    work: Work, address: str, said: str, reason: SuppressionReason = SuppressionReason.HARD_BOUNCE
) -> None:
    """Write to an address no more."""
    values = {
        "tenant_id": work.caller.tenant,
        "id": uuid7(),
        "version": 1,
        "created_at": work.at,
        "created_by": work.caller.subject,
        "updated_at": work.at,
        "updated_by": work.caller.subject,
        "address": address.lower(),
        "reason": reason,
        "detail": said[:500],
    }
    await work.session.execute(insert(SuppressedAddress).values(values).on_conflict_do_nothing())


async def suppress(work: Work, *, address: str, detail: str | None = None) -> SuppressedAddress:
    """Write to an address no more, because somebody says so."""
    plain = mail.address(address, field="address")
    row = (await work.session.scalars(selected().where(SuppressedAddress.address == plain))).one_or_none()
    return row or work.add(SuppressedAddress(address=plain, reason=SuppressionReason.MANUAL, detail=detail))


async def release(work: Work, id: UUID, version: int | None = None) -> SuppressedAddress:
    """Write to an address again."""
    row = await work.take(SuppressedAddress, id, field="id", version=version)
    row.archived_at = row.archived_at or work.at
    return row


async def take_in(work: Work, raw: str) -> Delivery:
    """Read a report that came back, and note what it says at the delivery that it names; the delivery."""
    reports = bounces.read(raw.encode("utf-8", "surrogateescape"))
    if not reports:
        raise Invalid("This is no delivery status notification and no feedback report.", field="raw")
    found = None
    for report in reports:
        found = await _note(work, report) or found
    if found is None:
        raise NotFound("It names no message of ours.", field="raw")
    return found


async def _note(work: Work, report: Report) -> Delivery | None:
    """What one report says of one recipient; None when it names no message of ours."""
    if report.message_id is None:
        return None
    query = select(Delivery).where(Delivery.message_id == report.message_id).limit(1).with_for_update()
    row = (await work.session.scalars(query)).one_or_none()
    if row is None:
        return None
    envelope = row.envelope or {}
    ours = {one.lower() for one in (row.address, *(envelope.get("to") or ()), *(envelope.get("cc") or ()))}
    address = report.recipient or row.address
    # Who was not written to is not suppressed because somebody says so.
    if address in ours and report.kind in _REASONS:
        await bounced(work, address, report.said, _REASONS[report.kind])
    return await _state(work, row, report)


async def _state(work: Work, row: Delivery, report: Report) -> Delivery:
    status = _STATES.get(report.kind, row.status)
    if row.status not in _MAY_BECOME or status is row.status:
        return row
    entry = {"number": row.attempt, "at": work.at.isoformat(), "outcome": status.value, "said": report.said}
    error = None if status is DeliveryStatus.DELIVERED else f"{report.status or ''} {report.said}".strip()
    changed = (
        update(Delivery)
        .where(Delivery.id == row.id)
        .values(status=status, error=error, log=[*row.log, entry], updated_at=work.at, version=row.version + 1)
        .returning(Delivery)
    )
    found: Delivery = (await work.session.execute(changed, execution_options={"populate_existing": True})).scalar_one()
    if status is DeliveryStatus.BOUNCED:
        happened = events.NotificationBounced(
            id=row.id,
            channel=row.channel.value,
            recipient_id=row.recipient_id,
            event_type=row.event_type,
            attempts=row.attempt,
            related_type=row.related_type,
            related_id=row.related_id,
            error=error or "",
        )
        await work.emit(happened, subject=row.id, customer=row.customer_id)
    return found


_REASONS = {
    ReportKind.HARD_BOUNCE: SuppressionReason.HARD_BOUNCE,
    ReportKind.COMPLAINT: SuppressionReason.COMPLAINT,
}
_STATES = {
    ReportKind.HARD_BOUNCE: DeliveryStatus.BOUNCED,
    ReportKind.SOFT_BOUNCE: DeliveryStatus.BOUNCED,
    ReportKind.DELIVERED: DeliveryStatus.DELIVERED,
}
_MAY_BECOME = {DeliveryStatus.SENT, DeliveryStatus.DELIVERED}
