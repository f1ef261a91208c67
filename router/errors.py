"""Every code that the router can say, as data: what it means, whose fault it is, which HTTP status goes with it.

Composition codes live in `router.federation` beside the rules that raise them; these are the codes of requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A stable code with its meaning; `status` is the HTTP status when the whole request fails with it."""

    code: str
    meaning: str
    whose: Literal["client", "subgraph", "router"]
    status: int


def catalogue(*codes: ErrorCode) -> Mapping[str, ErrorCode]:
    """Index codes by their name; a code is never reused and never changes its meaning."""
    return MappingProxyType({entry.code: entry for entry in codes})


CATALOGUE = catalogue(
    ErrorCode("GRAPHQL_PARSE_FAILED", "The document is not valid GraphQL syntax.", "client", 400),
    ErrorCode("GRAPHQL_VALIDATION_FAILED", "The operation does not fit the schema.", "client", 400),
    ErrorCode("BAD_USER_INPUT", "A variable or argument has a value that its type does not allow.", "client", 400),
    ErrorCode("OPERATION_RESOLUTION_FAILURE", "The document has no operation of that name, or several.", "client", 400),
    ErrorCode(
        "BAD_REQUEST", "The HTTP request is not a GraphQL request; the message says what is missing.", "client", 400
    ),
    ErrorCode("INVALID_CONTENT_TYPE_HEADER", "A POST must be application/json.", "client", 415),
    ErrorCode("INVALID_ACCEPT_HEADER", "No media type in Accept can be produced.", "client", 406),
    ErrorCode("MUTATION_FORBIDDEN", "Mutations can only be sent over HTTP POST.", "client", 405),
    ErrorCode(
        "PERSISTED_QUERY_NOT_SUPPORTED", "The operation's text is needed; its hash is not enough.", "client", 400
    ),
    ErrorCode("PERSISTED_QUERY_NOT_FOUND", "No text is kept for this hash; send it along once.", "client", 200),
    ErrorCode("PERSISTED_QUERY_HASH_MISMATCH", "The hash is not that of the text beside it.", "client", 400),
    ErrorCode("PERSISTED_QUERY_NOT_IN_LIST", "No manifest has an operation of this id.", "client", 404),
    ErrorCode("PERSISTED_QUERY_ID_REQUIRED", "Operations must be sent by id, not as text.", "client", 400),
    ErrorCode("QUERY_NOT_IN_SAFELIST", "Only registered operations are answered, and this is none.", "client", 403),
    ErrorCode("CANNOT_SEND_PQ_ID_AND_BODY", "Send the id of an operation or its text, not both.", "client", 400),
    ErrorCode("NOT_CACHED", "The client wants only what is kept (only-if-cached), and this isn't.", "client", 504),
    ErrorCode("METHOD_NOT_ALLOWED", "GraphQL is spoken by GET and POST.", "client", 405),
    ErrorCode("BATCHING_NOT_ENABLED", "The body is a list of operations; one at a time is accepted.", "client", 400),
    ErrorCode("BATCH_LIMIT_EXCEEDED", "The list has more operations than allowed.", "client", 422),
    ErrorCode("CSRF_ERROR", "A foreign page could have made a browser send this; a header is missing.", "client", 400),
    ErrorCode("UNSUPPORTED_CONTENT_ENCODING", "The body's Content-Encoding is none that we decode.", "client", 415),
    ErrorCode("FILE_UPLOADS_INVALID_REQUEST", "The form is none of the multipart request spec.", "client", 400),
    ErrorCode("FILE_UPLOADS_FILE_MISSING", "A file that `map` names did not come.", "client", 400),
    ErrorCode("FILE_UPLOADS_OPERATION_CANNOT_STREAM", "A subscription can't bring files along.", "client", 400),
    ErrorCode("FILE_UPLOADS_LIMITS_MAX_FILES_EXCEEDED", "The request has more files than allowed.", "client", 413),
    ErrorCode("FILE_UPLOADS_LIMITS_MAX_FILE_SIZE_EXCEEDED", "A file is larger than allowed.", "client", 413),
    ErrorCode("REQUEST_TIMEOUT", "The request's body did not arrive in time.", "client", 408),
    ErrorCode("INVALID_GRAPHQL_REQUEST", "The request is larger than the router accepts.", "client", 413),
    ErrorCode("URI_TOO_LONG", "The request's URL is longer than allowed.", "client", 414),
    ErrorCode("REQUEST_HEADER_FIELDS_TOO_LARGE", "The request's headers are larger than allowed.", "client", 431),
    ErrorCode("MAX_VARIABLES_SIZE_LIMIT", "The variables are larger than allowed.", "client", 413),
    ErrorCode("MAX_VARIABLES_DEPTH_LIMIT", "The variables are nested deeper than allowed.", "client", 400),
    ErrorCode("MAX_DOCUMENT_SIZE_LIMIT", "The document is longer than allowed.", "client", 400),
    ErrorCode("MAX_RECURSION_LIMIT", "The document is nested deeper than allowed.", "client", 400),
    ErrorCode("MAX_HEIGHT_LIMIT", "The operation has more different fields than allowed.", "client", 400),
    ErrorCode("MAX_DIRECTIVES_LIMIT", "The operation has more directives than allowed.", "client", 400),
    ErrorCode("MAX_INTROSPECTION_DEPTH_LIMIT", "The schema is asked for lists of lists of lists.", "client", 400),
    ErrorCode("INTROSPECTION_DISABLED", "The schema may not be asked for.", "client", 400),
    ErrorCode("UNKNOWN_ERROR", "The operation does not fit the schema, and more is not said.", "client", 400),
    ErrorCode("MAX_DEPTH_LIMIT", "The operation is nested deeper than allowed.", "client", 400),
    ErrorCode("MAX_ALIASES_LIMIT", "The operation has more aliases than allowed.", "client", 400),
    ErrorCode("MAX_ROOT_FIELDS_LIMIT", "The operation has more root fields than allowed.", "client", 400),
    ErrorCode("MAX_SELECTIONS_LIMIT", "The operation selects more fields than allowed.", "client", 400),
    ErrorCode("MAX_TOKENS_LIMIT", "The document has more tokens than allowed.", "client", 400),
    ErrorCode("SUBSCRIPTION_DISABLED", "Subscriptions are not answered by this router.", "client", 400),
    ErrorCode(
        "SUBSCRIPTION_BAD_HEADER", "A subscription needs a stream, and Accept names none that we know.", "client", 406
    ),
    ErrorCode("BATCHING_SUBSCRIPTION_UNSUPPORTED", "A batch is answered once, a subscription is not.", "client", 400),
    ErrorCode("SUBSCRIPTION_MAX_LIMIT", "As many subscriptions or connections as allowed are open.", "client", 503),
    ErrorCode(
        "SUBSCRIPTION_TOO_SLOW", "Events came faster than the client took them; it may try again.", "client", 200
    ),
    ErrorCode(
        "SUBSCRIPTION_SCHEMA_RELOAD",
        "A new schema changed what the subscription needs; subscribe again.",
        "router",
        200,
    ),
    ErrorCode("SUBSCRIPTION_HEARTBEAT_ERROR", "A service that calls back was silent for too long.", "subgraph", 200),
    ErrorCode("WEBSOCKET_CONNECTION_ERROR", "No WebSocket to a service could be opened.", "subgraph", 200),
    ErrorCode("SUBREQUEST_WEBSOCKET_ERROR", "The WebSocket to a service broke, and again.", "subgraph", 200),
    ErrorCode(
        "SUBSCRIPTION_STREAM_NOT_FOUND", "There is no reserved event stream of yours by this token.", "client", 404
    ),
    ErrorCode(
        "SUBSCRIPTION_STREAM_OPEN", "The reserved event stream, or the operation's id, is in use.", "client", 409
    ),
    ErrorCode("SUBSCRIPTION_CONFIG_RELOAD", "The router got other settings; subscribe again.", "router", 200),
    ErrorCode("SHUTTING_DOWN", "The router is being stopped; subscribe again.", "router", 503),
    ErrorCode("COST_ESTIMATED_TOO_EXPENSIVE", "The operation's estimated cost is beyond the maximum.", "client", 400),
    ErrorCode("COST_ACTUAL_TOO_EXPENSIVE", "The answer cost more than the maximum; its data are there.", "client", 200),
    ErrorCode(
        "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE",
        "The operation would cost this service more than it may; its fields are null.",
        "client",
        200,
    ),
    ErrorCode("COST_QUERY_PARSE_FAILURE", "The cost can't be estimated; the message says why.", "client", 400),
    ErrorCode("REQUEST_RATE_LIMITED", "Too many requests; Retry-After says when there is room again.", "client", 429),
    ErrorCode("UNAUTHENTICATED", "There is no token, or it can't be accepted.", "client", 401),
    ErrorCode(
        "IDENTITY_UNAVAILABLE",
        "Nobody can tell now whether a token or an API key is good; Retry-After says when to come.",
        "router",
        503,
    ),
    ErrorCode(
        "AUTH_ERROR",
        "There is no token, or it can't be accepted, where tokens of any issuers are (`jwt`); 400 when the header holds none.",
        "client",
        401,
    ),
    ErrorCode(
        "UNAUTHORIZED_FIELD_OR_TYPE",
        "The caller may not see this field, or what it returns; it is null.",
        "client",
        403,
    ),
    ErrorCode("QUERY_PLANNING_FAILED", "No combination of subgraphs can answer the operation.", "router", 500),
    ErrorCode(
        "QUERY_PLAN_COMPLEXITY_EXCEEDED", "Planning the operation would take more than is allowed.", "client", 400
    ),
    ErrorCode(
        "SUPERGRAPH_UNAVAILABLE", "No module has registered yet, or their schemas do not compose.", "router", 503
    ),
    ErrorCode(
        "REQUEST_CONCURRENCY_LIMITED", "Too much is asked at once; Retry-After says when to come.", "router", 503
    ),
    ErrorCode("GATEWAY_TIMEOUT", "The request took longer than the router allows.", "router", 504),
    ErrorCode("UPSTREAM_UNAVAILABLE", "A service could not be reached; its fields are null.", "subgraph", 200),
    ErrorCode("UPSTREAM_TIMEOUT", "A service took too long; its fields are null.", "subgraph", 200),
    ErrorCode("UPSTREAM_MALFORMED", "A service answered something that is not a GraphQL response.", "subgraph", 200),
    ErrorCode(
        "FETCH_LIMIT_EXCEEDED", "The operation would take more requests to services than allowed.", "subgraph", 200
    ),
    ErrorCode(
        "RESPONSE_SIZE_LIMIT_EXCEEDED", "The services' answers are larger, all together, than allowed.", "subgraph", 200
    ),
    ErrorCode(
        "SUBGRAPH_CIRCUIT_BREAKER_REJECTED",
        "A service failed too often and is not asked for a while; its fields are null.",
        "subgraph",
        200,
    ),
    ErrorCode(
        "SUBGRAPH_CONCURRENCY_LIMITED",
        "Too many requests wait for a service already; its fields are null.",
        "subgraph",
        200,
    ),
    ErrorCode("DOWNSTREAM_SERVICE_ERROR", "A service reported an error without a code of its own.", "subgraph", 200),
    ErrorCode(
        "INVALID_RESPONSE_VALUE", "A service's value does not fit the type that the schema promises.", "subgraph", 200
    ),
    ErrorCode("HOOK_REFUSED", "A hook of the router's own configuration refuses it; its code says why.", "client", 403),
    ErrorCode("HOOK_FAILED", "A hook without which nothing goes on has failed; the log says how.", "router", 500),
    ErrorCode("INTERNAL", "Our fault; the message carries the trace id that leads to the log.", "router", 500),
)
