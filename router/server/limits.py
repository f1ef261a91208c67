"""What an operation costs before anything is fetched, and the refusal when it is too much.

A document of a kilobyte can ask for millions of fields: each fragment spreads the next one twice. So the measures count
with all fragments expanded, but walk each fragment once and multiply. They run before validation, which is itself
expensive for such documents, and so meet fragments that are missing or spread themselves: both count nothing here and
are refused there.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from router.server.config import Limits
from router.server.refusals import Refused


@dataclass(frozen=True, slots=True)
class Measure:
    """The size of a selection set with its fragments expanded; `fields` are those of its own level."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    selections: int = 0

    def beside(self, other: Measure) -> Measure:
        """Add a selection of the same level."""
        return Measure(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.fields + other.fields,
            self.selections + other.selections,
        )

    def inside(self, field: FieldNode) -> Measure:
        """Return the measure of a field with these selections."""
        return Measure(self.depth + 1, self.aliases + (field.alias is not None), 1, self.selections + 1)


_NOTHING = Measure()


def check(document: DocumentNode, operation: OperationDefinitionNode, limits: Limits) -> None:
    """Refuse an operation beyond a limit, with the code of that limit."""
    measure = _Ruler(document).measure(operation.selection_set)
    for code, value, limit, what in (
        ("MAX_DEPTH_LIMIT", measure.depth, limits.depth, "levels"),
        ("MAX_ROOT_FIELDS_LIMIT", measure.fields, limits.root_fields, "root fields"),
        ("MAX_ALIASES_LIMIT", measure.aliases, limits.aliases, "aliases"),
        ("MAX_SELECTIONS_LIMIT", measure.selections, limits.selections, "fields"),
    ):
        if value > limit:
            raise Refused(code, f"The operation has more than {limit} {what}.")


class _Ruler:
    """Measures selection sets; each fragment once."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, Measure] = {}

    def measure(self, selection_set: SelectionSetNode | None) -> Measure:
        total = _NOTHING
        for selection in selection_set.selections if selection_set else ():
            match selection:
                case FieldNode():
                    total = total.beside(self.measure(selection.selection_set).inside(selection))
                case InlineFragmentNode():
                    total = total.beside(self.measure(selection.selection_set))
                case FragmentSpreadNode():
                    total = total.beside(self._fragment(selection.name.value))
        return total

    def _fragment(self, name: str) -> Measure:
        if name not in self._measured:
            fragment = self._fragments.get(name)
            # Standing in for itself while it's measured: a circle adds nothing.
            self._measured[name] = _NOTHING
            self._measured[name] = self.measure(fragment.selection_set) if fragment else _NOTHING
        return self._measured[name]
