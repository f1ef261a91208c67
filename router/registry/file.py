"""Reads subgraphs from a file: a JSON list of `{name, url, sdl}`, or an object `{name: {url, sdl}}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from router.registry.registry import Registration


class _Subgraph(BaseModel):
    """One subgraph of the file; other keys may stand there for other readers."""

    name: str
    sdl: str
    url: str = ""
    version: str = "0"

    def registration(self) -> Registration:
        return Registration(self.name, self.url, self.version, self.sdl)


def registrations(file: Path) -> list[Registration]:
    """Return the subgraphs of the file; raises ValueError with the place that is wrong."""
    try:
        given = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as fault:
        raise ValueError(f"{file} is not JSON: {fault}") from fault
    if isinstance(given, dict):
        given = [{"name": name, **_object(file, name, one)} for name, one in given.items()]
    if not isinstance(given, list):
        raise ValueError(f"{file} must hold a list or an object of subgraphs")  # noqa: TRY004 - a wrong value in a file
    return [_registration(file, number, one) for number, one in enumerate(given)]


def _object(file: Path, name: str | int, one: Any) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise ValueError(f"{file}: subgraph {name} must be an object")  # noqa: TRY004 - a wrong value in a file
    return one


def _registration(file: Path, number: int, one: Any) -> Registration:
    fields = _object(file, number, one)
    try:
        return _Subgraph.model_validate(fields).registration()
    except ValidationError as invalid:
        first = invalid.errors(include_input=False)[0]
        raise ValueError(f"{file}: subgraph {number}, {first['loc'][0]}: {first['msg']}") from None
