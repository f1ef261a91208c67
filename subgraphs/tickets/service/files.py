"""Files of tickets: checked when they come, kept once for each tenant, and given out by links that expire."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from subgraphs.kit import signed
from subgraphs.kit.errors import Forbidden, Invalid, NotFound
from subgraphs.kit.files import File
from subgraphs.kit.signed import Proof
from subgraphs.kit.work import Work
from subgraphs.tickets.models.content import Attachment, AttachmentContent
from subgraphs.tickets.models.tickets import Ticket, TicketMessage
from subgraphs.tickets.rules import files as rules
from subgraphs.tickets.rules import tickets as tickets_rules
from subgraphs.tickets.service import defaults
from subgraphs.tickets.service.tickets import updated


async def attach(
    work: Work,
    id: UUID,
    filename: str,
    content: str,
    *,
    message_id: UUID | None = None,
    is_internal: bool = False,
) -> Attachment:
    """Keep a file with a ticket; `content` is Base64."""
    file = rules.checked(filename, _decoded(content))
    ticket = await place(work, id, message_id=message_id, is_internal=is_internal)
    row = await keep(work, ticket, file, message_id=message_id, is_internal=is_internal)
    await updated(work, ticket, ("attachments",))
    return row


async def place(work: Work, id: UUID, *, message_id: UUID | None, is_internal: bool) -> Ticket:
    """The ticket that a file is for; raises where the caller may not put it there."""
    if is_internal and work.caller.kind not in tickets_rules.INSIDERS:
        raise Forbidden("Internal files are for staff.", field="isInternal")
    ticket = await work.take(Ticket, id, field="id")
    if message_id is not None:
        message = await work.find(TicketMessage, message_id)
        if message is None or message.ticket_id != ticket.id:
            raise NotFound("There is no such message of this ticket.", field="messageId")
    return ticket


async def keep(
    work: Work, ticket: Ticket, file: rules.File, *, message_id: UUID | None = None, is_internal: bool = False
) -> Attachment:
    """Keep a checked file; the same content is stored once for each tenant."""
    if folder := work.settings.files_folder:
        await asyncio.to_thread(_write, _path(Path(folder), work.caller.tenant, file.sha256), file.content)
    else:
        values = {"tenant_id": work.caller.tenant, "sha256": file.sha256, "content": file.content}
        await work.session.execute(insert(AttachmentContent).values(values).on_conflict_do_nothing())
    return work.add(
        Attachment(
            ticket_id=ticket.id,
            customer_id=ticket.customer_id,
            message_id=message_id,
            filename=file.filename,
            mime_type=file.mime_type,
            size_bytes=len(file.content),
            sha256=file.sha256,
            is_internal=is_internal,
        )
    )


async def of_tickets(work: Work, tickets: Sequence[UUID], *, limit: int) -> Mapping[UUID, Sequence[Attachment]]:
    """The files of each ticket, oldest first; internal ones only for those who may read internal notes."""
    where = [] if work.caller.holds("tickets:read_internal") else [Attachment.is_internal.is_(False)]
    order = (Attachment.created_at, Attachment.id)
    return await work.per_parent(Attachment, Attachment.ticket_id, tickets, where=where, order=order, limit=limit)


async def links(work: Work, attachments: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """A link to each file, in a list of one."""
    key = bytes.fromhex((await defaults.settings(work)).file_secret)
    until = work.at + signed.OPEN
    return {one: [signed.link(rules.path(work.caller.tenant, one), key, until)] for one in attachments}


async def opened(work: Work, attachment_id: UUID, proof: Proof) -> File | None:
    """The file behind a link, or None when we gave out no such link, or long ago."""
    key = bytes.fromhex((await defaults.settings(work)).file_secret)
    if not proof.opens(rules.path(work.caller.tenant, attachment_id), key, work.at):
        return None
    row = await work.find(Attachment, attachment_id)
    content = await _content(work, row.sha256) if row else None
    if row is None or content is None:
        return None
    return File(row.filename, row.mime_type, content, etag=f'"{row.sha256}"')


async def _content(work: Work, sha256: str) -> bytes | None:
    if folder := work.settings.files_folder:
        return await asyncio.to_thread(_read, _path(Path(folder), work.caller.tenant, sha256))
    found: bytes | None = await work.session.scalar(
        select(AttachmentContent.content).where(AttachmentContent.sha256 == sha256)
    )
    return found


def _path(folder: Path, tenant: UUID, sha256: str) -> Path:
    return folder / str(tenant) / sha256[:2] / sha256


def _write(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_suffix(".half")
    half.write_bytes(content)
    half.replace(path)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _decoded(content: str) -> bytes:
    if len(content) > rules.LARGEST * 4 // 3 + 4:
        raise Invalid("The file is too large.", field="content")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("content is not Base64.", field="content") from None
