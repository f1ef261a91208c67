"""What belongs to a ticket, by GraphQL: links, merging, steps, watchers, files, ratings and mails."""

from __future__ import annotations

import strawberry

from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work
from subgraphs.tickets.models import content as models
from subgraphs.tickets.models.tickets import Ticket as TicketRow
from subgraphs.tickets.rules.tickets import TicketLinkKind
from subgraphs.tickets.service import content, files, mails, merging, uploads
from subgraphs.tickets.types.content import (
    CsatResponsePayload,
    InboundMail,
    InboundMailPayload,
    TicketAttachmentPayload,
    TicketUploadPayload,
)
from subgraphs.tickets.types.tickets import TicketPayload

WRITE = "tickets:write"
ASSIGN = "tickets:assign"
MERGE = "tickets:merge"


@strawberry.type
class ContentQuery:
    """What can be asked about what came in."""

    @strawberry.field
    async def unmatched_mails(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[InboundMail]:
        """The mails of which nobody knows whose they are, the oldest first."""
        query = mails.unmatched().limit(bounded(limit)).offset(skipped(offset))
        async with info.context.work(ASSIGN) as work:
            rows = (await work.session.scalars(query)).all()
        return [InboundMail.of(row) for row in rows]


@strawberry.input
class MergeTicketInput(Change):
    """Two tickets that are one."""

    id: strawberry.ID
    """The ticket that ends."""
    target_id: strawberry.ID
    """The ticket of the same customer in which it goes on."""


@strawberry.input
class SplitTicketInput(Command):
    """A part of a ticket that becomes a ticket."""

    id: strawberry.ID
    """The ticket."""
    title: str
    """The title of the part."""
    message_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="What was said about the part; it moves."
    )


@strawberry.input
class LinkTicketsInput(Command):
    """What one ticket is to another."""

    id: strawberry.ID
    """The ticket of which it is said."""
    other_id: strawberry.ID
    """The other ticket."""
    kind: TicketLinkKind = TicketLinkKind.RELATED
    """What it is to the other."""


@strawberry.input
class UnlinkTicketsInput(Command):
    """Two tickets that have nothing to do with each other any more."""

    id: strawberry.ID
    """The one."""
    other_id: strawberry.ID
    """The other."""


@strawberry.input
class AddChecklistItemInput(Command):
    """A step for a ticket."""

    id: strawberry.ID
    """The ticket."""
    text: str
    """What is to be done."""
    required: bool = False
    """Whether the ticket cannot be resolved before."""


@strawberry.input
class TickChecklistItemInput(Command):
    """A step that is done, or is not."""

    item_id: strawberry.ID
    """The step."""
    done: bool = True
    """Whether it is done."""


@strawberry.input
class WatchTicketInput(Command):
    """Who hears of a ticket from now on; whoever asks, when neither is named."""

    id: strawberry.ID
    """The ticket."""
    user_id: strawberry.ID | None = None
    """The user."""
    email: str | None = None
    """The mail address, of somebody who is no user."""


@strawberry.input
class UnwatchTicketInput(WatchTicketInput):
    """Who no longer hears of a ticket; whoever asks, when neither is named."""


@strawberry.input
class AttachFileInput(Command):
    """A file for a ticket."""

    id: strawberry.ID
    """The ticket."""
    filename: str
    """Its name."""
    content: str
    """Its content, as Base64."""
    message_id: strawberry.ID | None = None
    """The message that it belongs to."""
    is_internal: bool = False
    """Whether customers never see it."""


@strawberry.input
class BeginUploadInput(Command):
    """A file for a ticket that comes in parts."""

    id: strawberry.ID
    """The ticket."""
    filename: str
    """Its name."""
    size_bytes: int
    """How long it is, 1 byte to 50 MiB."""
    message_id: strawberry.ID | None = None
    """The message that it belongs to."""
    is_internal: bool = False
    """Whether customers never see it."""


@strawberry.input
class FinishUploadInput(Command):
    """A file of which all parts were brought."""

    id: strawberry.ID
    """The upload."""


