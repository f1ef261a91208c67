"""One field of an object type or interface: who resolves it, what type it has for everyone, and its @join__field."""

from __future__ import annotations

from router.composition.merge.applied import merge_applied
from router.composition.merge.arguments import add_arguments, merge_arguments
from router.composition.merge.carried import carry
from router.composition.merge.descriptions import merge_descriptions
from router.composition.merge.external import check_external
from router.composition.merge.field_types import merge_types
from router.composition.merge.interface_objects import is_abstracted
from router.composition.merge.merging import Merging, Override, Sources, present
from router.composition.merge.wording import subgraphs
from router.federation.elements import Applied, FieldDefinition, Value
from router.federation.fieldsets import context_selection
from router.federation.subgraph import Subgraph


def merge_field(
    merging: Merging, sources: Sources[FieldDefinition], merged: FieldDefinition, overrides: dict[int, Override]
) -> None:
    """Merge one field. `sources` has an entry, perhaps empty, for every subgraph that has the parent type."""
    found = present(sources)
    real: Sources[FieldDefinition] = {i: m for i, m in found.items() if not merging.subgraphs[i].is_external(m)}
    if not real and is_abstracted(merging, merged):
        real = found
    if not real:
        merging.error(
            "EXTERNAL_MISSING_ON_BASE",
            f'Field "{merged.coordinate}" is marked @external on all the subgraphs in which it is listed '
            f"({subgraphs(merging.names(list(found)))}).",
            merging.places(sources),
        )
        return
    merge_descriptions(merging, real, merged)
    merge_applied(merging, real, merged)
    add_arguments(merging, real, merged)
    merge_arguments(merging, real, merged)
    same = merge_types(merging, real, merged, is_input=False)
    if len(real) < len(found):
        check_external(merging, sources, merged, same=same)
        same = same and all(m.type == merged.type for m in found.values())
    _join(merging, sources, merged, overrides, same=same)
    carry(merging, sources, merged)


def _join(
    merging: Merging,
    sources: Sources[FieldDefinition],
    merged: FieldDefinition,
    overrides: dict[int, Override],
    *,
    same: bool,
) -> None:
    found = present(sources)
    if not _needs_join(merging, sources, overrides, same=same):
        return
    for index, member in found.items():
        override = overrides.get(index) or Override()
        if override.dropped:
            continue
        arguments = _join_arguments(merging, index, member, override, same=same)
        merged.applied.append(Applied("join__field", arguments))


def _needs_join(
    merging: Merging,
    sources: Sources[FieldDefinition],
    overrides: dict[int, Override],
    *,
    same: bool,
) -> bool:
    """Nothing needs to be said about a field that all subgraphs with its type resolve in the same way."""
    if not same or any(o.dropped or o.used_overridden or o.label for o in overrides.values()):
        return True
    for index, member in sources.items():
        subgraph = merging.subgraphs[index]
        if member is None:
            return True
        if subgraph.is_external(member) or any(subgraph.has(member, name) for name in ("requires", "provides")):
            return True
        if any(subgraph.has(argument, "fromContext") for argument in member.arguments.values()):
            return True
    return False


def _join_arguments(
    merging: Merging, index: int, member: FieldDefinition, override: Override, *, same: bool
) -> dict[str, Value]:
    subgraph = merging.subgraphs[index]
    arguments: dict[str, Value] = {"graph": merging.graph(index)}
    for name in ("requires", "provides"):
        if application := subgraph.application(member, name):
            arguments[name] = application.arguments.get("fields")
    if origin := _origin(subgraph, member):
        arguments["override"] = origin
    if not same:
        arguments["type"] = member.type
    if subgraph.is_external(member):
        arguments["external"] = True
    if override.used_overridden:
        arguments["usedOverridden"] = True
    if override.label:
        arguments["overrideLabel"] = override.label
    if contexts := _context_arguments(subgraph, member):
        arguments["contextArguments"] = contexts
    return arguments


def _origin(subgraph: Subgraph, member: FieldDefinition) -> str | None:
    """The subgraph that a field is taken from, if it says so."""
    application = subgraph.application(member, "override")
    origin = application.arguments.get("from") if application else None
    return origin if isinstance(origin, str) and origin else None


def _context_arguments(subgraph: Subgraph, member: FieldDefinition) -> tuple[Value, ...]:
    found: list[Value] = []
    for argument in member.arguments.values():
        application = subgraph.application(argument, "fromContext")
        read = context_selection(application.arguments.get("field")) if application else None
        if read is not None:
            context, selection = read
            found.append(
                {
                    "context": f"{subgraph.name}__{context}",
                    "name": argument.name,
                    "type": argument.type,
                    "selection": selection,
                }
            )
    return tuple(found)


def check_sharing(
    merging: Merging, sources: Sources[FieldDefinition], merged: FieldDefinition, overrides: dict[int, Override]
) -> None:
    """A field that several subgraphs resolve must be shareable in all of them."""
    resolving, refusing = [], []
    for index, member in present(sources).items():
        override = overrides.get(index) or Override()
        subgraph = merging.subgraphs[index]
        if override.dropped or override.used_overridden or subgraph.is_fully_external(member):
            continue
        if override.label and not subgraph.has(member, "override"):
            # While a field migrates either one of the two subgraphs resolves it, never both.
            continue
        resolving.append(index)
        if not subgraph.is_shareable(member):
            refusing.append(index)
    if not refusing or len(resolving) < 2:
        return
    told = "all of them" if len(refusing) == len(resolving) else subgraphs(merging.names(refusing), most=500)
    merging.error(
        "INVALID_FIELD_SHARING",
        f'Non-shareable field "{merged.coordinate}" is resolved from multiple subgraphs: it is resolved from '
        f"{subgraphs(merging.names(resolving), most=500)} and defined as non-shareable in {told}{_misspelt(merging, {i: sources[i] for i in refusing}, merged)}",
        merging.places({index: sources[index] for index in resolving}),
    )


def _misspelt(merging: Merging, sources: Sources[FieldDefinition], merged: FieldDefinition) -> str:
    """An override that names nobody is a likely reason for sharing by accident."""
    names = {subgraph.name for subgraph in merging.subgraphs}
    for index, member in present(sources).items():
        subgraph = merging.subgraphs[index]
        origin = _origin(subgraph, member)
        if origin and origin not in names:
            return (
                f' (please note that "{merged.coordinate}" has an @override directive in "{subgraph.name}" that targets an unknown subgraph '
                "so this could be due to misspelling the @override(from:) argument)"
            )
    return ""
