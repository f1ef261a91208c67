"""A result out over HTTP: status, media type and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
from starlette.responses import Response

from router.executor.execute import Result
from router.server import sse
from router.server.refusals import Refused
from router.server.request import EVENT_STREAM, JSON


def body(done: Result, extensions: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an executed operation answers."""
    answer: dict[str, Any] = {}
    if done.errors:
        answer["errors"] = done.errors
    answer["data"] = done.data
    if extensions:
        answer["extensions"] = extensions
    return answer


def refusal_body(refused: Refused) -> dict[str, Any]:
    """Return what an operation that was not executed answers."""
    answer: dict[str, Any] = {"errors": refused.errors}
    if refused.executed:
        answer["data"] = None
    return answer


def result(done: Result, media_type: str, extensions: Mapping[str, Any]) -> Response:
    """Answer an operation that was executed: 200, whatever its fields say."""
    answer = body(done, extensions)
    return sse.once(answer) if media_type == EVENT_STREAM else _response(answer, 200, media_type, {})


def batch(bodies: list[dict[str, Any]], media_type: str) -> Response:
    """Answer a list of operations: 200, whatever became of each."""
    return _response(bodies, 200, media_type, {})


def refusal(refused: Refused, media_type: str, *, apollo_status_codes: bool = False) -> Response:
    """Answer a request that was not executed."""
    if media_type == EVENT_STREAM and refused.inside_graphql:
        return sse.once(refusal_body(refused))
    calm = media_type == JSON and refused.inside_graphql and not apollo_status_codes
    return _response(refusal_body(refused), 200 if calm else refused.status, media_type, refused.headers)


def _response(answer: Any, status: int, media_type: str, headers: Mapping[str, str]) -> Response:
    return written(orjson.dumps(answer), status, media_type, headers)


def written(body: bytes, status: int, media_type: str, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    """Answer with a body that is JSON already."""
    # What has to be said by a status, or is no operation's answer, can't be an event.
    content_type = f"{JSON if media_type == EVENT_STREAM else media_type}; charset=utf-8"
    return Response(body, status, {"content-type": content_type, "cache-control": "no-store", **headers})
