"""Mail: where it comes from, what it answers, and which mails no machine may answer."""

from __future__ import annotations

import re

from subgraphs.kit.errors import Invalid

_ADDRESS = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]+\.[^@\s<>\"]+")


def address(text: str | None, *, field: str) -> str | None:
    """A mail address in lower case, or None when it is absent; raises `Invalid` when it is none."""
    if text is None or not text.strip():
        return None
    cleaned = text.strip().lower()
    if len(cleaned) > 320 or not _ADDRESS.fullmatch(cleaned):
        raise Invalid(f"{field} is no mail address.", field=field)
    return cleaned
