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


def singular(name: str) -> str:
    """`tickets` → `ticket`, `categories` → `category`: what `plural` made."""
    for ending, instead in (("ies", "y"), ("xes", "x"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("s", "")):
        if name.endswith(ending) and plural(name.removesuffix(ending) + instead) == name:
            return name.removesuffix(ending) + instead
    return name


def stripped(command: str, *things: str) -> str:
    """The verb of a command without the thing: `replyToTicket` → `reply`; a command that does not name it stays.

    The thing may have several names. One of several words may be called by its first or its last one: `approveTime`
    approves a TimeEntry.
    """
    things = tuple(sorted(things, key=len, reverse=True))
    words = [_BORDER.split(thing) for thing in things]
    parts = [part for one in words if len(one) > 1 for part in (one[0], one[-1])]
    for named in (*(name for thing in things for name in (thing, plural(thing))), *parts):
        before, found, after = command.partition(named)
        if found and before and (not after or after[0].isupper()):
            for link in _LINKS:
                before = before.removesuffix(link) if len(before) > len(link) else before
            return before + after
    return command
