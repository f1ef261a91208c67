"""Data that a field needs from elsewhere must be as protected on the field as it is at home.

Otherwise a client without the right to see the data could learn it through the field that was computed from it. A requirement
is implied when every way to fulfil what the field demands also fulfils what the data demands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from router.composition.merge.merging import ACCESS, Merging
from router.federation.elements import FieldDefinition, TypeDefinition, Value, named
from router.federation.fieldsets import FieldSet, Fragment, context_selection, parse
from router.federation.subgraph import Subgraph

_MESSAGE = 'Field "{}" does not specify necessary @authenticated, @requiresScopes and/or @policy auth requirements to access the transitive {} from @{} selection set.'


@dataclass(frozen=True, slots=True)
class Demand:
    """What access control demands; scopes and policies in disjunctive normal form."""

    authenticated: bool = False
    scopes: tuple[frozenset[str], ...] = ()
    policies: tuple[frozenset[str], ...] = ()

    def __and__(self, other: Demand) -> Demand:
        return Demand(
            self.authenticated or other.authenticated,
            _both(self.scopes, other.scopes),
            _both(self.policies, other.policies),
        )

    def implies(self, other: Demand) -> bool:
        """Whether everybody who fulfils this fulfils the other as well."""
        return (
            (self.authenticated or not other.authenticated)
            and _implied(self.scopes, other.scopes)
            and _implied(self.policies, other.policies)
        )


def _both(left: tuple[frozenset[str], ...], right: tuple[frozenset[str], ...]) -> tuple[frozenset[str], ...]:
    return tuple(a | b for a in left for b in right) if left and right else left or right


def _implied(given: tuple[frozenset[str], ...], wanted: tuple[frozenset[str], ...]) -> bool:
    return not wanted or (bool(given) and all(any(clause <= have for clause in wanted) for have in given))


def check(merging: Merging) -> None:
    """Check all fields that need other data."""
    if any(composed.element in ACCESS for composed in merging.composed.values()):
        for subgraph in merging.subgraphs:
            for message in _Access(merging).problems(subgraph):
                merging.error("MISSING_TRANSITIVE_AUTH_REQUIREMENTS", f"[{subgraph.name}] {message}")


class _Access:
    def __init__(self, merging: Merging) -> None:
        self.types = merging.supergraph.types
        self.names = {composed.name: composed.element for composed in merging.composed.values()}

    def problems(self, subgraph: Subgraph) -> Iterator[str]:
        for member in subgraph.fields():
            application = subgraph.application(member, "requires")
            text = application.arguments.get("fields") if application else None
            if isinstance(text, str) and (what := self.unprotected(member, member.parent, parse(text))):
                yield _MESSAGE.format(member.coordinate, f'field "{what}" data', "requires")
            for argument in member.arguments.values():
                reading = subgraph.application(argument, "fromContext")
                found = context_selection(reading.arguments.get("field")) if reading else None
                if found and (what := self.unprotected_context(subgraph, member, found[0], found[1])):
                    yield _MESSAGE.format(member.coordinate, what, "fromContext")

    def unprotected_context(self, subgraph: Subgraph, member: FieldDefinition, context: str, text: str) -> str | None:
        for definition in subgraph.types.values():
            if any(a.arguments.get("name") == context for a in subgraph.applications(definition, "context")):
                if not self.own(member).implies(self.of(self.types[definition.name])):
                    return f"data in context {subgraph.name}__{context}"
                if what := self.unprotected(member, definition.name, parse(text)):
                    return f'field "{what}" data'
        return None

    def unprotected(self, member: FieldDefinition, parent: str, selections: FieldSet) -> str | None:
        """The first field of a selection that is better protected than the field that needs it."""
        own = self.own(member)
        for coordinate, demand in self.demands(parent, selections):
            if not own.implies(demand):
                return coordinate
        return None

    def demands(self, parent: str, selections: FieldSet) -> Iterator[tuple[str, Demand]]:
        definition = self.types.get(parent)
        for selection in selections:
            if isinstance(selection, Fragment):
                on = selection.on or parent
                if on != parent and on in self.types:
                    yield on, self.of(self.types[on])
                yield from self.demands(on, selection.selections)
                continue
            member = definition.fields.get(selection.name) if definition else None
            if member is not None:
                base = self.types.get(named(member.type))
                yield member.coordinate, self.of(member) & (self.of(base) if base else Demand())
                yield from self.demands(named(member.type), selection.selections)

    def own(self, member: FieldDefinition) -> Demand:
        parent = self.types[member.parent]
        merged = parent.fields.get(member.name)
        return self.of(parent) & (self.of(merged) if merged else Demand())

    def of(self, element: TypeDefinition | FieldDefinition) -> Demand:
        found = {self.names.get(a.name): a.arguments for a in element.applied}
        return Demand(
            "authenticated" in found,
            tuple(_clauses(found.get("requiresScopes", {}).get("scopes"))),
            tuple(_clauses(found.get("policy", {}).get("policies"))),
        )


def _clauses(value: Value) -> Iterable[frozenset[str]]:
    for clause in value if isinstance(value, tuple) else ():
        yield (
            frozenset(entry for entry in clause if isinstance(entry, str)) if isinstance(clause, tuple) else frozenset()
        )
