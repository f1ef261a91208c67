"""An import that takes longer than a request: the same import, of many more devices, done by a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from subgraphs.assets.service import imports
from subgraphs.kit import progress, references
from subgraphs.kit.progress import Job, Long, Made, Progress
from subgraphs.kit.work import Work


async def start(work: Work, *, customer_id: UUID | None, source: str, rows: Sequence[Mapping[str, Any]]) -> Job:
    """Have devices taken in; customer and size are checked now, each row when its turn comes."""
    known = await references.require(work, "Customer", customer_id, field="customerId")
    imports.check_size(rows, imports.MOST_ROWS_OF_A_JOB)
    given = {"customer": str(known.id), "source": source, "rows": [imports.plain(row) for row in rows]}
    return await progress.start(work, IMPORT, given)


async def _import(work: Work, given: Mapping[str, Any], told: Progress) -> Made:
    made = await imports.take_in(
        work,
        customer_id=UUID(given["customer"]),
        source=given["source"],
        rows=[imports.entered(row) for row in given["rows"]],
        progress=told,
    )
    return Made("AssetImport", made.id)


IMPORT: Final = Long("assets.import", "assets:write", _import)
