"""What is true of what matters for security: into which drawer an event goes, and what may be decided about an access."""

from __future__ import annotations

from enum import Enum
from typing import Final


class SecurityEventCategory(Enum):
    """What kind of thing happened."""

    SIGN_IN = "SIGN_IN"
    """Somebody came in."""
    REFUSAL = "REFUSAL"
    """Somebody was refused: at the door, or for what they may not do."""
    GRANT = "GRANT"
    """Somebody was given something, or it was taken from them."""
    IMPERSONATION = "IMPERSONATION"
    """Somebody began or ceased to act in another's name."""
    EXPORT = "EXPORT"
    """Data left the platform."""
    OTHER = "OTHER"
    """Anything else that a module thought worth telling."""


_SIGN_INS: Final = frozenset({"signIn", "secondFactor"})
_GRANTS: Final = ("assign", "revoke", "grant", "deny", "create", "rotate")


def category(action: str, outcome: str) -> SecurityEventCategory:
    """The drawer of an event; what is not known to be done was refused."""
    if outcome != "DONE":
        return SecurityEventCategory.REFUSAL
    if action in _SIGN_INS:
        return SecurityEventCategory.SIGN_IN
    if action.endswith("Impersonation"):
        return SecurityEventCategory.IMPERSONATION
    if action.startswith("export") or action.endswith("Export"):
        return SecurityEventCategory.EXPORT
    return SecurityEventCategory.GRANT if action.startswith(_GRANTS) else SecurityEventCategory.OTHER


class ReviewDecision(Enum):
    """What was decided about an access."""

    PENDING = "PENDING"
    """Nothing yet."""
    KEEP = "KEEP"
    """They still need it."""
    REVOKE = "REVOKE"
    """It was taken from them."""
