"""Of several descriptions the one that most subgraphs give wins; the first one in a draw."""

from __future__ import annotations

from collections import Counter
from typing import Protocol, TypeVar

from router.composition.merge.merging import Merging, Sources, present
from router.composition.merge.wording import subgraphs


class Described(Protocol):
    """Anything with a description and a coordinate."""

    description: str | None

    @property
    def coordinate(self) -> str:
        """The coordinate for messages."""


E = TypeVar("E", bound=Described)


def merge_descriptions(merging: Merging, sources: Sources[E], merged: Described) -> None:
    """Choose a description, and hint when subgraphs describe differently."""
    texts = {index: source.description for index, source in present(sources).items() if source.description}
    counts = Counter(texts.values())
    if not counts:
        # An empty description is one as long as there is no other; only arguments lose it.
        empty = any(source.description == "" for source in present(sources).values())
        merged.description = "" if empty and not merged.coordinate.endswith(":)") else None
        return
    merged.description = counts.most_common(1)[0][0]
    if len(counts) > 1:
        _hint(merging, sources, merged, texts)


def _hint(merging: Merging, sources: Sources[E], merged: Described, texts: dict[int, str]) -> None:
    groups: dict[str, list[str]] = {}
    for index, text in texts.items():
        groups.setdefault(text, []).append(merging.subgraphs[index].name)
    chosen = merged.description or ""
    others = [
        f"In {subgraphs(names)}, the description is:\n{_quoted(text)}"
        for text, names in groups.items()
        if text != chosen
    ]
    # With two others and more there is an "and" at the end of the line.
    told = (" and \n" if len(others) > 1 else "").join(others)
    merging.hint(
        "INCONSISTENT_DESCRIPTION",
        f"{_title(merged)} has inconsistent descriptions across subgraphs. The supergraph will use description "
        f"(from {subgraphs(groups[chosen])}):\n{_quoted(chosen)}\n{told}",
        _coordinate(merged),
        merging.places({index: source for index, source in sources.items() if index in texts}),
    )


def _coordinate(merged: Described) -> str | None:
    return merged.coordinate or None


def _title(merged: Described) -> str:
    return f'Element "{merged.coordinate}"' if merged.coordinate else "The schema definition"


def _quoted(text: str) -> str:
    return "\n".join(f"  {line}" for line in ('"""', *text.split("\n"), '"""'))
