"""What assets tells the others: devices, where they are in their life, and when it ends."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime

from contracts.events.envelope import Event, catalogue


class _AssetFact(Event):
    """Something that happened to an asset."""

    subject_type = "Asset"

    asset_id: UUID
    customer_id: UUID | None
    """Whose it is; null for stock of our own."""


class AssetCreated(_AssetFact):
    """An asset was recorded."""

    type = "asset.created"

    name: str
    type_key: str
    """The key of its asset type: `server`, `workstation`, …"""


class AssetUpdated(_AssetFact):
    """An asset was changed, by whatever command: refresh the short copy."""

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

    installed_at: AwareDatetime | None = None
    """When it did, which may be long before somebody said so at `at`; absent in what was told before it was."""


class AssetRetired(_AssetLifecycle):
    """An asset went out of use."""

    type = "asset.retired"


class AssetDisposed(_AssetLifecycle):
    """An asset is gone for good."""

    type = "asset.disposed"


class AssetEol(_AssetFact):
    """The end of an asset's life comes nearer, or is reached: told once for each threshold."""

    type = "asset.eol"

    name: str
    eol_date: date
    threshold_days: int
    """365, 180, 90, 30 or 0 days before."""


class AssetWarrantyExpiring(_AssetFact):
    """The end of an asset's warranty comes nearer, or is reached: told once for each threshold."""

    type = "asset.warranty_expiring"

    name: str
    warranty_until: date
    threshold_days: int
    """90, 30 or 0 days before."""


class AssetStale(_AssetFact):
    """Nobody has seen an asset in use for thirty days: it may be gone, or its agent is. Told again when it was seen in between."""

    type = "asset.stale"

    name: str
    type_key: str
    last_seen_at: AwareDatetime
    days: int
    """For how many days nobody has seen it."""


class CertificateExpiring(_AssetFact):
    """A certificate runs out, or has: told once for each threshold, beside `asset.eol`."""

    type = "certificate.expiring"

    name: str
    expires_on: date
    threshold_days: int
    """365, 180, 90, 30 or 0 days before."""


class AssetMerged(_AssetFact):
    """Two records were one device: this one is gone, and the other has all that was its."""

    type = "asset.merged"

    into_id: UUID


class _LicenseFact(Event):
    subject_type = "License"

    license_id: UUID
    customer_id: UUID
    product: str


class LicenseAssigned(_LicenseFact):
    """Somebody was given a seat."""

    type = "license.assigned"

    seat_id: UUID
    principal: str
    contact_id: UUID | None = None
    asset_id: UUID | None = None


class LicenseRevoked(_LicenseFact):
    """Somebody's seat was taken back."""

    type = "license.revoked"

    seat_id: UUID
    principal: str


class LicenseComplianceChanged(_LicenseFact):
    """What was bought fits what is used better or worse than before."""

    type = "license.compliance_changed"

    status: str
    """COMPLIANT, UNDER_LICENSED, OVER_LICENSED or EXPIRED."""
    entitled: int
    consumed: int
    reclaimable: int


class LicenseRenewalDue(_LicenseFact):
    """A licence is to be renewed soon, or to be given up."""

    type = "license.renewal_due"

    renewal_date: date
    threshold_days: int
    """60 or 14 days before."""


CATALOGUE = catalogue(
    AssetWarrantyExpiring,
    AssetStale,
    CertificateExpiring,
    AssetMerged,
    LicenseAssigned,
    LicenseRevoked,
    LicenseComplianceChanged,
    LicenseRenewalDue,
    AssetCreated,
    AssetUpdated,
    AssetDeployed,
    AssetRetired,
    AssetDisposed,
    AssetEol,
)
"""Every event of assets by its type."""
