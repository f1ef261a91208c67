"""Every supergraph that was published: when, by whom, why, of which modules, and what it changed. One file for each, if wanted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from router.registry import state

if TYPE_CHECKING:
    from router.composition.difference import Change

log = structlog.get_logger(__name__)

_SUFFIX: Final = ".json"
_SHORTEST_HASH: Final = 6


@dataclass(frozen=True, slots=True)
class Cause:
    """Who wanted a supergraph to be published, and why."""

    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Published:
    """One supergraph that was served from some moment on; `registrations` are the modules that it was composed of."""

    number: int
    hash: str
    at: float
    who: str
    why: str
    registrations: tuple[Mapping[str, str], ...]
    changes: tuple[Mapping[str, str], ...]
    supergraph_sdl: str


class UnknownVersion(LookupError):
    """Nothing of that number or hash is remembered."""


def hash_of(sdl: str) -> str:
    """What names a supergraph wherever it is served."""
    return hashlib.sha256(sdl.encode()).hexdigest()


class History:
    """The last supergraphs, the newest at the end; with a folder they outlive the process."""

    def __init__(self, entries: int = 50, folder: Path | None = None) -> None:
        self._entries = entries
        self._folder = folder
        self._kept: list[Published] = []

    @property
    def versions(self) -> tuple[Published, ...]:
        """All that is remembered."""
        return tuple(self._kept)

    def restore(self) -> None:
        """Read what an earlier process wrote; a file that can't be read is left out."""
        if self._folder is None or not self._folder.is_dir():
            return
        found = [one for file in sorted(self._folder.glob(f"*{_SUFFIX}")) if (one := _read(file)) is not None]
        self._kept = sorted(found, key=lambda one: one.number)[-self._entries :]

    def find(self, wanted: str) -> Published:
        """Return the version of this number, or the newest of this hash or its beginning; raises `UnknownVersion`."""
        by_number = (one for one in self._kept if wanted.isdigit() and one.number == int(wanted))
        long_enough = len(wanted) >= _SHORTEST_HASH
        by_hash = (one for one in reversed(self._kept) if long_enough and one.hash.startswith(wanted))
        found = next(by_number, None) or next(by_hash, None)
        if found is None:
            raise UnknownVersion(f"No version {wanted} is remembered.")
        return found

    def before(self, version: Published) -> Published | None:
        """Return what was served before a version, if that is remembered."""
        return next((one for one in reversed(self._kept) if one.number < version.number), None)

    def add(
        self,
        sdl: str,
        registrations: Iterable[Mapping[str, str]],
        cause: Cause,
        changes: Iterable[Change],
        at: float,
    ) -> Published:
        """Remember a supergraph that is served from now on; what is too old goes. Writes, so not for the event loop."""
        number = self._kept[-1].number + 1 if self._kept else 1
        told = tuple(asdict(change) for change in changes)
        one = Published(number, hash_of(sdl), at, cause.who, cause.why, tuple(registrations), told, sdl)
        gone = self._kept[: max(0, len(self._kept) + 1 - self._entries)]
        self._kept = [*self._kept[len(gone) :], one]
        self._write(one, gone)
        return one

    def _write(self, one: Published, gone: Iterable[Published]) -> None:
        if self._folder is None:
            return
        try:
            state.replace(self._file(one), json.dumps(asdict(one)))
            for old in gone:
                self._file(old).unlink(missing_ok=True)
        except OSError as fault:
            # It's served already; the next process will not know of it, and that is all.
            log.error("registry.history_unwritable", folder=str(self._folder), reason=str(fault))  # noqa: TRY400

    def _file(self, one: Published) -> Path:
        folder = self._folder or Path()
        return folder / f"{one.number:08d}{_SUFFIX}"


def _read(file: Path) -> Published | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return Published(
            **{**kept, "registrations": tuple(kept["registrations"]), "changes": tuple(kept["changes"])},
        )
    except (OSError, ValueError, TypeError, KeyError) as fault:
        log.warning("registry.history_unreadable", file=str(file), reason=str(fault))
        return None
