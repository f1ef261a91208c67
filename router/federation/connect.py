"""The definitions of connectors: @source and @connect, which the supergraph carries without looking inside."""

from __future__ import annotations

from typing import Final

from router.federation.spec import Link, Version

CONNECT_DIRECTIVES: Final = ("source", "connect")

# What is inside of `http`, `batch` and `errors` is the connectors' own business: any value is accepted here.
_TYPES: Final = ("SourceHTTP", "ConnectHTTP", "ConnectBatch", "ConnectorErrors", "JSONSelection")


def connect_definitions(link: Link) -> list[str]:
    """The definitions, in the names of a schema that links them."""
    newer = link.url.version >= Version(0, 2)
    errors = ", errors: {ConnectorErrors}, isSuccess: {JSONSelection}" if newer else ""
    batch = ", batch: {ConnectBatch}, id: String" if newer else ""
    sdl = [
        f"directive @{link.directive('source')}(name: String!, http: {{SourceHTTP}}!{errors}) repeatable on SCHEMA",
        f"directive @{link.directive('connect')}(source: String, http: {{ConnectHTTP}}{batch}{errors}, selection: {{JSONSelection}}!,"
        " entity: Boolean = false) repeatable on FIELD_DEFINITION" + (" | OBJECT" if newer else ""),
        *(f"scalar {{{name}}}" for name in _TYPES),
    ]
    return [_named(text, link) for text in sdl]


def _named(text: str, link: Link) -> str:
    for name in _TYPES:
        text = text.replace("{" + name + "}", link.type(name))
    return text
