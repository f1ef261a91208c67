"""Access control of interfaces: whoever asks through an interface must be allowed to ask each object behind it."""

from __future__ import annotations

from collections.abc import Sequence

from router.composition.merge.applied import ACCESS, combine
from router.composition.merge.merging import Composed, Merging
from router.federation.elements import Applied, FieldDefinition, Kind, TypeDefinition


def protect_interfaces(merging: Merging) -> None:
    """Give every interface the access control of its implementations, and its fields that of theirs."""
    directives = [composed for composed in merging.composed.values() if composed.element in ACCESS]
    if not directives:
        return
    for interface in merging.supergraph.types.values():
        if interface.kind is not Kind.INTERFACE:
            continue
        implementations = merging.supergraph.implementations(interface.name)
        for composed in directives:
            _protect(merging, composed, interface, implementations)
            for member in interface.fields.values():
                fields = [t.fields[member.name] for t in implementations if member.name in t.fields]
                _protect(merging, composed, member, fields)


def _protect(
    merging: Merging,
    composed: Composed,
    merged: TypeDefinition | FieldDefinition,
    sources: Sequence[TypeDefinition | FieldDefinition],
) -> None:
    found = {
        index: applied
        for index, source in enumerate(sources)
        if (applied := next((a for a in source.applied if a.name == composed.name), None)) is not None
    }
    if not found:
        return
    merged.applied = [a for a in merged.applied if a.name != composed.name]
    if len({str(a.arguments) for a in found.values()}) == 1:
        merged.applied.append(Applied(composed.name, next(iter(found.values())).arguments))
    else:
        combine(merging, composed, found, merged)
