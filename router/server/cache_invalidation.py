"""What takes away what is kept: a subgraph's answers, a type's, or those with a tag; over HTTP by whoever has the key.

    POST /invalidation
    Authorization: <shared key>

    [{"kind": "subgraph", "subgraph": "crm"},
     {"kind": "type", "subgraph": "crm", "type": "Customer"},
     {"kind": "cache_tag", "subgraphs": ["crm"], "cache_tag": "customer-7"}]        → 202 {"count": 3}

A tag takes the entries that have it, and those that may have it: where a format of the schema could have become this tag
and the key was not in the answer.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from router.executor.caching.declared import Declared
from router.executor.caching.entries import StoreAway
from router.server.config.response_cache import ResponseCache as Settings
from router.server.refusals import Refused
from router.server.request import ClientGone, read_body

if TYPE_CHECKING:
    from router.server.response_cache import ResponseCache

log = structlog.get_logger(__name__)

_LARGEST: Final = 1_000_000


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OfSubgraph(_Asked):
    """Everything of a subgraph."""

    kind: Literal["subgraph"]
    subgraph: str

    def services(self, _known: Iterable[str]) -> list[str]:
        """The subgraphs that it is about."""
        return [self.subgraph]

    def tags(self, service: str, _declared: Declared | None) -> list[str]:
        """What entries of a subgraph have then."""
        return of_service(service)


class OfType(_Asked):
    """Everything of a subgraph in which something of a type could be."""

    kind: Literal["type"]
    subgraph: str
    type: str

    def services(self, _known: Iterable[str]) -> list[str]:
        """The subgraphs that it is about."""
        return [self.subgraph]

    def tags(self, service: str, _declared: Declared | None) -> list[str]:
        """What entries of a subgraph have then."""
        return of_type(service, self.type)


class OfTag(_Asked):
    """Everything with a tag; in all subgraphs where none are named."""

    kind: Literal["cache_tag"]
    subgraphs: tuple[str, ...] | None = None
    cache_tag: str

    def services(self, known: Iterable[str]) -> list[str]:
        """The subgraphs that it is about."""
        return list(known if self.subgraphs is None else self.subgraphs)

    def tags(self, service: str, declared: Declared | None) -> list[str]:
        """What entries of a subgraph have then."""
        return of_tag(service, self.cache_tag, declared)


Invalidation = Annotated[OfSubgraph | OfType | OfTag, Field(discriminator="kind")]
_ASKED: Final = TypeAdapter(tuple[Invalidation, ...])


def of_service(service: str) -> list[str]:
    """What all entries of a subgraph have."""
    return [f"{service}:*"]


def of_type(service: str, name: str) -> list[str]:
    """What entries have in which something of a type could be."""
    return [f"{service}:type:{name}"]


def of_tag(service: str, tag: str, declared: Declared | None) -> list[str]:
    """What entries have that have a tag, or could have it."""
    formats = declared.formats(service) if declared is not None else ()
    return [f"{service}:tag:{tag}", *(f"{service}:any:{one.text}" for one in formats if one.may_be(tag))]


def routes(cache: ResponseCache | None) -> list[BaseRoute]:
    """Return the route; none where nobody has a key."""
    if cache is None or not _keys(cache.settings):
        return []

    async def answer(request: Request) -> Response:
        try:
            body = await read_body(request.receive, request.headers, _LARGEST)
            asked = _ASKED.validate_json(body)
        except Refused:
            return _problem("The request is too large.", 413)
        except ClientGone:
            return Response(status_code=400)
        except ValidationError as invalid:
            reasons = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in invalid.errors(include_input=False))
            return _problem("; ".join(reasons), 400)
        return await _invalidated(cache, cache.declared(), asked, request.headers.get("authorization", ""))

    return [Route(cache.settings.invalidation.path, answer, methods=["POST"])]


async def _invalidated(
    cache: ResponseCache, declared: Declared | None, asked: Iterable[OfSubgraph | OfType | OfTag], key: str
) -> Response:
    known = declared.services if declared is not None else frozenset[str]()
    wanted = [(one, service) for one in asked for service in one.services(known)]
    if not _fits_anything(cache.settings, key) or not all(_fits(cache.settings, service, key) for _, service in wanted):
        return _problem("The subgraph's shared key is needed.", 401)
    count = 0
    try:
        for one, service in wanted:
            count += await cache.invalidate(one.kind, one.tags(service, declared))
    except StoreAway:
        return _problem("What is kept can't be reached now; try again.", 503, {"retry-after": "5"})
    log.info("cache.invalidated", count=count)
    return JSONResponse({"count": count}, 202)


def _keys(settings: Settings) -> list[str]:
    found = (settings.subgraph.of(name).invalidation for name in ("", *settings.subgraph.subgraphs))
    return [one.shared_key.get_secret_value() for one in found if one and one.enabled and one.shared_key]


def _fits_anything(settings: Settings, given: str) -> bool:
    return any(_same(given, key) for key in _keys(settings))


def _fits(settings: Settings, service: str, given: str) -> bool:
    own = settings.subgraph.of(service).invalidation
    return bool(own and own.enabled and own.shared_key and _same(given, own.shared_key.get_secret_value()))


def _same(given: str, key: str) -> bool:
    return hmac.compare_digest(given.removeprefix("Bearer ").encode(), key.encode())


def _problem(message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    codes = {401: "UNAUTHENTICATED", 503: "UPSTREAM_UNAVAILABLE"}
    error = {"message": message, "extensions": {"code": codes.get(status, "BAD_REQUEST")}}
    return JSONResponse({"errors": [error]}, status, headers={"cache-control": "no-store", **(headers or {})})
