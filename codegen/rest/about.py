"""What the interface says about itself, as routes of the OpenAPI document: the resources, and the fields of each."""

from __future__ import annotations

from typing import Any, Final

from codegen.rest import parts

_TEXT: Final = {"type": "string"}
_MAYBE: Final = {"type": ["string", "null"]}
_FLAG: Final = {"type": "boolean"}
_ADDRESS: Final = {"type": "string", "format": "uri-reference"}
_WHERE: Final = {
    "type": ["string", "null"],
    "format": "uri-reference",
    "description": "Where it is read; null where there are only parts of it, or things that can be done.",
}
_FIELDS: Final = {"type": "array", "items": parts.ref("schemas", "MetaField")}

SCHEMAS: Final[dict[str, Any]] = {
    "MetaIndex": {
        "type": "object",
        "description": "The resources that you may use.",
        "required": ["data"],
        "properties": {
            "data": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["resource", "href", "meta"],
                    "properties": {"resource": _TEXT, "href": _WHERE, "meta": _ADDRESS},
                },
            }
        },
    },
    "MetaField": {
        "type": "object",
        "description": "A field, or a filter: its kind, and the words that it may have.",
        "required": ["name", "type", "list"],
        "properties": {
            "name": _TEXT,
            "type": {
                "enum": [
                    "id",
                    "string",
                    "integer",
                    "number",
                    "boolean",
                    "date-time",
                    "date",
                    "decimal",
                    "any",
                    "enum",
                    "object",
                ],
                "description": "What its values are.",
            },
            "list": {**_FLAG, "description": "Whether there may be several."},
            "nullable": _FLAG,
            "required": {**_FLAG, "description": "Whether it must be given."},
            "description": _MAYBE,
            "allowed": {
                "type": "array",
                "description": "All values that there are, with what people call them.",
                "items": {
                    "type": "object",
                    "required": ["value"],
                    "properties": {"value": _TEXT, "label": _MAYBE},
                },
            },
            "reference": {**_ADDRESS, "description": "Where the things are listed, one of which it names."},
            "deprecated": {**_TEXT, "description": "Why it should not be used any more."},
        },
    },
    "MetaAddress": {
        "type": "object",
        "required": ["name", "method", "href"],
        "properties": {"name": _TEXT, "method": _TEXT, "href": _TEXT, "fields": _FIELDS},
    },
    "MetaResource": {
        "type": "object",
        "description": "What there is to know about a resource.",
        "required": ["resource", "href", "filters", "commands", "lists"],
        "properties": {
            "resource": _TEXT,
            "href": _WHERE,
            "type": {**_TEXT, "description": "What its things are called in the graph, and in events."},
            "description": _MAYBE,
            "fields": _FIELDS,
            "expand": {"type": "array", "items": _TEXT, "description": "What can be shown along with it."},
            "filters": _FIELDS,
            "commands": {"type": "array", "items": parts.ref("schemas", "MetaAddress")},
            "lists": {"type": "array", "items": parts.ref("schemas", "MetaAddress")},
        },
    },
}


def paths(base: str) -> dict[str, Any]:
    """The routes, by path."""
    index = {"data": [{"resource": "tickets", "href": f"{base}/tickets", "meta": f"{base}/meta/tickets"}]}
    status = {
        "name": "priority",
        "type": "enum",
        "list": False,
        "nullable": False,
        "description": "How urgent it is.",
        "allowed": [{"value": "P1", "label": "Critical."}],
    }
    resource = {
        "resource": "tickets",
        "href": f"{base}/tickets",
        "type": "Ticket",
        "description": "A ticket.",
        "fields": [status],
        "expand": ["customer"],
        "filters": [],
        "commands": [],
        "lists": [],
    }
    key = {**parts.path_parameter("resource", ""), "description": "The first part of its paths: `tickets`."}
    key["schema"] = {**key["schema"], "pattern": "^[a-z0-9-]+$"}
    return {
        "/meta": {"get": _told("getMeta", "The resources that you may use.", "MetaIndex", index, keyed=False)},
        "/meta/{resource}": {
            "parameters": [key],
            "get": _told("getMetaOfResource", "Fields, picklists and filters.", "MetaResource", resource, keyed=True),
        },
    }


def _told(name: str, what: str, schema: str, example: Any, *, keyed: bool) -> dict[str, Any]:
    answer = {**parts.answered(parts.ref("schemas", schema), example), "headers": parts.head("ETag")}
    statuses = ["400", "401", "403", "406", "429", "500", "503", *(["404"] if keyed else [])]
    return {
        "operationId": name,
        "summary": what.rstrip("."),
        "description": f"{what} As far as your permissions go.",
        "tags": ["meta"],
        "security": [{"oauth2": []}, {"apiKey": []}],
        "x-required-scopes": [],
        "parameters": [parts.header("If-None-Match")],
        "responses": {
            "200": answer,
            "304": {"description": "Nothing has changed.", "headers": parts.head("ETag")},
            **{status: parts.problem(status) for status in sorted(statuses)},
        },
    }
