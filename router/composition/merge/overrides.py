"""@override: a field moves from one subgraph to another, at once or, with a label, little by little."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphql.pyutils import suggestion_list

from router.composition.merge.merging import Merging, Override, Sources, present
from router.federation.elements import Applied, FieldDefinition
from router.federation.subgraph import Subgraph


_LABEL = re.compile(r"[a-zA-Z][a-zA-Z0-9_\-:./]*")
_PERCENT = re.compile(r"percent\((\d{1,2}(\.\d{1,8})?|100)\)")
_CONFLICTING = ("external", "requires", "provides")


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
    at = [node for node in (subgraph.place(member.node),) if node]
    source = application.arguments.get("from")
    names = [entry.name for entry in merging.subgraphs]
    if source == subgraph.name:
        merging.error(
            "OVERRIDE_FROM_SELF_ERROR",
            f'Source and destination subgraphs "{source}" are the same for overridden field "{member.coordinate}"',
            at,
        )
        return
    if source not in names:
        guess = _suggestion(str(source), names)
        merging.hint(
            "FROM_SUBGRAPH_DOES_NOT_EXIST",
            f'Source subgraph "{source}" for field "{member.coordinate}" on subgraph "{subgraph.name}" does not exist.{guess}',
            member.coordinate,
            at,
        )
        return
    origin = names.index(str(source))
    if origin not in found:
        merging.hint(
            "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
            f'Field "{member.coordinate}" on subgraph "{subgraph.name}" no longer exists in the from subgraph. '
            "The @override directive can be removed.",
            member.coordinate,
            at,
        )
        return
    if origin in reading.applied:
        merging.error(
            "OVERRIDE_SOURCE_HAS_OVERRIDE",
            f'Field "{member.coordinate}" on subgraph "{subgraph.name}" is also marked with directive @override in subgraph "{source}". '
            "Only one @override directive is allowed per field.",
            [*at, *(node for node in (merging.subgraphs[origin].place(found[origin].node),) if node)],
        )
        return
    if _collides(merging, subgraph, member, merging.subgraphs[origin], found[origin]):
        return
    _move(reading, index, origin, application)


def _collides(
    merging: Merging, subgraph: Subgraph, member: FieldDefinition, origin: Subgraph, moved: FieldDefinition
) -> bool:
    """Whether the field has a directive, here or at its origin, that can't go along with @override."""
    for owner, owned, suffix in ((subgraph, member, ""), (origin, moved, "")):
        for directive in _CONFLICTING:
            is_there = (
                owner.external_application(owned) is not None
                if directive == "external"
                else owner.has(owned, directive)
            )
            if directive == "external" and is_there and not owner.is_external(owned):
                is_there = False
            if is_there:
                merging.error(
                    "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
                    f'@override cannot be used on field "{member.coordinate}" on subgraph "{subgraph.name}" since '
                    f'"{member.coordinate}" on "{owner.name}" is marked with directive "@{directive}"{suffix}',
                    [node for node in (subgraph.place(member.node), owner.place(owned.node)) if node],
                )
                return True
    return False


def _move(reading: _Reading, index: int, origin: int, application: Applied) -> None:
    merging, found, result = reading.merging, reading.found, reading.result
    subgraph, source, moved = merging.subgraphs[index], merging.subgraphs[origin], found[origin]
    at = [node for node in (source.place(moved.node),) if node]
    label = application.arguments.get("label")
    if isinstance(label, str):
        if not _LABEL.fullmatch(label) and not _PERCENT.fullmatch(label):
            merging.error(
                "OVERRIDE_LABEL_INVALID",
                f'Invalid @override label "{label}" on field "{moved.coordinate}" on subgraph "{subgraph.name}": labels must start with '
                "a letter and after that may contain alphanumerics, underscores, minuses, colons, periods, or slashes. Alternatively, "
                'labels may be of the form "percent(x)" where x is a float between 0-100 inclusive.',
                [node for node in (subgraph.place(found[index].node),) if node],
            )
            return
        result[index].label = result[origin].label = label
        merging.hint(
            "OVERRIDE_MIGRATION_IN_PROGRESS",
            f'Field "{moved.coordinate}" is currently being migrated with progressive @override. Once the migration is complete, '
            f'remove the field from subgraph "{source.name}".',
            moved.coordinate,
            at,
        )
        used = source.is_used(moved)
        result[origin].used_overridden = used
        return
    if source.is_used(moved):
        result[origin].used_overridden = True
        advice = (
            "It is still used in some federation directive(s) (@key, @requires, and/or @provides) and/or to satisfy interface "
            "constraint(s), but consider marking it @external explicitly or removing it along with its references."
        )
    else:
        result[origin].dropped = True
        advice = "Consider removing it."
    merging.hint(
        "OVERRIDDEN_FIELD_CAN_BE_REMOVED",
        f'Field "{moved.coordinate}" on subgraph "{source.name}" is overridden. {advice}',
        moved.coordinate,
        at,
    )


def _suggestion(name: str, names: list[str]) -> str:
    close = suggestion_list(name, names)
    if not close:
        return ""
    words = [f'"{entry}"' for entry in close]
    return " Did you mean " + (words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]) + "?"
