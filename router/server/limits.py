"""What a request costs before anything is fetched, and the refusal when it is too much.

A document of a kilobyte can ask for millions of fields: each fragment spreads the next one twice. So the measures count
with all fragments expanded, but walk each fragment once and multiply. They run before validation, which is itself
expensive for such documents, and so meet fragments that are missing or spread themselves: both count nothing here and
are refused there.

Every limit has its own code, and may only measure: what exceeds it then passes, and is counted and logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from starlette.types import Scope

from router.executor.nesting import depth
from router.server.config.limits import LimitName, Limits
from router.server.refusals import Refused

log = structlog.get_logger(__name__)

Count = Callable[[str, str], None]
"""Counts that a limit was exceeded, and what came of it: `refused` or `measured`."""

_CODES: Final[dict[LimitName, tuple[str, str]]] = {
    "body_bytes": ("INVALID_GRAPHQL_REQUEST", "The request's body may have {} bytes."),
    "url_bytes": ("URI_TOO_LONG", "The request's URL may have {} bytes."),
    "header_bytes": ("REQUEST_HEADER_FIELDS_TOO_LARGE", "The request's headers may have {} bytes."),
    "batch": ("BATCH_LIMIT_EXCEEDED", "A list may have {} operations."),
    "variables_bytes": ("MAX_VARIABLES_SIZE_LIMIT", "The variables may have {} bytes."),
    "variables_depth": ("MAX_VARIABLES_DEPTH_LIMIT", "The variables are nested deeper than {} levels."),
    "document_bytes": ("MAX_DOCUMENT_SIZE_LIMIT", "The document may have {} bytes."),
    "tokens": ("MAX_TOKENS_LIMIT", "The document has more than {} tokens."),
    "recursion": ("MAX_RECURSION_LIMIT", "The document has more than {} brackets open at once."),
    "depth": ("MAX_DEPTH_LIMIT", "The operation has more than {} levels."),
    "height": ("MAX_HEIGHT_LIMIT", "The operation has more than {} different fields."),
    "aliases": ("MAX_ALIASES_LIMIT", "The operation has more than {} aliases."),
    "root_fields": ("MAX_ROOT_FIELDS_LIMIT", "The operation has more than {} root fields."),
    "directives": ("MAX_DIRECTIVES_LIMIT", "The operation has more than {} directives."),
    "introspection_depth": ("MAX_INTROSPECTION_DEPTH_LIMIT", "The schema is asked for more than {} lists of lists."),
    "selections": ("MAX_SELECTIONS_LIMIT", "The operation has more than {} fields."),
}
_INTROSPECTION_LISTS: Final = frozenset({"fields", "interfaces", "possibleTypes", "inputFields"})
_INTROSPECTION: Final = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that a request exceeds."""

    name: LimitName
    value: int
    allowed: int

    def refusal(self) -> Refused:
        """What the client is told."""
        code, message = _CODES[self.name]
        return Refused(code, message.format(self.allowed))


class Warden:
    """Decides what comes of an excess: refused, or only measured."""

    def __init__(self, limits: Limits, count: Count) -> None:
        self.limits = limits
        self._count = count

    def check(self, name: LimitName, value: int, allowed: int) -> None:
        """Refuse a value that is too large, where this limit refuses."""
        if value > allowed:
            self.count(self.judge([Excess(name, value, allowed)]))

    def count(self, measured: Iterable[str]) -> None:
        """Count a request beyond limits that only measure."""
        for name in measured:
            self._count(name, "measured")

    def refused(self, name: LimitName) -> None:
        """Count what was refused before its size was known."""
        self._count(name, "refused")

    def lets_pass(self, name: LimitName, *, registered: bool) -> bool:
        """Whether a limit refuses nothing here."""
        return self.limits.only_measures(name) or (registered and name in self.limits.exempt_registered)

    def judge(self, excesses: Iterable[Excess], *, registered: bool = False) -> tuple[LimitName, ...]:
        """Refuse the first that is not only measured; returns the names of those that are."""
        measured: list[LimitName] = []
        for excess in excesses:
            name = excess.name
            if registered and name in self.limits.exempt_registered:
                continue
            measures = self.limits.only_measures(name)
            outcome = "measured" if measures else "refused"
            log.info("limit.exceeded", limit=name, value=excess.value, allowed=excess.allowed, outcome=outcome)
            if not measures:
                self.refused(name)
                raise excess.refusal()
            measured.append(name)
        return tuple(measured)


