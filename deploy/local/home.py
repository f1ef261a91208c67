"""The directory in which one running platform keeps its data: secrets readable by nobody else, and a lock.

One home is one running platform. The lock is an `flock`, so that it is gone with the process that held it, however
that process ended; the number in the file only serves to name the holder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DEFAULT_HOME = Path(__file__).resolve().parents[2] / ".dev" / "home"
"""Inside the clone, so that two clones do not meet; git ignores it."""

_ROOM_FOR_ONE_MORE_FILE = 16 * 1024 * 1024


class Trouble(Exception):
    """What keeps the platform from running here, and what the person at the keyboard can do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n  → {remedy}")
        self.problem = problem
        self.remedy = remedy


@contextmanager
def claim(home: Path) -> Iterator[None]:
    """Hold this home until the end of the block; refuse if another process holds it."""
    make_directory(home)
    with explained(home):
        descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock_or_refuse(home, descriptor)
        with explained(home):
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create a directory of ours, closed to others."""
    with explained(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


def private_file(path: Path, make: Callable[[], str]) -> str:
    """Read a secret of this home; make it, once, if there is none yet.

    The file appears complete or not at all, and the first of two processes wins: `link` refuses to replace.
    """
    with explained(path):
        if not path.exists():
            make_directory(path.parent)
            _write_once(path, make())
        return path.read_text(encoding="utf-8")


def _write_once(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into words, with the remedy."""
    try:
        yield
    except OSError as error:
        trouble = of_disk(path, error.errno)
        if trouble is None:
            raise
        raise trouble from error


def of_disk(path: Path, number: int | None = None) -> Trouble | None:
    """Say what is wrong with the disk under `path`, if that is what is wrong."""
    if number in {errno.ENOSPC, errno.EDQUOT} or (number is None and _is_full(path)):
        return full_disk(path)
    if number in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
        return Trouble(f"{path} cannot be written.", "Choose a directory of yours: --home DIR")
    return None


def full_disk(path: Path) -> Trouble:
    """Say that there is no room left."""
    return Trouble(
        f"The disk that holds {path} is full.", "Free some space (200 MB will do), or choose another disk: --home DIR"
    )


def _is_full(path: Path) -> bool:
    there = next(p for p in (path, *path.parents) if p.exists())
    return shutil.disk_usage(there).free < _ROOM_FOR_ONE_MORE_FILE


def _lock_or_refuse(home: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"
        raise Trouble(
            f"{home} is in use by another running platform (process {holder}).",
            "Stop that one, or run this one elsewhere: --home DIR --port N",
        ) from error
