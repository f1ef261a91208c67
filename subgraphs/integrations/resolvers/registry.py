"""The registered modules: what can be asked."""

from __future__ import annotations

import strawberry

from subgraphs.integrations.service import registry
from subgraphs.integrations.types.registry import READ, ServiceRegistration
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped


@strawberry.type
class RegistryQuery:
    """What can be asked about the modules of the platform."""

    @strawberry.field
    async def registered_modules(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[ServiceRegistration]:
        """The modules that have announced themselves to the router, by name."""
        info.context.caller.require(READ)
        most, first = bounded(limit), skipped(offset)
        found = await registry.registered(info.context.settings, info.context.clock())
        return [ServiceRegistration.of(one) for one in found[first : first + most]]
