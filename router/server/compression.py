"""Answers made smaller on their way, and requests that come that way made whole again, within bounds.

A kilobyte can unfold to a gigabyte, so a request's body is unfolded only as far as a body may be long. Streams are not
touched: an encoder holds back what it has not yet made sense of, and a client would wait for a part that was sent.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import brotli
import zstandard
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from router.server.config.compression import Compression
from router.server.head import head_of
from router.server.refusals import Refused

_PIECE: Final = 65536
_LARGEST_WINDOW: Final = 8 * 1024 * 1024
"""RFC 8878 asks every decoder for this much, and lets it refuse more."""

_ENCODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda body: gzip.compress(body, compresslevel=4, mtime=0),
    "br": lambda body: brotli.compress(body, quality=4),
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
}
_WORTH_IT: Final = ("application/json", "application/graphql-response+json", "application/problem+json", "text/")


class Compressed:
    """Wraps the application: whole answers get the smallest form that the client understands."""

    def __init__(self, app: ASGIApp, settings: Compression) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or not self._settings.enabled:
            await self._app(scope, receive, send)
            return
        encoding = preferred(head_of(scope).get("accept-encoding", ""), self._settings.encodings)
        start: Message | None = None

        async def smaller(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif start is not None and message["type"] == "http.response.body":
                begun, start = start, None
                if not message.get("more_body", False):
                    message = await self._encoded(begun, message, encoding)
                await send(begun)
                await send(message)
            else:
                await send(message)

        await self._app(scope, receive, smaller)

    async def _encoded(self, start: Message, message: Message, encoding: str | None) -> Message:
        headers = MutableHeaders(scope=start)
        if not headers.get("content-type", "").startswith(_WORTH_IT) or "content-encoding" in headers:
            return message
        headers.add_vary_header("accept-encoding")
        body = message.get("body", b"")
        if encoding is None or len(body) < self._settings.minimum_bytes:
            return message
        body = await encoded(body, encoding)
        headers["content-encoding"] = encoding
        headers["content-length"] = str(len(body))
        return {**message, "body": body}


async def encoded(body: bytes, encoding: str) -> bytes:
    """Make a body smaller."""
    encode = _ENCODERS[encoding]
    # What takes long is done beside the event loop; the libraries let go of the interpreter meanwhile.
    return await asyncio.to_thread(encode, body) if len(body) > _PIECE else encode(body)


def preferred(accept: str, offered: tuple[str, ...]) -> str | None:
    """Return the encoding that the client likes most, ours first among equals; None when it wants the plain text."""
    weights = dict(map(_weighted, accept.lower().split(","))) if accept else {}
    best, best_weight = None, 0.0
    for name in offered:
        weight = weights.get(name, weights.get("*", 0.0))
        if weight > best_weight:
            best, best_weight = name, weight
    return best if best_weight >= weights.get("identity", 0.0) else None


def _weighted(part: str) -> tuple[str, float]:
    name, _, parameter = part.partition(";")
    key, _, value = parameter.partition("=")
    try:
        return name.strip(), float(value) if key.strip() == "q" else 1.0
    except ValueError:
        return name.strip(), 0.0


def decoded(body: bytes, headers: Headers, limit: int) -> bytes:
    """Unfold a request's body; raises `Refused` when it grows over the limit, or isn't what it says."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return body
    decode = _DECODERS.get(encoding)
    if decode is None:
        allowed = ", ".join(_DECODERS)
        raise Refused(
            "UNSUPPORTED_CONTENT_ENCODING",
            f"The body's encoding must be one of {allowed}.",
            headers={"accept-encoding": allowed},
        )
    whole = bytearray()
    try:
        for piece in decode(body):
            whole += piece
            if len(whole) > limit:
                raise Refused("INVALID_GRAPHQL_REQUEST", f"The request's body may have {limit} bytes, unfolded.")
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError):
        raise Refused("BAD_REQUEST", f"The body is not {encoding}.") from None
    return bytes(whole)


def _inflated(body: bytes) -> Iterator[bytes]:
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by what it begins with
    rest = body
    while rest and not inflate.eof:
        yield inflate.decompress(rest, _PIECE)
        rest = inflate.unconsumed_tail
    yield inflate.flush(_PIECE)
    if not inflate.eof:
        raise EOFError


def _unbrotlied(body: bytes) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    yield decoder.process(body, output_buffer_limit=_PIECE)
    while not decoder.is_finished():
        piece = decoder.process(b"", output_buffer_limit=_PIECE)
        if not piece:
            raise EOFError
        yield piece


def _unzstandarded(body: bytes) -> Iterator[bytes]:
    reader = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).stream_reader(io.BytesIO(body))
    while piece := reader.read(_PIECE):
        yield piece


_DECODERS: Final[Mapping[str, Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": _inflated,
    "deflate": _inflated,
    "br": _unbrotlied,
    "zstd": _unzstandarded,
}
