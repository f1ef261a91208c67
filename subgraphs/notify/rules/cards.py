"""What a channel of Microsoft Teams is posted through a Workflows webhook: one Adaptive Card, small enough to be taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from subgraphs.kit.errors import Invalid

LARGEST: Final = 28 * 1024
_LONGEST_TEXT: Final = 2_000
_MOST_FACTS: Final = 10
HOSTS: Final = (".logic.azure.com", ".powerplatform.com", ".powerautomate.com")
"""Where Microsoft answers for Workflows."""


def webhook(url: str, *, more: Sequence[str] = ()) -> str:
    """The URL of a Workflows webhook; raises `Invalid` for a host that is not Microsoft's, nor among `more`."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise Invalid("This is not the URL of a webhook.", field="url") from None
    host = (parts.hostname or "").lower()
    if parts.username or parts.password or not host:
        raise Invalid("This is not the URL of a webhook.", field="url")
    if host in more:
        return url.strip()
    if parts.scheme != "https" or not host.endswith(HOSTS):
        raise Invalid(
            "A Workflows webhook is https, and ends in logic.azure.com, powerplatform.com or powerautomate.com.",
            field="url",
        )
    return url.strip()


def card(
    title: str, texts: Sequence[str], *, facts: Sequence[tuple[str, str]] = (), url: str | None, open_it: str
) -> dict[str, Any]:
    """The message around an Adaptive Card of version 1.4; texts are left out from the end until it is small enough."""
    shown = [text[:_LONGEST_TEXT] for text in texts]
    while True:
        message = _message(_body(title, shown, facts), url, open_it)
        if len(orjson.dumps(message)) <= LARGEST or not shown:
            return message
        shown.pop()


def _body(title: str, texts: Sequence[str], facts: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    head = {"type": "TextBlock", "size": "Medium", "weight": "Bolder", "text": _plain(title[:500]), "wrap": True}
    blocks = [{"type": "TextBlock", "text": _plain(text), "wrap": True} for text in texts]
    rows = [{"title": key, "value": value[:200]} for key, value in facts[:_MOST_FACTS] if value]
    return [head, *blocks, *([{"type": "FactSet", "facts": rows}] if rows else [])]


def _plain(text: str) -> str:
    """Text as text: cards read a part of Markdown, and nobody's title is to become a link."""
    return "".join(f"\\{one}" if one in "[]*_`" else one for one in text)


def _message(body: list[dict[str, Any]], url: str | None, open_it: str) -> dict[str, Any]:
    content: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if url:
        content["actions"] = [{"type": "Action.OpenUrl", "title": open_it, "url": url}]
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": content}]}
