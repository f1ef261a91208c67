"""Values from outside of the file: `${env.NAME}`, `${env.NAME:-default}` and `${file./path}` inside any text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from router.server.config.places import Remark

_REFERENCE: Final = re.compile(r"\$\{(env|file)\.([^}]*?)(?::-([^}]*))?\}")


_FILE: Final = re.compile(r"\$\{file\.([^}]*)\}")


class Unexpandable(Exception):
    """A reference leads nowhere; the message says which one."""


def expanded(value: Any, environment: Mapping[str, str], faults: list[Remark], path: tuple[str, ...] = ()) -> Any:
    """Return the same tree with every reference replaced; those that lead nowhere are added to the faults."""
    match value:
        case str():
            try:
                return _REFERENCE.sub(lambda found: _value(found, environment), value)
            except Unexpandable as fault:
                faults.append(Remark(".".join(path), f": {fault}"))
                return value
        case dict():
            return {key: expanded(inner, environment, faults, (*path, str(key))) for key, inner in value.items()}
        case list():
            return [expanded(one, environment, faults, (*path, str(place))) for place, one in enumerate(value)]
        case _:
            return value


def paths_kept(tree: Any) -> Any:
    """Return a tree in which a value that is nothing but `${file./path}` is that path: where files are wanted, not their contents."""
    match tree:
        case str():
            whole = _FILE.fullmatch(tree)
            return whole[1] if whole else tree
        case dict():
            return {key: paths_kept(inner) for key, inner in tree.items()}
        case _:
            return tree


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    kind, name, default = found.groups()
    if kind == "file":
        try:
            return Path(name).read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as fault:
            if default is not None:
                return default
            raise Unexpandable(f"{found[0]} can't be read: {fault}.") from None
    # As in a shell, `:-` stands for what is empty, too.
    given = environment.get(name)
    if given is None or (not given and default is not None):
        given = default
    if given is None:
        raise Unexpandable(f"{found[0]}: the environment has no {name}, and there is no default.")
    return given
