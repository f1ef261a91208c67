"""What asset management does: every write to an asset is here, and every event that follows from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from contracts.events import assets as events
from subgraphs.assets.errors import WipeMissing
from subgraphs.assets.models import Asset, AssetType
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.rules.assets import AssetStatus, Move, SystemType
from subgraphs.assets.service import kinds, licenses, software, stays, timers
from subgraphs.kit import references
from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.filters import conditions, containing
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import Order
from subgraphs.kit.shapes import camel, line, optional_line
from subgraphs.kit.work import Work

BY_NAME = Order((Asset.name,))

# --- reading


async def find(work: Work, identity: str) -> Asset | None:
    """The asset with this UUID, or None."""
    key = parsed(identity)
    return None if key is None else await work.find(Asset, key)


def selected(*, wanted: Any = None, search: str | None = None) -> Select[Asset]:
    """The query for assets of this filter and search."""
    words = containing(search, Asset.name, Asset.asset_tag, Asset.serial_number, Asset.hostname)
    return select(Asset).where(*conditions(Asset, wanted), *words)


async def listed(
    work: Work, *, type: str | None, status: AssetStatus | None, customer_id: str | None, limit: int, offset: int
) -> Sequence[Asset]:
    """Assets of the tenant or of one customer, by name."""
    query = select(Asset).where(*_narrowed(type, status)).order_by(Asset.name, Asset.id).limit(limit).offset(offset)
    if customer_id is not None:
        query = query.where(Asset.customer_id == (parsed(customer_id) or UUID(int=0)))
    return (await work.session.scalars(query)).all()


async def of_sites(
    work: Work, sites: Sequence[UUID], *, type: str | None, status: AssetStatus | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[Asset]]:
    """What stands at each site, by name."""
    where, order = _narrowed(type, status), (Asset.name, Asset.id)
    return await work.per_parent(Asset, Asset.site_id, sites, where=where, order=order, limit=limit, offset=offset)


async def of_contacts(
    work: Work, contacts: Sequence[UUID], *, status: AssetStatus | None, limit: int, offset: int
) -> Mapping[UUID, Sequence[Asset]]:
    """What each person uses, by name."""
    where, order = _narrowed(None, status), (Asset.name, Asset.id)
    return await work.per_parent(
        Asset, Asset.contact_id, contacts, where=where, order=order, limit=limit, offset=offset
    )


async def of_customers(
    work: Work,
    customers: Sequence[UUID],
    *,
    type: str | None,
    status: AssetStatus | None,
    limit: int,
    offset: int,
) -> Mapping[UUID, Sequence[Asset]]:
    """The assets of each customer, by name."""
    where, order = _narrowed(type, status), (Asset.name, Asset.id)
    return await work.per_parent(
        Asset, Asset.customer_id, customers, where=where, order=order, limit=limit, offset=offset
    )


def _narrowed(type: str | None, status: AssetStatus | None) -> list[ColumnElement[bool]]:
    of_type = [] if type is None else [Asset.type == type]
    return of_type if status is None else [*of_type, Asset.status == status]


# --- creating and changing


async def create(
    work: Work,
    *,
    status: AssetStatus,
    customer_id: UUID | None = None,
    site_id: UUID | None = None,
    contact_id: UUID | None = None,
    installed_at: datetime | None = None,
    **described: Any,
) -> Asset:
    """Record an asset, wherever it is in the first half of its life."""
    rules.check_start(status)
    rules.check_moment(installed_at, field="installedAt")
    rules.check_owner(status, has_customer=customer_id is not None)
    await _check_customer(work, customer_id)
    await _check_site(work, site_id, customer_id)
    kind = await kinds.known(work, described["type"], field="type")
    kinds.check_attributes(kind, described.get("attributes"))
    in_use = status in rules.IN_USE
    asset = work.add(
        Asset(
            status=status,
            installed_at=installed_at or (work.at if in_use else None),
            **_place(customer_id, site_id, contact_id),
            **checked(described),
        )
    )
    await timers.say(work, asset, events.AssetCreated(**timers.whose(asset), name=asset.name, type_key=asset.type))
    if in_use:
        await timers.say(
            work, asset, events.AssetDeployed(**_moment(work, asset, kind), installed_at=asset.installed_at)
        )
    await timers.watch_eol(work, asset)
    await timers.watch_warranty(work, asset)
    await timers.watch_sight(work, asset, before=None)
    await stays.note(work, asset)
    return asset


async def change(work: Work, id: UUID, version: int | None = None, **described: Any) -> Asset:
    """Change what describes the asset; where it is and whose it is have commands of their own."""
    asset = await work.take(Asset, id, field="id", version=version)
    rules.check_changeable(asset.status)
    kind = await kinds.known(work, described.get("type", asset.type), field="type")
    if "attributes" in described:
        kinds.check_attributes(kind, described["attributes"])
    before, seen = asset.warranty_until, asset.last_seen_at
    await _become(work, asset, checked(described))
    await timers.watch_sight(work, asset, before=seen)
    if asset.warranty_until != before:
        await timers.rearm_warranty(work, asset)
    return asset


async def set_eol_dates(work: Work, id: UUID, version: int | None = None, **dates: date | None) -> Asset:
    """Say when the maker stops selling or supporting it; what lies ahead of the new date will be told."""
    asset = await work.take(Asset, id, field="id", version=version)
    rules.check_changeable(asset.status)
    values = checked(dates)
    moved = "eol_date" in values and values["eol_date"] != asset.eol_date
    await _become(work, asset, values)
    if moved:
        await timers.rearm_eol(work, asset)
    return asset


async def relocate(work: Work, id: UUID, version: int | None = None, **place: UUID | None) -> Asset:
    """Give the asset to another customer, site or contact; those of another customer are left behind."""
    asset = await work.take(Asset, id, field="id", version=version)
    rules.check_place(asset.status)
    await _become(work, asset, await _new_place(work, asset, place, asset.status))
    return asset


# --- its life


async def order(work: Work, id: UUID, version: int | None = None) -> Asset:
    """Say that a planned asset was bought."""
    return await _simply(work, Move.ORDER, id, version)


async def receive(work: Work, id: UUID, version: int | None = None) -> Asset:
    """Say that an ordered asset has arrived."""
    return await _simply(work, Move.RECEIVE, id, version)


async def deploy(
    work: Work, id: UUID, version: int | None = None, installed_at: datetime | None = None, **place: UUID | None
) -> Asset:
    """Put an asset from stock into use at a customer."""
    asset = await work.take(Asset, id, field="id", version=version)
    status = rules.moved(Move.DEPLOY, asset.status)
    rules.check_moment(installed_at, field="installedAt")
    where = await _new_place(work, asset, place, status)
    await _become(work, asset, {"status": status, "installed_at": installed_at or work.at, **where})
    kind = await kinds.known(work, asset.type, field="id")
    await timers.say(work, asset, events.AssetDeployed(**_moment(work, asset, kind), installed_at=asset.installed_at))
    return asset


async def start_maintenance(work: Work, id: UUID, version: int | None = None) -> Asset:
    """Take an asset out of use for a while."""
    return await _simply(work, Move.START_MAINTENANCE, id, version)


async def end_maintenance(work: Work, id: UUID, version: int | None = None) -> Asset:
    """Give an asset back into use."""
    return await _simply(work, Move.END_MAINTENANCE, id, version)


async def retire(work: Work, id: UUID, version: int | None = None) -> Asset:
    """Take an asset out of use for good."""
    asset = await _simply(work, Move.RETIRE, id, version, retired_at=work.at)
    kind = await kinds.known(work, asset.type, field="id")
    await timers.say(work, asset, events.AssetRetired(**_moment(work, asset, kind)))
    return asset


async def dispose(work: Work, id: UUID, version: int | None = None, wipe_certificate: str | None = None) -> Asset:
    """Say that a retired asset is gone for good; what may hold data needs a certificate that it was wiped."""
    certificate = optional_line(wipe_certificate, field="wipeCertificate")
    asset = await _simply(work, Move.DISPOSE, id, version, wipe_certificate=certificate)
    kind = await kinds.known(work, asset.type, field="id")
    if certificate is None and rules.holds_data(kind.key, await kinds.holders(work)):
        raise WipeMissing(
            "This may hold data of people: name the certificate that it was wiped.", field="wipeCertificate"
        )
    await licenses.end_those_of(work, asset)
    await software.forget(work, asset.id)
    await timers.say(work, asset, events.AssetDisposed(**_moment(work, asset, kind)))
    return asset


async def report_lost(work: Work, id: UUID, version: int | None = None) -> Asset:
    """Say that nobody knows where an asset is."""
    return await _simply(work, Move.REPORT_LOST, id, version)


# --- what the above share


async def _simply(work: Work, move: Move, id: UUID, version: int | None, **also: Any) -> Asset:
    asset = await work.take(Asset, id, field="id", version=version)
    await _become(work, asset, {"status": rules.moved(move, asset.status), **also})
    return asset


async def _become(work: Work, asset: Asset, values: Mapping[str, Any]) -> None:
    """Take over these values and tell which of them are new; nothing new, nothing told."""
    changed = tuple(camel(name) for name, value in values.items() if getattr(asset, name) != value)
    for name, value in values.items():
        setattr(asset, name, value)
    if {"customer_id", "site_id", "contact_id"} & values.keys():
        await stays.note(work, asset)
    if "customerId" in changed:
        await software.follow(work, asset)
    if changed:
        updated = events.AssetUpdated(**timers.whose(asset), name=asset.name, type_key=asset.type, changed=changed)
        await timers.say(work, asset, updated)


async def _new_place(
    work: Work, asset: Asset, given: Mapping[str, UUID | None], status: AssetStatus
) -> dict[str, UUID | None]:
    """Where the asset is after `given` in `status`; another customer's asset keeps neither site nor contact."""
    customer = given.get("customer_id", asset.customer_id)
    rules.check_owner(status, has_customer=customer is not None)
    stays = customer == asset.customer_id
    if not stays:
        await _check_customer(work, customer)
    site = given.get("site_id", asset.site_id if stays else None)
    if site != asset.site_id or not stays:
        await _check_site(work, site, customer)
    contact = given.get("contact_id", asset.contact_id if stays else None)
    return _place(customer, site, contact)


