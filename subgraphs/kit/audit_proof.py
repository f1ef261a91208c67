"""Verifies the chains of a module's audit: recomputes every hash, without trusting the database to do it for us.

Three things can be wrong with an entry, and each is named: its own hash does not fit what it says (altered), the hash
before it is another one (the one before was altered and hashed anew), its position is not the next (one is gone, or was
moved). At the end of each strand the head says how many there were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from subgraphs.kit import wire

_ENTRIES = """
    SELECT tenant_id, strand, position, previous, hash, id, at, actor_kind, actor_id, impersonator_id, api_key_id, command,
           change, resource, resource_id, customer_id, before::text AS before, after::text AS after, correlation, address
      FROM audit WHERE $1::uuid IS NULL OR tenant_id = $1 ORDER BY tenant_id, strand, position
"""
_HEADS = """
    SELECT tenant_id, strand, position, hash FROM audit_head WHERE $1::uuid IS NULL OR tenant_id = $1
     ORDER BY tenant_id, strand
"""
_HASHED = (
    *("actor_kind", "actor_id", "impersonator_id", "api_key_id", "command", "change", "resource", "resource_id"),
    *("customer_id", "before", "after", "correlation", "address"),
)
_BEGINNING = bytes(32)
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Break:
    """The first place in a strand where the chain does not hold."""

    tenant: UUID
    strand: int
    position: int
    entry: UUID | None
    """The entry that is wrong; None when it is not there."""
    reason: str

    def __str__(self) -> str:
        which = f"entry {self.entry}" if self.entry else "an entry"
        return f"tenant {self.tenant}, strand {self.strand}, position {self.position}: {which} {self.reason}"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a verification found."""

    entries: int
    strands: int
    breaks: tuple[Break, ...]
    """The first break of each strand that has one, by tenant and strand."""
    seal: str
    """A digest of the last hash of every strand, to be kept outside of the database."""


Strand = tuple[UUID, int]


@dataclass(slots=True)
class _Place:
    """How far a strand was followed."""

    position: int = 0
    hash: bytes = _BEGINNING
    broken: Break | None = None


async def verify(owner_url: str, *, tenant: UUID | None = None) -> Proof:
    """Follow every chain of the schema that `owner_url` leads to, as its owner; of one tenant when it is named."""
    places: dict[Strand, _Place] = {}
    count = 0
    async with (
        wire.connection(owner_url, application="psa-audit") as connection,
        # One view of entries and heads, however many are appended meanwhile.
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        heads = await connection.fetch(_HEADS, tenant)
        async for entry in connection.cursor(_ENTRIES, tenant, prefetch=_AT_ONCE):
            count += 1
            _follow(places.setdefault((entry["tenant_id"], entry["strand"]), _Place()), entry)
    return _proof(count, places, {(head["tenant_id"], head["strand"]): head for head in heads})


def _follow(place: _Place, entry: Mapping[str, Any]) -> None:
    if place.broken is not None:
        return
    reason = None
    position = place.position + 1
    if entry["position"] != position:
        place.broken = Break(entry["tenant_id"], entry["strand"], position, None, "is missing")
        return
    if entry["previous"] != place.hash:
        reason = "does not follow from the one before it"
    elif digest(entry) != entry["hash"]:
        reason = "was altered"
    if reason is not None:
        place.broken = Break(entry["tenant_id"], entry["strand"], position, entry["id"], reason)
    place.position, place.hash = position, entry["hash"]


def digest(entry: Mapping[str, Any]) -> bytes:
    """The hash of an entry: every column as text with its length in bytes before it, absent ones as a dash."""
    parts = [
        str(entry["tenant_id"]),
        str(entry["strand"]),
        str(entry["position"]),
        entry["previous"].hex(),
        str(entry["id"]),
        _moment(entry["at"]),
        *(None if entry[name] is None else str(entry[name]) for name in _HASHED),
    ]
    return hashlib.sha256(",".join(map(_measured, parts)).encode()).digest()


def _measured(part: str | None) -> str:
    return "-" if part is None else f"{len(part.encode())}:{part}"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _proof(count: int, places: Mapping[Strand, _Place], heads: Mapping[Strand, Mapping[str, Any]]) -> Proof:
    breaks = []
    seal = hashlib.sha256()
    for strand in sorted({*places, *heads}):
        place, head = places.get(strand, _Place()), heads.get(strand)
        found = place.broken or _end(strand, place, head)
        if found is not None:
            breaks.append(found)
        seal.update(f"{strand[0]}/{strand[1]}/{place.position}/{place.hash.hex()}\n".encode())
    return Proof(count, len(places), tuple(breaks), seal.hexdigest())


def _end(strand: Strand, place: _Place, head: Mapping[str, Any] | None) -> Break | None:
    """What is wrong at the end of a strand that holds until there."""
    if head is None:
        return Break(*strand, place.position, None, "is chained to a head that is gone")
    if head["position"] > place.position:
        return Break(*strand, place.position + 1, None, "is missing")
    if (head["position"], head["hash"]) != (place.position, place.hash):
        return Break(*strand, place.position, None, "is not what the head of its strand says")
    return None
