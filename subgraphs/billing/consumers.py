"""The ways into billing without a request: customers and devices that others tell of, and blocks whose time is up."""

from __future__ import annotations

from uuid import UUID

from contracts.events import assets, crm, tickets
from contracts.events.envelope import Envelope
from subgraphs.billing.models.agreements import BilledContract
from subgraphs.billing.service import accounts, counting, prepaid, rating
from subgraphs.kit import references
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work

_CUSTOMER = {event.type: event for event in (crm.CustomerCreated, crm.CustomerUpdated)}


async def customer_told(work: Work, envelope: Envelope) -> None:
    """A customer was created or changed: it is known under this name."""
    told = envelope.read(_CUSTOMER[envelope.type])
    await references.learn(work, "Customer", told.id, name=told.name, customer=told.id, at=envelope.time)
    await accounts.learn(work, told.id, number=told.number, name=told.name, at=envelope.time)


async def device_told(work: Work, envelope: Envelope) -> None:
    """A device went into use or out of it: contracts per device count it, or no longer."""
    if envelope.type == assets.AssetDeployed.type:
        deployed = envelope.read(assets.AssetDeployed)
        if deployed.customer_id is not None:
            await counting.deployed(
                work, deployed.asset_id, customer_id=deployed.customer_id, type_key=deployed.type_key,
                counts=deployed.counts_as_device, at=deployed.at,
            )  # fmt: skip
        return
    kind = assets.AssetRetired if envelope.type == assets.AssetRetired.type else assets.AssetDisposed
    gone = envelope.read(kind)
    await counting.withdrawn(work, gone.asset_id, at=gone.at)


async def time_approved(work: Work, envelope: Envelope) -> None:
    """Time was approved: it is covered, taken from a balance, or goes onto the next invoice."""
    told = envelope.read(tickets.TimeEntryApproved)
    if told.customer_id is None or not told.is_billable:
        return
    if told.billable_minutes == 0 or not await rating.forget_untouched(work, told.id):
        return
    await rating.rate_time(
        work,
        time_entry_id=told.id,
        customer_id=told.customer_id,
        service_date=told.service_date,
        minutes=told.billable_minutes,
        after_hours_minutes=told.charged_after_hours_minutes,
        multiplier=told.multiplier,
        after_hours_multiplier=told.after_hours_multiplier,
        work_type=told.work_type_key,
        ticket_id=told.work_item.id if told.work_item.type == "TICKET" else None,
        ticket_type=told.ticket_type,
        asset_id=told.asset_id,
        site_id=told.site_id,
        contract_id=told.contract_id,
        description=" ".join(filter(None, (told.ticket_number, told.note)))[:500],
    )


async def block_expired(work: Work, payload: Payload) -> None:
    """The last day of a block has passed."""
    contract = await work.find(BilledContract, UUID(payload["contract"]))
    if contract is not None:
        await prepaid.expire(work, contract, on=work.at.date())


CUSTOMERS = Consumer(name="accounts", events=tuple(_CUSTOMER), handle=customer_told)
DEVICES = Consumer(
    name="devices",
    events=(assets.AssetDeployed.type, assets.AssetRetired.type, assets.AssetDisposed.type),
    handle=device_told,
)
TIME = Consumer(name="time", events=(tickets.TimeEntryApproved.type,), handle=time_approved)
EXPIRE = Job(name=prepaid.EXPIRE_JOB, handle=block_expired)
