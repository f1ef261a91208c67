"""HTTP in, a GraphQL request out: GraphQL over HTTP, by GET and by POST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive

from router.executor.nesting import too_deep
from router.server.refusals import Refused

JSON: Final = "application/json"
GRAPHQL_RESPONSE: Final = "application/graphql-response+json"

EVENT_STREAM: Final = "text/event-stream"
MULTIPART: Final = "multipart/mixed"

# What a client may ask for, and what it gets then.
_OFFERED: Final[Mapping[str, str]] = {
    GRAPHQL_RESPONSE: GRAPHQL_RESPONSE,
    JSON: JSON,
    EVENT_STREAM: EVENT_STREAM,
    "application/*": JSON,
    "*/*": JSON,
}

_STREAMS: Final = frozenset({EVENT_STREAM, MULTIPART})


class ClientGone(Exception):
    """The client closed the connection before its answer was ready."""


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The four parameters of the specification, and what may stand for the first; `query` is empty then."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]
    extensions: Mapping[str, Any]
    document_id: str | None = None
    """An id of a manifest, or the text's hash."""
    registered: bool = False
    """Whether the text stands in a manifest."""


def media_type(headers: Headers) -> str:
    """Return the media type of the answer; the client's highest weight wins, the first among equals."""
    accept = ",".join(headers.getlist("accept"))
    if not accept.strip():
        return JSON
    wanted = _wanted(accept)
    acceptable = [(weight, _OFFERED[name]) for weight, name in wanted if weight > 0 and name in _OFFERED]
    if not acceptable and stream_type(headers) is None:
        raise Refused("INVALID_ACCEPT_HEADER", f"The answer can be {GRAPHQL_RESPONSE} or {JSON}.")
    return max(acceptable, key=lambda option: option[0], default=(1.0, JSON))[1]


def stream_type(headers: Headers) -> str | None:
    """Return the media type for an answer that goes on; None when the client takes none."""
    wanted = _wanted(",".join(headers.getlist("accept")))
    acceptable = [(weight, name) for weight, name in wanted if weight > 0 and name in _STREAMS]
    return max(acceptable, key=lambda option: option[0])[1] if acceptable else None


def _wanted(accept: str) -> list[tuple[float, str]]:
    return [_weighted(part) for part in accept.split(",")]


def _weighted(part: str) -> tuple[float, str]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return _number(value), name
        if key.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8"):
            return 0.0, name
    return 1.0, name


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def check_method(method: str) -> None:
    """Refuse every method but the two of the specification."""
    if method not in ("GET", "POST"):
        raise Refused("METHOD_NOT_ALLOWED", "Use GET or POST.", headers={"allow": "GET, POST"})


def check_content_type(method: str, headers: Headers) -> None:
    """Refuse bodies that are not JSON in UTF-8; a GET has no body, but may not pretend to have another one."""
    given = headers.get("content-type")
    if given is None and method == "GET":
        return
    name, *parameters = (piece.strip().lower() for piece in (given or "").split(";"))
    charsets = [
        value.strip(' "') for key, _, value in (p.partition("=") for p in parameters) if key.strip() == "charset"
    ]
    if name != JSON or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise Refused("INVALID_CONTENT_TYPE_HEADER", f"The content type must be {JSON} in UTF-8.")


async def read_body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """Read the body; stop as soon as it's larger than allowed."""
    declared = headers.get("content-length", "")
    body = bytearray()
    more = True
    while more:
        if len(body) > limit or (declared.isdigit() and int(declared) > limit):
            raise Refused("INVALID_GRAPHQL_REQUEST", f"The request's body may have {limit} bytes.")
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if len(body) > limit:
        raise Refused("INVALID_GRAPHQL_REQUEST", f"The request's body may have {limit} bytes.")
    return bytes(body)


def parameters(method: str, query_string: bytes, body: bytes) -> Any:
    """Read what a request asks for: the parameters of one operation, or a list of them."""
    return _from_url(query_string) if method == "GET" else _json(body, "The body is not JSON.")


def graphql_request(parameters: Any) -> GraphQLRequest:
    """Check the parameters of one operation; raises `Refused` when one has the wrong type."""
    if not isinstance(parameters, dict):
        raise Refused("BAD_REQUEST", "The body must be a JSON object.")
    extensions = _map(parameters, "extensions")
    document_id = _document_id(parameters, extensions)
    query = parameters.get("query")
    if query is None and document_id is not None:
        query = ""
    elif not isinstance(query, str) or not query.strip():
        raise Refused("BAD_REQUEST", "The parameter `query` must be a GraphQL document.")
    name = parameters.get("operationName")
    if not isinstance(name, str | None):
        raise Refused("BAD_REQUEST", "The parameter `operationName` must be a string.")
    return GraphQLRequest(query, name or None, _map(parameters, "variables"), extensions, document_id)


def _document_id(parameters: Mapping[str, Any], extensions: Mapping[str, Any]) -> str | None:
    """Return what stands for the text: Apollo's extension, or the parameter that Relay and the specification have."""
    persisted = extensions.get("persistedQuery")
    given = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    given = given or parameters.get("documentId") or parameters.get("doc_id")
    if given is None:
        return None
    if not isinstance(given, str):
        raise Refused("BAD_REQUEST", "The id of a persisted query must be a string.")
    return given.removeprefix("sha256:")


def _from_url(query_string: bytes) -> dict[str, Any]:
    try:
        given: dict[str, Any] = dict(parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise Refused("BAD_REQUEST", "The query string is not URL-encoded UTF-8.") from None
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = _json(given[name].encode(), f"The parameter `{name}` is not JSON.")
        else:
            given.pop(name, None)
    return given


def _json(text: bytes, problem: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refused("BAD_REQUEST", problem) from None
    if too_deep(value):
        raise Refused("BAD_REQUEST", "The request is nested too deep.")
    return value


def _map(parameters: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused("BAD_REQUEST", f"The parameter `{name}` must be an object.")
    return value
