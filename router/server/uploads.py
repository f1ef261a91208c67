"""Files beside an operation: reads `multipart/form-data` by the multipart request specification.

The files go to the disk as they come, so that memory is bounded by the limits of a few fields and not by what clients
send; they are gone when the request is over.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from router.executor.nesting import too_deep
from router.executor.uploads import Upload, within
from router.server.config.uploads import Uploads
from router.server.refusals import Refused
from router.server.request import ClientGone

MULTIPART: Final = "multipart/form-data"
_MOST_FIELDS: Final = 2
_OVERHEAD: Final = 4096
"""What a part needs besides its content: boundary and headers."""


def is_multipart(headers: Headers) -> bool:
    """Whether a request says that files come along."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == MULTIPART


@asynccontextmanager
async def parameters(
    receive: Receive, headers: Headers, settings: Uploads, most_bytes: int
) -> AsyncIterator[dict[str, Any]]:
    """Read a request with files: the parameters of the operation, with the files at their places in the variables."""
    if not settings.enabled:
        raise Refused("INVALID_CONTENT_TYPE_HEADER", "Files are not accepted here.")
    form = await _form(receive, headers, settings, most_bytes)
    try:
        yield _placed(form, settings)
    finally:
        await form.close()


async def _form(receive: Receive, headers: Headers, settings: Uploads, most_bytes: int) -> FormData:
    most = settings.max_files * (settings.max_file_size + _OVERHEAD) + most_bytes + 3 * _OVERHEAD
    parser = _Parser(
        headers,
        _stream(receive, most),
        max_files=settings.max_files,
        max_fields=_MOST_FIELDS,
        max_part_size=most_bytes,
    )
    try:
        return await parser.form()
    except MultiPartException as fault:
        if fault.message.startswith("Too many files"):
            raise _too_many(settings) from None
        if fault.message.startswith("Part exceeded"):
            raise Refused("INVALID_GRAPHQL_REQUEST", f"A field may have {most_bytes} bytes.") from None
        raise Refused("FILE_UPLOADS_INVALID_REQUEST", f"The body is no form with files: {fault.message}") from None
    except (FormParserError, KeyError, UnicodeError):
        raise Refused("FILE_UPLOADS_INVALID_REQUEST", "The body is no form with files.") from None


def check_none(variables: Mapping[str, Any]) -> None:
    """Refuse files where they would have to be kept for as long as a stream goes on."""
    if next(within(variables), None) is not None:
        raise Refused("FILE_UPLOADS_OPERATION_CANNOT_STREAM", "A subscription can't bring files along.")


class _Parser(MultiPartParser):
    """Starlette's parser, which closes files only after faults of its own."""

    async def form(self) -> FormData:
        """Parse; whatever ends it early leaves no file behind."""
        try:
            return await self.parse()
        except BaseException:
            for file in self._files_to_close_on_error:
                file.close()
            raise


def _too_many(settings: Uploads) -> Refused:
    return Refused(
        "FILE_UPLOADS_LIMITS_MAX_FILES_EXCEEDED", f"A request may have {settings.max_files} files.",
    )  # fmt: skip


def _too_large(settings: Uploads) -> Refused:
    return Refused("FILE_UPLOADS_LIMITS_MAX_FILE_SIZE_EXCEEDED", f"A file may have {settings.max_file_size} bytes.")


async def _stream(receive: Receive, most: int) -> AsyncGenerator[bytes, None]:
    """Give the body as it comes; all limits together bound it, whatever its parts claim to be."""
    seen, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        seen += len(piece)
        if seen > most:
            raise Refused("INVALID_GRAPHQL_REQUEST", f"The request's body may have {most} bytes.")
        yield piece
        more = message.get("more_body", False)
    yield b""


def _placed(form: FormData, settings: Uploads) -> dict[str, Any]:
    items = form.multi_items()
    if [name for name, _ in items[:2]] != ["operations", "map"]:
        raise Refused(
            "FILE_UPLOADS_INVALID_REQUEST", "The first field must be `operations`, the second `map`, then the files."
        )
    operations, places = _json("operations", items[0][1]), _json("map", items[1][1])
    if isinstance(operations, list):
        raise Refused("FILE_UPLOADS_INVALID_REQUEST", "Batched requests are not supported for file uploads.")
    if not isinstance(operations, dict) or not isinstance(places, dict):
        raise Refused("FILE_UPLOADS_INVALID_REQUEST", "`operations` and `map` must be JSON objects.")
    files = {name: value for name, value in items[2:] if isinstance(value, UploadFile)}
    _check(places, files, settings)
    for name, paths in places.items():
        upload = Upload(files[name])
        for path in paths:
            _put(operations, path, upload)
    return operations


def _json(name: str, text: UploadFile | str) -> Any:
    try:
        value = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        raise Refused("FILE_UPLOADS_INVALID_REQUEST", f"The field `{name}` is not JSON.") from None
    if too_deep(value):
        raise Refused("BAD_REQUEST", "The request is nested too deep.")
    return value


def _check(places: Mapping[str, Any], files: Mapping[str, UploadFile], settings: Uploads) -> None:
    if len(places) > settings.max_files:
        raise _too_many(settings)
    for name, paths in places.items():
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise Refused("FILE_UPLOADS_INVALID_REQUEST", f"`map` must have a list of paths for {name}.")
    missing = sorted(places.keys() - files.keys())
    if missing:
        raise Refused("FILE_UPLOADS_FILE_MISSING", f"Missing files in the request: {', '.join(missing)}.")
    if any((file.size or 0) > settings.max_file_size for file in files.values()):
        raise _too_large(settings)


def _put(operations: dict[str, Any], path: str, upload: Upload) -> None:
    """Put a file where the client left null for it."""
    first, *steps = path.split(".")
    target: Any = operations.get("variables")
    if first != "variables" or not steps:
        raise Refused("FILE_UPLOADS_INVALID_REQUEST", f"The path {path} in `map` does not start with `variables.`.")
    try:
        for step in steps[:-1]:
            target = target[_key(target, step)]
        last = _key(target, steps[-1])
        free = target[last] is None
    except (KeyError, IndexError, TypeError, ValueError):
        free = False
    if not free:
        raise Refused("FILE_UPLOADS_INVALID_REQUEST", f"There is no null at {path}, where a file belongs.")
    target[last] = upload


def _key(target: Any, step: str) -> str | int:
    return int(step) if isinstance(target, list) else step
