"""Definitions of custom directives: in operations only what all subgraphs understand, in schemas whatever is composed."""

from __future__ import annotations

from router.composition.merge.arguments import add_arguments, merge_arguments
from router.composition.merge.descriptions import merge_descriptions
from router.composition.merge.merging import Merging, Sources, present
from router.composition.merge.wording import subgraphs
from router.federation.elements import DirectiveDefinition
from router.federation.subgraph import Subgraph

SPECIFIED = frozenset(("include", "skip", "deprecated", "specifiedBy", "oneOf", "defer", "stream"))


def merge_executable_directives(merging: Merging) -> None:
    """Merge the directives that clients may use in operations."""
    names = dict.fromkeys(
        name
        for subgraph in merging.subgraphs
        for name, definition in subgraph.schema.directives.items()
        if definition.executable_locations and _is_custom(subgraph, name)
    )
    for name in names:
        sources: Sources[DirectiveDefinition] = {
            i: subgraph.schema.directives.get(name) if _is_custom(subgraph, name) else None
            for i, subgraph in enumerate(merging.subgraphs)
        }
        _merge(merging, sources, name)


def _is_custom(subgraph: Subgraph, name: str) -> bool:
    if name in SPECIFIED:
        return False
    if subgraph.is_federation_1 and subgraph.knows(name):
        return False
    return name != "link" and subgraph.links.source_of_directive(name) is None


def _merge(merging: Merging, sources: Sources[DirectiveDefinition], name: str) -> None:
    found = present(sources)
    if len(found) < len(sources):
        lacking = [index for index, definition in sources.items() if definition is None]
        merging.hint(
            "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE",
            f'Executable directive "@{name}" will not be part of the supergraph as it does not appear in all subgraphs: it is defined in '
            f"{subgraphs(merging.names(list(found)))} but not in {subgraphs(merging.names(lacking))}.",
            f"@{name}",
            merging.places(sources),
        )
        return
    first = next(iter(found.values()))
    common = tuple(
        location
        for location in first.executable_locations
        if all(location in definition.locations for definition in found.values())
    )
    if not common:
        _hint_no_location(merging, sources, name)
        return
    merged = DirectiveDefinition(name, common, repeatable=all(definition.repeatable for definition in found.values()))
    merging.supergraph.directives[name] = merged
    if merged.repeatable != any(definition.repeatable for definition in found.values()):
        _hint_repeatable(merging, sources, name)
    if any(set(definition.executable_locations) != set(common) for definition in found.values()):
        _hint_locations(merging, sources, merged)
    merge_descriptions(merging, sources, merged)
    add_arguments(merging, sources, merged)
    merge_arguments(merging, sources, merged)


def _locations(definition: DirectiveDefinition) -> str:
    """`location "FIELD"` or `locations "FIELD, QUERY"`."""
    names = sorted(definition.executable_locations)
    return f'location{"s" if len(names) > 1 else ""} "{", ".join(names)}"'


def _hint_no_location(merging: Merging, sources: Sources[DirectiveDefinition], name: str) -> None:
    groups = merging.groups(sources, lambda definition, _: _locations(definition), "")
    told = " and ".join(f"{variant} in {subgraphs(names)}" for variant, names in groups)
    merging.hint(
        "NO_EXECUTABLE_DIRECTIVE_INTERSECTION",
        f'Executable directive "@{name}" has no location that is common to all subgraphs: it will not appear in the supergraph as there '
        f"no intersection between {told}.",
        f"@{name}",
        merging.places(sources),
    )


def _hint_repeatable(merging: Merging, sources: Sources[DirectiveDefinition], name: str) -> None:
    repeating = [i for i, definition in present(sources).items() if definition.repeatable]
    others = [i for i, definition in present(sources).items() if not definition.repeatable]
    merging.hint(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE",
        f'Executable directive "@{name}" will not be marked repeatable in the supergraph as it is inconsistently marked repeatable in '
        f"subgraphs: it is not repeatable in {subgraphs(merging.names(others))} but is repeatable in "
        f"{subgraphs(merging.names(repeating))}.",
        f"@{name}",
        merging.places(sources),
    )


def _hint_locations(merging: Merging, sources: Sources[DirectiveDefinition], merged: DirectiveDefinition) -> None:
    chosen = _locations(merged)
    groups = merging.groups(sources, lambda definition, _: _locations(definition), chosen)
    others = " and ".join(f"{variant} in {subgraphs(names)}" for variant, names in groups)
    merging.hint(
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS",
        f'Executable directive "@{merged.name}" has inconsistent locations across subgraphs and will use {chosen} (intersection of all subgraphs) in the '
        f"supergraph, but has: {others}.",
        f"@{merged.name}",
        merging.places(sources),
    )
