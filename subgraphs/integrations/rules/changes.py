"""The feed of changes: what an event changes, for whom, and what a cursor says."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from contracts.audience import AUDIENCE
from contracts.events.envelope import Envelope
from subgraphs.integrations.rules.messages import subject_type
from subgraphs.kit.errors import Invalid
from subgraphs.kit.ids import parsed

NOW: Final = "now"
_PREFIX: Final = b"changes:1:"
_ENDS: Final = frozenset({"deleted", "erased", "archived", "merged", "removed", "purged"})
"""The last words of events after which a thing is no longer there."""
_TYPES: Mapping[str, str] = MappingProxyType({name.lower(): name for name in AUDIENCE})


@dataclass(frozen=True, slots=True)
class Known:
    """What the feed said of a thing last."""

    customer: UUID | None
    deleted: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """What the feed says of a thing, to those who see this customer."""

    subject: UUID
    customer: UUID | None
    deleted: bool


def subject(envelope: Envelope) -> UUID:
    """The thing that an event changed: of two that were merged, the one that is no more."""
    source = envelope.data.get("sourceId")
    merged = envelope.type.endswith(".merged") and isinstance(source, str)
    return (parsed(str(source)) if merged else None) or envelope.subject_id


def entries(envelope: Envelope, known: Known | None) -> list[Entry]:
    """What an event adds to the feed.

    Events can overtake each other. A late one is told as what is known by now: a thing that is gone stays gone, and one
    that has moved stays where it is. To those whom a thing has left it is gone: they get a tombstone, and the others news.
    """
    thing, late = subject(envelope), known is not None and envelope.time < known.at
    customer = thing if subject_type(envelope) == "Customer" else envelope.customerid
    if known is not None and (late or customer is None):
        customer = known.customer
    ended = envelope.type.rpartition(".")[2] in _ENDS
    if known is None or known.customer == customer:
        return [Entry(thing, customer, ended or (late and known is not None and known.deleted))]
    left = [] if known.deleted else [Entry(thing, known.customer, deleted=True)]
    return [*left, Entry(thing, customer, ended)]


def cursor(position: int) -> str:
    """A position as clients see it: nothing to read, nothing to calculate with."""
    return base64.urlsafe_b64encode(_PREFIX + str(position).encode()).rstrip(b"=").decode()


def position(text: str) -> int:
    """The position that a cursor stands for; raises `Invalid`."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        plain = b""
    digits = plain.removeprefix(_PREFIX)
    if not plain.startswith(_PREFIX) or not digits.isdigit() or len(digits) > 18:
        raise Invalid(f"since must be a cursor of this feed, or {NOW!r}.", field="since")
    return int(digits)


def types(wanted: Sequence[str] | None) -> Collection[str] | None:
    """The types of things that are asked for, however they are written: Ticket, ticket, time_entry; raises `Invalid`."""
    if wanted is None:
        return None
    found = {one: _TYPES.get(one.replace("_", "").replace("-", "").lower()) for one in wanted}
    if unknown := [one for one, name in found.items() if name is None]:
        raise Invalid(f"Nothing is called {', '.join(unknown)}; there are {', '.join(_TYPES.values())}.", field="types")
    return frozenset(name for name in found.values() if name is not None)
