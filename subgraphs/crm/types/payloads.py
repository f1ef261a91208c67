"""What became of commands on customers, their sites, the people who work there, and groups."""

from __future__ import annotations

import strawberry

from subgraphs.crm.types.customers import Contact, Customer, CustomerGroup, Site
from subgraphs.kit.values import UserError


@strawberry.type
class CustomerPayload:
    """What became of a command on a customer."""

    customer: Customer | None = None
    """The customer as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class SitePayload:
    """What became of a command on a site."""

    site: Site | None = None
    """The site as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class ContactPayload:
    """What became of a command on a contact."""

    contact: Contact | None = None
    """The person as they are now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class CustomerGroupPayload:
    """What became of a command on a group."""

    customer_group: CustomerGroup | None = None
    """The group as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
