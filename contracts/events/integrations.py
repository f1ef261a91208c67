"""What integrations tells the others: what came in from outside, whom we have given up to tell, and which modules are there."""

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


class _ServiceFact(Event):
    subject_type = "ServiceRegistration"

    module: str
    """The one word by which the module is known; the subject's id is made of it, and the same everywhere."""
    version: str
    """Which release of it runs, or ran."""
    url: str
    """Where the router reaches its graph."""
    heartbeat_at: AwareDatetime | None
    """When it announced itself last; null for one in the router's own process."""


class ServiceRegistered(_ServiceFact):
    """A module of the platform has announced itself: it is new, it came back, or another release of it runs."""

    type = "service.registered"

    status: str
    """`UP`: it is served. `DEGRADED`: it is alive, but its newest schema is not served."""


class ServiceDown(_ServiceFact):
    """A module of the platform has not announced itself for a minute."""

    type = "service.down"


CATALOGUE = catalogue(WebhookDisabled, WebhookReceived, ServiceRegistered, ServiceDown)
