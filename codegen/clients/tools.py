"""The generators: well-kept ones of others, pinned, each in a place of its own outside of our environment.

Two of them want other versions of what we run on, so none is a dependency of ours: `uv tool run` keeps those from PyPI,
and npm installs what the lock file beside each package.json names, once, into a folder that is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PYTHON_TOOLS: Final = {"openapi-python-client": "0.29.1", "ariadne-codegen": "0.19.0"}
"""What is run of PyPI, with its version."""


class Missing(Exception):
    """A generator can't be had here; the message says what would help."""


def run(command: Sequence[str | Path], *, cwd: Path) -> str:
    """Run a program to its end; what it said; raises `Missing` when it can't be started or fails."""
    words = [str(one) for one in command]
    program = shutil.which(words[0])
    if program is None:
        raise Missing(f"{words[0]} is not installed.")
    plain = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(  # noqa: S603 - the words are ours, and no shell reads them
        [program, *words[1:]], cwd=cwd, env=plain, capture_output=True, text=True, check=False
    )
    said = f"{done.stdout}{done.stderr}"
    if done.returncode != 0:
        raise Missing(f"{Path(program).name} ended with {done.returncode}: {said[-2000:]}")
    return said


def python_tool(name: str, arguments: Sequence[str | Path], *, cwd: Path) -> str:
    """Run a generator of PyPI, at its pinned version."""
    beside = Path(sys.executable).with_name("uv")
    uv = beside if beside.exists() else Path(os.environ.get("UV", "uv"))
    return run([uv, "tool", "run", "--from", f"{name}=={PYTHON_TOOLS[name]}", name, *arguments], cwd=cwd)


def node_modules(kind: str) -> Path:
    """The folder in which npm has installed what `<kind>/package.json` and its lock name."""
    files = [HERE / kind / name for name in ("package.json", "package-lock.json")]
    kept = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "psa-platform" / "clients" / kind
    if any(not (kept / one.name).exists() or (kept / one.name).read_bytes() != one.read_bytes() for one in files):
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        shutil.copy(files[1], kept)
        shutil.copy(files[0], kept / "wanted.json")
        (kept / "wanted.json").rename(kept / "package.json")
        try:
            run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=kept)
        except Missing:
            shutil.rmtree(kept)
            raise
    return kept / "node_modules"


def node_tool(kind: str, name: str, arguments: Sequence[str | Path], *, cwd: Path) -> str:
    """Run a generator of npm, as the lock file has it."""
    return run([node_modules(kind) / ".bin" / name, *arguments], cwd=cwd)
