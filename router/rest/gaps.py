"""What is missing in an answer, and why: the errors of an operation as warnings, or as the problem that they are.

A path of the graph becomes a JSON pointer (RFC 6901) into the body that the partner holds:

    tickets · nodes · 3 · customer          /data/3/customer      one thing of a list lacks something
    tickets · nodes · @ · customer          /data, customer       all of them do: `@` stands for every index
    ticket · customer · contacts · @ · email    /customer/contacts, email
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from graphql import GraphQLObjectType, is_nullable_type

from router.rest.problems import PERMISSION, Problem
from router.rest.representation import Representation

Path = tuple[str | int, ...]

LISTED: Final = "/data"
"""Where the things of a list stand in its body."""

_EACH: Final = "@"
"""What the router says for every index at once: that a field is not for this caller does not depend on the row."""


def missing(
    errors: Sequence[Mapping[str, Any]],
    place: Path,
    shown: Representation,
    make: Callable[[Sequence[Any]], Problem],
    *,
    within: str = "",
) -> list[dict[str, Any]]:
    """The warnings that errors below `place` make; raises the problem of those that leave no truth behind.

    `place` is the path of one thing, or of a list of them: then an index follows. `within` is where that stands in the body.
    """
    warnings, hard = [], []
    for error in errors:
        path = tuple(error.get("path", ()))
        inner = path[len(place) :]
        names = tuple(one for one in inner if isinstance(one, str))
        below = path[: len(place)] == place and names
        if below and (_code(error) in PERMISSION or shown.is_soft(names)):
            warnings.append(warning(error, len(place), within))
        else:
            hard.append(error)
    if hard:
        raise make(hard)
    return warnings


def warning(error: Mapping[str, Any], above: int, within: str = "") -> dict[str, Any]:
    """An error as a partner reads it, who sees nothing of the first `above` steps of its path."""
    inner = tuple(error.get("path", ()))[above:]
    shared = inner.index(_EACH) if _EACH in inner else len(inner)
    told = {"pointer": within + "".join(f"/{one}" for one in inner[:shared])}
    if shared < len(inner):
        told["field"] = ".".join(str(one) for one in inner[shared:] if one != _EACH)
    return {**told, "code": _code(error), "detail": error["message"]}


def of_row(errors: Sequence[Mapping[str, Any]], row: int) -> list[Mapping[str, Any]]:
    """The errors of one row of a list, and those of the list itself: what every row lacks, this one does, too."""
    found: list[Mapping[str, Any]] = []
    for error in errors:
        field, *rest = error.get("path", ()) or [None]
        if rest[:1] == [_EACH]:
            found.append({**error, "path": [field, row, *rest[1:]]})
        elif not rest or rest[0] == row:
            found.append(error)
    return found


def why_not_there(errors: Sequence[Mapping[str, Any]], field: str, kind: GraphQLObjectType) -> list[Mapping[str, Any]]:
    """The errors that are the reason why the thing at `field` is null: not those of parts which could have been null alone.

    Who may not see a part learns the same of a thing that isn't there as anybody else: nothing.
    """

    def of_a_part(error: Mapping[str, Any]) -> bool:
        path = error.get("path", ())
        code = error.get("extensions", {}).get("code")
        return code in PERMISSION and len(path) > 1 and path[0] == field and is_nullable_type(kind.fields[path[1]].type)

    return [error for error in errors if not of_a_part(error)]


def _code(error: Mapping[str, Any]) -> str:
    code: str = error.get("extensions", {}).get("code", "INTERNAL")
    return code
