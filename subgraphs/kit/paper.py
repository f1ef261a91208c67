"""Letters on paper: the sheet of a German business letter, set by Typst as PDF/A-3b, and how numbers and days are written on it.

    Letter (who, to whom, what about)  ─┐
                                        ├──► paper.typ + the module's own template ──► PDF
    content (lines, sums, words)       ─┘

`paper.typ` draws the sheet: sender, window, facts, title, foot, number of the page. What stands below the title is the module's:
its template goes on where the sheet ends, and finds its content under `it`, ready to be set.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

_SHEET: Final = Path(__file__).with_suffix(".typ")
_NOT_DRAWN: Final = re.compile(
    "[^\\t\\n\\x20-\\x7e\\xa0-\\u04ff\\u05d0-\\u05ea\\u1e00-\\u1fff\\u2000-\\u2040\\u2070-\\u20cf\\u2190-\\u23ff\\u2500-\\u25ff]"
)
"""What Typst's own typefaces do not have for certain; Latin, Greek, Cyrillic and Hebrew are there, currencies, arrows and boxes."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Letter:
    """What every letter has, whatever it is about."""

    title: str
    language: str
    """German for `de…`, English for everything else."""
    day: date
    sender: str
    """Who writes, in large letters."""
    sender_line: str
    """Who writes, in one small line above the recipient, for the window of the envelope."""
    recipient: Sequence[str]
    facts: Sequence[tuple[str, str]]
    """What stands beside the recipient: number, date, whatever one looks for first."""
    footer: Sequence[Sequence[str]]
    """Up to three blocks of lines at the foot of each page."""
    page: str
    """How a page is called."""
    draft: str | None = None
    """What lies across each page of a letter that isn't meant to leave the house."""

    def shown(self) -> dict[str, Any]:
        """The letter as the sheet reads it."""
        return {
            "title": self.title,
            "language": spoken(self.language),
            "date": [self.day.year, self.day.month, self.day.day],
            "sender": self.sender,
            "sender-line": self.sender_line,
            "recipient": self.recipient,
            "facts": self.facts,
            "footer": [*self.footer, [], [], []][:3],
            "page": self.page,
            "draft": self.draft,
        }


async def pdf(letter: Letter, template: Path, content: Mapping[str, Any]) -> bytes:
    """The letter as PDF/A-3b; takes some 50 ms beside the event loop."""
    return await asyncio.to_thread(_set, letter, template, content)


def _set(letter: Letter, template: Path, content: Mapping[str, Any]) -> bytes:
    import typst  # noqa: PLC0415 - 80 MB that only documents need

    source, told = _SHEET.read_bytes() + template.read_bytes(), {"letter": letter.shown(), "content": content}
    try:
        return _compiled(source, told)
    except typst.TypstError:
        # PDF/A has to show every character. A smile in somebody's title is no reason to send no letter.
        return _compiled(source, _drawable(told))


def _compiled(source: bytes, told: Mapping[str, Any]) -> bytes:
    import typst  # noqa: PLC0415 - as above

    made: bytes = typst.compile(
        source,
        sys_inputs={name: json.dumps(value) for name, value in told.items()},
        pdf_standards=["a-3b"],
        ignore_system_fonts=True,  # the same page on every machine
    )
    return made


def _drawable(said: Any) -> Any:
    """The same with a box for each character that our typefaces can't draw."""
    match said:
        case str():
            return _NOT_DRAWN.sub("□", said)
        case Mapping():
            return {name: _drawable(one) for name, one in said.items()}
        case list() | tuple():
            return [_drawable(one) for one in said]
        case _:
            return said


def spoken(language: str) -> str:
    """In which of the two languages a letter is written."""
    return "de" if language.startswith("de") else "en"


def money(value: Decimal, currency: str, language: str) -> str:
    """1.234,50 € or EUR 1,234.50; the sign of the euro, the code of any other currency."""
    figures = figure(value, language, 2)
    if currency == "EUR":
        return f"{figures} €" if spoken(language) == "de" else f"€{figures}".replace("€-", "-€")
    return f"{figures} {currency}"


def figure(value: Decimal, language: str, decimals: int | None = None) -> str:
    """A number with the separators of the language; as many decimals as asked for, or as it has."""
    plain = f"{value:,.{decimals}f}" if decimals is not None else f"{value.normalize():,f}"
    return plain.translate(str.maketrans(",.", ".,")) if spoken(language) == "de" else plain


def each(value: Decimal, language: str) -> str:
    """What one costs: cents, and as many decimals more as it has."""
    return figure(value, language, max(2, -int(value.normalize().as_tuple().exponent)))


def day(value: date, language: str) -> str:
    """10.03.2026, or 10 Mar 2026."""
    return f"{value:%d.%m.%Y}" if spoken(language) == "de" else f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def grouped(iban: str) -> str:
    """An IBAN in fours, as people read it out."""
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
