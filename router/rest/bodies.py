"""Bodies in: JSON for what is new, a merge patch (RFC 7396) or a JSON patch (RFC 6902) for what changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from router.rest import values
from router.rest.problems import Fault, Problem

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
PATCHES: Final = (MERGE_PATCH, JSON, JSON_PATCH)

_DEEPEST: Final = 100


def media_type(content_type: str | None) -> str:
    """The content type without its parameters; raises `Problem` for a charset that is not UTF-8."""
    name, *parameters = (part.strip().lower() for part in (content_type or "").split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8"):
            raise Problem("UNSUPPORTED_MEDIA_TYPE", "Bodies must be in UTF-8.")
    return name


def read(
    body: bytes, content_type: str | None, allowed: tuple[str, ...], *, empty: bool = False, patches: bool = False
) -> Any:
    """Read a body; raises `Problem`.

    `empty` is true where none is needed: then it counts as an empty object. `patches` says that the method is PATCH.
    """
    if empty and not body.strip():
        return {}
    kind = media_type(content_type)
    if kind not in allowed:
        headers = {"accept-patch" if patches else "accept-post": ", ".join(allowed)}
        given = f"not {kind}" if kind else "and there is none"
        raise Problem("UNSUPPORTED_MEDIA_TYPE", f"The content type must be {allowed[0]}, {given}.", headers=headers)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise Problem("MALFORMED_BODY", f"The body is no JSON: {fault}.") from None
    if _too_deep(value):
        raise Problem("MALFORMED_BODY", "The body is nested too deep.")
    return _merged(value) if kind == JSON_PATCH else value


def members(value: Any) -> dict[str, Any]:
    """The body as an object; raises `Problem`."""
    if not isinstance(value, dict):
        raise Problem("VALIDATION", "The body must be an object.", faults=[_fault("", "This must be an object.")])
    return value


def items(value: Any, most: int) -> list[dict[str, Any]]:
    """The items of a bulk request; raises `Problem`."""
    given = members(value)
    listed = given.get("items")
    faults = [
        _fault(f"/{values.escaped(name)}", "There is no such field.", ["items"]) for name in given if name != "items"
    ]
    if not isinstance(listed, list) or not listed:
        faults.append(_fault("/items", "This must be a list with something in it."))
    elif not all(isinstance(one, dict) for one in listed):
        faults += [
            _fault(f"/items/{at}", "This must be an object.") for at, one in enumerate(listed) if type(one) is not dict
        ]
    if faults:
        raise Problem("VALIDATION", faults[0].message, faults=faults)
    if len(listed) > most:  # type: ignore[arg-type]
        message = f"At most {most} items at once, not {len(listed)}."  # type: ignore[arg-type]
        raise Problem("BULK_LIMIT_EXCEEDED", message, faults=[_fault("/items", message)])
    return listed  # type: ignore[return-value]


def _merged(operations: Any) -> dict[str, Any]:
    """A JSON patch of top-level members as a merge patch: what migrants from elsewhere send."""
    if not isinstance(operations, list):
        raise Problem("VALIDATION", "A JSON patch is a list.", faults=[_fault("", "This must be a list.")])
    patch: dict[str, Any] = {}
    for index, one in enumerate(operations):
        match one:
            case {"op": "add" | "replace", "path": str(path), "value": value} if _is_member(path):
                patch[path[1:]] = value
            case {"op": "remove", "path": str(path)} if _is_member(path):
                patch[path[1:]] = None
            case _:
                message = "Here are add, replace and remove of whole members, as /title."
                raise Problem(
                    "VALIDATION", message, faults=[_fault(f"/{index}", message, ["add", "replace", "remove"])]
                )
    return patch


def _is_member(path: str) -> bool:
    return path.startswith("/") and path.count("/") == 1 and len(path) > 1


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
        ]
        if not level:
            return False
    return True


def _fault(pointer: str, message: str, allowed: list[Any] | None = None) -> Fault:
    return Fault("VALIDATION", message, pointer, allowed=allowed)


def checked(kind: Any, given: Mapping[str, Any], hidden: frozenset[str], at: str = "") -> list[Fault]:
    """What is wrong with the members of a body, where `hidden` ones are said elsewhere in the request."""
    allowed = [name for name in kind.fields if name not in hidden]
    faults = []
    for name, value in given.items():
        if name not in allowed:
            faults.append(_fault(f"{at}/{values.escaped(name)}", "There is no such field.", allowed))
        else:
            faults += values.faults(kind.fields[name].type, value, f"{at}/{name}")
    faults += [
        _fault(f"{at}/{name}", "This is missing.")
        for name in allowed
        if name not in given and values.is_required(kind.fields[name])
    ]
    return faults
