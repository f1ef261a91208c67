"""Names of the graph as parts of an address: `timeEntries` is `time-entries`, and the verb of `resolveTicket` is `resolve`."""

from __future__ import annotations

import re
from typing import Final

_BORDER: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LINKS: Final = ("To", "For", "Of", "From", "In", "On", "With")


def kebab(name: str) -> str:
    """`timeEntries` → `time-entries`."""
    return _BORDER.sub("-", name).lower()


def title(name: str) -> str:
    """`tickets` → `Tickets`."""
    return name[:1].upper() + name[1:]


def plural(name: str) -> str:
    """`customer` → `customers`, `category` → `categories`, `access` → `accesses`."""
    if re.search(r"[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if re.search(r"(s|x|z|ch|sh)$", name) else f"{name}s"


def stripped(command: str, thing: str) -> str:
    """The verb of a command without the thing: `replyToTicket` → `reply`; a command that does not name it stays."""
    for named in (thing, plural(thing)):
        before, found, after = command.partition(named)
        if found and before and (not after or after[0].isupper()):
            for link in _LINKS:
                before = before.removesuffix(link) if len(before) > len(link) else before
            return before + after
    return command
