"""What integrations tells the others: what came in from outside, and whom we have given up to tell."""

from __future__ import annotations

from uuid import UUID

from pydantic import AwareDatetime, JsonValue

from contracts.events.envelope import Event, catalogue


class WebhookDisabled(Event):
    """A webhook is no longer sent anything, because its receiver did not answer for days, or said that it is gone."""

    type = "webhook.disabled"
    subject_type = "WebhookSubscription"

    id: UUID
    name: str
    url: str
    reason: str
    """`FAILING`: no success for three days. `GONE`: the receiver answered 410."""
    failing_since: AwareDatetime | None
    """When the failures began, with no success since."""
    owner_id: UUID
    """Who made the webhook, and wants to know."""


class WebhookReceived(Event):
    """Another system sent something to one of our endpoints, and proved that it may."""

    type = "webhook.received"
    subject_type = "InboundMessage"

    id: UUID
    """The message."""
    endpoint_id: UUID
    endpoint_name: str
    content_type: str | None
    payload: JsonValue
    """What was sent, if it was JSON; null otherwise."""
    text: str | None
    """What was sent, if it was no JSON but text; null otherwise, and then only in the log of the endpoint."""


CATALOGUE = catalogue(WebhookDisabled, WebhookReceived)
