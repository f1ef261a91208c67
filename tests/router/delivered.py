"""A client of answers in parts: puts them together, strictly, in either of the two protocols."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Errors = list[dict[str, Any]]


def older(parts: Iterable[dict[str, Any]]) -> tuple[Any, Errors]:
    """Put together the parts of `deferSpec=20220824`: each is merged into the object at its path."""
    first, *rest = parts
    data, errors = first["data"], list(first.get("errors", ()))
    assert [part["hasNext"] for part in (first, *rest)] == [True] * len(rest) + [False]
    seen = set()
    for part in rest:
        assert part.keys() == {"incremental", "hasNext"}
        for piece in part["incremental"]:
            assert piece.keys() <= {"data", "path", "label", "errors"}
            if "label" in piece:
                assert (*piece["path"], piece["label"]) not in seen
                seen.add((*piece["path"], piece["label"]))
            errors += piece.get("errors", ())
            if piece["data"] is None:
                assert piece["errors"]
            else:
                _merge(_at(data, piece["path"]), piece["data"])
    return data, errors


def draft(parts: Iterable[dict[str, Any]]) -> tuple[Any, Errors]:
    """Put together the parts of `incrementalSpec=v0.2`: nothing comes twice, nor for a part that was not announced."""
    first, *rest = parts
    data, errors = first["data"], list(first.get("errors", ()))
    assert [part["hasNext"] for part in (first, *rest)] == [True] * len(rest) + [False]
    pending = _announced(first, data, {})
    for part in rest:
        assert part.keys() <= {"incremental", "completed", "pending", "hasNext"}
        for piece in part.get("incremental", ()):
            target = _at(data, [*pending[piece["id"]], *piece.get("subPath", ())])
            assert not piece["data"].keys() & target.keys()
            target.update(piece["data"])
            errors += piece.get("errors", ())
        for done in part.get("completed", ()):
            del pending[done["id"]]
            assert done.get("errors") != []
            errors += done.get("errors", ())
        pending = _announced(part, data, pending)
        assert bool(pending) == part["hasNext"]
    assert not pending
    return data, errors


def _announced(part: dict[str, Any], data: Any, known: dict[str, list[Any]]) -> dict[str, list[Any]]:
    found = {one["id"]: one["path"] for one in part.get("pending", ())}
    assert len(found) == len(part.get("pending", ()))
    assert not found.keys() & known.keys()
    for path in found.values():
        assert isinstance(_at(data, path), dict)
    return {**known, **found}


def _at(data: Any, path: Iterable[Any]) -> Any:
    for step in path:
        data = data[step]
    return data


def _merge(target: Any, source: Any) -> None:
    for key, value in source.items() if isinstance(source, dict) else enumerate(source):
        known = target.get(key) if isinstance(target, dict) else target[key]
        if isinstance(known, dict | list) and isinstance(value, dict | list):
            assert type(known) is type(value)
            assert isinstance(known, dict) or len(known) == len(value)
            _merge(known, value)
        else:
            assert known is None or known == value or key not in target
            target[key] = value
