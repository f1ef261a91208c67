"""What assets tells the others: devices and licences, where they are in their life, and when it ends."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.envelope import Event, catalogue


class _AssetFact(Event):
    subject_type = "Asset"

    asset_id: UUID
    customer_id: UUID


class AssetCreated(_AssetFact):
    """An asset was recorded."""

    type = "asset.created"

    name: str
    type_key: str
    """The key of its asset type: `server`, `workstation`, …"""


class AssetUpdated(_AssetFact):
    """An asset was changed."""

    type = "asset.updated"

    name: str
    type_key: str
    changed: tuple[str, ...]
    """The fields that changed, by their names in GraphQL."""


class _AssetLifecycle(_AssetFact):
    type_key: str
    counts_as_device: bool
    """Whether contracts that bill per device count it."""
    at: AwareDatetime


class AssetDeployed(_AssetLifecycle):
    """An asset went into use at a customer."""

    type = "asset.deployed"


class AssetRetired(_AssetLifecycle):
    """An asset went out of use."""

    type = "asset.retired"


class AssetDisposed(_AssetLifecycle):
    """An asset is gone for good; its licence assignments end."""

    type = "asset.disposed"


class AssetMerged(Event):
    """Two records turned out to be one asset: whatever points at the source points at the target from now on."""

    type = "asset.merged"
    subject_type = "Asset"

    source_id: UUID
    target_id: UUID


class AssetStale(_AssetFact):
    """No source has seen the asset for a while."""

    type = "asset.stale"

    last_seen_at: AwareDatetime | None = None


class AssetEol(_AssetFact):
    """The end of an asset's life comes nearer, or is reached: told once for each threshold."""

    type = "asset.eol"

    name: str
    eol_date: date
    threshold_days: int
    """365, 180, 90, 30 or 0 days before."""


class AssetWarrantyExpiring(_AssetFact):
    """The warranty of an asset ends soon."""

    type = "asset.warranty_expiring"

    name: str
    warranty_until: date
    threshold_days: int


class LicenseComplianceChanged(Event):
    """More or fewer licences are used than were bought, or it is in order again."""

    type = "license.compliance_changed"
    subject_type = "License"

    license_id: UUID
    status: str
    """COMPLIANT, UNDER_LICENSED, OVER_LICENSED, EXPIRED or UNKNOWN."""
    entitled: int
    consumed: int
    reclaimable: int
    """Assigned, but not used."""


CATALOGUE = catalogue(
    AssetCreated,
    AssetUpdated,
    AssetDeployed,
    AssetRetired,
    AssetDisposed,
    AssetMerged,
    AssetStale,
    AssetEol,
    AssetWarrantyExpiring,
    LicenseComplianceChanged,
)
"""Every event of assets by its type."""
