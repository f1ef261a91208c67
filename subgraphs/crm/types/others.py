"""What customer management adds to the entities of other modules, and how it points at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Self

import strawberry
from strawberry.federation import type as entity
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from subgraphs.crm.service import colleagues
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped

if TYPE_CHECKING:
    from subgraphs.crm.types.customers import Customer
    from subgraphs.crm.types.sales import Opportunity

POINTED_AT = Key(fields=FieldSet("id"), resolvable=False)
"""We point at it and know no more of it than its identifier."""

READ_CUSTOMERS: Final = "customers:read"
READ_OPPORTUNITIES: Final = "opportunities:read"

LazyCustomer = Annotated["Customer", strawberry.lazy("subgraphs.crm.types.customers")]
LazyOpportunity = Annotated["Opportunity", strawberry.lazy("subgraphs.crm.types.sales")]


@entity(keys=["id"])
class User:
    """What somebody looks after; the user is `auth`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def owned_customers(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[LazyCustomer] | None:
        """The customers that they look after, by name."""
        from subgraphs.crm.types.customers import Customer  # noqa: PLC0415 - customers name their manager

        wanted = {"limit": bounded(limit), "offset": skipped(offset)}
        rows = await info.context.lists(colleagues.customers_of, self.id, READ_CUSTOMERS, **wanted)
        return [Customer.of(row) for row in rows]

    @strawberry.field
    async def open_opportunities(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[LazyOpportunity] | None:
        """Their open opportunities, those first that close first."""
        from subgraphs.crm.types.sales import Opportunity  # noqa: PLC0415 - they name their owner

        wanted = {"limit": bounded(limit), "offset": skipped(offset)}
        rows = await info.context.lists(colleagues.opportunities_of, self.id, READ_OPPORTUNITIES, **wanted)
        return [Opportunity.of(row) for row in rows]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The user that the graph is at."""
        return cls(id=id)


@entity(keys=[POINTED_AT])
class Asset:
    """What contracts cover; the asset is `assets`'."""

    id: strawberry.ID
    """The identifier: a UUID."""


@entity(keys=[POINTED_AT])
class Product:
    """What is agreed and offered; the product is `billing`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""


def user(identity: strawberry.ID | None) -> User | None:
    """The user with this id, if somebody is named."""
    return User(id=identity) if identity else None
