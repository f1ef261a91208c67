"""What the registry says of a module, and how the module is doing by that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

SILENT: Final = timedelta(seconds=60)
"""A module that has missed so many announcements, one in 15 seconds, is taken for dead."""
_INSIDE: Final = "inprocess://"


class ServiceStatus(Enum):
    """How a module is doing."""

    UP = "UP"
    """It announces itself, and what it announced is served."""
    DEGRADED = "DEGRADED"
    """It announces itself, but its newest schema is not served: it does not fit the others, or was taken back."""
    DOWN = "DOWN"
    """It has not announced itself for a minute."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One module, as the registry knows it."""

    name: str
    version: str
    url: str
    schema_hash: str | None
    heartbeat_at: datetime | None
    status: ServiceStatus
    problems: tuple[str, ...]


def judged(entry: Mapping[str, Any], at: datetime) -> Registered:
    """A module by what the registry lists of it."""
    seen = entry.get("seen")
    heartbeat = None if seen is None else datetime.fromtimestamp(float(seen), UTC)
    return Registered(
        name=str(entry["name"]),
        version=str(entry["version"]),
        url=str(entry["url"]),
        schema_hash=entry.get("schemaHash"),
        heartbeat_at=heartbeat,
        status=_status(str(entry["url"]), entry.get("state"), heartbeat, at),
        problems=tuple(str(problem["message"]) for problem in entry.get("errors", ())),
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be told of a module: that it is there, or that it is not."""

    name: str
    status: ServiceStatus
    now: Registered | None
    """What the registry says of it; None: nothing at all."""


def turns(known: Mapping[str, tuple[str, ServiceStatus]], found: Sequence[Registered]) -> Iterator[Turn]:
    """What changed since the last look: what is `known` is the version and status that were told last, by module.

    A module that is found dead and was never heard of is not told of: nobody misses it.
    """
    there = {one.name: one for one in found}
    for name in sorted(known.keys() | there.keys()):
        now, before = there.get(name), known.get(name)
        status = now.status if now else ServiceStatus.DOWN
        if before is None:
            news = status is not ServiceStatus.DOWN
        elif status is ServiceStatus.DOWN or now is None:
            news = before[1] is not ServiceStatus.DOWN
        else:
            news = before != (now.version, status)
        if news:
            yield Turn(name, status, now)


def _status(url: str, state: object, heartbeat: datetime | None, at: datetime) -> ServiceStatus:
    # A module in the router's own process announces itself once, and lives as long as whoever is asked.
    alive = url.startswith(_INSIDE) or (heartbeat is not None and at - heartbeat <= SILENT)
    if not alive:
        return ServiceStatus.DOWN
    return ServiceStatus.UP if state == "active" else ServiceStatus.DEGRADED
