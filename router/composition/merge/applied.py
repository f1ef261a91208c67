"""Directives on one element in several subgraphs: repeatable ones are united, others agree, are merged, or the most frequent wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from router.composition.merge.merging import ACCESS, Composed, Merging, Sources, present
from router.composition.merge.wording import listed, subgraphs
from router.federation.elements import Applied, Value, places, printed


class Annotated(Protocol):
    """Anything that carries directives."""

    applied: list[Applied]

    @property
    def coordinate(self) -> str:
        """The coordinate for messages."""


E = TypeVar("E", bound=Annotated)

# Directives of GraphQL itself that travel too.
BUILT_IN = {name: Composed(name, name, repeatable=False) for name in ("deprecated", "specifiedBy", "oneOf")}


def merge_applied(merging: Merging, sources: Sources[E], merged: Annotated) -> None:
    """Merge what is applied to an element. Hiding is decided at once, as enums depend on it; everything else can wait."""
    names = dict.fromkeys(a.name for source in present(sources).values() for a in source.applied)
    waiting = []
    for name in names:
        composed = merging.composed.get(name) or BUILT_IN.get(name)
        if composed is None:
            continue
        if composed.element == "inaccessible":
            _merge(merging, composed, sources, merged)
        else:
            waiting.append(composed)
    waiting += _inherited(merging, merged, names)
    waiting.sort(key=lambda composed: composed.element not in ACCESS)
    if waiting:
        merging.deferred.append(lambda: _merge_all(merging, waiting, sources, merged))


def _inherited(merging: Merging, merged: Annotated, names: Mapping[str, None]) -> list[Composed]:
    """The access control that only others demand."""
    if not merging.inherited:
        return []
    access = (composed for composed in merging.composed.values() if composed.element in ACCESS)
    return [c for c in access if c.name not in names and (merged.coordinate, c.element) in merging.inherited]


def inherit(merging: Merging, merged: Annotated) -> None:
    """Apply the access control that an element has from others alone."""
    for composed in _inherited(merging, merged, {}):
        _merge(merging, composed, {}, merged)


def _merge_all(merging: Merging, waiting: Sequence[Composed], sources: Sources[E], merged: Annotated) -> None:
    for composed in waiting:
        _merge(merging, composed, sources, merged)


def _merge(merging: Merging, composed: Composed, sources: Sources[E], merged: Annotated) -> None:
    everybody: dict[int, Annotated] = dict(present(sources))
    for source in merging.inherited.get((merged.coordinate, composed.element), ()):
        everybody[len(merging.subgraphs) + len(everybody)] = source
    found = {
        index: applications
        for index, source in everybody.items()
        if (composed.origins is None or index in composed.origins)
        and (applications := [a for a in source.applied if a.name == composed.name])
    }
    if not found:
        return
    if composed.element == "context":
        found = {
            index: [_own_context(merging, index, a) for a in applications] for index, applications in found.items()
        }
    if composed.repeatable or len(found) == 1:
        unique = {_key(a): a for applications in found.values() for a in applications}
        _apply(merged, composed.name, list(unique.values()))
        return
    variants = {index: applications[0] for index, applications in found.items()}
    for index, applications in found.items():
        if len(applications) > 1 and index < len(merging.subgraphs):
            _refuse_twice(merging, index, applications, merged)
    if len({_key(a) for a in variants.values()}) == 1:
        _apply(merged, composed.name, list(variants.values())[:1])
    elif composed.strategies:
        combine(merging, composed, variants, merged)
    else:
        _choose(merging, composed, {index: variants.get(index) for index in present(sources)}, sources, merged)


def _refuse_twice(merging: Merging, index: int, applications: list[Applied], merged: Annotated) -> None:
    """A directive can be repeatable in one subgraph and not in the one whose definition the supergraph takes."""
    subgraph = merging.subgraphs[index]
    merging.error(
        "DIRECTIVE_COMPOSITION_ERROR",
        f'Directive "@{applications[0].name}" is applied more than once to "{merged.coordinate}" in subgraph "{subgraph.name}" but it is '
        "not repeatable in the supergraph",
        places(subgraph.name, (application.node for application in applications)),
    )


def _own_context(merging: Merging, index: int, application: Applied) -> Applied:
    """Contexts of different subgraphs have nothing to do with each other, even if they share a name."""
    name = f"{merging.subgraphs[index].name}__{application.arguments.get('name')}"
    return Applied(application.name, {"name": name})


def _key(application: Applied) -> str:
    return printed(dict(sorted(application.arguments.items())))


def _apply(merged: Annotated, name: str, applications: list[Applied]) -> None:
    merged.applied.extend(Applied(name, application.arguments) for application in applications)


def combine(merging: Merging, composed: Composed, variants: Mapping[int, Applied], merged: Annotated) -> None:
    """Apply a directive with the combination of different arguments."""
    arguments: dict[str, Value] = {}
    for name, (_, combine) in composed.strategies.items():
        value = combine([a.arguments[name] for a in variants.values() if name in a.arguments])
        if value is not None:
            arguments[name] = value
    merged.applied.append(Applied(composed.name, arguments))
    told = ", ".join(f'"{name}": {strategy}' for name, (strategy, _) in composed.strategies.items())
    merging.hint(
        "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        f'Directive @{composed.name} is applied to "{merged.coordinate}" in multiple subgraphs with different arguments. '
        f"Merging strategies used by arguments: {{ {told} }}",
        None,
    )


def _choose(
    merging: Merging,
    composed: Composed,
    variants: Mapping[int, Applied | None],
    sources: Sources[E],
    merged: Annotated,
) -> None:
    groups: dict[str, list[int]] = {}
    for index, application in variants.items():
        groups.setdefault(_key(application) if application else "", []).append(index)
    chosen = max((key for key in groups if key), key=lambda key: len(groups[key]))
    winner = variants[groups[chosen][0]]
    _apply(merged, composed.name, [winner] if winner else [])
    others = [
        f"{_arguments(variants[indices[0]])} in {subgraphs(merging.names(indices))}"
        for key, indices in groups.items()
        if key != chosen
    ]
    merging.hint(
        "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        f'Non-repeatable directive @{composed.name} is applied to "{merged.coordinate}" in multiple subgraphs but with incompatible '
        f"arguments. The supergraph will use {_arguments(winner)} "
        f"(from {subgraphs(merging.names(groups[chosen]))}), but found {listed(others)}.",
        merged.coordinate,
        merging.places(sources),
    )


def _arguments(application: Applied | None) -> str:
    """The arguments of an application; a subgraph without one is told with nothing, as Apollo does."""
    if application is None:
        return ""
    return f"arguments {printed(application.arguments)}" if application.arguments else "no arguments"
