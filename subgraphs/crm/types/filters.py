"""Which customers and which people a caller wants to see."""

from __future__ import annotations

import strawberry

from subgraphs.crm.rules.customers import ContactRole, CustomerKind, CustomerStatus
from subgraphs.crm.types.custom_fields import CustomFieldFilter
from subgraphs.kit.filters import TimeRange


@strawberry.input
class CustomerExternalIdInput:
    """What another system calls a customer."""

    system: str
    """The system, in small letters: `datev`."""
    id: str
    """What it is called there."""


@strawberry.input
class CustomerFilter:
    """Which customers: all that is given must hold."""

    group_id: strawberry.ID | None = None
    """In this group."""
    custom_fields: list[CustomFieldFilter] | None = None
    """With these values in your own fields."""
    status: list[CustomerStatus] | None = None
    """In one of these statuses."""
    kind: list[CustomerKind] | None = None
    """Of one of these kinds."""
    parent_id: strawberry.ID | None = None
    """Belonging to this customer."""
    account_manager_id: strawberry.ID | None = None
    """In the care of this user."""
    is_business: bool | None = None
    """Businesses, or consumers."""
    tag: str | None = None
    """With this tag."""
    avv_signed: bool | None = None
    """With a signed contract on data processing, or without one."""
    holiday_region: str | None = None
    """Keeping the holidays of this region."""
    external_id: CustomerExternalIdInput | None = None
    """The one that another system calls so."""
    health_score_at_most: int | None = None
    """Not doing better than that; only for those who work here."""
    created_at: TimeRange | None = None
    """Written down in this span of time."""
    updated_at: TimeRange | None = None
    """Last changed in this span of time."""


@strawberry.input
class ContactFilter:
    """Which people: all that is given must hold."""

    custom_fields: list[CustomFieldFilter] | None = None
    """With these values in your own fields."""
    customer_id: strawberry.ID | None = None
    """Working for this customer."""
    site_id: strawberry.ID | None = None
    """Working at this site."""
    role: ContactRole | None = None
    """With this role."""
    email: str | None = None
    """With exactly this e-mail address."""
    active: bool | None = None
    """Those who are there, or those who left."""
    is_vip: bool | None = None
    """Those who are served before others, or all the others."""
