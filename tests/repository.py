"""The files that belong to the house, also on a machine that has no git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
_MADE = {"__pycache__", "node_modules", "build", "dist"}


def files() -> list[Path]:
    """Every file that is under version control, or would be; without git, all but what our tools make."""
    found = _by_git() if shutil.which("git") and (ROOT / ".git").exists() else _by_walking()
    return sorted(path for path in found if path.is_file())


def _by_git() -> list[Path]:
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return [ROOT / line for line in listed.stdout.split("\0") if line]


def _by_walking() -> list[Path]:
    found = []
    for directory, inside, names in os.walk(ROOT):
        hidden = {name for name in inside if name.startswith(".") and name != ".ci"}
        inside[:] = sorted(set(inside) - hidden - _MADE)
        found += [Path(directory) / name for name in names if name != ".git" and not name.endswith(".pyc")]
    return found
