"""What billing made of time: what stands on an issued invoice never changes again, unless the invoice is cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from contracts.events import billing
from contracts.events.envelope import Envelope
from subgraphs.kit.work import Work
from subgraphs.tickets.models.time_entries import TimeEntry
from subgraphs.tickets.rules import time_entries as rules
from subgraphs.tickets.rules.time_entries import EntryMove


async def billed(work: Work, envelope: Envelope) -> None:
    """Time entries stand on an invoice that was issued."""
    told = envelope.read(billing.TimeEntryBilled)
    for entry in await _entries(work, told.ids):
        if entry.status in rules.sources(EntryMove.BILL):
            entry.status, entry.billed_in = rules.moved(EntryMove.BILL, entry.status), told.invoice_id


async def cancelled(work: Work, envelope: Envelope) -> None:
    """An invoice was undone by another document: its time can be billed again."""
    told = envelope.read(billing.InvoiceCancelled)
    for entry in await _entries(work, told.time_entry_ids):
        if entry.billed_in in {told.id, None} and entry.status in rules.sources(EntryMove.UNBILL):
            entry.status, entry.billed_in = rules.moved(EntryMove.UNBILL, entry.status), None


async def _entries(work: Work, ids: Sequence[UUID]) -> Sequence[TimeEntry]:
    query = select(TimeEntry).where(TimeEntry.id.in_(ids)).order_by(TimeEntry.id).with_for_update()
    return (await work.session.scalars(query)).all()
