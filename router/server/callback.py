"""Where subgraphs call back for each event: HTTP callback protocol 1.0, `POST /callback/<id>`.

    check       do you still want it?                      204, or 404: stop
    next        an event                                   200 as soon as there is room for it
    complete    no more will come, perhaps with errors     202

Whoever calls has to bring the verifier that the subgraph was told; an id alone opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from router.executor.stream_callback import Callbacks, Expected
from router.executor.streams import error_of, event_of
from router.executor.transport import Malformed
from router.server.refusals import Refused
from router.server.request import read_body

_PROTOCOL: Final[Mapping[str, str]] = {"subscription-protocol": "callback/1.0"}


def route(callbacks: Callbacks, path: str, most_bytes: int) -> Route:
    """The route for all ids; `path` is without the id."""

    async def take(request: Request) -> Response:
        try:
            body = await read_body(request.receive, request.headers, most_bytes)
        except Refused as refused:
            return _refusal(413, str(refused))
        message = _message(body)
        if message is None or message.get("kind") != "subscription":
            return _refusal(400, "This is no message of the callback protocol.")
        identity = request.path_params["id"]
        expected = callbacks.get(identity)
        if expected is None or message.get("id") != identity:
            return _refusal(404, "There is no such subscription.")
        if not expected.verifies(str(message.get("verifier", ""))):
            return _refusal(400, "The verifier is wrong.")
        return await _act(message, expected)

    return Route(f"{path.rstrip('/')}/{{id}}", take, methods=["POST"])


async def _act(message: Mapping[str, Any], expected: Expected) -> Response:
    match message.get("action"):
        case "check":
            expected.heard.set()
            return Response(status_code=204, headers=_PROTOCOL)
        case "next":
            try:
                event = event_of(message.get("payload"))
            except Malformed as malformed:
                return _refusal(400, malformed.reason)
            if not await expected.next(event):
                return _refusal(404, "There is no such subscription.")
            return Response(status_code=200, headers=_PROTOCOL)
        case "complete":
            errors = message.get("errors")
            await expected.complete([error_of(error) for error in errors] if isinstance(errors, list) else [])
            return Response(status_code=202, headers=_PROTOCOL)
        case _:
            return _refusal(400, "There is no such action.")


def _message(body: bytes) -> dict[str, Any] | None:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"errors": [{"message": message}]}, status, headers=dict(_PROTOCOL))