def _place(customer: UUID | None, site: UUID | None, contact: UUID | None) -> dict[str, UUID | None]:
    if contact is not None and customer is None:
        raise Invalid("Nobody at a customer uses an asset that is no customer's.", field="contactId")
    return {"customer_id": customer, "site_id": site, "contact_id": contact}


async def _check_customer(work: Work, customer: UUID | None) -> None:
    if customer is None:
        _check_unlimited(work, "Assets of no customer are not for those who work for some of them.", field="customerId")
    else:
        await references.require(work, "Customer", customer, field="customerId")


async def _check_site(work: Work, site: UUID | None, customer: UUID | None) -> None:
    if site is not None and (await references.require(work, "Site", site, field="siteId")).customer_id != customer:
        raise Invalid("This site is not one of the asset's customer.", field="siteId")


def _check_unlimited(work: Work, message: str, *, field: str) -> None:
    if work.caller.customers is not None:
        raise Forbidden(message, field=field)


def _moment(work: Work, asset: Asset, kind: SystemType | AssetType) -> dict[str, Any]:
    counts = {"type_key": kind.key, "counts_as_device": kind.counts_as_device}
    return {**timers.whose(asset), **counts, "at": work.at}


# --- what may be entered


def checked(entered: Mapping[str, Any]) -> dict[str, Any]:
    """What was entered, in the spelling that is stored; raises `Invalid` for what makes no sense."""
    return {name: _CHECKS[name](value) for name, value in entered.items()}


