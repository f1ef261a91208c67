"""What assets add to people and places of customers: what somebody uses, and what stands somewhere."""

from __future__ import annotations

from typing import Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.assets.service import assets as service
from subgraphs.assets.types.assets import READ, Asset, Status, TypeKey
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped


@entity(keys=["id"])
class Contact:
    """What somebody uses; the contact is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def assets(
        self, info: Info, status: Status = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[Asset] | None:
        """The assets that they use, by name."""
        wanted = {"status": status, "limit": bounded(limit), "offset": skipped(offset)}
        rows = await info.context.lists(service.of_contacts, self.id, READ, **wanted)
        return [Asset.of(row) for row in rows]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The contact that the graph is at."""
        return cls(id=id)


@entity(keys=["id"])
class Site:
    """What stands somewhere; the site is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def assets(
        self,
        info: Info,
        type: TypeKey = None,
        status: Status = None,
        limit: Limit = DEFAULT_LIMIT,
        offset: Offset = 0,
    ) -> list[Asset] | None:
        """The assets that stand there, by name."""
        wanted = {"type": type, "status": status, "limit": bounded(limit), "offset": skipped(offset)}
        rows = await info.context.lists(service.of_sites, self.id, READ, **wanted)
        return [Asset.of(row) for row in rows]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        """The site that the graph is at."""
        return cls(id=id)
