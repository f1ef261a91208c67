"""What crm tells the others: customers, the people who work there, and their sites."""

from __future__ import annotations

from uuid import UUID

from contracts.events.envelope import Event, catalogue


class _CustomerFact(Event):
    subject_type = "Customer"

    id: UUID
    number: str
    """The number that people use for the customer."""
    name: str
    status: str
    """ACTIVE, ON_HOLD, INACTIVE or BLOCKED; treat what you don't know as INACTIVE."""
    parent_id: UUID | None = None
    """The customer to which it belongs."""
    changed: tuple[str, ...] = ()
    """The fields that changed, by their names in GraphQL; empty when the customer is new."""


class CustomerCreated(_CustomerFact):
    """A customer was created: whoever keeps a short copy of customers adds it."""

    type = "customer.created"


class CustomerUpdated(_CustomerFact):
    """A customer was changed: refresh the short copy."""

    type = "customer.updated"


class CustomerBlocked(Event):
    """A customer was blocked: no new work is taken on for it."""

    type = "customer.blocked"
    subject_type = "Customer"

    id: UUID
    reason: str | None = None


class _ContactFact(Event):
    subject_type = "Contact"

    id: UUID
    customer_id: UUID
    name: str = ""
    """First and last name."""
    email: str | None = None
    is_vip: bool = False
    """Whether they are heard first."""
    changed: tuple[str, ...] = ()
    """The fields that changed, by their names in GraphQL; empty when the contact is new."""


class ContactCreated(_ContactFact):
    """A contact was created."""

    type = "contact.created"


class ContactUpdated(_ContactFact):
    """A contact was changed."""

    type = "contact.updated"


class ContactDeactivated(Event):
    """A contact left its company, or may no longer act for it."""

    type = "contact.deactivated"
    subject_type = "Contact"

    id: UUID
    customer_id: UUID


class _SiteFact(Event):
    subject_type = "Site"

    id: UUID
    customer_id: UUID
    name: str
    changed: tuple[str, ...] = ()
    """The fields that changed, by their names in GraphQL; empty when the site is new."""


class SiteCreated(_SiteFact):
    """A site was created."""

    type = "site.created"


class SiteUpdated(_SiteFact):
    """A site was changed."""

    type = "site.updated"


CATALOGUE = catalogue(
    CustomerCreated,
    CustomerUpdated,
    CustomerBlocked,
    ContactCreated,
    ContactUpdated,
    ContactDeactivated,
    SiteCreated,
    SiteUpdated,
)
"""Every event of crm by its type."""
