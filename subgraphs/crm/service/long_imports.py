"""Imports that take longer than a request: the same as the short ones, of files with up to 100,000 rows, done by a worker.

    in earnest   500 rows ──commit──► 500 rows ──commit──► … ──► what became of them
    rehearsal    all rows in one transaction ──► taken back ────► what would become of them

In earnest a few hundred rows are one transaction, so that nobody waits for the numbers and rows that it holds. A worker who is
interrupted begins again: what was done by then is there, just so, and counts as unchanged. A rehearsal needs all of them at
once: a row may name what an earlier one makes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from subgraphs.crm.models.transfers import CsvUpload
from subgraphs.crm.rules import csv_files as rules
from subgraphs.crm.rules.csv_files import ImportEntity
from subgraphs.crm.service import csv_uploads, imports
from subgraphs.crm.service.imports import Done
from subgraphs.kit import progress
from subgraphs.kit.errors import Invalid
from subgraphs.kit.progress import Job, Long, Made, Progress
from subgraphs.kit.work import Work

_AT_ONCE: Final = 500
_COMMAND: Final = "importCsv"


async def start(
    work: Work,
    *,
    entity: ImportEntity,
    upload_id: UUID | None = None,
    content: str | None = None,
    filename: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    mapping: Sequence[tuple[str, str | None]] = (),
    rehearse: bool = False,
) -> Job:
    """Have a file imported; who may and whether all of it is there is checked now, each row when its turn comes."""
    imports.check_caller(work)
    if (upload_id is None) == (content is None):
        raise Invalid("Give the file itself, or the upload that brought it.", field="uploadId")
    if content is not None:
        imports.content_of(content)
    else:
        upload = await csv_uploads.complete(work, upload_id)
        filename = filename or upload.filename
    given = {
        "entity": entity.value,
        "upload": str(upload_id) if upload_id else None,
        "content": content,
        "filename": filename,
        "encoding": encoding,
        "delimiter": delimiter,
        "mapping": [list(one) for one in mapping],
        "rehearse": rehearse,
    }
    return await progress.start(work, IMPORT, given)


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was understood."""

    entity: ImportEntity
    raw: bytes
    table: rules.Table
    columns: Mapping[int, str]


async def _import(work: Work, given: Mapping[str, Any], told: Progress) -> Made:
    upload = await csv_uploads.complete(work, UUID(given["upload"])) if given["upload"] else None
    file = await _understood(work, given, upload)
    found = await (_rehearsed if given["rehearse"] else _done)(work, file, told)
    row = await imports.keep(
        work,
        file.entity,
        file.table,
        file.columns,
        found,
        filename=given["filename"],
        raw=file.raw,
        rehearsed=given["rehearse"],
    )
    if upload is not None and not given["rehearse"]:
        await work.session.delete(upload)
    return Made("CsvImport", row.id)


async def _understood(work: Work, given: Mapping[str, Any], upload: CsvUpload | None) -> _File:
    raw = await csv_uploads.content(work, upload) if upload else imports.content_of(given["content"])
    entity, table = ImportEntity(given["entity"]), await asyncio.to_thread(_read, raw, given)
    mapping = [(column, field) for column, field in given["mapping"]]
    return _File(entity, raw, table, await imports.columns_of(work, entity, table, mapping))


def _read(raw: bytes, given: Mapping[str, Any]) -> rules.Table:
    text, encoding = rules.decoded(raw, given["encoding"], largest=rules.LARGEST_OF_A_JOB)
    return rules.table(text, encoding, given["delimiter"], most=rules.MOST_ROWS_OF_A_JOB)


async def _done(work: Work, file: _File, told: Progress) -> list[tuple[int, Done]]:
    """Do what the rows say, some hundred in a transaction of their own."""
    found: list[tuple[int, Done]] = []
    rows = file.table.rows
    for at in range(0, len(rows), _AT_ONCE):
        async with told.begin(work.caller, command=_COMMAND) as piece:
            for line, cells in rows[at : at + _AT_ONCE]:
                await told.tell(len(found), len(rows))
                found.append((line, await imports.take(piece, file.entity, file.table, file.columns, cells)))
    return found


class _TakenBack(Exception):
    """Ends the transaction of a rehearsal."""


async def _rehearsed(work: Work, file: _File, told: Progress) -> list[tuple[int, Done]]:
    """Do what the rows say, and take it all back; what would be made has no id, because it will have another one."""
    found: list[tuple[int, Done]] = []
    with contextlib.suppress(_TakenBack):
        async with told.begin(work.caller, command=_COMMAND) as piece:
            for at, (line, cells) in enumerate(file.table.rows):
                await told.tell(at, len(file.table.rows))
                if at % _AT_ONCE == 0:
                    piece.session.expunge_all()
                found.append((line, _nameless(await imports.take(piece, file.entity, file.table, file.columns, cells))))
            raise _TakenBack
    return found


def _nameless(done: Done) -> Done:
    return Done(done.outcome) if done.outcome is rules.Outcome.CREATED else done


IMPORT: Final = Long("crm.csv_import", "customers:write", _import)
