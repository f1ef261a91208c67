"""The ways into billing without a request: customers and devices that others tell of, and blocks whose time is up."""

from __future__ import annotations

from uuid import UUID

from contracts.events import assets, crm
from contracts.events.envelope import Envelope
from subgraphs.billing.models.agreements import BilledContract
from subgraphs.billing.service import accounts, counting, prepaid
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
EXPIRE = Job(name=prepaid.EXPIRE_JOB, handle=block_expired)
