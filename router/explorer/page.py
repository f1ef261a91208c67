"""Serve the developers' page: a frame of ours around the query editor, all of it from our own files.

The page is at `/`, everything that it loads below `/explorer/<build>/`. The build is a digest over all files, so a
browser may keep them for a year and still never mixes two releases. An address with another build is answered too, but
not kept: while routers are being replaced, the page may come from one and its files from another.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from graphql import get_introspection_query
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

_HERE = Path(__file__).parent
# Where files lie, and below which path of ours they are served.
_FOLDERS = MappingProxyType({"": _HERE / "site", "laboratory/": _HERE / "static" / "laboratory"})
_SERVED = frozenset({".js", ".css", ".svg", ".gz"})
_PAGE = _HERE / "site" / "index.html"

# The editor writes style elements while it runs, so styles may be inline; scripts may not, and nobody else's host is
# ever asked for anything. `connect-src 'self'` includes WebSockets of the same origin.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_GUARDS = MappingProxyType(
    {
        "content-security-policy": _POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
)
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: compressed once, named by its digest."""

    media_type: str
    digest: str
    compressed: bytes

    @classmethod
    def of(cls, name: str, content: bytes) -> Asset:
        """Compress a file of ours."""
        media_type = mimetypes.guess_type(name)[0] or "text/plain"
        return cls(media_type, _digest(content), gzip.compress(content, mtime=0))

    @classmethod
    def of_compressed(cls, name: str, compressed: bytes) -> Asset:
        """Take a file that is kept compressed."""
        return cls(mimetypes.guess_type(name)[0] or "text/plain", _digest(compressed), compressed)


def routes() -> list[BaseRoute]:
    """The routes of the page: `/` and its files."""
    assets = _assets()
    build = _digest("".join(asset.digest for asset in assets.values()).encode())
    page = Asset.of(_PAGE.name, _PAGE.read_text("utf-8").replace("$build", build).encode())

    # Not async on purpose: Starlette runs them in a thread, and whoever takes no gzip makes us unpack megabytes.
    def show_page(request: Request) -> Response:
        return _send(page, request, _ASK_AGAIN)

    def send_asset(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("No such file.", status_code=404, headers=_GUARDS)
        return _send(asset, request, _FOREVER if request.path_params["build"] == build else _ASK_AGAIN)

    return [Route("/", show_page), Route("/explorer/{build}/{name:path}", send_asset)]


def _assets() -> Mapping[str, Asset]:
    """Every file by the path that it is served under."""
    found = {"introspection.graphql": Asset.of("introspection.graphql", _introspection().encode())}
    for prefix, folder in _FOLDERS.items():
        for file in sorted(folder.iterdir()):
            if file.suffix in _SERVED:
                name = prefix + file.name.removesuffix(".gz")
                make = Asset.of_compressed if file.suffix == ".gz" else Asset.of
                found[name] = make(name, file.read_bytes())
    return MappingProxyType(found)


def _introspection() -> str:
    return get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )


def _send(asset: Asset, request: Request, cache_control: str) -> Response:
    """Answer with the file, or with 304 when the browser has it already."""
    zipped = _takes_gzip(request.headers.get("accept-encoding", ""))
    etag = f'"{asset.digest}-gzip"' if zipped else f'"{asset.digest}"'
    headers = {**_GUARDS, "etag": etag, "cache-control": cache_control, "vary": "accept-encoding"}
    if _knows(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    if not zipped:
        return Response(gzip.decompress(asset.compressed), media_type=asset.media_type, headers=headers)
    return Response(asset.compressed, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})


def _takes_gzip(accepted: str) -> bool:
    """Whether gzip is among the accepted codings with a weight above zero (RFC 9110 section 12.5.3)."""
    for coding in accepted.lower().split(","):
        name, _, weight = coding.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or weight == ""
    return False


def _knows(if_none_match: str, etag: str) -> bool:
    """Weak comparison with any of the listed tags (RFC 9110 section 13.1.2)."""
    return if_none_match.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
