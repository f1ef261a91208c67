"""What belongs to a ticket, in the graph: links, steps, watchers, files, ratings; and the mails that came in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from subgraphs.kit.context import Info
from subgraphs.kit.files import PART
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import UserError
from subgraphs.tickets.models import content as models
from subgraphs.tickets.models.tickets import Ticket as TicketRow
from subgraphs.tickets.rules.mail import MailOutcome
from subgraphs.tickets.rules.tickets import TicketLinkKind
from subgraphs.tickets.service import files, uploads

READ = "tickets:read"

for spoken in (TicketLinkKind, MailOutcome):
    strawberry.enum(spoken)

if TYPE_CHECKING:
    from subgraphs.tickets.types.tickets import Ticket

LazyTicket = Annotated["Ticket", strawberry.lazy("subgraphs.tickets.types.tickets")]


async def _ticket(info: Info, identity: str | None) -> Ticket | None:
    from subgraphs.tickets.types.tickets import Ticket  # noqa: PLC0415 - tickets show these, and these show tickets

    row = await info.context.row(TicketRow, identity, READ)
    return Ticket.of(row) if row else None


@strawberry.type
class TicketLink:
    """What one ticket is to another."""

    id: strawberry.ID
    """The identifier: a UUID."""
    kind: TicketLinkKind
    """What it is to the other: read it from `ticketId` to `otherId`."""
    ticket_id: strawberry.ID
    """The ticket of which it is said."""
    other_id: strawberry.ID
    """The other ticket."""
    seen_from: strawberry.Private[str]

    @strawberry.field
    async def ticket(self, info: Info) -> LazyTicket | None:
        """The ticket at the other end."""
        return await _ticket(info, self.seen_from)

    @classmethod
    def of(cls, row: models.TicketLink, *, backwards: bool = False) -> Self:
        """The link in this row, as one of the two sees it."""
        return shape(cls, row, seen_from=str(row.ticket_id if backwards else row.other_id))


@strawberry.type
class ChecklistItem:
    """A step of a ticket."""

    id: strawberry.ID
    """The identifier: a UUID."""
    text: str
    """What is to be done."""
    required: bool
    """Whether the ticket cannot be resolved before."""
    done_at: datetime | None
    """When it was done."""
    done_by: strawberry.ID | None
    """Who did it."""

    @classmethod
    def of(cls, row: models.ChecklistItem) -> Self:
        """The step in this row."""
        return shape(cls, row)


@strawberry.type
class TicketWatcher:
    """Somebody who wants to hear of a ticket."""

    id: strawberry.ID
    """The identifier: a UUID."""
    user_id: strawberry.ID | None
    """The user."""
    email: str | None
    """The mail address, of somebody who is no user."""

    @classmethod
    def of(cls, row: models.TicketWatcher) -> Self:
        """The watcher in this row."""
        return shape(cls, row)


@strawberry.type
class TicketAttachment:
    """A file of a ticket."""

    id: strawberry.ID
    """The identifier: a UUID."""
    filename: str
    """Its name."""
    mime_type: str
    """What it is, by its first bytes where they say it."""
    size_bytes: int
    """How long it is."""
    sha256: str
    """The checksum of its content."""
    message_id: strawberry.ID | None
    """The message that it came with."""
    is_internal: bool
    """Whether customers never see it."""
    created_at: datetime
    """When it came."""

    @strawberry.field
    async def url(self, info: Info) -> str:
        """A path at the platform's own address that opens the file, for five minutes."""
        [link] = await info.context.lists(files.links, self.id, READ)
        return link

    @classmethod
    def of(cls, row: models.Attachment) -> Self:
        """The file in this row."""
        return shape(cls, row)


@strawberry.type
class TicketUpload:
    """A file on its way: bring its parts to `url`, then say `finishUpload`."""

    id: strawberry.ID
    """The identifier: a UUID."""
    filename: str
    """Its name."""
    size_bytes: int
    """How long it will be."""
    expires_at: datetime
    """Until when its parts are taken."""

    @strawberry.field
    async def url(self, info: Info) -> str | None:
        """A path at the platform's own address: `PUT` a part there with `&offset=` and where in the file it begins; null after a dry run."""
        found = await info.context.lists(uploads.links, self.id, READ)
        return found[0] if found else None

    @strawberry.field
    def part_bytes(self) -> int:
        """How many bytes a part has at most."""
        return PART

    @strawberry.field
    async def received_bytes(self, info: Info) -> int:
        """How much of it there is: the next part begins here."""
        found = await info.context.lists(uploads.received, self.id, READ)
        return found[0] if found else 0

    @classmethod
    def of(cls, row: models.TicketUpload) -> Self:
        """The file on its way in this row."""
        return shape(cls, row)


@strawberry.type
class CsatResponse:
    """What the customer thought of a ticket."""

    id: strawberry.ID
    """The identifier: a UUID."""
    ticket_id: strawberry.ID
    """The ticket."""
    score: int
    """1 (bad) to 5 (good)."""
    comment: str | None
    """What they said."""
    responded_at: datetime
    """When they said it."""

    @classmethod
    def of(cls, row: models.CsatResponse) -> Self:
        """The rating in this row."""
        return shape(cls, row)


@strawberry.type
class InboundMail:
    """A mail that came in, and what became of it."""

    id: strawberry.ID
    """The identifier: a UUID."""
    message_id: str
    """Its Message-ID."""
    sender: str
    """Who wrote it."""
    subject: str
    """What it is about."""
    received_at: datetime
    """When our mail server took it."""
    outcome: MailOutcome
    """What became of it."""
    reason: str | None
    """Why."""
    ticket_id: strawberry.ID | None
    """The ticket that it belongs to."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @strawberry.field
    async def ticket(self, info: Info) -> LazyTicket | None:
        """The ticket that it belongs to."""
        return await _ticket(info, self.ticket_id)

    @classmethod
    def of(cls, row: models.InboundMail) -> Self:
        """The mail in this row."""
        return shape(cls, row)


@strawberry.type
class TicketAttachmentPayload:
    """What became of a command on a file."""

    attachment: TicketAttachment | None = None
    """The file; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class TicketUploadPayload:
    """What became of a command on a file on its way."""

    upload: TicketUpload | None = None
    """The file on its way; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class CsatResponsePayload:
    """What became of a rating."""

    csat: CsatResponse | None = None
    """The rating; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class InboundMailPayload:
    """What became of a mail."""

    mail: InboundMail | None = None
    """The mail; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
