"""Webhooks that come in: what can be asked, and what can be done."""

from __future__ import annotations

import strawberry

from subgraphs.integrations.models import inbound as models
from subgraphs.integrations.rules.inbound import InboundAuth, SignatureStyle
from subgraphs.integrations.service import inbound
from subgraphs.integrations.types.inbound import (
    READ,
    InboundEndpoint,
    InboundEndpointPayload,
    InboundMessage,
    InboundMessagePayload,
)
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

WRITE = "webhooks:write"


@strawberry.type
class InboundQuery:
    """What can be asked about webhooks that come in."""

    @strawberry.field
    async def inbound_endpoint(self, info: Info, id: strawberry.ID) -> InboundEndpoint | None:
        """One endpoint; null when it is not there or not yours."""
        row = await info.context.row(models.InboundEndpoint, id, READ)
        return InboundEndpoint.of(row) if row else None

    @strawberry.field
    async def inbound_endpoints(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[InboundEndpoint]:
        """The endpoints, by name."""
        query = inbound.selected().order_by(models.InboundEndpoint.name, models.InboundEndpoint.id)
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = (await work.session.scalars(query.limit(most).offset(first))).all()
        return [InboundEndpoint.of(row) for row in rows]

    @strawberry.field
    async def inbound_message(self, info: Info, id: strawberry.ID) -> InboundMessage | None:
        """One message; null when it is not there or not yours."""
        row = await info.context.row(models.InboundMessage, id, READ)
        return InboundMessage.of(row) if row else None


@strawberry.input
class CreateInboundEndpointInput(Command):
    """A new endpoint."""

    name: str
    """What people will call it."""
    auth: InboundAuth
    """How the sender proves itself."""
    customer_id: strawberry.ID | None = None
    """The customer whose system sends."""
    signature_style: SignatureStyle | None = None
    """With HMAC: where the signature stands, and what it signs."""
    header: str | None = None
    """The header with the token or the signature, where the way of proving leaves a choice."""
    username: str | None = None
    """With BASIC: the user."""
    certificate: str | None = None
    """With MTLS: the distinguished name in the certificate, as the proxy writes it."""
    secret: str | None = None
    """The secret, when the sender has chosen it: 16 to 500 characters; null makes one."""
    id_header: str | None = None
    """The header with the sender's own id of a message; common ones are known."""
    max_bytes: int = inbound.MOST_BYTES
    """How large a message may be: at most 262,144 bytes."""
    replay_window_seconds: int = 300
    """How old a signature may be, and for how long the same content counts once."""


@strawberry.input
class UpdateInboundEndpointInput(Change):
    """Changes to an endpoint; what is absent stays."""

    id: strawberry.ID
    """The endpoint."""
    name: str | None = strawberry.UNSET
    """What people will call it."""
    header: str | None = strawberry.UNSET
    """The header with the token or the signature."""
    username: str | None = strawberry.UNSET
    """The user."""
    certificate: str | None = strawberry.UNSET
    """The distinguished name in the certificate."""
    id_header: str | None = strawberry.UNSET
    """The header with the sender's own id of a message."""
    max_bytes: int | None = strawberry.UNSET
    """How large a message may be."""
    replay_window_seconds: int | None = strawberry.UNSET
    """How old a signature may be, and for how long the same content counts once."""
    active: bool | None = strawberry.UNSET
    """Whether it is open."""


@strawberry.input
class RotateInboundSecretInput(Change):
    """The endpoint that gets a new secret."""

    id: strawberry.ID
    """The endpoint."""
    secret: str | None = None
    """The new secret, when the sender has chosen it; null makes one."""
    overlap_hours: int = 24
    """For how many hours the old secret opens it as well: 0 to 168."""


@strawberry.input
class DeleteInboundEndpointInput(Change):
    """The endpoint that is closed for good."""

    id: strawberry.ID
    """The endpoint."""


@strawberry.input
class ReplayInboundMessageInput(Command):
    """The message that is told once more."""

    id: strawberry.ID
    """The message."""


@strawberry.type
class InboundMutation:
    """What can be done with webhooks that come in."""

    @command(WRITE, InboundEndpointPayload)
    async def create_inbound_endpoint(work: Work, input: CreateInboundEndpointInput) -> models.InboundEndpoint:
        """Open a door for another system; the answer shows the secret, this once."""
        return await inbound.create(work, **given(input))

    @command(WRITE, InboundEndpointPayload)
    async def update_inbound_endpoint(work: Work, input: UpdateInboundEndpointInput) -> models.InboundEndpoint:
        """Change an endpoint, or close it for a while."""
        return await inbound.update(work, **given(input))

    @command(WRITE, InboundEndpointPayload)
    async def rotate_inbound_secret(work: Work, input: RotateInboundSecretInput) -> models.InboundEndpoint:
        """Give an endpoint a new secret; the answer shows it, this once. For a day the old one opens it as well."""
        return await inbound.rotate_secret(work, **given(input))

    @command(WRITE, InboundEndpointPayload)
    async def delete_inbound_endpoint(work: Work, input: DeleteInboundEndpointInput) -> models.InboundEndpoint:
        """Close an endpoint for good."""
        return await inbound.delete(work, **given(input))

    @command(WRITE, InboundMessagePayload)
    async def replay_inbound_message(work: Work, input: ReplayInboundMessageInput) -> models.InboundMessage:
        """Tell of a message once more, to all who listen."""
        return await inbound.replay(work, **given(input))
