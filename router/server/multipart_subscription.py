"""Subscriptions in parts (`multipart/mixed;subscriptionSpec=1.0`), as Apollo's clients ask for them.

{"payload": {…a GraphQL response…}}       an event
{}                                        nothing, so that proxies keep the connection
{"payload": null, "errors": [{…}]}        it's over, and this is why
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response

from router.server.multipart import Heartbeat, MultipartResponse
from router.server.streaming import NOT_BUFFERED
from router.server.subscriptions import End, Subscription

SUBSCRIPTION_SPEC: Final = "subscriptionSpec=1.0"
BOUNDARY: Final = "graphql"


def streamed(subscription: Subscription, heartbeat_seconds: float) -> Response:
    """Answer a subscription."""

    async def parts() -> AsyncGenerator[Mapping[str, Any], None]:
        while not isinstance(answer := await subscription.next(), End):
            if answer is not None:
                yield {"payload": orjson.Fragment(answer)}
        if answer.errors:
            yield {"payload": None, "errors": answer.errors}

    return MultipartResponse(
        parts(), SUBSCRIPTION_SPEC, boundary=BOUNDARY, heartbeat=Heartbeat(heartbeat_seconds), headers=NOT_BUFFERED
    )
