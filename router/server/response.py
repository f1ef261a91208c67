"""A result out over HTTP: status, media type and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from router.executor.execute import Result
from router.server import sse
from router.server.refusals import Refused
from router.server.request import EVENT_STREAM, JSON


def result(done: Result, media_type: str, extensions: Mapping[str, Any]) -> Response:
    """Answer an operation that was executed: 200, whatever its fields say."""
    body: dict[str, Any] = {}
    if done.errors:
        body["errors"] = done.errors
    body["data"] = done.data
    if extensions:
        body["extensions"] = extensions
    if media_type == EVENT_STREAM:
        return sse.once(body)
    return _response(body, 200, media_type, {})


def refusal(refused: Refused, media_type: str) -> Response:
    """Answer a request that was not executed."""
    body: dict[str, Any] = {"errors": refused.errors}
    if refused.executed:
        body["data"] = None
    if media_type == EVENT_STREAM:
        if refused.inside_graphql:
            return sse.once(body)
        media_type = JSON
    status = 200 if media_type == JSON and refused.inside_graphql else refused.code.status
    return _response(body, status, media_type, refused.headers)


def _response(body: Mapping[str, Any], status: int, media_type: str, headers: Mapping[str, str]) -> Response:
    content_type = f"{media_type}; charset=utf-8"
    return Response(orjson.dumps(body), status, {"content-type": content_type, "cache-control": "no-store", **headers})
