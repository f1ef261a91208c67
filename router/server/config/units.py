"""Durations and sizes as people write them: `30s`, `2h 15m`, `15mb`; a plain number is seconds, or bytes."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

_SECONDS: Final = {
    name: seconds
    for names, seconds in (
        ("ns nsec nanos", 1e-9), ("us usec micros", 1e-6), ("ms msec millis", 1e-3), ("s sec secs second seconds", 1),
        ("m min mins minute minutes", 60), ("h hr hrs hour hours", 3600), ("d day days", 86400),
        ("w wk wks week weeks", 604_800),
    )
    for name in names.split()
}  # fmt: skip
_BYTES: Final = {
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30, "k": 10**3, "m": 10**6,
}  # fmt: skip
_PART: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE)


def _seconds(value: Any) -> Any:
    match value:
        case {"secs": int() | float() as seconds, "nanos": int() | float() as nanos} if len(value) == 2:
            return seconds + nanos / 1e9  # as Apollo's reference prints them
        case str():
            return _summed(value, _SECONDS, "a duration such as 30s")
        case _:
            return value


def _bytes(value: Any) -> Any:
    return int(_summed(value, _BYTES, "a size such as 15mb")) if isinstance(value, str) else value


def _summed(text: str, units: dict[str, float] | dict[str, int], wanted: str) -> float:
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(_PART.split(text)[::3]).strip() or any(unit.lower() not in units for _, unit in parts):
        raise ValueError(f"{text!r} is not {wanted}")
    return sum(float(number) * units[unit.lower()] for number, unit in parts)


Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=float | str)]
"""Seconds, or text with a unit."""

Bytes = Annotated[int, BeforeValidator(_bytes, json_schema_input_type=int | str)]
"""Bytes, or text with a unit."""
