"""What to change in the subgraphs so that a query can be answered: proposed by rule, kept only if composing again proves it.

Whoever is stranded at a type `T` without a field `T.f` may be helped in a few ways, least change first:

    1. the subgraph with T.f has a key, but forbids its use        drop `resolvable: false`
    2. the subgraph with T.f lacks a key that others have          add that @key (and its fields)
    3. those who are stranded lack the key of the one with T.f     add that @key and its fields to them
    4. both have an `ID!` and no key                               add the @key to both
    5. T is a value without keys                                   resolve T.f in both, @shareable

Each proposal is a few insertions and deletions in the texts of the subgraphs. A proposal helps if the query is no longer
refused and nothing else is refused that wasn't before. As long as little text has been composed for it, proposals are tried;
after that no more are made. One proposal may help several queries, so each is first held against all that are left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from graphql import Node as AstNode

from router.composition.compose import Refused, supergraph
from router.federation.codes import CompositionError
from router.federation.elements import (
    BUILTIN_SCALARS,
    Applied,
    FieldDefinition,
    Kind,
    TypeDefinition,
    named,
)
from router.federation.fieldsets import FieldSetSyntaxError, Fragment, parse
from router.federation.loading import load
from router.federation.subgraph import Subgraph, SubgraphSource

# How many characters of SDL are composed at most to try proposals: a few seconds' worth.
_MOST_CHARACTERS = 400_000


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A piece of a subgraph's text that is replaced; a piece without length is an insertion."""

    subgraph: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change that makes a query answerable, in words and as edits."""

    summary: str
    edits: tuple[Edit, ...]


def suggest(sources: Sequence[SubgraphSource], refused: Refused) -> dict[CompositionError, Remedy]:
    """Find a remedy for as many errors as possible."""
    stranded = [error for error in refused.errors if error.journey is not None]
    if not stranded:
        return {}
    loaded = (load(source) for source in sources)
    subgraphs = [found for found in loaded if isinstance(found, Subgraph)]
    return _Search(sources, subgraphs, refused.errors).run(stranded)


def apply(sources: Sequence[SubgraphSource], remedy: Remedy) -> list[SubgraphSource]:
    """The subgraphs with a remedy applied."""
    return [SubgraphSource(s.name, s.url, _edited(s, remedy.edits)) for s in sources]


def _edited(source: SubgraphSource, edits: Iterable[Edit]) -> str:
    text = source.sdl
    # From the end, so that positions stay true.
    for edit in sorted((edit for edit in edits if edit.subgraph == source.name), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _identity(error: CompositionError) -> tuple[str, str]:
    """The same query is refused in other words when something changes around it."""
    return error.code, error.journey.query if error.journey is not None else error.message


@dataclass
class _Search:
    sources: Sequence[SubgraphSource]
    subgraphs: Sequence[Subgraph]
    errors: Sequence[CompositionError]
    left: int = _MOST_CHARACTERS
    tried: dict[tuple[Edit, ...], frozenset[tuple[str, str]] | None] = field(default_factory=dict)

    def run(self, stranded: Sequence[CompositionError]) -> dict[CompositionError, Remedy]:
        found: dict[CompositionError, Remedy] = {}
        for error in stranded:
            if error in found:
                continue
            for remedy in proposals(self.subgraphs, error):
                remaining = self._remaining(remedy)
                if remaining is not None and _identity(error) not in remaining:
                    healed = (e for e in stranded if e not in found and _identity(e) not in remaining)
                    found.update((other, remedy) for other in healed)
                    break
        return found

    def _remaining(self, remedy: Remedy) -> frozenset[tuple[str, str]] | None:
        """The errors that a remedy leaves; None, if it makes new ones or may no longer be tried."""
        if remedy.edits not in self.tried:
            self.tried[remedy.edits] = self._compose(remedy)
        return self.tried[remedy.edits]

    def _compose(self, remedy: Remedy) -> frozenset[tuple[str, str]] | None:
        changed = apply(self.sources, remedy)
        self.left -= sum(len(source.sdl) for source in changed)
        if self.left < 0:
            return None
        result = supergraph(changed)
        remaining = frozenset(map(_identity, result.errors)) if isinstance(result, Refused) else frozenset()
        return remaining if remaining <= frozenset(map(_identity, self.errors)) else None


# -- proposals ------------------------------------------------------------------------------------------------------------


def proposals(subgraphs: Sequence[Subgraph], error: CompositionError) -> Iterator[Remedy]:
    """Changes that may help, least first; none of them is tried here."""
    journey = error.journey
    if journey is None or journey.missing is None:
        return
    type_name, _, field_name = journey.missing.partition(".")
    having = [subgraph for subgraph in subgraphs if type_name in subgraph.types]
    here = [subgraph for subgraph in having if subgraph.name in journey.reached]
    wanted = (field_name, *_required(having, type_name, field_name))
    there = [s for s in having if any(_resolves(s, s.types[type_name], name) for name in wanted)]
    yield from _resolvable(there, type_name)
    yield from _same_key(there, having, type_name)
    yield from _key_here(here, there, type_name)
    yield from _new_key(here, there, type_name)
    yield from _shared(here, there, type_name, field_name)


def _required(having: Iterable[Subgraph], type_name: str, field_name: str) -> Iterator[str]:
    """What the missing field requires may be what is really missing."""
    for subgraph in having:
        member = subgraph.types[type_name].fields.get(field_name)
        application = subgraph.application(member, "requires") if member is not None else None
        yield from _plain(application.arguments.get("fields")) if application else ()


def _resolves(subgraph: Subgraph, definition: TypeDefinition, name: str) -> bool:
    member = definition.fields.get(name)
    return member is not None and not subgraph.is_external(member)


def _resolvable(there: Iterable[Subgraph], type_name: str) -> Iterator[Remedy]:
    for subgraph in there:
        for key in subgraph.keys(subgraph.types[type_name]):
            if key.arguments.get("resolvable") is False:
                fields = str(key.arguments.get("fields"))
                summary = (
                    f'Remove `resolvable: false` from {_key(fields)} of "{type_name}" in subgraph "{subgraph.name}".'
                )
                if edit := _replaced(subgraph, key.node, _applied_key(subgraph, fields)):
                    yield Remedy(summary, (edit,))


def _same_key(there: Iterable[Subgraph], having: Sequence[Subgraph], type_name: str) -> Iterator[Remedy]:
    for subgraph in there:
        for owner, key in _keys(having, type_name):
            definition = subgraph.types[type_name]
            if owner is not subgraph and not _has_key(subgraph, definition, key):
                added = _missing_fields(owner, subgraph, type_name, key)
                if added is not None:
                    yield _add_key(subgraph, type_name, key, added)


def _key_here(here: Iterable[Subgraph], there: Sequence[Subgraph], type_name: str) -> Iterator[Remedy]:
    for owner, key in _keys(there, type_name):
        for subgraph in here:
            if subgraph is not owner:
                added = _missing_fields(owner, subgraph, type_name, key)
                if added is not None:
                    yield _add_key(subgraph, type_name, key, added)


def _new_key(here: Sequence[Subgraph], there: Sequence[Subgraph], type_name: str) -> Iterator[Remedy]:
    for one in here:
        for other in there:
            theirs = other.types[type_name].fields
            for name, member in one.types[type_name].fields.items() if one is not other else ():
                if str(member.type) == "ID!" and name in theirs and str(theirs[name].type) == "ID!":
                    summary = f'Add {_key(name)} to "{type_name}" in subgraphs "{one.name}" and "{other.name}".'
                    edits = (_extended(one, type_name, name), _extended(other, type_name, name))
                    yield Remedy(summary, edits)


def _shared(here: Sequence[Subgraph], there: Sequence[Subgraph], type_name: str, name: str) -> Iterator[Remedy]:
    """A value that nobody can look up again must be answered whole by whoever gives it."""
    owners = [s for s in there if name in s.types[type_name].fields]
    if not owners or not all(s.knows("shareable") and not s.is_federation_1 for s in (*here, *owners)):
        return
    member = owners[0].types[type_name].fields[name]
    for subgraph in here:
        own = subgraph.types[type_name].fields.get(name)
        if own is not None:
            edits = [_no_longer_external(subgraph, own)]
            summary = f'Resolve "{member.coordinate}" in subgraph "{subgraph.name}" too: make it @shareable instead of @external'
        elif (line := _declared(member, subgraph)) is not None:
            shared = f"{line} @{subgraph.name_of('shareable')}"
            edits = [_appended(subgraph, f"extend type {type_name} {{ {shared} }}")]
            summary = (
                f'Resolve "{member.coordinate}" in subgraph "{subgraph.name}" too: add `{shared}` to "{type_name}"'
            )
        else:
            continue
        sharing = [s for s in owners if s is not subgraph and not s.is_shareable(s.types[type_name].fields[name])]
        edits += [_marked(s, s.types[type_name].fields[name]) for s in sharing]
        names = ", ".join(f'"{s.name}"' for s in sharing)
        summary += f", and mark it @shareable in {names}." if sharing else "."
        if all(edits):
            yield Remedy(summary, tuple(edit for edit in edits if edit))


# -- words and edits ------------------------------------------------------------------------------------------------------


def _key(fields: str) -> str:
    return f'`@key(fields: "{fields}")`'


def _applied_key(subgraph: Subgraph, fields: str) -> str:
    return f'@{subgraph.name_of("key")}(fields: "{fields}")'


def _add_key(subgraph: Subgraph, type_name: str, fields: str, added: Sequence[str]) -> Remedy:
    more = f" and the field {', '.join(f'`{line}`' for line in added)}" if added else ""
    summary = f'Add {_key(fields)}{more} to "{type_name}" in subgraph "{subgraph.name}".'
    return Remedy(summary, (_extended(subgraph, type_name, fields, added),))


def _extended(subgraph: Subgraph, type_name: str, fields: str, added: Sequence[str] = ()) -> Edit:
    word = "interface" if subgraph.types[type_name].kind is Kind.INTERFACE else "type"
    body = f" {{ {' '.join(added)} }}" if added else ""
    return _appended(subgraph, f"extend {word} {type_name} {_applied_key(subgraph, fields)}{body}")


def _appended(subgraph: Subgraph, text: str) -> Edit:
    end = len(subgraph.source)
    return Edit(subgraph.name, end, end, f"\n{text}\n")


def _replaced(subgraph: Subgraph, node: AstNode | None, text: str) -> Edit | None:
    return Edit(subgraph.name, node.loc.start, node.loc.end, text) if node is not None and node.loc else None


def _marked(subgraph: Subgraph, member: FieldDefinition) -> Edit | None:
    node = member.node
    text = f" @{subgraph.name_of('shareable')}"
    return Edit(subgraph.name, node.loc.end, node.loc.end, text) if node is not None and node.loc else None


def _no_longer_external(subgraph: Subgraph, member: FieldDefinition) -> Edit | None:
    external = subgraph.application(member, "external")
    return _replaced(subgraph, external.node, f"@{subgraph.name_of('shareable')}") if external else None


def _keys(subgraphs: Iterable[Subgraph], type_name: str) -> Iterator[tuple[Subgraph, str]]:
    """The keys of a type that may be used, with one of those who have them."""
    for subgraph in subgraphs:
        for key in subgraph.keys(subgraph.types[type_name]):
            if isinstance(fields := key.arguments.get("fields"), str):
                yield subgraph, fields


def _has_key(subgraph: Subgraph, definition: TypeDefinition, fields: str) -> bool:
    return any(_same(key, fields) for key in subgraph.keys(definition))


def _same(key: Applied, fields: str) -> bool:
    text = key.arguments.get("fields")
    return isinstance(text, str) and " ".join(text.split()) == " ".join(fields.split())


def _missing_fields(owner: Subgraph, subgraph: Subgraph, type_name: str, key: str) -> list[str] | None:
    """The fields of a key that a subgraph lacks, as they would be written there; None, if they can't be."""
    names = _plain(key)
    if not names:
        return None
    own = subgraph.types[type_name].fields
    found = [_declared(owner.types[type_name].fields[n], subgraph) for n in names if n not in own]
    lines = [line for line in found if line is not None]
    return lines if len(lines) == len(found) else None


def _plain(fields: object) -> list[str]:
    """The names in a flat field set; nothing, if it goes deeper or is none."""
    try:
        selections = parse(fields) if isinstance(fields, str) else ()
    except FieldSetSyntaxError:
        return []
    names = [s.name for s in selections if not isinstance(s, Fragment) and not s.selections]
    return names if len(names) == len(selections) else []


def _declared(member: FieldDefinition, subgraph: Subgraph) -> str | None:
    """A field as it would be written in another subgraph, if that has all types for it."""
    refs = (member.type, *(argument.type for argument in member.arguments.values()))
    if any(named(ref) not in BUILTIN_SCALARS and named(ref) not in subgraph.types for ref in refs):
        return None
    arguments = ", ".join(f"{argument.name}: {argument.type}" for argument in member.arguments.values())
    return f"{member.name}({arguments}): {member.type}" if arguments else f"{member.name}: {member.type}"
