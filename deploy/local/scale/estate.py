"""The rows of asset management: devices, where they stand, what depends on what, licences; and the timers that watch them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from deploy.local.scale import words
from deploy.local.scale.bulk import Row, Table
from deploy.local.scale.customers import REFERENCE, Customer, Device, Rows, device_name, references
from deploy.local.scale.sizes import identity
from deploy.local.scale.timers import JOB, timer
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.service.timers import EOL_JOB, WARRANTY_JOB
from subgraphs.assets.service.zones import USUAL

_WARRANTY_DAYS = 1095
_LIFE_DAYS = 1825

ASSET = Table(
    "asset",
    ("id", "created_at", "name", "type", "customer_id", "site_id", "asset_tag", "serial_number", "manufacturer", "model", "hostname",
     "os", "ip_addresses", "mac_addresses", "status", "criticality", "purchase_date", "warranty_until", "eol_date", "installed_at",
     "retired_at", "last_seen_at", "eol_told", "warranty_told"),
    {"managed": True, "attributes": {}},
)  # fmt: skip
STAY = Table("asset_stay", ("id", "created_at", "asset_id", "customer_id", "site_id", "since"))
RELATION = Table("asset_relation", ("id", "created_at", "customer_id", "source_id", "target_id", "kind"))
LICENSE = Table(
    "license",
    ("id", "created_at", "customer_id", "product", "vendor", "purchased", "renewal_date", "end_date", "cost_per_unit"),
    {"metric": "USER", "includes": [], "compliance": "COMPLIANT"},
)


def rows(customers: Sequence[Customer], now: datetime) -> Rows:
    """What asset management keeps of these customers."""
    devices = [(one, device) for one in customers for device in one.devices]
    return [
        (REFERENCE, [row for one in customers for row in references(one, "Customer", "Site")]),
        (ASSET, [_asset(one, device, now) for one, device in devices]),
        (STAY, [_stay(one, device) for one, device in devices]),
        (RELATION, [row for one in customers for row in _relations(one)]),
        (LICENSE, [_license(one, now.date()) for one in customers]),
        (JOB, [row for _, device in devices for row in _timers(device, now)]),
    ]


def bought(device: Device, began: datetime) -> date:
    """The day on which it was bought: some long before everything here began."""
    return began.date() + timedelta(days=device.number * 37 % 1000 - 400)


def _asset(one: Customer, device: Device, now: datetime) -> Row:
    machine, day = words.MACHINES[device.machine], bought(device, one.began)
    warranty, end = day + timedelta(days=_WARRANTY_DAYS), day + timedelta(days=_LIFE_DAYS)
    number = device.number
    mac = ":".join(f"{number * 7919 >> shift & 255:02x}" for shift in (40, 32, 24, 16, 8, 0))
    return (
        device.id, one.began, device_name(one, device), machine["type"], one.id, one.sites[number % len(one.sites)], f"A-{number:06}",
        f"SN{number * 7919 % 10**9:09}", machine["manufacturer"], machine["model"], f"{machine['type'][:2]}-{number:05}",
        machine["os"] or None, json.dumps([f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"]), json.dumps([mac]),
        device.status, ("LOW", "MEDIUM", "HIGH", "CRITICAL")[number % 7 % 4], day, warranty, end, one.began,
        one.began + timedelta(days=500) if device.status == "RETIRED" else None, now - timedelta(hours=number % 200),
        _told(end, now, rules.THRESHOLDS), _told(warranty, now, rules.WARRANTY_THRESHOLDS),
    )  # fmt: skip


def _told(day: date, now: datetime, thresholds: Sequence[int]) -> int | None:
    """The threshold that was told last, as its timer would have left it."""
    return min((days for days in thresholds if day - timedelta(days=days) <= now.date()), default=None)


def _stay(one: Customer, device: Device) -> Row:
    return (identity("stay", one.began, device.number), one.began, device.id, one.id, one.sites[device.number % len(one.sites)], one.began)  # fmt: skip


def _relations(one: Customer) -> Iterator[Row]:
    """Everything hangs on the first server, and the server on a firewall."""
    by_type: dict[str, list[Device]] = {}
    for device in one.devices:
        by_type.setdefault(words.MACHINES[device.machine]["type"], []).append(device)
    server, firewall = by_type.get("server", [])[:1], by_type.get("firewall", [])[:1]
    for device in one.devices:
        target = firewall if device in server else server
        if target and device not in firewall and device is not target[0]:
            kind = "CONNECTED_TO" if device in server else "USES"
            yield (identity("relation", one.began, device.number), one.began, one.id, device.id, target[0].id, kind)


def _license(one: Customer, today: date) -> Row:
    renewal = today + timedelta(days=one.place * 13 % 400)
    return (identity("licence", one.began, one.place), one.began, one.id, "Microsoft 365 Business Premium", "Microsoft",
            len(one.contacts) + 2, renewal, renewal, "19.60")  # fmt: skip


def _timers(device: Device, now: datetime) -> Iterator[Row]:
    """What is to be told later, as the commands would have it set."""
    if device.status not in {status.value for status in rules.ACTIVE}:
        return
    day = bought(device, datetime.fromtimestamp((device.id.int >> 80) / 1000, UTC))
    for job, name, end, thresholds in (
        (EOL_JOB, "eol", day + timedelta(days=_LIFE_DAYS), rules.THRESHOLDS),
        (WARRANTY_JOB, "until", day + timedelta(days=_WARRANTY_DAYS), rules.WARRANTY_THRESHOLDS),
    ):
        threshold = rules.next_threshold(end, _told(end, now, thresholds), now, thresholds, zone=ZoneInfo(USUAL))
        if threshold is not None:
            yield timer(job, {"asset": str(device.id), name: end.isoformat(), "days": threshold.days}, threshold.at)
