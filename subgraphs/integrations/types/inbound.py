"""How webhooks that come in look in the graph: endpoints, and their messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.integrations.models import inbound as models
from subgraphs.integrations.rules.inbound import InboundAuth, SignatureStyle
from subgraphs.integrations.service import inbound
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, UserError

READ = "webhooks:read"

strawberry.enum(InboundAuth)
strawberry.enum(SignatureStyle, name="InboundSignatureStyle")


@entity(keys=["id"])
class InboundMessage:
    """Something that another system sent."""

    id: strawberry.ID
    """The identifier: a UUID."""
    endpoint_id: strawberry.ID
    """The endpoint through which it came."""
    message_id: str
    """What the sender calls it, or a hash of what it sent: the same again is ignored."""
    content_type: str | None
    """What the sender says it is."""
    headers: JSON
    """The headers that came with it, without those that prove the sender."""
    payload: JSON | None
    """What was sent, if it was JSON."""
    text: str | None
    """What was sent, if it was no JSON but text."""
    created_at: datetime
    """When it came."""

    @strawberry.field
    async def endpoint(self, info: Info) -> InboundEndpoint | None:
        """The endpoint through which it came."""
        row = await info.context.row(models.InboundEndpoint, self.endpoint_id, READ)
        return InboundEndpoint.of(row) if row else None

    @classmethod
    def of(cls, row: models.InboundMessage) -> Self:
        """The message in this row."""
        payload, words = inbound.read(row.body)
        return shape(cls, row, payload=payload, text=words)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The message that another module points at."""
        row = await info.context.row(models.InboundMessage, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class InboundEndpoint:
    """A door for another system: what it posts there, and proves to have sent, is told as `webhook.received`."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    customer_id: strawberry.ID | None
    """The customer whose system sends."""
    path: str
    """Where to send, behind the address of this platform."""
    auth: InboundAuth
    """How the sender proves itself."""
    signature_style: SignatureStyle | None
    """Where the signature stands, and what it signs."""
    header: str | None
    """The header with the token or the signature."""
    username: str | None
    """The user of the sender."""
    certificate: str | None
    """The distinguished name in the sender's certificate."""
    id_header: str | None
    """The header with the sender's own id of a message."""
    max_bytes: int
    """How large a message may be."""
    replay_window_seconds: int
    """How old a signature may be, and for how long the same content counts once."""
    active: bool
    """Whether it is open."""
    secret: str | None
    """The secret; only in the answer to the command that made it, and never again."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it was last changed."""

    @strawberry.field
    async def messages(self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> list[InboundMessage]:
        """What came in, the newest first."""
        rows = await info.context.lists(
            inbound.of_endpoints, self.id, READ, limit=bounded(limit), offset=skipped(offset)
        )
        return [InboundMessage.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.InboundEndpoint) -> Self:
        """The endpoint in this row."""
        return shape(cls, row, path=inbound.path(row), secret=row.shown)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The endpoint that another module points at."""
        row = await info.context.row(models.InboundEndpoint, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class InboundEndpointPayload:
    """What became of a command on an endpoint."""

    inbound_endpoint: InboundEndpoint | None = None
    """The endpoint as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class InboundMessagePayload:
    """What became of a command on a message."""

    inbound_message: InboundMessage | None = None
    """The message; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
