"""The ways for files over HTTP: a link with a signature opens one, or takes the parts of one, and needs no other proof.

    GET <path>?expires=…&signature=…               the file
    PUT <path>?expires=…&signature=…&offset=…      a part of it: each begins where the one before ended

A link that is wrong, old or foreign looks like one to nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from subgraphs.kit import signed
from subgraphs.kit.files import PART, File, Part, Received
from subgraphs.kit.ids import parsed
from subgraphs.kit.signed import Proof

_HEADERS: Final = {
    "cache-control": "private, no-store",
    "content-security-policy": "sandbox; default-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A link that somebody came with; whether it holds is seen by whoever knows the key."""

    tenant: UUID
    id: UUID
    proof: Proof
    request: Request


def opening(path: str, find: Callable[[Asked], Awaitable[File | None]]) -> Route:
    """A route that gives files out; `path` has `{tenant}` and `{id}`, and `find` None for what a link does not open."""

    async def download(request: Request) -> Response:
        asked = _asked(request)
        file = await find(asked) if asked else None
        return answer(file) if file else nothing()

    return Route(path, download, methods=["GET"])


def taking(path: str, take: Callable[[Asked, Part], Awaitable[Received | None]]) -> Route:
    """A route that takes files part by part, and says how much of each there is: whoever was interrupted goes on from there."""

    async def upload(request: Request) -> Response:
        asked, offset = _asked(request), signed.seconds(request.query_params.get("offset", "0"))
        if asked is None or offset is None:
            return nothing("upload")
        part = await _part(request)
        if part is None:
            return PlainTextResponse(f"A part has at most {PART} bytes.\n", 413, headers=_HEADERS)
        said = await take(asked, Part(offset, part))
        if said is None:
            return nothing("upload")
        return JSONResponse({"receivedBytes": said.received, "sizeBytes": said.size}, said.status, headers=_HEADERS)

    return Route(path, upload, methods=["PUT"])


def answer(file: File) -> Response:
    """A file, under its own name, in whatever letters (RFC 6266)."""
    disposition = f"{'inline' if file.inline else 'attachment'}; filename*=UTF-8''{quote(file.name, safe='')}"
    headers = {**_HEADERS, "content-disposition": disposition, **({"etag": file.etag} if file.etag else {})}
    return Response(file.content, media_type=file.mime_type, headers=headers)


def nothing(what: str = "file") -> Response:
    """What everybody sees who has no link, or one that does not hold."""
    return PlainTextResponse(f"There is no such {what}, or the link to it has expired.\n", 404, headers=_HEADERS)


def _asked(request: Request) -> Asked | None:
    tenant, identity = parsed(request.path_params["tenant"]), parsed(request.path_params["id"])
    proof = Proof.of(request.query_params)
    return Asked(tenant, identity, proof, request) if tenant and identity and proof else None


async def _part(request: Request) -> bytes | None:
    """The body, or None when it is longer than a part may be."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > PART:
            return None
    return bytes(body)
