"""Who may learn that something happened: the permission that one needs to hear of an event, by what it happened to.

Whoever hears of events without reading the row again (a webhook, the feed of changes) goes by this. What is not listed
here is for administrators of the tenant alone: a new kind of thing is nobody else's business until somebody says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from contracts.scopes import covers

AUDIENCE: Mapping[str, str] = MappingProxyType(
    {
        "Activity": "opportunities:read",
        "ApiKey": "apikeys:read",
        "Appointment": "tickets:read",
        "Asset": "assets:read",
        "AssetType": "assets:read",
        "AuditEntry": "audit:read",
        "BackupJob": "backup:read",
        "BackupRun": "backup:read",
        "BillableItem": "invoices:read",
        "BillingRun": "invoices:read",
        "Contact": "customers:read",
        "Contract": "contracts:read",
        "ContractLine": "contracts:read",
        "Customer": "customers:read",
        "Delivery": "notifications:read",
        "DunningNotice": "dunning:read",
        "ExportBatch": "datev:export",
        "InboundInvoice": "payments:read",
        "InboundMessage": "webhooks:read",
        "Invoice": "invoices:read",
        "KbArticle": "kb:read",
        "LegalEntity": "invoices:read",
        "License": "licenses:read",
        "MaintenanceWindow": "maintenance:read",
        "MonitoringAlert": "monitoring:read",
        "Notification": "notifications:read",
        "Opportunity": "opportunities:read",
        "Page": "oncall:read",
        "Payment": "payments:read",
        "Product": "products:read",
        "Project": "projects:read",
        "ProjectTask": "projects:read",
        "QbrReport": "qbr:read",
        "Quote": "quotes:read",
        "Report": "reports:read",
        "SecurityAlert": "security:read",
        "SecurityEvent": "audit:read",
        "SecurityIncident": "security:read",
        "ServiceRegistration": "integrations:read",
        "Site": "customers:read",
        "SlaClock": "sla:read",
        "SoftwareProduct": "licenses:read",
        "Team": "users:read",
        "Ticket": "tickets:read",
        "TimeEntry": "time:read",
        "User": "users:read",
        "WebhookSubscription": "webhooks:read",
        "Workflow": "workflows:read",
        "WorkflowRun": "workflows:read",
    }
)
"""The GraphQL types that events are about, each with the permission that shows it."""

NOBODY_ELSE: Final = "tenant:admin"
"""What one needs for everything that is not listed."""

_NOTES: Final = "tickets:read_internal"
_INTERNAL: Final = frozenset({"INTERNAL_NOTE", "SYSTEM"})
"""The kinds of messages of a ticket that customers may not learn of."""


def permission(subject_type: str, data: Mapping[str, Any]) -> str:
    """The permission that shows an event about a thing of this type with this payload."""
    if subject_type == "Ticket" and data.get("kind") in _INTERNAL:
        return _NOTES
    return AUDIENCE.get(subject_type, NOBODY_ELSE)


EVERY: Final = frozenset({*AUDIENCE.values(), NOBODY_ELSE, _NOTES})
"""Every permission that shows some event."""


def shows(held: Collection[str], wanted: str) -> bool:
    """Whether somebody who holds `held` may learn of what needs `wanted`; notes of a ticket need the ticket, too."""
    return covers(held, wanted) and (wanted != _NOTES or covers(held, "tickets:read"))
