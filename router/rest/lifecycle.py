"""What is going to end: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and the days that stand in a reason.

The reason of `@deprecated` says both in words that people can read: "Use ticketsConnection; deprecated since 2026-11-01,
removed after 2027-05-01." The first day is since when, the second until when.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from router.rest.routes import Deprecation

_DAY: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


def read(reason: str, known: Deprecation | None = None, today: str | None = None) -> Deprecation | None:
    """The days of a reason; where none stand, the one that was written down before, or today."""
    days = _DAY.findall(reason)
    since = days[0] if days else known.since if known else today
    return Deprecation(since, days[1] if len(days) > 1 else None, reason) if since else None


def headers(gone: Deprecation | None, documented: str) -> dict[str, str]:
    """What a client is told about a route, or a field, that should not be used any more."""
    if gone is None:
        return {}
    told = {
        "deprecation": f"@{int(_midnight(gone.since).timestamp())}",
        "link": f'<{documented}>; rel="deprecation"; type="application/json"',
    }
    if gone.sunset:
        told["sunset"] = format_datetime(_midnight(gone.sunset), usegmt=True)
    return told


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