def _required(value: Any, *, field: str) -> Any:
    if value is None:
        raise Invalid(f"{field} must not be removed.", field=field)
    return value


_TEXTS = (
    "asset_tag", "serial_number", "manufacturer", "model", "hostname", "os", "os_version", "cpu", "supplier", "invoice_ref",
    "last_seen_source", "rmm_ref", "secrets_ref",
)  # fmt: skip
_DAYS = ("purchase_date", "warranty_until", "eol_date", "eos_date")

_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "name": functools.partial(line, field="name"),
    "type": functools.partial(_required, field="type"),
    "managed": functools.partial(_required, field="managed"),
    "criticality": functools.partial(_required, field="criticality"),
    "mac_addresses": lambda entered: rules.mac_addresses(entered or ()),
    "ip_addresses": lambda entered: rules.ip_addresses(entered or ()),
    "useful_life_months": rules.check_life,
    "ram_mb": functools.partial(rules.check_size, field="ramMb"),
    "disk_gb": functools.partial(rules.check_size, field="diskGb"),
    "purchase_price": functools.partial(rules.check_price, field="purchasePrice"),
    "last_seen_at": functools.partial(rules.check_moment, field="lastSeenAt"),
    "attributes": kinds.attributes,
    **{name: functools.partial(optional_line, field=camel(name)) for name in _TEXTS},
    **{name: functools.partial(rules.check_day, field=camel(name)) for name in _DAYS},
}


def of_customer(customer_id: str | None) -> Callable[[Asset], bool] | None:
    """What tells the assets of one customer; None means all."""
    return None if customer_id is None else lambda asset: asset.customer_id == parsed(customer_id)
