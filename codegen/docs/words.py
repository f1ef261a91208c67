"""How pages are written: headings, tables and code in Markdown, with nothing in the texts of others that could be taken for markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

_MARKUP: Final = re.compile(r"([\\*_<>\[\]{}|#$~^@])")
_CODE: Final = re.compile(r"(`[^`\n]+`)")


def plain(text: str | None) -> str:
    """Return a text on one line, its code as code, and everything else as it stands."""
    parts = _CODE.split(" ".join((text or "").split()))
    return "".join(part if part.startswith("`") and len(part) > 1 else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text.replace("`", "'"))


def code(text: str) -> str:
    """Return a name as code; a bar in it would end its cell."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def heading(level: int, text: str, anchor: str | None = None) -> str:
    """Return a heading, with a name to link to."""
    return (f"({anchor})=\n" if anchor else "") + f"{'#' * level} {text}\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; nothing when there are no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}", *lines, ""])


def fenced(language: str, text: str) -> str:
    """Return a block of code."""
    return f"````{language}\n{text}\n````\n"


def contents(title: str, said: str, pages: Iterable[str], depth: int = 1) -> str:
    """Return a page that leads to others."""
    return f"# {title}\n\n{said}\n\n```{{toctree}}\n:maxdepth: {depth}\n\n" + "\n".join(pages) + "\n```\n"
