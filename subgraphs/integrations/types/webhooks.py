"""How webhooks look in the graph: subscriptions, how their receivers are doing, and the log of deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.integrations.models import webhooks as models
from subgraphs.integrations.rules.outcomes import DeliveryKind, DeliveryStatus, DisabledReason
from subgraphs.integrations.service import deliveries, webhooks
from subgraphs.kit.context import Info
from subgraphs.kit.paging import DEFAULT_LIMIT, Limit, Offset, bounded, skipped
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, UserError

READ = "webhooks:read"

strawberry.enum(DeliveryStatus, name="WebhookDeliveryStatus")
strawberry.enum(DeliveryKind, name="WebhookDeliveryKind")
strawberry.enum(DisabledReason, name="WebhookDisabledReason")


@strawberry.type
class WebhookHealth:
    """How a receiver is doing."""

    failure_count: int
    """How many attempts have failed since the last that did not."""
    failing_since: datetime | None
    """When the failures began; after three days the webhook is switched off."""
    last_success_at: datetime | None
    """When something arrived last."""
    paused_until: datetime | None
    """Until when the receiver asked to be left alone."""
    previous_secret_until: datetime | None
    """Until when everything is signed with the secret before this one as well."""

    @classmethod
    def of(cls, row: models.WebhookState) -> Self:
        """The health in this row."""
        return shape(cls, row)


@strawberry.type
class WebhookAttempt:
    """One attempt to deliver: what was sent, and what came back."""

    number: int
    """Which attempt it was, counted from 1."""
    at: datetime
    """When it was made."""
    url: str
    """Where it went."""
    request_headers: JSON
    """The headers that were sent, signatures included."""
    request_body: str
    """The body that was sent, at most 20,000 bytes of it."""
    response_code: int | None
    """The status of the answer; null when there was none."""
    response_body: str
    """The first 4,096 bytes of the answer."""
    duration_ms: int
    """How long it took, in milliseconds."""
    error: str | None
    """What went wrong, when there was no answer."""

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Self:
        """The attempt in this entry of the log."""
        return cls(
            number=entry["number"],
            at=datetime.fromisoformat(entry["at"]),
            url=entry["url"],
            request_headers=entry["requestHeaders"],
            request_body=entry["requestBody"],
            response_code=entry["responseCode"],
            response_body=entry["responseBody"],
            duration_ms=entry["durationMs"],
            error=entry["error"],
        )


@entity(keys=["id"])
class WebhookDelivery:
    """One event on its way to one receiver, and what became of it. A DEAD one is a dead letter: it can be replayed."""

    id: strawberry.ID
    """The identifier: a UUID."""
    subscription_id: strawberry.ID
    """The webhook."""
    kind: DeliveryKind
    """Why it is delivered."""
    event_id: strawberry.ID
    """The event, and the `webhook-id` of every attempt."""
    event_type: str
    """What happened: `ticket.created`."""
    event_at: datetime
    """When it happened."""
    event: JSON
    """What is told of it, without what a stored query adds."""
    status: DeliveryStatus
    """What became of it."""
    attempt: int
    """How often it was tried."""
    next_retry_at: datetime | None
    """When it is tried next."""
    finished_at: datetime | None
    """When it came to its end."""
    response_code: int | None
    """The status of the last answer; null when there was none."""
    error: str | None
    """Why it has not arrived."""
    replay_of: strawberry.ID | None
    """The delivery that it repeats."""
    replayed_at: datetime | None
    """When it was repeated itself."""
    created_at: datetime
    """When it was written down."""
    log: strawberry.Private[list[dict[str, Any]]]

    @strawberry.field
    def attempts(self, limit: Limit = DEFAULT_LIMIT) -> list[WebhookAttempt]:
        """The attempts, in their order."""
        return [WebhookAttempt.of(entry) for entry in self.log[: bounded(limit)]]

    @strawberry.field
    async def subscription(self, info: Info) -> WebhookSubscription | None:
        """The webhook."""
        row = await info.context.row(models.WebhookSubscription, self.subscription_id, READ)
        return WebhookSubscription.of(row) if row else None

    @classmethod
    def of(cls, row: models.WebhookDelivery) -> Self:
        """The delivery in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The delivery that another module points at."""
        row = await info.context.row(models.WebhookDelivery, id, READ)
        return cls.of(row) if row else None


@entity(keys=["id"])
class WebhookSubscription:
    """Who is told of events, and where: each event that fits is posted to the URL, signed."""

    id: strawberry.ID
    """The identifier: a UUID."""
    name: str
    """What people call it."""
    url: str
    """Where events are posted."""
    event_patterns: list[str]
    """Which events: `ticket.created`, `ticket.*`, `*.created`, or `#` for all."""
    customer_id: strawberry.ID | None
    """The customer whose events it hears; null means: of all."""
    scopes: list[str]
    """The permissions with which it hears: an event that they do not show is not sent."""
    query: str | None
    """A GraphQL query that is asked for each event, and whose answer is sent along as `graphql`."""
    client_id: str | None
    """The service account in whose name the query is asked."""
    ordered: bool
    """Whether events are sent one after the other, each when the one before has come to its end."""
    concurrency: int
    """How many deliveries may be on their way at once, when order does not matter."""
    retry_seconds: list[int]
    """The pauses between the attempts."""
    active: bool
    """Whether events are sent."""
    disabled_at: datetime | None
    """When it was switched off."""
    disabled_reason: DisabledReason | None
    """Why it was switched off."""
    secret: str | None
    """The secret that signs; only in the answer to the command that made it, and never again."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""
    created_at: datetime
    """When it was made."""
    updated_at: datetime
    """When it was last changed."""

    @strawberry.field
    async def failure_count(self, info: Info) -> int:
        """How many attempts have failed since the last that did not."""
        found = await info.context.lists(webhooks.state_lists, self.id, READ)
        return found[0].failure_count if found else 0

    @strawberry.field
    async def health(self, info: Info) -> WebhookHealth | None:
        """How the receiver is doing."""
        found = await info.context.lists(webhooks.state_lists, self.id, READ)
        return WebhookHealth.of(found[0]) if found else None

    @strawberry.field
    async def deliveries(
        self, info: Info, status: DeliveryStatus | None = None, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[WebhookDelivery]:
        """What was sent or will be, the newest first."""
        rows = await info.context.lists(
            deliveries.of_subscriptions, self.id, READ, status=status, limit=bounded(limit), offset=skipped(offset)
        )
        return [WebhookDelivery.of(row) for row in rows]

    @classmethod
    def of(cls, row: models.WebhookSubscription) -> Self:
        """The subscription in this row."""
        return shape(cls, row, secret=row.shown)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Any:
        """The subscription that another module points at."""
        row = await info.context.row(models.WebhookSubscription, id, READ)
        return cls.of(row) if row else None


@strawberry.type
class WebhookSubscriptionPayload:
    """What became of a command on a webhook."""

    webhook_subscription: WebhookSubscription | None = None
    """The webhook as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""


@strawberry.type
class WebhookDeliveryPayload:
    """What became of a command on a delivery."""

    webhook_delivery: WebhookDelivery | None = None
    """The new delivery; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
