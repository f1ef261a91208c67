"""Entity tags: how a client says which version it means (RFC 9110 sections 8.8 and 13).

A thing whose module counts its versions has a strong tag. For the standard representation it is the version itself; what
shows less, or more (other things change without this one), has the digest of its bytes beside it. Everything else has a
weak tag, the digest alone: good for asking whether something is new, not for guarding a change.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from router.rest.problems import Fault, Problem, stale

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_VERSION: Final = re.compile(r"(\d{1,9})(?:-[0-9a-f]+)?")
_MOST_VERSIONS: Final = 10


def strong(version: int, body: bytes, *, standard: bool) -> str:
    """The tag of a thing that counts its versions."""
    return f'"{version}"' if standard else f'"{version}-{_digest(body)}"'


def weak(body: bytes) -> str:
    """The tag of anything else."""
    return f'W/"{_digest(body)}"'


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has what this tag stands for; weak comparison."""
    if if_none_match is None:
        return False
    given = if_none_match.strip()
    return given == "*" or any(one[1] == _TAG.fullmatch(tag)[2] for one in _TAG.findall(given))  # type: ignore[index]


def check(if_match: str | None, tag: str) -> None:
    """Raise `Problem` when what would be answered is not what `If-Match` names; strong comparison."""
    if if_match is None or _is_any(if_match):
        return
    own: tuple[str, str] = _TAG.findall(tag)[0]
    if own[0] or own not in _tags(if_match):
        raise stale("This does not have the entity tag in If-Match.")


def versions_wanted(if_match: str | None) -> tuple[int, ...]:
    """The versions that `If-Match` names; none when any will do; raises `Problem` when it can't be true."""
    if if_match is None or _is_any(if_match):
        return ()
    # A weak tag matches nothing here (RFC 9110 section 13.1.1), nor does one that we never gave.
    strong = (tag for is_weak, tag in _tags(if_match) if not is_weak)
    versions = tuple(dict.fromkeys(int(found[1]) for tag in strong if (found := _VERSION.fullmatch(tag))))
    if not versions:
        raise stale("No version of this has the entity tag in If-Match.")
    if len(versions) > _MOST_VERSIONS:
        raise _invalid(f"If-Match may name {_MOST_VERSIONS} versions.")
    return versions


def _is_any(if_match: str) -> bool:
    return if_match.strip() == "*"


def _tags(if_match: str) -> list[tuple[str, str]]:
    """The entity tags of a list, each with its mark if it's weak."""
    given: list[tuple[str, str]] = _TAG.findall(if_match)
    if not given or _TAG.sub("", if_match).strip(" \t,"):
        raise _invalid("If-Match must be `*`, or entity tags in quotes as `ETag` gave them, with commas between them.")
    return given


def _invalid(message: str) -> Problem:
    return Problem("INVALID_PRECONDITION", message, faults=[Fault("VALIDATION", message, header="If-Match")])


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]
