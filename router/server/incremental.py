"""Answers to `@defer` over HTTP: which of the two protocols a client speaks, and how each writes the parts.

                 deferSpec=20220824                           incrementalSpec=v0.2
    first        {data, hasNext: true}                        {data, pending: [{id, path, label}], hasNext: true}
    later        {incremental: [{data, path, label, errors}]  {incremental: [{id, subPath, data, errors}],
                  hasNext}                                      completed: [{id, errors}], pending, hasNext}
    what's new   the whole fragment, whatever came before     only what did not come before
    a failure    data is null, with errors                    completed with errors

Where a developer asked how the operation was answered (`extensions.trace`), the last part tells of all fetches: the first could
only speak of those that it took itself.

The older one is Apollo's, in its routers and in the clients that were built for them; the other is the specification's
draft, as graphql-js 17 writes it. A client says in Accept which it can read (`multipart/mixed` alone means the older one). One that
accepts neither is answered at once and as a whole, as if nothing were deferred: `@defer` is a wish, and a server that does
not grant it is still right. (Apollo's router refuses such a request with 406. That helps a developer to notice a forgotten header, but
makes one document unusable for curl, for tests, and for clients of which only some can read parts.)
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.datastructures import Headers

from router.executor.deferred import Announced, Payload, Piece
from router.server.access_log import Facts
from router.server.explain import EXTENSION as TRACE
from router.server.multipart import MultipartResponse, Part
from router.server.pipeline import Prepared
from router.server.refusals import Refused

Extensions = Mapping[str, Any]

_ENTRY: Final = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*")+')
_PARAMETER: Final = re.compile(r'(?:[^;"]|"(?:\\.|[^"\\])*")+')


def _older(payload: Payload, extensions: Extensions) -> dict[str, Any]:
    if not payload.pieces:
        return {**_first(payload, extensions), "hasNext": payload.has_next}
    incremental = [_older_piece(piece) for piece in payload.pieces]
    return {"incremental": incremental, **_told_at_last(payload, extensions), "hasNext": payload.has_next}


def _older_piece(piece: Piece) -> dict[str, Any]:
    return _present(
        {
            "data": piece.data,
            "path": list(piece.announced.path),
            "label": piece.announced.label,
            "errors": piece.errors or None,
        },
        always="data",
    )


def _draft(payload: Payload, extensions: Extensions) -> dict[str, Any]:
    pending = {"pending": [_pending(one) for one in payload.announced]} if payload.announced else {}
    if not payload.pieces:
        return {**_first(payload, extensions), **pending, "hasNext": payload.has_next}
    incremental = [part for piece in payload.pieces for part in _draft_parts(piece)]
    return {
        **pending,
        **({"incremental": incremental} if incremental else {}),
        "completed": [_completed(piece) for piece in payload.pieces],
        **_told_at_last(payload, extensions),
        "hasNext": payload.has_next,
    }


def _pending(one: Announced) -> dict[str, Any]:
    return _present({"id": one.id, "path": list(one.path), "label": one.label})


def _draft_parts(piece: Piece) -> Iterator[dict[str, Any]]:
    """What's new, object by object; errors of a part that did not fail stand with the first."""
    if piece.data is None:
        return
    errors = piece.errors or None
    for below, data in piece.new or ((((), {}),) if errors else ()):
        yield _present({"id": piece.announced.id, "subPath": list(below) or None, "data": data, "errors": errors})
        errors = None


def _completed(piece: Piece) -> dict[str, Any]:
    return _present({"id": piece.announced.id, "errors": piece.errors if piece.data is None else None})


def _first(payload: Payload, extensions: Extensions) -> dict[str, Any]:
    found = {"errors": payload.errors or None, "data": payload.data, "extensions": dict(extensions) or None}
    return _present(found, always="data")


def _told_at_last(payload: Payload, extensions: Extensions) -> dict[str, Any]:
    """The trace has grown since the first part spoke of it, and is whole with the last."""
    if payload.has_next or TRACE not in extensions:
        return {}
    return {"extensions": {TRACE: extensions[TRACE]}}


