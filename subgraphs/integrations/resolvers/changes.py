"""The feed of changes: what can be asked."""

from __future__ import annotations

from typing import Annotated

import strawberry

from subgraphs.integrations.service import changes
from subgraphs.integrations.types.changes import READ, Change, connection
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, bounded

Since = Annotated[
    str | None,
    strawberry.argument(
        description="`pageInfo.endCursor` of the page before; `now` to begin with what happens from now on; null for all that is kept."
    ),
]
Types = Annotated[
    list[str] | None,
    strawberry.argument(description="Only things of these types: `Ticket`, `Asset`, or `ticket`, `time_entry`."),
]


@strawberry.type
class ChangeQuery:
    """What can be asked about changes."""

    @strawberry.field
    async def changes(
        self, info: Info, since: Since = None, first: Limit = DEFAULT_LIMIT, types: Types = None
    ) -> Connection[Change]:
        """Everything that changed since a cursor, in the order in which it became known, tombstones included.

        To keep a copy: ask once with `now` and keep `pageInfo.endCursor`; read what you want a copy of; then ask with the
        cursor, again and again, at once while there is a next page. A change may be older than what you have read already.
        Changes are kept for 90 days; an older cursor is refused with `CURSOR_EXPIRED`.
        """
        async with info.context.work(READ) as work:
            page = await changes.since(work, since, first=bounded(first, field="first"), types=types)
        return connection(page, is_first=since is None)
