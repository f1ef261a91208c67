"""How a plan came about, stage by stage, as text for people; the graphs as mermaid too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from router.graph import selections
from router.graph.selections import Selections
from router.graph.steps import Enter, Hop, Leaf, Narrow, Path, Postpone, Rest, Start, Take
from router.planner import optimize, tree
from router.planner.fetch_graph import FetchStep
from router.planner.planner import Part, Stages
from router.planner.query_plan import pretty

Form = Literal["text", "mermaid"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, what it does in a sentence, and what it made of the operation."""

    title: str
    meaning: str
    body: str


def stages(made: Stages, form: Form = "text") -> list[Stage]:
    """Show what every stage made."""
    return [
        Stage("operation", "what is asked, in normal form", selections.describe(made.operation.selections)),
        *(stage for number, part in enumerate(made.parts) for stage in _of_part(part, _suffix(made, number), form)),
        Stage("plan", "what is sent to whom, and when", pretty(made.plan)),
    ]


def text(made: Stages, form: Form = "text") -> str:
    """Show all stages on one page."""
    return "\n\n".join(f"# {stage.title}: {stage.meaning}\n\n{stage.body}" for stage in stages(made, form)) + "\n"


def _suffix(made: Stages, number: int) -> str:
    return f" {number + 1}" if len(made.parts) > 1 else ""


def _of_part(part: Part, suffix: str, form: Form) -> Iterator[Stage]:
    paths = "\n".join(line for leaf in part.leaves for line in _leaf(leaf, part))
    yield Stage(f"paths{suffix}", "the ways to each leaf, with their costs; * is taken", paths)
    yield Stage(f"tree{suffix}", "the ways taken, joined", tree.describe(part.tree))
    drawn = _mermaid(part.fetches) if form == "mermaid" else "\n".join(_fetch_lines(part.fetches))
    yield Stage(f"fetches{suffix}", "what is fetched, and what it waits for", drawn)


def _leaf(leaf: Leaf, part: Part) -> Iterator[str]:
    yield ".".join(leaf.alternatives[0].position) or "(root)"
    for path in leaf.alternatives:
        mark = "*" if path in part.solution.paths else " "
        yield f"  {mark} {path.cost:>7}  {_path(path)}"


def _path(path: Path) -> str:
    words: list[str] = []
    for step, node in path.steps():
        match step:
            case Start():
                pass
            case Enter():
                words.append(str(node))
            case Take(field=item):
                words.append(item.response_key)
            case Narrow(on=on):
                words.append(f"…on {on}")
            case Postpone():
                words.append("later")
            case Hop(condition=condition):
                needs = f" after {len(condition.errands)} more" if condition.errands else ""
                words.append(f"⇒ {node}{needs}")
            case Rest(selections=rest):
                words.append(_summary(rest))
    return " ".join(words)


def _summary(rest: Selections) -> str:
    return f"{{ {len(rest)} more }}"


def _fetch_lines(fetches: tuple[FetchStep, ...]) -> Iterator[str]:
    stage = optimize.levels(fetches)
    for step in sorted(fetches, key=lambda step: (stage[step.id], step.id)):
        after = f" after {', '.join(map(str, sorted(step.needs)))}" if step.needs else ""
        later = ", deferred" if step.deferral else ""
        yield f"{step.id}: stage {stage[step.id]}{later}, {step.graph} at {'.'.join(step.path) or 'the root'}{after}"
        yield selections.describe(step.output, "     ")


def _mermaid(fetches: tuple[FetchStep, ...]) -> str:
    lines = ["flowchart LR"]
    lines += [f'  f{step.id}["{step.graph}<br/>{".".join(step.path) or "root"}"]' for step in fetches]
    lines += [f"  f{need} --> f{step.id}" for step in fetches for need in sorted(step.needs)]
    return "\n".join(lines)
