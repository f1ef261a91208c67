"""Files that come in parts, because no request takes them whole.

    beginUpload ──► a link ──► PUT part ──► PUT part ──► … ──► finishUpload ──► checked as every file, and kept

Each part begins where the one before ended, so what is there is always the beginning of the file: whoever was interrupted
asks how much there is, and goes on. A part that comes twice changes nothing. What nobody finishes is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select

from subgraphs.kit import signed
from subgraphs.kit.errors import Conflict, NotFound
from subgraphs.kit.files import Part, Received
from subgraphs.kit.signed import Proof
from subgraphs.kit.work import Work
from subgraphs.tickets.errors import UploadIncomplete
from subgraphs.tickets.models.content import Attachment, TicketUpload, UploadPart
from subgraphs.tickets.rules import files as rules
from subgraphs.tickets.service import defaults, files
from subgraphs.tickets.service.tickets import updated

MOST_AT_ONCE: Final = 10


async def begin(
    work: Work, id: UUID, filename: str, size_bytes: int, *, message_id: UUID | None = None, is_internal: bool = False
) -> TicketUpload:
    """Begin to bring a file."""
    name = rules.announced(filename, size_bytes)
    await defaults.settings(work)
    ticket = await files.place(work, id, message_id=message_id, is_internal=is_internal)
    await work.session.execute(
        delete(TicketUpload).where(TicketUpload.expires_at < work.at).execution_options(synchronize_session=False)
    )
    mine = select(func.count()).select_from(TicketUpload).where(TicketUpload.created_by == work.caller.subject)
    if int(await work.session.scalar(mine) or 0) >= MOST_AT_ONCE:
        raise Conflict(f"Finish the {MOST_AT_ONCE} files first that you bring already.", field="id")
    return work.add(
        TicketUpload(
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            message_id=message_id,
            filename=name,
            size_bytes=size_bytes,
            is_internal=is_internal,
            expires_at=work.at + rules.UPLOAD_LASTS,
        )
    )


async def take_part(work: Work, upload_id: UUID, proof: Proof, part: Part) -> Received | None:
    """Take a part; None when we gave out no such link, or long ago."""
    key = bytes.fromhex((await defaults.settings(work)).file_secret)
    if not proof.opens(rules.upload_path(work.caller.tenant, upload_id), key, work.at):
        return None
    query = select(TicketUpload).where(TicketUpload.id == upload_id).with_for_update()
    upload = (await work.session.scalars(query)).one_or_none()
    if upload is None:
        return None
    said = part.after(await _received(work, upload.id), upload.size_bytes)
    if said.status == HTTPStatus.OK and part.content:
        work.session.add(UploadPart(upload_id=upload.id, position=part.offset, content=part.content))
    return said


async def finish(work: Work, id: UUID) -> Attachment:
    """Keep the file with its ticket, now that all of it is there."""
    upload = await work.take(TicketUpload, id, field="id")
    if upload.expires_at < work.at:
        raise NotFound("There is no upload with this id.", field="id")
    there = await _received(work, upload.id)
    if there != upload.size_bytes:
        raise UploadIncomplete(f"{there} of {upload.size_bytes} bytes are there.", field="id")
    query = select(UploadPart.content).where(UploadPart.upload_id == upload.id).order_by(UploadPart.position)
    file = rules.checked(upload.filename, b"".join(await work.session.scalars(query)), field="id")
    ticket = await files.place(work, upload.ticket_id, message_id=upload.message_id, is_internal=upload.is_internal)
    row = await files.keep(work, ticket, file, message_id=upload.message_id, is_internal=upload.is_internal)
    await updated(work, ticket, ("attachments",))
    await work.session.delete(upload)
    return row


async def links(work: Work, uploads: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """Where the parts of each file go, in a list of one."""
    key = bytes.fromhex((await defaults.settings(work)).file_secret)
    rows = await work.those(TicketUpload, list(uploads))
    tenant = work.caller.tenant
    return {one: [signed.link(rules.upload_path(tenant, one), key, row.expires_at)] for one, row in rows.items()}


async def received(work: Work, uploads: Sequence[UUID]) -> Mapping[UUID, Sequence[int]]:
    """How much of each file there is, in a list of one."""
    total = func.sum(func.octet_length(UploadPart.content))
    query = select(UploadPart.upload_id, total).where(UploadPart.upload_id.in_(uploads))
    found = {row[0]: int(row[1]) for row in await work.session.execute(query.group_by(UploadPart.upload_id))}
    return {one: [found.get(one, 0)] for one in uploads}


async def _received(work: Work, upload: UUID) -> int:
    return (await received(work, [upload]))[upload][0]
