"""What a client says about its command in headers: `Prefer` (RFC 7240), and the key that makes it repeatable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from router.rest.problems import Fault, Problem

_KEY: Final = re.compile(r"[!-~]{1,200}")
_ENTRY: Final = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*"?)+')
"""One preference with its parameters; a comma in quotes ends none."""
_KNOWN: Final = ("return=minimal", "return=representation", "dry-run", "handling=strict", "handling=lenient")


def check_key(key: str | None) -> None:
    """Refuse an `Idempotency-Key` that is none; what is in quotes (as the draft has it) is one, too."""
    if key is not None and not _KEY.fullmatch(key):
        message = "An Idempotency-Key has 1 to 200 visible characters of ASCII."
        raise Problem("INVALID_PARAMETER", message, faults=[Fault("VALIDATION", message, header="Idempotency-Key")])


@dataclass(frozen=True, slots=True)
class Preferences:
    """What was asked for and is followed."""

    minimal: bool = False
    dry_run: bool = False
    applied: tuple[str, ...] = ()


def read(prefer: str | None, *, can_try: bool) -> Preferences:
    """Read the header of a command; raises `Problem`.

    What is unknown is ignored, unless the client says `handling=strict`; but nothing is done that was only to be tried.
    """
    if prefer is None:
        return _NONE
    minimal = dry_run = False
    applied: list[str] = []
    ignored: list[str] = []
    said = _said(prefer)
    for name, value in said.items():
        match name, value:
            case "return", "minimal" | "representation":
                minimal = value == "minimal"
                applied.append(f"return={value}")
            case ("dry-run", "" | "true") | ("tx", "rollback"):
                dry_run = True
            case ("dry-run", "false") | ("tx", "commit"):
                pass
            case "handling", "strict" | "lenient":
                applied.append(f"handling={value}")
            case _:
                ignored.append(f"{name}={value}" if value else name)
    if dry_run and not can_try:
        raise _invalid("This can't be tried without doing it.")
    if ignored and said.get("handling") == "strict":
        raise _invalid(f"This can't be followed, and was not to be ignored: {', '.join(ignored)}.", _KNOWN)
    return Preferences(minimal, dry_run, (*applied, *(("dry-run",) if dry_run else ())))


def _said(prefer: str) -> dict[str, str]:
    """The preferences with their values; of one that is there twice the first counts."""
    said: dict[str, str] = {}
    for entry in _ENTRY.findall(prefer):
        name, _, value = entry.partition(";")[0].partition("=")
        if name.strip():
            said.setdefault(name.strip().lower(), value.strip(' \t"').lower())
    return said


def _invalid(message: str, allowed: tuple[str, ...] | None = None) -> Problem:
    return Problem(
        "INVALID_PREFERENCE", message, faults=[Fault("VALIDATION", message, header="Prefer", allowed=allowed)]
    )


_NONE: Final = Preferences()
