"""The parts of the OpenAPI document that are the same for every route: parameters, headers, problems, pages."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Any, Final

from contracts.scopes import PERMISSIONS, QUALIFIERS
from router.rest.parameters import DEFAULT_LIMIT, LONGEST_PAGE
from router.rest.problems import JSON as PROBLEM_JSON
from router.rest.routes import Kind

_JSON: Final = "application/json"


def ref(kind: str, name: str) -> dict[str, str]:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def header(name: str) -> dict[str, str]:
    """A parameter that is a header."""
    return ref("parameters", name)


def problem(status: str) -> dict[str, str]:
    """The answer of a refusal."""
    return ref("responses", f"Problem{status}")


def query(name: str, schema: dict[str, Any], description: str | None, **more: Any) -> dict[str, Any]:
    """A parameter in the URL."""
    written: dict[str, Any] = {"name": name, "in": "query", "schema": schema, **more}
    return {**written, "description": description} if description else written


def path_parameter(name: str, path: str) -> dict[str, Any]:
    """A parameter in the path."""
    what = "The identifier, or the human number where things have one." if name == "id" else f"The {name}."
    schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9._:-]+$"}
    del path
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": what}


MEANING: Final = {
    "fields": "Only these fields, and the id; a path names a field of what a field points at: `customer.name`.",
    "expand": "Show these things too, in full, and not only where they are; a path goes to three levels.",
}

PARAMETERS: Final[dict[str, Any]] = {
    "limit": query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": DEFAULT_LIMIT},
        "How many at most.",
    ),
    "cursor": query("cursor", {"type": "string"}, "Where the page begins: `page.nextCursor` of the page before."),
    "before": query("before", {"type": "string"}, "Where the page ends: to walk back; the link `prev` has it."),
    "count": query(
        "count", {"type": "string", "enum": ["none", "exact"], "default": "none"}, "Whether to count all pages, too."
    ),
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the request repeatable for 24 hours: the same key with the same body is done once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`return=minimal` answers without a body; `dry-run` tries everything and changes nothing; what is unknown is "
        "ignored, but refused (400) with `handling=strict`.",
        "schema": {"type": "string"},
        "examples": {
            name: {"value": name}
            for name in ("return=minimal", "return=representation", "dry-run", "handling=strict, return=minimal")
        },
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "Only if it still is the version that was read, as `ETag` gave it, or one of several; otherwise 412. `*` is any.",
        "schema": {"type": "string"},
        "examples": {"version 3": {"value": '"3"'}, "one of two": {"value": '"3", "4"'}, "any": {"value": "*"}},
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Answers 304 without a body when nothing has changed since this `ETag`.",
        "schema": {"type": "string"},
        "examples": {"version 3": {"value": '"3"'}},
    },
}

HEADERS: Final[dict[str, Any]] = {
    "ETag": {"description": "The version of what is answered.", "schema": {"type": "string"}},
    "Link": {
        "description": "The pages around this one (RFC 8288): `first`, `next`, `prev`.",
        "schema": {"type": "string"},
    },
    "Location": {"description": "Where it is found.", "schema": {"type": "string", "format": "uri-reference"}},
    "Preference-Applied": {"description": "Which preferences were followed.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "`true` when this was done before, with the same `Idempotency-Key`: it is told again, not done again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "RateLimit-Policy": {"description": 'What holds: `"default";q=1000;w=60`.', "schema": {"type": "string"}},
    "RateLimit": {"description": 'What is left: `"default";r=999;t=60`.', "schema": {"type": "string"}},
    "Retry-After": {"description": "When to come again, in seconds.", "schema": {"type": "string"}},
    "Allow": {"description": "The methods that there are.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "How to say who one is.", "schema": {"type": "string"}},
    "Deprecation": {"description": "Since when this should not be used (RFC 9745).", "schema": {"type": "string"}},
    "Sunset": {"description": "Until when this can be used (RFC 8594).", "schema": {"type": "string"}},
    "X-Request-Id": {"description": "The request, as our logs know it.", "schema": {"type": "string"}},
}

_ALWAYS: Final = ("RateLimit-Policy", "RateLimit", "Deprecation", "Sunset", "X-Request-Id")


def head(*names: str) -> dict[str, Any]:
    """The headers of an answer."""
    return {name: ref("headers", name) for name in (*names, *_ALWAYS)}


def answered(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    """An answer that is as it should be."""
    return {"description": "As asked.", "content": {_JSON: {"schema": schema, "example": example}}}


def body(schema: dict[str, Any], example: Any, *, required: bool = True, media_type: str = _JSON) -> dict[str, Any]:
    """What is sent."""
    return {"required": required, "content": {media_type: {"schema": schema, "example": example}}}


SCHEMAS: Final[dict[str, Any]] = {
    "Problem": {
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "code", "traceId"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "Explains this kind of problem."},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What is wrong this time, in words for people."},
            "instance": {"type": "string", "description": "The path that was asked for."},
            "code": {"type": "string", "description": "Stable, for programs."},
            "traceId": {"type": "string", "description": "Leads to our logs."},
            "docUrl": {"type": "string", "format": "uri-reference"},
            "errors": {"type": "array", "items": ref("schemas", "Fault")},
        },
    },
    "Fault": {
        "type": "object",
        "description": "One thing that is wrong with the request.",
        "required": ["code", "message"],
        "properties": {
            "pointer": {"type": "string", "description": "Where in the body (RFC 6901)."},
            "param": {"type": "string", "description": "Which parameter of the URL."},
            "header": {"type": "string", "description": "Which header."},
            "code": {"type": "string"},
            "message": {"type": "string"},
            "allowed": {"type": "array", "items": {}, "description": "What would be right, where that can be listed."},
        },
    },
    "Warning": {
        "type": "object",
        "description": "Something that is missing in an answer that is true otherwise.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {"type": "string", "description": "Where in this body, as a JSON pointer (RFC 6901)."},
            "field": {"type": "string", "description": "What all things below `pointer` lack, as `fields` names it."},
            "code": {"type": "string", "description": "Why, for programs."},
            "detail": {"type": "string", "description": "Why, for people."},
        },
    },
    "JsonPatch": {
        "type": "array",
        "description": "JSON Patch (RFC 6902) of whole members.",
        "items": {
            "type": "object",
            "required": ["op", "path"],
            "properties": {"op": {"enum": ["add", "replace", "remove"]}, "path": {"type": "string"}, "value": {}},
        },
    },
    "PagePlace": {
        "type": "object",
        "required": ["hasMore", "nextCursor", "limit"],
        "properties": {
            "hasMore": {"type": "boolean"},
            "nextCursor": {"type": ["string", "null"]},
            "limit": {"type": "integer"},
            "totalCount": {"type": ["integer", "null"], "description": "With `count=exact`."},
        },
    },
    "PageLinks": {
        "type": "object",
        "required": ["next", "prev"],
        "properties": {
            "next": {"type": ["string", "null"], "format": "uri-reference"},
            "prev": {"type": ["string", "null"], "format": "uri-reference"},
        },
    },
}


def page(item: dict[str, Any]) -> dict[str, Any]:
    """The schema of a page."""
    return {
        "type": "object",
        "required": ["data", "page", "links"],
        "properties": {
            "data": {"type": "array", "items": item},
            "page": ref("schemas", "PagePlace"),
            "links": ref("schemas", "PageLinks"),
            "warnings": {"type": "array", "items": ref("schemas", "Warning")},
        },
    }


def bulk_results(item: dict[str, Any]) -> dict[str, Any]:
    """The schema of what became of many."""
    result = {
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {"type": "integer"},
            "id": {"type": ["string", "null"]},
            "href": {"type": ["string", "null"], "format": "uri-reference"},
            "etag": {"type": "string"},
            "data": item,
            "problem": ref("schemas", "Problem"),
        },
    }
    return {
        "type": "object",
        "required": ["results", "succeeded", "failed"],
        "properties": {
            "results": {"type": "array", "items": result},
            "succeeded": {"type": "integer"},
            "failed": {"type": "integer"},
        },
    }


def bulk_example(item: dict[str, Any]) -> dict[str, Any]:
    """An example of what became of many."""
    return {"results": [{"status": 200, "id": item.get("id"), "href": None, "data": item}], "succeeded": 1, "failed": 0}


_PROBLEMS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "400": ("The URL, a header or the body can't be read, or has what is not known.", ()),
    "401": ("There is no key or token, or it can't be accepted.", ("WWW-Authenticate",)),
    "403": ("The key or token does not allow this.", ()),
    "404": ("There is no such thing, or it is not yours.", ()),
    "405": ("Not with this method.", ("Allow",)),
    "406": ("`Accept` names nothing that can be answered.", ()),
    "409": ("Not in the state that it is in.", ()),
    "410": ("What the cursor leads to is not kept any more; begin again.", ()),
    "412": ("It is not the version any more that `If-Match` names.", ()),
    "413": ("The body is too large.", ()),
    "414": ("The URL is too long; a list can be asked for by `POST …/query`.", ()),
    "415": ("The body has another content type than is accepted.", ()),
    "422": ("A value makes no sense; `errors` says which, and what would.", ()),
    "429": ("Too many requests.", ("Retry-After",)),
    "431": ("The headers are too large.", ()),
    "500": ("A fault of ours; the trace id leads to the log.", ()),
    "502": ("A module answered what nobody understands.", ()),
    "503": ("A module is away, or too much is asked at once.", ("Retry-After",)),
    "504": ("It took too long.", ()),
}

_EXAMPLES: Final = {
    "400": "INVALID_PARAMETER",
    "401": "UNAUTHENTICATED",
    "403": "FORBIDDEN",
    "404": "NOT_FOUND",
    "405": "METHOD_NOT_ALLOWED",
    "406": "NOT_ACCEPTABLE",
    "409": "CONFLICT",
    "410": "CURSOR_EXPIRED",
    "412": "STALE",
    "413": "BODY_TOO_LARGE",
    "414": "URI_TOO_LONG",
    "415": "UNSUPPORTED_MEDIA_TYPE",
    "422": "VALIDATION",
    "429": "REQUEST_RATE_LIMITED",
    "431": "REQUEST_HEADER_FIELDS_TOO_LARGE",
    "500": "INTERNAL",
    "502": "SUBREQUEST_HTTP_ERROR",
    "503": "MODULE_ABSENT",
    "504": "GATEWAY_TIMEOUT",
}


def responses(base: str) -> dict[str, Any]:
    """Every problem as a response of the version that lies below `base`."""
    return {f"Problem{status}": _problem(base, status, *told) for status, told in _PROBLEMS.items()}


def _problem(base: str, status: str, description: str, headers: tuple[str, ...]) -> dict[str, Any]:
    code = _EXAMPLES[status]
    address = f"{base}/problems/{code.lower().replace('_', '-')}"
    example = {
        "type": address,
        "title": HTTPStatus(int(status)).phrase,
        "status": int(status),
        "detail": description,
        "instance": f"{base}/tickets",
        "code": code,
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "docUrl": address,
    }
    if status == "422":
        fault = {"pointer": "/priority", "code": "VALIDATION", "message": "This must be one of P1, P2, P3, P4."}
        example["errors"] = [{**fault, "allowed": ["P1", "P2", "P3", "P4"]}]
    content = {PROBLEM_JSON: {"schema": ref("schemas", "Problem"), "example": example}}
    return {"description": description, "headers": head(*headers), "content": content}


def refusals(kind: Kind, *, keyed: bool) -> dict[str, Any]:
    """The problems that a route can answer."""
    statuses = ["400", "401", "403", "406", "413", "414", "429", "431", "500", "502", "503", "504"]
    if keyed or kind.writes or kind is Kind.SINGLETON:
        statuses.append("404")
    if kind.writes:
        statuses += ["409", "412"]
    if kind.writes or kind is Kind.QUERY:
        statuses += ["415", "422"]
    found: dict[str, Any] = {status: problem(status) for status in sorted(statuses)}
    if not kind.writes and kind is not Kind.QUERY:
        found["304"] = {"description": "Nothing has changed.", "headers": head("ETag")}
    return found


def security_schemes(asked: Collection[str]) -> dict[str, Any]:
    """The ways to say who one is; `asked` are the permissions that routes ask for: some narrow one of the catalogue."""
    scopes = {one: _permitted(one) for one in (*PERMISSIONS, *sorted(set(asked) - PERMISSIONS.keys()))}
    flows = {
        "clientCredentials": {"tokenUrl": "/auth/token", "scopes": scopes},
        "authorizationCode": {"authorizationUrl": "/auth/authorize", "tokenUrl": "/auth/token", "scopes": scopes},
    }
    return {
        "oauth2": {"type": "oauth2", "description": "A token of our own provider.", "flows": flows},
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "A key of a person or account.",
        },
    }


def _permitted(scope: str) -> str:
    whole, dot, qualifier = scope.partition(".")
    return f"Of `{whole}` only {QUALIFIERS[qualifier]}." if dot else PERMISSIONS[whole]


def info(version: int, notice: str, graphql_only: dict[str, str]) -> dict[str, Any]:
    """What the document is about."""
    listed = "\n".join(f"* `{name}`: {why}" for name, why in graphql_only.items())
    return {
        "title": "psa-platform",
        "version": f"{version}.0.0",
        "description": _ABOUT + (f"\n\n## Only in GraphQL\n\n{listed}" if listed else ""),
        "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        "x-comment": notice,
    }


_ABOUT: Final = """\
Customers, tickets, assets, invoices and everything else of a managed service provider, for programs.

Every route is one operation of the graph: the same permissions, limits and errors hold. Lists come in pages
(`limit`, `cursor`, the header `Link`); `fields` and `expand` say what is shown; changes are guarded by `ETag` and
`If-Match` and made repeatable by `Idempotency-Key`; refusals are problem documents (RFC 9457)."""
