"""Reads subgraphs from a file: a JSON list of `{name, url, sdl}`, or an object `{name: {url, sdl}}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from router.registry.registry import Registration


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
    texts = {key: fields.get(key, "" if key == "url" else None) for key in ("name", "url", "sdl")}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise ValueError(f"{file}: subgraph {number} has no `{key}`")  # noqa: TRY004 - a wrong value in a file
    return Registration(texts["name"], texts["url"], fields.get("version", "0"), texts["sdl"])