@strawberry.input
class RateTicketInput(Command):
    """How satisfied the customer is."""

    id: strawberry.ID
    """The ticket, which is done."""
    score: int
    """1 (bad) to 5 (good)."""
    comment: str | None = None
    """What else they want to say."""


@strawberry.input
class ReceiveMailInput(Command):
    """A mail as it came."""

    raw: str
    """The whole message, as RFC 5322 has it."""


@strawberry.input
class AssignMailInput(Change):
    """Whose a mail is."""

    id: strawberry.ID
    """The mail."""
    customer_id: strawberry.ID
    """The customer."""


@strawberry.type
class ContentMutation:
    """What can be done with what belongs to a ticket."""

    @command(MERGE, TicketPayload)
    async def merge_ticket(work: Work, input: MergeTicketInput) -> TicketRow:
        """Let a ticket go on in another one of the same customer; this cannot be taken back."""
        return await merging.merge(work, **given(input))

    @command(MERGE, TicketPayload)
    async def split_ticket(work: Work, input: SplitTicketInput) -> TicketRow:
        """Make a ticket of a part of another one; the answer is the new one."""
        return await merging.split(work, **given(input))

    @command(WRITE, TicketPayload)
    async def link_tickets(work: Work, input: LinkTicketsInput) -> TicketRow:
        """Say what one ticket is to another."""
        return await content.link(work, **given(input))

    @command(WRITE, TicketPayload)
    async def unlink_tickets(work: Work, input: UnlinkTicketsInput) -> TicketRow:
        """Take back what one ticket is to another."""
        return await content.unlink(work, **given(input))

    @command(WRITE, TicketPayload)
    async def add_checklist_item(work: Work, input: AddChecklistItemInput) -> TicketRow:
        """Append a step to a ticket."""
        return await content.add_step(work, **given(input))

    @command(WRITE, TicketPayload)
    async def tick_checklist_item(work: Work, input: TickChecklistItemInput) -> TicketRow:
        """Say that a step is done, or that it is not."""
        return await content.tick(work, **given(input))

    @command(WRITE, TicketPayload)
    async def watch_ticket(work: Work, input: WatchTicketInput) -> TicketRow:
        """Let somebody hear of a ticket."""
        return await content.watch(work, **given(input))

    @command(WRITE, TicketPayload)
    async def unwatch_ticket(work: Work, input: UnwatchTicketInput) -> TicketRow:
        """Let somebody no longer hear of a ticket."""
        return await content.unwatch(work, **given(input))

    @command(WRITE, TicketAttachmentPayload, rest=Rest(path="/tickets/{id}/actions/attach-file"))
    async def attach_file(work: Work, input: AttachFileInput) -> models.Attachment:
        """Keep a file with a ticket; programs are refused."""
        return await files.attach(work, **given(input))

    @command(WRITE, TicketUploadPayload, rest=Rest(path="/tickets/{id}/actions/begin-upload"))
    async def begin_upload(work: Work, input: BeginUploadInput) -> models.TicketUpload:
        """Bring a file in parts: for whatever does not fit into one request."""
        return await uploads.begin(work, **given(input))

    @command(WRITE, TicketAttachmentPayload, rest=Rest(path="/ticket-uploads/{id}/actions/finish"))
    async def finish_upload(work: Work, input: FinishUploadInput) -> models.Attachment:
        """Keep a file of which all parts are there with its ticket; programs are refused."""
        return await uploads.finish(work, **given(input))

    @command(WRITE, CsatResponsePayload, rest=Rest(path="/tickets/{id}/actions/rate"))
    async def rate_ticket(work: Work, input: RateTicketInput) -> models.CsatResponse:
        """Say how satisfied the customer is with a ticket that is done; once."""
        return await content.rate(work, **given(input))

    @command(WRITE, InboundMailPayload)
    async def receive_mail(work: Work, input: ReceiveMailInput) -> models.InboundMail:
        """Take in a mail: it becomes a ticket, or a message of the ticket that it answers."""
        return await mails.receive(work, input.raw)

    @command(ASSIGN, InboundMailPayload)
    async def assign_mail(work: Work, input: AssignMailInput) -> models.InboundMail:
        """Say whose a mail is of which nobody knew it; it becomes a ticket."""
        return await mails.assign(work, **given(input))
