"""What a service may say instead of doing what it was asked: refusals are answers, everything else is a fault.

    Refusal            a code, words for the caller, and the field they are about
    ├── Invalid        the words make no sense
    ├── Forbidden      not for you
    ├── NotFound       not there, or not yours, which look the same
    ├── Unavailable    not now
    └── Conflict       not in this state
        ├── Stale               somebody was faster
        ├── KeyReused           the idempotency key belongs to another request
        ├── InvalidTransition   there is no way from its status to the one asked for
        ├── Immutable           it never changes any more
        └── PreconditionFailed  something else has to be done first

A command answers a refusal as data (`errors` of its payload); a query answers it as a GraphQL error with the same
code. Modules add subclasses with codes of their own; a code is never reused and never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class Refusal(Exception):
    """The request was understood and will not be done."""

    code: ClassVar[str] = "REFUSED"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        """Say why in words for the caller; `field` is the input field that is to blame, in camelCase."""
        super().__init__(message)
        self.message = message
        self.field = field


class Invalid(Refusal):
    """A value makes no sense; the message names the field and what it may be."""

    code = "VALIDATION"

    def __init__(self, message: str, *, field: str | None = None, allowed: Sequence[str] = ()) -> None:
        """`allowed` are the words that would be understood, where they can be listed."""
        super().__init__(message, field=field)
        self.allowed = allowed


class Forbidden(Refusal):
    """The caller's permissions do not cover this."""

    code = "FORBIDDEN"


class NotFound(Refusal):
    """There is no such thing, or it is not yours: both read the same."""

    code = "NOT_FOUND"


class Unavailable(Refusal):
    """Not now: what it needs is away, or has no room; the same may be asked again."""

    code = "UNAVAILABLE"


class Conflict(Refusal):
    """Not in this state: what is asked contradicts what is there."""

    code = "CONFLICT"


class Stale(Conflict):
    """Somebody changed it since the version you read; read it again."""

    code = "CONFLICT"


class KeyReused(Conflict):
    """The idempotency key was used before, for a different request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class InvalidTransition(Conflict):
    """There is no way from the status that it has to the one that was asked for."""

    code = "INVALID_TRANSITION"


class Immutable(Conflict):
    """What is issued, billed or locked never changes any more: correct it by a new document or entry."""

    code = "IMMUTABLE"


class PreconditionFailed(Conflict):
    """Something else has to be done first; the message says what."""

    code = "PRECONDITION_FAILED"


def catalogue() -> dict[str, str]:
    """Every code with its meaning: the docstrings of all refusals that are loaded."""
    found: dict[str, str] = {}
    pending: list[type[Refusal]] = [Refusal]
    while pending:
        refusal = pending.pop()
        pending.extend(refusal.__subclasses__())
        found.setdefault(refusal.code, (refusal.__doc__ or "").strip())
    return dict(sorted(found.items()))
