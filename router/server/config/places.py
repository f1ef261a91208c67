"""Where in a file each key stands, so that whatever is said of a key names its line.

YAML lets a key stand twice in a section, and the last one counts: a limit that somebody set would silently be gone. So that
is a fault here, and it names both lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

_MERGE: Final = "tag:yaml.org,2002:merge"

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """What there is to say of a key, which is called as in the file; `str` is the sentence."""

    key: str
    said: str

    def __str__(self) -> str:
        """Return it as one sentence."""
        return f"{self.key}{self.said}"


@dataclass(frozen=True, slots=True)
class Written:
    """What a file says, and where."""

    file: str = ""
    tree: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    """Each key with those above it, and its line; items of a list have their number as key."""
    twice: tuple[Remark, ...] = ()

    def at(self, remark: Remark) -> str:
        """Return a remark behind the line of its key, or of the section in which it would stand."""
        line = self.line(remark.key)
        return f"{self.file}:{line}: {remark}" if line else str(remark)

    def line(self, key: str) -> int:
        """Return the line of a key, or of the section in which it would stand; 0 when it stands nowhere."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return self.lines.get(key, 0)

    def all(self, remarks: Iterable[Remark]) -> str:
        """Return remarks in the order of their lines, each once."""
        ordered = sorted(dict.fromkeys(remarks), key=lambda remark: self.line(remark.key))
        return "\n".join(self.at(remark) for remark in ordered)


def written(text: str, file: str) -> Written:
    """Read YAML or JSON; raises `yaml.YAMLError`, or `RecursionError` where it's nested without measure."""
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is not None:
            _refuse_circles(root)
        lines: dict[str, int] = {}
        twice = tuple(_walk(root, (), lines, set())) if root is not None else ()
        tree = loader.construct_document(root) if root is not None else None
    finally:
        loader.dispose()
    return Written(file, tree, lines, twice)


def _refuse_circles(node: yaml.Node, above: tuple[int, ...] = ()) -> None:
    """Refuse an alias that stands inside of what it repeats: it would have no end."""
    if id(node) in above:
        place = f"line {_line(node)}"
        raise yaml.YAMLError(f"an alias repeats what it stands in, which begins in {place}")
    if isinstance(node, yaml.CollectionNode):
        below = (*above, id(node))
        for item in node.value:
            for inner in item if isinstance(item, tuple) else (item,):
                _refuse_circles(inner, below)


def _walk(node: yaml.Node, above: Path, lines: dict[str, int], seen: set[int]) -> Iterator[Remark]:
    """Note the lines of all keys, and yield those that stand twice; what an alias repeats is where it stands first."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[".".join((*above, str(number)))] = _line(item)
            yield from _walk(item, (*above, str(number)), lines, seen)
    elif isinstance(node, yaml.MappingNode):
        yield from _walk_keys(node, above, lines, seen)


def _walk_keys(node: yaml.MappingNode, above: Path, lines: dict[str, int], seen: set[int]) -> Iterator[Remark]:
    own: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
            continue
        path = (*above, key.value)
        dotted = ".".join(path)
        if key.value in own:
            yield Remark(
                dotted, f" stands in line {own[key.value]} and in line {_line(key)}; only one of them can count."
            )
        own.setdefault(key.value, _line(key))
        lines.setdefault(dotted, _line(key))
        yield from _walk(value, path, lines, seen)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
