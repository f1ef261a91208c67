"""How the feed of changes looks in the graph."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from subgraphs.integrations.models import changes as models
from subgraphs.integrations.rules import changes as rules
from subgraphs.integrations.service.changes import Page
from subgraphs.kit.paging import Connection, Edge, PageInfo
from subgraphs.kit.shapes import shape

READ = "changes:read"


@strawberry.type
class Change:
    """One change of one thing; read the thing itself from the graph, unless it is gone."""

    type: str
    """What kind of thing it is, by its type in the graph: `Ticket`."""
    subject_id: strawberry.ID
    """Which one."""
    event_type: str
    """What happened: `ticket.created`."""
    event_id: strawberry.ID
    """The event, the same as a webhook's."""
    customer_id: strawberry.ID | None
    """The customer to whom it belongs."""
    deleted: bool
    """Whether it is gone, for you at least: a tombstone. There is nothing to read any more."""
    changed: list[str]
    """Which fields changed, when the event says so."""
    at: datetime
    """When it happened."""

    @classmethod
    def of(cls, row: models.Change) -> Self:
        """The change in this row."""
        return shape(cls, row)


def connection(page: Page, *, is_first: bool) -> Connection[Change]:
    """A page of the feed; its end says where to go on, also when nothing was told."""
    edges = [Edge(cursor=rules.cursor(row.position), node=Change.of(row)) for row in page.changes]
    return Connection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=page.has_more,
            has_previous_page=not is_first,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=rules.cursor(page.end),
        ),
    )
