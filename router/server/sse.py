"""GraphQL over Server-Sent Events, distinct connections: each operation has an answer of its own that goes on.

    event: next                      a GraphQL response
    data: {"data": …}

    :                                nothing, so that proxies keep the connection
                                     (an empty comment, as the HTML standard advises)
    event: complete                  no more will come
    data:

Queries and mutations get one `next` and `complete`. What is wrong with an operation is a `next` with errors, for a browser's
EventSource shows nobody the body of an answer with another status. A stream that ends without `complete` broke: the
client should come again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

import orjson

from router.server.request import EVENT_STREAM
from router.server.streaming import Pieces
from router.server.subscriptions import End, Subscription

HEARTBEAT: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata:\n\n"
_CONTENT_TYPE: Final = f"{EVENT_STREAM}; charset=utf-8"
_RECOVERABLE: Final = frozenset({"SHUTTING_DOWN", "SUBSCRIPTION_CONFIG_RELOAD"})


def next_event(payload: bytes) -> bytes:
    """Write one answer; JSON as we write it has no line breaks."""
    return b"event: next\ndata: " + payload + b"\n\n"


def once(body: object) -> Pieces:
    """Answer an operation that has one answer."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield next_event(orjson.dumps(body)) + COMPLETE

    return Pieces(pieces(), _CONTENT_TYPE)


def streamed(subscription: Subscription, heartbeat_seconds: float) -> Pieces:
    """Answer a subscription."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield HEARTBEAT  # so that the client knows at once that it is connected
        while not isinstance(answer := await subscription.next(heartbeat_seconds), End):
            yield HEARTBEAT if answer is None else next_event(answer)
        if answer.errors:
            yield next_event(orjson.dumps({"errors": answer.errors}))
        if not is_interruption(answer):
            yield COMPLETE

    return Pieces(pieces(), _CONTENT_TYPE)


def stream_of(pieces: AsyncGenerator[bytes, None]) -> Pieces:
    """Answer with events that somebody else writes."""
    return Pieces(pieces, _CONTENT_TYPE)


def is_interruption(end: End) -> bool:
    """Whether the client should just come again, to another router."""
    return any(error["extensions"].get("code") in _RECOVERABLE for error in end.errors)
