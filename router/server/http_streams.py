"""Subscriptions over HTTP: the client's `Accept` picks Server-Sent Events or multipart, each with its own `Attended` answer."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from router.server import multipart_subscription, sse
from router.server.pipeline import Client, Prepared
from router.server.presence import Presence
from router.server.refusals import Refused
from router.server.request import EVENT_STREAM, GraphQLRequest, stream_type
from router.server.streaming import Attended
from router.server.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Streams:
    """Answers operations that have no one answer."""

    subscriptions: Subscriptions
    presence: Presence

    def answer(self, prepared: Prepared, request: GraphQLRequest, client: Client) -> Response:
        """Subscribe, and answer with what comes; raises `Refused` when the client can't take a stream."""
        wanted = stream_type(client.headers)
        if wanted is None:
            raise Refused(
                "SUBSCRIPTION_BAD_HEADER",
                "A subscription needs a stream: accept text/event-stream or multipart/mixed;subscriptionSpec=1.0.",
            )
        subscription = self.subscriptions.open(prepared, request, client)
        write = sse.streamed if wanted == EVENT_STREAM else multipart_subscription.streamed
        answer = write(subscription, self.subscriptions.settings.heartbeat_seconds)
        return Attended(answer, subscription, self.presence, client.caller)
