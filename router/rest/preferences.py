"""What a client says about its command in headers: `Prefer` (RFC 7240), and the key that makes it repeatable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from router.rest.problems import Fault, Problem

_KEY: Final = re.compile(r"[!-~]{1,200}")


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
    """Read the header; what is unknown is ignored, but nothing is done that was only to be tried."""
    minimal, dry_run = False, False
    applied: list[str] = []
    for preference in (prefer or "").split(","):
        name, _, value = preference.partition(";")[0].strip().partition("=")
        match name.strip().lower(), value.strip(' "').lower():
            case "return", ("minimal" | "representation") as wanted if not any("return" in one for one in applied):
                minimal = wanted == "minimal"
                applied.append(f"return={wanted}")
            case "dry-run", "" | "true":
                dry_run = True
            case "tx", "rollback":
                dry_run = True
            case _:
                pass
    if dry_run and not can_try:
        message = "This can't be tried without doing it."
        raise Problem("INVALID_PREFERENCE", message, faults=[Fault("VALIDATION", message, header="Prefer")])
    return Preferences(minimal, dry_run, (*applied, *(("dry-run",) if dry_run else ())))
