"""Start a program that ends when the process that started it ends, even by kill -9, and as another user if asked.

Run as a script of its own between the two, because what it does to itself (the death signal, the change of user) must
not be done in a copy of a process that has threads. It then becomes the program: no process stays in between.

    python attached.py PARENT_PID SIGNAL UID:GID|- DIRECTORY PROGRAM [ARGUMENT…]

Only Linux can tie a child to its parent; elsewhere the program outlives a parent that was killed with -9, and whoever
starts it next has to look for it.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Tie this process to its parent, step down, and become the program."""
    parent, death_signal, user, directory, *program = arguments
    os.chdir(directory)  # first, because the user we become may not be able to get there
    if user != "-":
        _become(*map(int, user.split(":")))
    _die_with(int(parent), int(death_signal))
    os.execv(program[0], program)  # noqa: S606 - no shell is what we want


def _become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with(parent: int, death_signal: int) -> None:
    """Ask for the signal; after the change of user, which would erase the wish."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("The process that wanted this program is gone.")


if __name__ == "__main__":
    main(sys.argv[1:])