def _present(values: dict[str, Any], always: str = "") -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None or key == always}


@dataclass(frozen=True, slots=True)
class Format:
    """A protocol: the parameter of the media type that names it, and how it writes a payload."""

    parameter: str
    write: Callable[[Payload, Extensions], dict[str, Any]]


OLDER: Final = Format("deferSpec=20220824", _older)
DRAFT: Final = Format("incrementalSpec=v0.2", _draft)
_FORMATS: Final = {"": OLDER, OLDER.parameter: OLDER, DRAFT.parameter: DRAFT}
_NAMING: Final = ("deferspec", "incrementalspec", "subscriptionspec")


def accepted(headers: Headers) -> Format | None:
    """Return the protocol that the client likes best of those that it can read; the first among equals."""
    found: list[tuple[float, Format]] = []
    for entry in _ENTRY.findall(",".join(headers.getlist("accept"))):
        name, *rest = (part.strip() for part in _PARAMETER.findall(entry))
        if name.lower() != "multipart/mixed":
            continue
        given = dict(_parameter(part) for part in rest)
        form = _FORMATS.get(next((f"{_CASED[key]}={value}" for key, value in given.items() if key in _NAMING), ""))
        if form is not None and (weight := _weight(given.get("q", "1"))) > 0:
            found.append((weight, form))
    return max(found, key=lambda option: option[0])[1] if found else None


_CASED: Final = {"deferspec": "deferSpec", "incrementalspec": "incrementalSpec", "subscriptionspec": "subscriptionSpec"}


def _parameter(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key.strip().lower(), value.strip().strip('"')


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class Stream:
    """The parts of one answer: made by a task of its own, so that making them and sending them don't wait for each other.

    Whoever has it closes it; then what is still being fetched ends.
    """

    def __init__(self, prepared: Prepared, form: Format, facts: Facts, deadline: float) -> None:
        self._prepared = prepared
        self._form = form
        self._facts = facts
        self._parts: asyncio.Queue[Part | None] = asyncio.Queue()
        self._ready = asyncio.Event()
        self.work = asyncio.create_task(self._make(deadline))

    async def _make(self, deadline: float) -> None:
        try:
            work = self._prepared.deferred(self._emit)
            await work.run(deadline)
            self._prepared.delivered(work.delivered)
        finally:
            self._parts.put_nowait(None)
            self._ready.set()

    def _emit(self, payload: Payload) -> None:
        # Written now: what comes later changes the data that this speaks of.
        body = orjson.dumps(self._form.write(payload, self._prepared.extensions))
        self._parts.put_nowait(orjson.Fragment(body))
        errors = (*payload.errors, *(error for piece in payload.pieces for error in piece.errors))
        self._facts.error_codes.extend(error["extensions"]["code"] for error in errors)
        self._ready.set()

    async def ready(self) -> None:
        """Wait for the first part; raises what went wrong instead."""
        try:
            await self._ready.wait()
        except BaseException:
            await self.aclose()
            raise
        if self.work.done() and not self.work.cancelled() and (fault := self.work.exception()):
            raise Refused("GATEWAY_TIMEOUT", "Your request has been timed out.") if _is_late(fault) else fault

    def response(self) -> MultipartResponse:
        """Return what sends the parts."""
        return MultipartResponse(self, self._form.parameter)

    def __aiter__(self) -> Stream:
        """Iterate over the parts, once."""
        return self

    async def __anext__(self) -> Part:
        """Return the next part."""
        part = await self._parts.get()
        if part is None:
            await self.work
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        """End the work, if there is any left."""
        self.work.cancel()
        await asyncio.wait({self.work})
        if not self.work.cancelled():
            self.work.exception()  # whoever waited for a part was told of it


def _is_late(fault: BaseException) -> bool:
    return isinstance(fault, TimeoutError)
