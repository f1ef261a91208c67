"""Webhooks: what can be asked, and what can be done."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from subgraphs.integrations.models import webhooks as models
from subgraphs.integrations.rules.outcomes import DeliveryStatus
from subgraphs.integrations.service import deliveries, long_replays, webhooks
from subgraphs.integrations.types.webhooks import (
    READ,
    WebhookDelivery,
    WebhookDeliveryPayload,
    WebhookSubscription,
    WebhookSubscriptionPayload,
)
from subgraphs.kit.commands import Change, Command, command
from subgraphs.kit.context import Info
from subgraphs.kit.ids import parsed
from subgraphs.kit.paging import DEFAULT_LIMIT, Connection, Limit, Offset, bounded, counts, cut, page, skipped
from subgraphs.kit.partners import Rest
from subgraphs.kit.progress import Job
from subgraphs.kit.progress_log import JobPayload
from subgraphs.kit.shapes import given
from subgraphs.kit.work import Work

WRITE = "webhooks:write"


@strawberry.type
class WebhookQuery:
    """What can be asked about webhooks."""

    @strawberry.field
    async def webhook_subscription(self, info: Info, id: strawberry.ID) -> WebhookSubscription | None:
        """One webhook; null when it is not there, was deleted, or is not yours."""
        row = await info.context.row(models.WebhookSubscription, id, READ)
        return WebhookSubscription.of(row) if row and row.archived_at is None else None

    @strawberry.field
    async def webhook_subscriptions(
        self, info: Info, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
    ) -> list[WebhookSubscription]:
        """The webhooks, by name."""
        query = webhooks.selected().order_by(models.WebhookSubscription.name, models.WebhookSubscription.id)
        most, first = bounded(limit), skipped(offset)
        async with info.context.work(READ) as work:
            rows = (await work.session.scalars(query.limit(most).offset(first))).all()
        return [WebhookSubscription.of(row) for row in rows]

    @strawberry.field
    async def webhook_delivery(self, info: Info, id: strawberry.ID) -> WebhookDelivery | None:
        """One delivery; null when it is not there or not yours."""
        row = await info.context.row(models.WebhookDelivery, id, READ)
        return WebhookDelivery.of(row) if row else None

    @strawberry.field
    async def webhook_deliveries_connection(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        subscription_id: strawberry.ID | None = None,
        status: DeliveryStatus | None = None,
        event_type: str | None = None,
        event_id: strawberry.ID | None = None,
    ) -> Connection[WebhookDelivery]:
        """Deliveries page by page, the newest first; `status: DEAD` are the dead letters."""
        wanted = cut(first=first, after=after, last=last, before=before)
        query = deliveries.selected(
            subscription=_identity(subscription_id), status=status, event_type=event_type, event_id=_identity(event_id)
        )
        count = counts(info)
        async with info.context.work(READ) as work:
            return await page(
                work, query, models.WebhookDelivery, deliveries.NEWEST_FIRST, wanted, WebhookDelivery.of, count=count
            )


@strawberry.input
class CreateWebhookSubscriptionInput(Command):
    """A new webhook."""

    name: str
    """What people will call it."""
    url: str
    """Where events are posted: https, and reachable from everywhere."""
    event_patterns: list[str]
    """Which events: `ticket.created`, `ticket.*`, `*.created`, or `#` for all."""
    customer_id: strawberry.ID | None = None
    """The customer whose events it hears; null means: of all."""
    scopes: list[str] | None = None
    """The permissions with which it hears, of those that you hold; null means: all that you hold."""
    query: str | None = None
    """A GraphQL query with the variables `$id: ID!` (what it happened to) and `$event: String!`, or one of them."""
    client_id: str | None = None
    """The service account in whose name the query is asked."""
    client_secret: str | None = None
    """Its secret."""
    ordered: bool = False
    """Whether events are sent one after the other, each when the one before has come to its end."""
    concurrency: int = 4
    """How many deliveries may be on their way at once, when order does not matter: 1 to 20."""
    retry_seconds: list[int] | None = None
    """The pauses between the attempts; null means: 60, 300 and 1800 seconds."""


@strawberry.input
class UpdateWebhookSubscriptionInput(Change):
    """Changes to a webhook; what is absent stays."""

    id: strawberry.ID
    """The webhook."""
    name: str | None = strawberry.UNSET
    """What people will call it."""
    url: str | None = strawberry.UNSET
    """Where events are posted."""
    event_patterns: list[str] | None = strawberry.UNSET
    """Which events."""
    scopes: list[str] | None = strawberry.UNSET
    """The permissions with which it hears; null means: all that you hold."""
    query: str | None = strawberry.UNSET
    """The query that is asked for each event; null removes it."""
    client_id: str | None = strawberry.UNSET
    """The service account in whose name the query is asked."""
    client_secret: str | None = strawberry.UNSET
    """Its secret; null leaves it as it is."""
    ordered: bool | None = strawberry.UNSET
    """Whether order matters."""
    concurrency: int | None = strawberry.UNSET
    """How many deliveries may be on their way at once: 1 to 20."""
    retry_seconds: list[int] | None = strawberry.UNSET
    """The pauses between the attempts; null means: 60, 300 and 1800 seconds."""


@strawberry.input
class WebhookSubscriptionMove(Change):
    """The webhook that a command is about."""

    id: strawberry.ID
    """The webhook."""


@strawberry.input
class EnableWebhookSubscriptionInput(WebhookSubscriptionMove):
    """The webhook that is switched on again."""


@strawberry.input
class DisableWebhookSubscriptionInput(WebhookSubscriptionMove):
    """The webhook that is switched off."""


@strawberry.input
class DeleteWebhookSubscriptionInput(WebhookSubscriptionMove):
    """The webhook that is taken away."""


@strawberry.input
class RotateWebhookSecretInput(WebhookSubscriptionMove):
    """The webhook that gets a new secret."""

    overlap_hours: int = 24
    """For how many hours everything is signed with the old secret as well: 0 to 168."""


@strawberry.input
class TestWebhookSubscriptionInput(Command):
    """The webhook that is tried."""

    __test__ = False

    subscription_id: strawberry.ID
    """The webhook."""


@strawberry.input
class ReplayDeliveryInput(Command):
    """The delivery that is sent again."""

    id: strawberry.ID
    """The delivery."""


@strawberry.input
class ReplayDeliveriesInput(Command):
    """The deliveries that are sent again: at most 1,000 at once."""

    subscription_id: strawberry.ID
    """The webhook."""
    since: datetime
    """The first moment of the events."""
    until: datetime | None = None
    """The moment that ends them, itself not included; null means: now."""
    dead_only: bool = True
    """Whether only what was given up is sent again, or also what arrived."""


@strawberry.input
class StartDeliveryReplayInput(Command):
    """The deliveries that a worker sends again: at most 50,000 at once."""

    subscription_id: strawberry.ID
    """The webhook."""
    since: datetime
    """The first moment of the events."""
    until: datetime | None = None
    """The moment that ends them, itself not included; null means: now."""
    dead_only: bool = True
    """Whether only what was given up is sent again, or also what arrived."""


@strawberry.type
class WebhookMutation:
    """What can be done with webhooks."""

    @command(WRITE, WebhookSubscriptionPayload)
    async def create_webhook_subscription(
        work: Work, input: CreateWebhookSubscriptionInput
    ) -> models.WebhookSubscription:
        """Have events posted to a URL; the answer shows the secret, this once."""
        return await webhooks.create(work, **given(input))

    @command(WRITE, WebhookSubscriptionPayload)
    async def update_webhook_subscription(
        work: Work, input: UpdateWebhookSubscriptionInput
    ) -> models.WebhookSubscription:
        """Change a webhook."""
        return await webhooks.update(work, **given(input))

    @command(WRITE, WebhookSubscriptionPayload)
    async def rotate_webhook_secret(work: Work, input: RotateWebhookSecretInput) -> models.WebhookSubscription:
        """Give a webhook a new secret; the answer shows it, this once. For a day the old one signs as well."""
        return await webhooks.rotate_secret(work, **given(input))

    @command(WRITE, WebhookSubscriptionPayload)
    async def enable_webhook_subscription(
        work: Work, input: EnableWebhookSubscriptionInput
    ) -> models.WebhookSubscription:
        """Switch a webhook on again; what it missed are dead deliveries, which can be replayed."""
        return await webhooks.enable(work, **given(input))

    @command(WRITE, WebhookSubscriptionPayload)
    async def disable_webhook_subscription(
        work: Work, input: DisableWebhookSubscriptionInput
    ) -> models.WebhookSubscription:
        """Switch a webhook off; what it misses is kept as dead deliveries."""
        return await webhooks.disable(work, **given(input))

    @command(WRITE, WebhookSubscriptionPayload)
    async def delete_webhook_subscription(
        work: Work, input: DeleteWebhookSubscriptionInput
    ) -> models.WebhookSubscription:
        """Take a webhook away for good."""
        return await webhooks.delete(work, **given(input))

    @command(WRITE, WebhookDeliveryPayload)
    async def test_webhook_subscription(work: Work, input: TestWebhookSubscriptionInput) -> models.WebhookDelivery:
        """Send the event `webhook.test` to a webhook, once, also when it is switched off."""
        return await deliveries.test(work, **given(input))

    @command(WRITE, WebhookDeliveryPayload)
    async def replay_delivery(work: Work, input: ReplayDeliveryInput) -> models.WebhookDelivery:
        """Send a delivery again, under the same `webhook-id`."""
        return await deliveries.replay(work, **given(input))

    @command(WRITE, WebhookSubscriptionPayload)
    async def replay_deliveries(work: Work, input: ReplayDeliveriesInput) -> models.WebhookSubscription:
        """Send again, in their order, the deliveries of a span of time."""
        return await deliveries.replay_all(work, **given(input))

    @command(WRITE, JobPayload, rest=Rest(method="POST", path="/jobs/integrations/actions/replay-deliveries"))
    async def start_delivery_replay(work: Work, input: StartDeliveryReplayInput) -> Job:
        """Have the deliveries of a span of time sent again by a worker: as `replayDeliveries`, for up to 50,000."""
        return await long_replays.start(work, **given(input))


def _identity(text: strawberry.ID | None) -> UUID | None:
    """What an optional identifier names: text that is no UUID names nothing, and not everything."""
    return None if text is None else parsed(text) or UUID(int=0)
