"""A chain of hashes through a number range: who changes one document breaks it and everything after it.

    hash(n) = sha256( hash(n-1) + canonical JSON of document n )

    RE-000001 ──► RE-000002 ──► RE-000003 ──► RE-000004
                      ▲ changed: 2, 3 and 4 no longer fit

Canonical means that the same content is always the same bytes: keys sorted, no blanks, numbers as text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

GENESIS = "0" * 64
"""What stands before the first document of a range."""


def canonical(content: Mapping[str, Any]) -> str:
    """The content as text of which there is only one."""
    return json.dumps(_plain(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            # 10 and 10.00 are the same amount; the column decides how many places it is shown with.
            return format(value.normalize(), "f") if value else "0"
        case Enum():
            return value.value
        case UUID() | date():
            return str(value)
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value


def content_hash(content: Mapping[str, Any], previous: str = GENESIS) -> str:
    """The hash of a document that stands behind `previous`."""
    return hashlib.sha256((previous + canonical(content)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Link:
    """A document as it is found: what it says now, and what was written down when it was issued."""

    number: str
    content: Mapping[str, Any]
    content_hash: str


def broken(links: Iterable[Link]) -> tuple[str, ...]:
    """The numbers of the documents that no longer fit, in the order of the range: the changed one and its successors."""
    previous, found = GENESIS, []
    for link in links:
        previous = content_hash(link.content, previous)
        if previous != link.content_hash:
            found.append(link.number)
    return tuple(found)
