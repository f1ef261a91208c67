"""Files on their way from a client to a subgraph: values of variables that are sent beside the JSON, not inside it.

A request with files is sent by the multipart request specification: `operations` (the JSON, null where a file belongs),
`map` (which file belongs where), then the files. They are read piece by piece while they are sent, so that a large one
never lies in memory; and one file may be on its way to two subgraphs at once, each at its own place in it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from starlette.datastructures import UploadFile

_PIECE: Final = 65536

Place = tuple[str | int, ...]


class Upload:
    """A file that a client sent; no dataclass, for orjson would look inside instead of asking."""

    __slots__ = ("_reading", "file")

    def __init__(self, file: UploadFile) -> None:
        self.file = file
        self._reading = asyncio.Lock()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read the file from its beginning."""
        place = 0
        while True:
            async with self._reading:
                await self.file.seek(place)
                piece = await self.file.read(_PIECE)
            if not piece:
                return
            place += len(piece)
            yield piece


def within(value: Any, place: Place = ()) -> Iterator[tuple[Place, Upload]]:
    """Find the files in variables, each with its place."""
    match value:
        case Upload():
            yield place, value
        case Mapping():
            for key, inner in value.items():
                yield from within(inner, (*place, key))
        case list():
            for index, inner in enumerate(value):
                yield from within(inner, (*place, index))


def without(value: Any) -> None:
    """Return what stands in JSON where a file belongs; for `orjson.dumps(…, default=…)`."""
    if not isinstance(value, Upload):
        raise TypeError(f"{type(value).__name__} is no JSON")


@dataclass(frozen=True, slots=True)
class Form:
    """A request with files, ready to be sent."""

    operations: bytes
    files: tuple[tuple[Place, Upload], ...]
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def headers(self) -> dict[str, str]:
        """What the request must say; the second one tells guards against forged requests that this is none."""
        content_type = f"multipart/form-data; boundary={self.boundary}"
        return {"content-type": content_type, "apollo-require-preflight": "true"}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the body piece by piece; it can be read again."""
        distinct = list({id(upload): upload for _, upload in self.files}.values())
        places = {
            str(number): [".".join(map(str, place)) for place, upload in self.files if upload is one]
            for number, one in enumerate(distinct)
        }
        yield self._part('name="operations"', "application/json") + self.operations
        yield b"\r\n" + self._part('name="map"', "application/json") + orjson.dumps(places)
        for number, one in enumerate(distinct):
            content_type = one.file.content_type or "application/octet-stream"
            yield b"\r\n" + self._part(f'name="{number}"; filename="{_quoted(one.file.filename)}"', content_type)
            async for piece in one.pieces():
                yield piece
        yield f"\r\n--{self.boundary}--\r\n".encode()

    def _part(self, disposition: str, content_type: str) -> bytes:
        head = f"--{self.boundary}\r\ncontent-disposition: form-data; {disposition}\r\n"
        return f"{head}content-type: {_one_line(content_type)}\r\n\r\n".encode()


def _quoted(name: str | None) -> str:
    """Write a file's name as the HTML standard does."""
    return (name or "file").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _one_line(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
