"""The chosen paths as one tree: what they have in common is walked once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from router.graph.edges import KeyMove
from router.graph.nodes import Node
from router.graph.selections import guard_text
from router.graph.steps import Enter, Hop, Narrow, Path, Postpone, Rest, Start, Step, Take


@dataclass(slots=True)
class Branch:
    """A step with all that is done after it, in the order of the operation."""

    step: Step
    node: Node
    branches: dict[Hashable, Branch] = field(default_factory=dict)

    def grow(self, path: Path) -> None:
        """Add a path that starts where this branch does."""
        here = self
        for step, node in path.steps():
            if not isinstance(step, Start):
                here = here.branches.setdefault(_identity(step, node), Branch(step, node))


def tree(paths: Iterable[Path], node: Node) -> Branch:
    """Join paths that start at the same place."""
    root = Branch(Start(), node)
    for path in paths:
        root.grow(path)
    return root


def _identity(step: Step, node: Node) -> Hashable:
    match step:
        case Take(field=taken):
            return (taken.response_key, taken.identity, taken.guards, node)
        case Hop(entry=entry, requires=requires, handed=handed):
            own = tuple(one.identity for one in handed)
            return (node, entry.key if isinstance(entry, KeyMove) else None, requires, own)
        case Narrow(on=on):
            return on
        case Rest(selections=selections):
            return selections
        case Enter(deferral=deferral) | Postpone(deferral=deferral):
            return (node, deferral)
        case Start():
            return node


def describe(branch: Branch, indent: str = "") -> str:
    """Print a tree for people."""
    return "\n".join(_lines(branch, indent))


def _lines(branch: Branch, indent: str) -> Iterator[str]:
    yield f"{indent}{_label(branch)}"
    for child in branch.branches.values():
        yield from _lines(child, indent + "  ")


_WORDS = {Start: "start", Postpone: "later"}


def _label(branch: Branch) -> str:
    match branch.step:
        case Start() | Postpone():
            return _WORDS[type(branch.step)]
        case Enter():
            return f"enter {branch.node}"
        case Take(field=taken, move=move):
            arrow = f" → {branch.node}" if move.target else ""
            return f"{taken.response_key}: {taken.name}{taken.arguments}{guard_text(taken.guards)}{arrow}"
        case Narrow(on=on):
            return f"... on {on}"
        case Hop():
            return f"hop → {branch.node}"
        case Rest(selections=selections):
            return f"and all of {len(selections)} selections here"
