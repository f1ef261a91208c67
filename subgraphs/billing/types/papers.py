"""The files of a document in the graph: links that open them for five minutes."""

from __future__ import annotations

from dataclasses import asdict

import strawberry

from subgraphs.billing.service import files
from subgraphs.kit.context import Info
from subgraphs.kit.values import FileRef

READ = "invoices:read"


@strawberry.type
class Papers:
    """What a document has as files."""

    id: strawberry.ID
    """The identifier: a UUID."""

    @strawberry.field
    async def pdf(self, info: Info) -> FileRef | None:
        """Its page, with ZUGFeRD the data inside of it; of a draft, a page that says so."""
        found = await info.context.lists(files.pages, self.id, READ)
        return FileRef(**asdict(found[0])) if found else None

    @strawberry.field
    async def xml(self, info: Info) -> FileRef | None:
        """Its data, UBL or CII; null for drafts, and where the customer wants a page alone."""
        found = await info.context.lists(files.data, self.id, READ)
        return FileRef(**asdict(found[0])) if found else None
