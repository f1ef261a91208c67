"""Files for imports on their way: a link is given out, takes their parts in order, and what is there is always their beginning.

    beginCsvUpload ──► a link ──► PUT part ──► PUT part ──► … ──► startCsvImport, as a rehearsal and then in earnest

Whoever was interrupted asks how much there is, and goes on. What nobody imports is thrown away after a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import delete, func, select

from subgraphs.crm.errors import UploadIncomplete
from subgraphs.crm.models.transfers import CsvUpload, CsvUploadPart
from subgraphs.crm.rules import uploads as rules
from subgraphs.crm.service import imports
from subgraphs.kit import signed
from subgraphs.kit.errors import Conflict, NotFound
from subgraphs.kit.files import Part, Received
from subgraphs.kit.shapes import line
from subgraphs.kit.signed import Proof
from subgraphs.kit.work import Work


async def begin(work: Work, filename: str, size_bytes: int) -> CsvUpload:
    """Begin to bring a file."""
    imports.check_caller(work)
    old = delete(CsvUpload).where(CsvUpload.expires_at < work.at).execution_options(synchronize_session=False)
    await work.session.execute(old)
    mine = select(func.count()).select_from(CsvUpload).where(CsvUpload.created_by == work.caller.subject)
    if int(await work.session.scalar(mine) or 0) >= rules.MOST_AT_ONCE:
        raise Conflict(f"Import the {rules.MOST_AT_ONCE} files first that you bring already.")
    name, size = line(filename, field="filename"), rules.check_size(size_bytes)
    row = work.add(CsvUpload(filename=name, size_bytes=size, expires_at=work.at + rules.LASTS))
    await work.session.flush()
    return row


async def take_part(work: Work, id: UUID, proof: Proof, part: Part) -> Received | None:
    """Take a part; None when we gave out no such link, or long ago."""
    row = (await work.session.scalars(select(CsvUpload).where(CsvUpload.id == id).with_for_update())).one_or_none()
    if row is None or not proof.opens(rules.path(work.caller.tenant, id), bytes.fromhex(row.secret), work.at):
        return None
    said = part.after(await _received(work, id), row.size_bytes)
    if said.status == HTTPStatus.OK and part.content:
        work.session.add(CsvUploadPart(upload_id=id, position=part.offset, content=part.content))
    return said


async def complete(work: Work, id: UUID | None) -> CsvUpload:
    """The file with this id, of which all parts are there; raises naming `uploadId` otherwise."""
    row = await work.find(CsvUpload, id) if id is not None else None
    if row is None or row.expires_at < work.at:
        raise NotFound("There is no upload with this id.", field="uploadId")
    there = await _received(work, row.id)
    if there != row.size_bytes:
        raise UploadIncomplete(f"{there} of {row.size_bytes} bytes are there.", field="uploadId")
    return row


async def content(work: Work, upload: CsvUpload) -> bytes:
    """The whole file."""
    query = select(CsvUploadPart.content).where(CsvUploadPart.upload_id == upload.id).order_by(CsvUploadPart.position)
    return b"".join(await work.session.scalars(query))


async def links(work: Work, uploads: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """Where the parts of each file go, in a list of one."""
    rows = await work.those(CsvUpload, list(uploads))
    tenant = work.caller.tenant
    return {
        one: [signed.link(rules.path(tenant, one), bytes.fromhex(row.secret), row.expires_at)]
        for one, row in rows.items()
    }


async def received(work: Work, uploads: Sequence[UUID]) -> Mapping[UUID, Sequence[int]]:
    """How much of each file there is, in a list of one."""
    total = func.sum(func.octet_length(CsvUploadPart.content))
    query = select(CsvUploadPart.upload_id, total).where(CsvUploadPart.upload_id.in_(uploads))
    found = {row[0]: int(row[1]) for row in await work.session.execute(query.group_by(CsvUploadPart.upload_id))}
    return {one: [found.get(one, 0)] for one in uploads}


async def _received(work: Work, upload: UUID) -> int:
    return (await received(work, [upload]))[upload][0]
