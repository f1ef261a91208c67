"""The ways into billing without a request: customers, contracts and devices that others tell of, and blocks whose time is up."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from contracts.events import assets, crm, tickets
from contracts.events.envelope import Envelope
from subgraphs.billing.models.agreements import BilledContract
from subgraphs.billing.rules import days
from subgraphs.billing.service import (
    accounts,
    archive,
    counting,
    demands,
    merging,
    prepaid,
    rating,
    settling,
    ticket_packs,
    told,
)
from subgraphs.kit import references
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work

_CUSTOMER = {event.type: event for event in (crm.CustomerCreated, crm.CustomerUpdated)}
_CONTRACT = {event.type: event for event in (crm.ContractCreated, crm.ContractUpdated)}


async def customer_told(work: Work, envelope: Envelope) -> None:
    """A customer was created or changed: it is known under this name."""
    customer = envelope.read(_CUSTOMER[envelope.type])
    await references.learn(work, "Customer", customer.id, name=customer.name, customer=customer.id, at=envelope.time)
    await accounts.learn(work, customer, at=envelope.time)


async def customer_merged(work: Work, envelope: Envelope) -> None:
    """A customer became another one: what is theirs is found there."""
    happened = envelope.read(crm.CustomerMerged)
    await merging.merge(work, happened.source_id, happened.target_id)


async def contract_told(work: Work, envelope: Envelope) -> None:
    """A contract was drawn up or changed: billing keeps what money depends on."""
    await told.contract(work, envelope.read(_CONTRACT[envelope.type]), at=envelope.time)


async def device_told(work: Work, envelope: Envelope) -> None:
    """A device went into use or out of it: contracts per device count it, or no longer."""
    if envelope.type == assets.AssetDeployed.type:
        deployed = envelope.read(assets.AssetDeployed)
        if deployed.customer_id is not None:
            await counting.deployed(
                work, deployed.asset_id, customer_id=deployed.customer_id, type_key=deployed.type_key,
                counts=deployed.counts_as_device, since=days.local(deployed.installed_at or deployed.at), at=deployed.at,
            )  # fmt: skip
        return
    if envelope.type == assets.AssetMerged.type:
        await counting.withdrawn(work, envelope.read(assets.AssetMerged).asset_id, at=envelope.time)
        return
    kind = assets.AssetRetired if envelope.type == assets.AssetRetired.type else assets.AssetDisposed
    gone = envelope.read(kind)
    await counting.withdrawn(work, gone.asset_id, at=gone.at)


async def time_approved(work: Work, envelope: Envelope) -> None:
    """Time was approved: it is covered, taken from a balance, or goes onto the next invoice."""
    entry = envelope.read(tickets.TimeEntryApproved)
    if entry.customer_id is None or not entry.is_billable:
        return
    if entry.billable_minutes == 0 or not await rating.forget_untouched(work, entry.id):
        return
    await rating.rate_time(
        work,
        time_entry_id=entry.id,
        customer_id=entry.customer_id,
        service_date=entry.service_date,
        minutes=entry.billable_minutes,
        after_hours_minutes=entry.charged_after_hours_minutes,
        multiplier=entry.multiplier,
        after_hours_multiplier=entry.after_hours_multiplier,
        work_type=entry.work_type_key,
        ticket_id=entry.work_item.id if entry.work_item.type == "TICKET" else None,
        ticket_type=entry.ticket_type,
        asset_id=entry.asset_id,
        asset_type=await counting.type_of(work, entry.asset_id) if entry.asset_id else None,
        site_id=entry.site_id,
        contract_id=entry.contract_id,
        description=" ".join(filter(None, (entry.ticket_number, entry.note)))[:500],
    )


async def ticket_resolved(work: Work, envelope: Envelope) -> None:
    """A ticket was resolved: a contract per ticket gives one of its pack."""
    if envelope.customerid is not None:
        await ticket_packs.resolved(work, envelope.read(tickets.TicketResolved).id, envelope.customerid)


async def block_expired(work: Work, payload: Payload) -> None:
    """The last day of a block has passed."""
    contract = await work.find(BilledContract, UUID(payload["contract"]))
    if contract is not None:
        await prepaid.expire(work, contract, on=days.local(work.at))


async def period_begins(work: Work, payload: Payload) -> None:
    """A period of a contract begins for which something is bought in advance."""
    contract = await work.find(BilledContract, UUID(payload["contract"]))
    if contract is not None and contract.next_grant == date.fromisoformat(payload["day"]):
        await prepaid.grant(work, contract)


async def issued(work: Work, payload: Payload) -> None:
    """A document was issued: its files are made and laid down."""
    await archive.make(work, UUID(payload["invoice"]))


async def asked_for(work: Work, payload: Payload) -> None:
    """A letter about late payment was written: its page is set and laid down."""
    await demands.make(work, UUID(payload["notice"]))


async def fell_due(work: Work, payload: Payload) -> None:
    """The day has passed on which a document had to be paid."""
    await settling.fell_due(work, UUID(payload["invoice"]))


CUSTOMERS = Consumer(name="accounts", events=tuple(_CUSTOMER), handle=customer_told)
MERGED = Consumer(name="merged_customers", events=(crm.CustomerMerged.type,), handle=customer_merged)
CONTRACTS = Consumer(name="contracts", events=tuple(_CONTRACT), handle=contract_told)
DEVICES = Consumer(
    name="devices",
    events=tuple(
        one.type for one in (assets.AssetDeployed, assets.AssetRetired, assets.AssetDisposed, assets.AssetMerged)
    ),
    handle=device_told,
)
TIME = Consumer(name="time", events=(tickets.TimeEntryApproved.type,), handle=time_approved)
TICKETS = Consumer(name="ticket_packs", events=(tickets.TicketResolved.type,), handle=ticket_resolved)
EXPIRE = Job(name=prepaid.EXPIRE_JOB, handle=block_expired)
GRANT = Job(name=prepaid.GRANT_JOB, handle=period_begins)
ARCHIVE = Job(name=archive.JOB, handle=issued)
LETTER = Job(name=demands.JOB, handle=asked_for)
OVERDUE = Job(name=settling.OVERDUE_JOB, handle=fell_due)