def check_head(scope: Scope, warden: Warden) -> None:
    """Refuse a URL or headers that are too large."""
    warden.check("url_bytes", len(scope.get("raw_path", b"")) + len(scope["query_string"]), warden.limits.url_bytes)
    size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    warden.check("header_bytes", size, warden.limits.header_bytes)


def check_variables(variables: Mapping[str, Any], warden: Warden, *, registered: bool) -> None:
    """Refuse variables that are too large or too deep."""
    limits = warden.limits
    found: list[Excess] = []
    deep = depth(variables) - 1
    if deep > limits.variables_depth:
        found.append(Excess("variables_depth", deep, limits.variables_depth))
    size = len(orjson.dumps(variables, default=str))
    if size > limits.variables_bytes:
        found.append(Excess("variables_bytes", size, limits.variables_bytes))
    warden.count(warden.judge(found, registered=registered))


@dataclass(frozen=True, slots=True)
class Measure:
    """The size of a selection set with its fragments expanded; `fields` are those of its own level."""

    depth: int = 0
    height: int = 0
    aliases: int = 0
    fields: int = 0
    selections: int = 0
    directives: int = 0
    lists: int = 0
    """Lists inside of each other, should this turn out to be introspection."""
    introspection: int = -1
    """The same where it is; -1 where nothing asks for the schema."""

    def beside(self, other: Measure) -> Measure:
        """Add a selection of the same level."""
        return Measure(
            max(self.depth, other.depth),
            self.height + other.height,
            self.aliases + other.aliases,
            self.fields + other.fields,
            self.selections + other.selections,
            self.directives + other.directives,
            max(self.lists, other.lists),
            max(self.introspection, other.introspection),
        )

    def inside(self, field: FieldNode, *, new: bool) -> Measure:
        """Return the measure of a field with these selections; `new` where its name stands there the first time."""
        name = field.name.value
        return Measure(
            self.depth + 1,
            self.height + new,
            self.aliases + (field.alias is not None),
            1,
            self.selections + 1,
            self.directives,
            self.lists + (name in _INTROSPECTION_LISTS),
            self.lists if name in _INTROSPECTION else self.introspection,
        )

    def marked(self, directives: int) -> Measure:
        """Return the same with directives more."""
        return self.beside(Measure(directives=directives)) if directives else self

    @property
    def asks_for_schema(self) -> bool:
        """Whether there is introspection in it."""
        return self.introspection >= 0


_NOTHING = Measure()


def measure(document: DocumentNode, operation: OperationDefinitionNode) -> Measure:
    """Measure an operation."""
    return _Ruler(document).measure(operation.selection_set).marked(len(operation.directives or ()))


def excesses(measured: Measure, limits: Limits) -> Iterator[Excess]:
    """Return every limit that an operation exceeds."""
    sizes: tuple[tuple[LimitName, int, int], ...] = (
        ("depth", measured.depth, limits.depth),
        ("root_fields", measured.fields, limits.root_fields),
        ("aliases", measured.aliases, limits.aliases),
        ("directives", measured.directives, limits.directives),
        ("introspection_depth", measured.introspection, limits.introspection_depth),
        ("selections", measured.selections, limits.selections),
        ("height", measured.height, limits.height),
    )
    for name, value, allowed in sizes:
        if value > allowed:
            yield Excess(name, value, allowed)


class _Ruler:
    """Measures selection sets; each fragment once."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, Measure] = {}

    def measure(self, selection_set: SelectionSetNode | None) -> Measure:
        total = _NOTHING
        names: set[str] = set()
        for selection in selection_set.selections if selection_set else ():
            match selection:
                case FieldNode():
                    inner = self.measure(selection.selection_set)
                    found = inner.inside(selection, new=selection.name.value not in names)
                    names.add(selection.name.value)
                case InlineFragmentNode():
                    found = self.measure(selection.selection_set)
                case FragmentSpreadNode():
                    found = self._fragment(selection.name.value)
                case _:
                    continue
            total = total.beside(found.marked(len(selection.directives or ())))
        return total

    def _fragment(self, name: str) -> Measure:
        if name not in self._measured:
            fragment = self._fragments.get(name)
            # Standing in for itself while it's measured: a circle adds nothing.
            self._measured[name] = _NOTHING
            self._measured[name] = self.measure(fragment.selection_set) if fragment else _NOTHING
        return self._measured[name]
