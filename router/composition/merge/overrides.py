"""@override: a field moves from one subgraph to another, at once or, with a label, little by little."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from router.composition.merge.merging import Merging, Override, Sources, present
from router.composition.merge.wording import types
from router.federation.codes import Node
from router.federation.elements import Applied, FieldDefinition, Kind, Value, places
from router.federation.subgraph import Subgraph
from router.federation.suggestions import did_you_mean, nearest

_LABEL = re.compile(r"[a-zA-Z][a-zA-Z0-9_\-:./]*")
_PERCENT = re.compile(r"percent\((\d{1,2}(\.\d{1,8})?|100)\)")


@dataclass(frozen=True, slots=True)
class _Reading:
    """The overrides of one field while they are read."""

    merging: Merging
    found: dict[int, FieldDefinition]
    applied: dict[int, Applied]
    result: dict[int, Override]


def read_overrides(merging: Merging, sources: Sources[FieldDefinition]) -> dict[int, Override]:
    """Decide for each subgraph what becomes of a field; report overrides that make no sense."""
    found = present(sources)
    applied = {i: a for i, member in found.items() if (a := merging.subgraphs[i].application(member, "override"))}
    result = {index: Override() for index in found}
    reading = _Reading(merging, found, applied, result)
    for index, application in applied.items():
        _read(reading, index, application)
    if applied:
        merging.overrides |= {(index, found[index].coordinate): override for index, override in result.items()}
    return result


def _read(reading: _Reading, index: int, application: Applied) -> None:
    merging, found = reading.merging, reading.found
    subgraph, member = merging.subgraphs[index], found[index]
    at = places(subgraph.name, (application.node,))
    if _misplaced(merging, subgraph, member, at):
        return
    source = application.arguments.get("from")
    names = [entry.name for entry in merging.subgraphs]
    if source not in names:
        guess = did_you_mean(nearest(str(source), names))
        merging.hint(
            "FROM_SUBGRAPH_DOES_NOT_EXIST",
            f'Source subgraph "{source}" for field "{member.coordinate}" on subgraph "{subgraph.name}" does not exist.{guess}',
            member.coordinate,
            at,
        )
        return
    origin = names.index(str(source))
    if origin == index:
        merging.error(
            "OVERRIDE_FROM_SELF_ERROR",
            f'Source and destination subgraphs "{source}" are the same for overridden field "{member.coordinate}"',
            at,
        )
    elif origin in reading.applied:
        merging.error(
            "OVERRIDE_SOURCE_HAS_OVERRIDE",
            f'Field "{member.coordinate}" on subgraph "{subgraph.name}" is also marked with directive @override in subgraph "{source}". '
            "Only one @override directive is allowed per field.",
            [*at, *places(str(source), (reading.applied[origin].node,))],
        )
    elif origin not in found:
        _check_missing(merging, subgraph, member, merging.subgraphs[origin], at)
    elif not _collides(merging, subgraph, member, merging.subgraphs[origin], found[origin], at):
        _move(reading, index, origin, application)


def _check_missing(
    merging: Merging, subgraph: Subgraph, member: FieldDefinition, origin: Subgraph, at: Sequence[Node]
) -> None:
    """A field that its origin does not have is gone, or hides behind an interface object."""
    through = _abstracting(merging, member, origin)
    if not through:
        merging.hint(
            "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
            f'Field "{member.coordinate}" on subgraph "{subgraph.name}" no longer exists in the from subgraph. '
            "The @override directive can be removed.",
            member.coordinate,
            at,
        )
        return
    merging.error(
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
        f'Invalid @override on field "{member.coordinate}" of subgraph "{subgraph.name}": source subgraph "{origin.name}" does not have '
        f'field "{member.coordinate}" but abstract it in {types(through)} and overriding abstracted fields is not supported.',
        at,
    )


def _abstracting(merging: Merging, member: FieldDefinition, origin: Subgraph) -> list[str]:
    """The interface objects that give a field to types which their subgraph does not know."""
    parent = merging.supergraph.types[member.parent]
    if parent.kind is not Kind.OBJECT or parent.name in origin.types:
        return []
    standing = (origin.types.get(name) for name in parent.interfaces)
    return [t.name for t in standing if t is not None and t.kind is Kind.OBJECT and member.name in t.fields]


def _collides(
    merging: Merging,
    subgraph: Subgraph,
    member: FieldDefinition,
    origin: Subgraph,
    moved: FieldDefinition,
    at: Sequence[Node],
) -> bool:
    """Whether the field is resolved in a special way at its origin, or not at all here."""
    found = next((name for name in ("requires", "provides") if origin.has(moved, name)), None)
    if found is not None:
        owner, directive = origin, found
    elif subgraph.is_external(member):
        owner, directive = subgraph, "external"
    else:
        return False
    merging.error(
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
        f'@override cannot be used on field "{member.coordinate}" on subgraph "{subgraph.name}" since "{member.coordinate}" on '
        f'"{owner.name}" is marked with directive "@{origin.name_of(directive)}"',
        at,
    )
    return True


def _misplaced(merging: Merging, subgraph: Subgraph, member: FieldDefinition, at: Sequence[Node]) -> bool:
    """Whether the field belongs to an interface, or to an object that stands for one."""
    parent = subgraph.types[member.parent]
    if parent.kind is Kind.INTERFACE:
        message = f'@override cannot be used on field "{member.coordinate}" on subgraph "{subgraph.name}": @override is not supported on interface type fields.'
        merging.error("OVERRIDE_ON_INTERFACE", message, at)
        return True
    if subgraph.is_interface_object(parent):
        message = f'@override is not yet supported on fields of @interfaceObject types: cannot be used on field "{member.coordinate}" on subgraph "{subgraph.name}".'
        merging.error("OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE", message, at)
        return True
    return False


def _move(reading: _Reading, index: int, origin: int, application: Applied) -> None:
    merging, found, result = reading.merging, reading.found, reading.result
    subgraph, source, moved = merging.subgraphs[index], merging.subgraphs[origin], found[origin]
    at = places(subgraph.name, (application.node,))
    label = application.arguments.get("label")
    labelled = isinstance(label, str) and bool(label)
    used = source.is_used(moved)
    if source.is_external(moved):
        merging.hint(
            "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
            f'Field "{moved.coordinate}" on subgraph "{subgraph.name}" is not resolved anymore by the from subgraph (it is marked '
            f'"@external" in "{source.name}"). The @override directive can be removed.',
            moved.coordinate,
            at,
        )
    else:
        result[origin].used_overridden = used
        result[origin].dropped = not used and not _is_label(label)
        if not labelled:
            _hint_overridden(merging, source, moved, used=used)
    if isinstance(label, str) and label:
        if _is_label(label):
            result[index].label = result[origin].label = label
        else:
            merging.error(
                "OVERRIDE_LABEL_INVALID",
                f'Invalid @override label "{label}" on field "{moved.coordinate}" on subgraph "{subgraph.name}": labels must start with '
                "a letter and after that may contain alphanumerics, underscores, minuses, colons, periods, or slashes. Alternatively, "
                'labels may be of the form "percent(x)" where x is a float between 0-100 inclusive.',
                at,
            )
        _hint_migration(merging, source, moved, used=used)


def _is_label(label: Value) -> bool:
    return isinstance(label, str) and bool(_LABEL.fullmatch(label) or _PERCENT.fullmatch(label))


def _hint_overridden(merging: Merging, source: Subgraph, moved: FieldDefinition, *, used: bool) -> None:
    advice = "Consider removing it."
    if used:
        advice = (
            "It is still used in some federation directive(s) (@key, @requires, and/or @provides) and/or to satisfy interface "
            "constraint(s), but consider marking it @external explicitly or removing it along with its references."
        )
    merging.hint(
        "OVERRIDDEN_FIELD_CAN_BE_REMOVED",
        f'Field "{moved.coordinate}" on subgraph "{source.name}" is overridden. {advice}',
        moved.coordinate,
        places(source.name, (moved.node,)),
    )


def _hint_migration(merging: Merging, source: Subgraph, moved: FieldDefinition, *, used: bool) -> None:
    if used:
        message = (
            f'Field "{moved.coordinate}" on subgraph "{source.name}" is currently being migrated via progressive @override. It is still '
            "used in some federation directive(s) (@key, @requires, and/or @provides) and/or to satisfy interface constraint(s). Once the "
            "migration is complete, consider marking it @external explicitly or removing it along with its references."
        )
    else:
        message = (
            f'Field "{moved.coordinate}" is currently being migrated with progressive @override. Once the migration is complete, remove '
            f'the field from subgraph "{source.name}".'
        )
    at = [node for node in (source.place(moved.node),) if node]
    merging.hint("OVERRIDE_MIGRATION_IN_PROGRESS", message, moved.coordinate, at)
