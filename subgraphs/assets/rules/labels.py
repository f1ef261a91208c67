"""The label that is stuck on an asset: its name, its number, and a QR code that leads back to it."""

from __future__ import annotations

import io
from html import escape
from uuid import UUID

import segno

WIDTH_MM, HEIGHT_MM = 62, 29
"""The size of the most usual label rolls."""

_CODE_MM = 25
_LONGEST = 24


def content(asset: UUID) -> str:
    """What the QR code says: a URN, which any reader shows and our apps open."""
    return f"urn:psa:asset:{asset}"


def svg(asset: UUID, *, name: str, tag: str | None, serial: str | None) -> str:
    """The label as SVG, 62 by 29 mm; what is too long is cut."""
    code = segno.make(content(asset), error="m", micro=False)
    picture = io.BytesIO()
    code.save(picture, kind="svg", border=0, xmldecl=False, svgns=False, omitsize=True)
    rows = [(8, 4.2, True, name), (15, 3.6, False, tag), (21, 2.8, False, serial and f"S/N {serial}")]
    texts = "".join(_text(*row) for row in rows if row[3])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM}mm" height="{HEIGHT_MM}mm" '
        f'viewBox="0 0 {WIDTH_MM} {HEIGHT_MM}" font-family="Helvetica, Arial, sans-serif">'
        f'<svg x="2" y="2" width="{_CODE_MM}" height="{_CODE_MM}">{picture.getvalue().decode()}</svg>{texts}</svg>'
    )


def _text(top: float, size: float, bold: bool, said: str | None) -> str:  # noqa: FBT001 - a row of a table
    shown = said or ""
    cut = shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{_CODE_MM + 5}" y="{top}" font-size="{size}"{weight}>{escape(cut)}</text>'
