"""The tree of moves as fetches and what each of them waits for.

Theory
------
A fetch is a piece of the tree that lies in one subgraph: it begins where the tree enters the subgraph and ends where it
hops out. Walking the tree, fields and type conditions go into the selection of the fetch at hand; a hop opens
another fetch for the same place in the response:

    customer ── name                     fetch 0  crm      { customer { name  __typename id } }
       │                                                                        ▲ what the hop needs
       └─ hop by `id` ── tickets         fetch 1  tickets  customer: Customer { __typename id } ⇒ { tickets }

What the hop needs is fetched first: its condition is a tree too and is walked from the same place, in the fetch at hand
and, where the condition hops itself, in further fetches. The new fetch waits for all fetches that were touched by that,
and for the one at hand, which fetches the `__typename`. `@requires` is nothing else: a hop whose condition names more
than a key. What an ancestor hands down (`@fromContext`) is a condition that is walked from the ancestor's place, and travels as a
variable instead of in the representation. So the graph has no cycles by construction, since a fetch only waits for fetches that were there before it.

Each fetch has the path at which its answer is merged. A path through a type condition says so (`pets.@.|[Dog].owner`),
since other types may have other things at the same place; the last condition is left to the representation,
which is itself by type. What the planner asks for under its own name never meets a client's alias: `router.planner.names`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from router.graph.allowance import Allowance
from router.graph.build import QueryGraph
from router.graph.edges import KeyMove
from router.graph.nodes import Node
from router.graph.selections import (
    NO_GUARDS,
    TYPENAME_FIELD,
    Deferral,
    Field,
    Fragment,
    Guards,
    Selections,
    common_guards,
    keys_clash,
    merged,
)
from router.graph.steps import Enter, Handed, Hop, Narrow, Position, Postpone, Rest, Start, Take
from router.planner.names import Names
from router.planner.query_plan import UP, KeyRename, Path, RequiresField, RequiresFragment, RequiresSelection
from router.planner.shares import ContextInput, Input, Share, contexts_clash, joined_contexts, joined_shares
from router.planner.tree import Branch, tree


@dataclass(frozen=True, slots=True)
class FetchStep:
    """One fetch: `inputs` are empty for one that starts from a root type; `needs` are the fetches it waits for.

    It `is_certain` when what it sends is there whatever the operation's conditions turn out to be. Its `shares` are all that
    it sends and asks for, told apart: see `router.planner.shares`.
    """

    id: int
    graph: str
    path: Path
    inputs: tuple[Input, ...]
    output: Selections
    needs: frozenset[int]
    is_entity: bool
    is_certain: bool = True
    shares: tuple[Share, ...] = ()
    contexts: tuple[ContextInput, ...] = ()
    deferral: Deferral | None = None


FetchGraph = tuple[FetchStep, ...]
_Inputs = dict[tuple[str, str | None], tuple[RequiresSelection, ...]]


@dataclass(slots=True)
class Draft:
    """A selection that is being written."""

    fields: dict[object, tuple[Field, Draft]] = field(default_factory=dict)
    fragments: dict[str, Draft] = field(default_factory=dict)

    def add(self, item: Field) -> Draft:
        """Ask for a field; its selection is returned to be written on."""
        key = (item.response_key, item.identity, item.guards)
        return self.fields.setdefault(key, (replace(item, selections=()), Draft()))[1]

    def narrow(self, type_name: str) -> Draft:
        """Go on for objects of a type."""
        return self.fragments.setdefault(type_name, Draft())

    def finished(self) -> Selections:
        """What was written."""
        fields = (replace(item, selections=inner.finished()) for item, inner in self.fields.values())
        fragments = (Fragment(name, inner.finished()) for name, inner in self.fragments.items())
        return merged((*fields, *(fragment for fragment in fragments if fragment.selections)))


@dataclass(slots=True)
class _Draft:
    id: int
    graph: str
    path: Path
    needs: frozenset[int]
    is_entity: bool
    is_certain: bool = True
    inputs: _Inputs = field(default_factory=dict)
    contexts: tuple[ContextInput, ...] = ()
    asked: Selections = ()
    deferral: Deferral | None = None
    outputs: dict[tuple[tuple[Input, ...], tuple[ContextInput, ...]], Draft] = field(default_factory=dict)

    def output(self, inputs: _Inputs, contexts: tuple[ContextInput, ...] = ()) -> Draft:
        """The selection of what can be asked for when these inputs are sent."""
        return self.outputs.setdefault((_inputs(inputs), contexts), Draft())

    def finished(self) -> FetchStep:
        shares = tuple(Share(inputs, draft.finished(), contexts) for (inputs, contexts), draft in self.outputs.items())
        output = merged(item for share in shares for item in share.output)
        return FetchStep(
            self.id,
            self.graph,
            self.path,
            _inputs(self.inputs),
            output,
            self.needs,
            self.is_entity,
            self.is_certain,
            joined_shares(shares),
            self.contexts,
            self.deferral,
        )


def _inputs(sent: _Inputs) -> tuple[Input, ...]:
    return tuple(Input(name, requires, sent_as) for (name, sent_as), requires in sent.items())


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where the walk stands: in which fetch, where in its selection, where in the response.

    An object that is asked for twice, under different conditions, may be there though the condition of this walk does
    not hold: `guards` are such conditions, which what a hop fetches has to repeat; `owed` are those to repeat here.
    """

    step: _Draft
    draft: Draft
    path: Path
    position: Position
    node: Node
    guards: Guards = NO_GUARDS
    owed: Guards = NO_GUARDS
    above: _Cursor | None = None  # where the field was taken that led here
    deferral: Deferral | None = None  # what the fetches belong to that are opened from here


@dataclass(slots=True)
class Builder:
    """Walks a tree and writes fetches."""

    graph: QueryGraph
    names: Names
    allowance: Allowance
    steps: list[_Draft] = field(default_factory=list)
    _by_key: dict[tuple[str, Path, frozenset[int], Guards, bool, Deferral | None], list[_Draft]] = field(
        default_factory=dict
    )

    def build(self, root: Branch) -> FetchGraph:
        """Turn a whole tree into fetches."""
        for branch in root.branches.values():
            later = branch.step.deferral if isinstance(branch.step, Enter) else None
            step = self._step(branch.node.graph, (), frozenset(), later)
            self._follow(branch, _Cursor(step, step.output({}), (), (), branch.node, deferral=later), None)
        return tuple(step.finished() for step in self.steps)

    def _step(self, graph: str, path: Path, needs: frozenset[int], deferral: Deferral | None) -> _Draft:
        return self._fitting(graph, path, needs, NO_GUARDS, {}, (), (), deferral, is_entity=False)

    def _fitting(
        self,
        graph: str,
        path: Path,
        needs: frozenset[int],
        guards: Guards,
        inputs: _Inputs,
        contexts: tuple[ContextInput, ...],
        asked: Selections,
        deferral: Deferral | None,
        *,
        is_entity: bool,
    ) -> _Draft:
        """The fetch for this place, or another one if what it sends already can't stand beside the inputs."""
        known = self._by_key.setdefault((graph, path, needs, guards, is_entity, deferral), [])
        for step in known:
            both = _joined_inputs(step.inputs, inputs)
            handed = joined_contexts(step.contexts, contexts)
            if not clash(both) and not contexts_clash(handed) and not answers_clash(both, (*step.asked, *asked)):
                step.inputs, step.contexts, step.asked = both, handed, (*step.asked, *asked)
                return step
        inputs = _joined_inputs({}, inputs)
        step = _Draft(
            len(self.steps),
            graph,
            path,
            needs,
            is_entity,
            inputs=inputs,
            contexts=contexts,
            asked=asked,
            deferral=deferral,
        )
        self.steps.append(step)
        known.append(step)
        return step

    def _follow(self, branch: Branch, at: _Cursor, touched: set[int] | None) -> None:
        """Walk on; `touched` collects the fetches used when it's a condition that is walked."""
        for child in branch.branches.values():
            self.allowance.step()
            match child.step:
                case Take(field=item, move=move):
                    if touched is not None:
                        touched.add(at.step.id)
                        item = replace(item, response_key=self.names.key(at.position, item))
                    self._take(child, item, move.list_depth, at, touched)
                case Narrow(on=on):
                    path = _narrowed_path(at.path, self.graph.all_possible(on))
                    draft = at.draft if at.node == child.node else at.draft.narrow(on)
                    self._follow(child, replace(at, draft=draft, path=path, node=child.node), touched)
                case Rest(selections=selections):
                    if touched is not None:
                        touched.add(at.step.id)
                    owing = _owing(selections, at.owed)
                    self._write(at.draft, owing, at.position, is_own=touched is not None)
                case Postpone(deferral=deferral):
                    self._follow(child, replace(at, deferral=deferral), touched)
                case Hop():
                    self._hop(child, child.step, at, touched)
                case Start() | Enter():
                    self._follow(child, at, touched)

    def _take(self, child: Branch, item: Field, list_depth: int, at: _Cursor, touched: set[int] | None) -> None:
        draft = at.draft.add(replace(item, guards=item.guards | at.owed))
        if not item_is_leaf(child):
            path = (*at.path, item.response_key, *("@" * list_depth))
            if self._is_abstract(child.node):
                draft.add(TYPENAME_FIELD)
            position = (*at.position, item.response_key)
            guards = at.guards | item.guards if self.names.is_guarded_variously(position) else at.guards
            below = _Cursor(at.step, draft, path, position, child.node, guards, above=at, deferral=at.deferral)
            self._follow(child, below, touched)

    def _is_abstract(self, node: Node) -> bool:
        return self.graph.is_abstract(node.type_name) and not self.graph.is_interface_object(node)

    def _write(self, draft: Draft, selections: Selections, position: Position, *, is_own: bool) -> None:
        for item in selections:
            match item:
                case Field():
                    key = self.names.key(position, item) if is_own else item.response_key
                    inner = draft.add(replace(item, response_key=key))
                    self._write(inner, item.selections, (*position, key), is_own=is_own)
                case Fragment():
                    self._write(draft.narrow(item.on), item.selections, position, is_own=is_own)

    def _hop(self, branch: Branch, hop: Hop, at: _Cursor, touched: set[int] | None) -> None:
        used = {at.step.id}
        at.draft.add(TYPENAME_FIELD)
        path = at.path[:-1] if _ends_narrowed(at.path) else at.path
        if isinstance(hop.entry, KeyMove):
            # What only this hop needs is needed under the hop's own conditions.
            guards = at.guards | (at.owed or _common_guards(branch))
            self._follow(tree(hop.condition.paths, at.node), replace(at, guards=guards), used)
            contexts = tuple(self._handed(one, at, guards, used) for one in hop.handed)
            inputs = self._sent(hop.entry, hop.requires, at)
            asked = tuple(_asked(branch))
            step = self._fitting(
                branch.node.graph, path, frozenset(used), guards, inputs, contexts, asked, at.deferral, is_entity=True
            )
            step.is_certain &= used == {at.step.id} and not at.owed and not at.guards
            draft = step.output(inputs, contexts).narrow(branch.node.type_name)
            if self.graph.is_interface_object(at.node) and self._is_abstract(branch.node):
                draft.add(TYPENAME_FIELD)  # only here is it learnt what the object really is
        else:
            step = self._step(branch.node.graph, path, frozenset(used), at.deferral)
            draft = step.output({})
        cursor = _Cursor(step, draft, at.path, at.position, branch.node, at.guards, at.guards, at.above, at.deferral)
        self._follow(branch, cursor, touched)

    def _handed(self, handed: Handed, at: _Cursor, guards: Guards, used: set[int]) -> ContextInput:
        """Fetch at the ancestor what it hands down, and say how to find it from here."""
        above = at
        for _ in range(handed.up):
            above = above.above or above
        from_above = replace(above, guards=above.guards | guards, deferral=at.deferral)
        self._follow(tree(handed.condition.paths, above.node), from_above, used)
        used.add(above.step.id)
        sources = self._sources(handed.selections, above.position)
        start = (UP,) * handed.up
        if above.node.type_name in self.graph.root_types:
            found = [KeyRename((*start, *path), key, handed.variable) for path, key in sources]
        else:
            above.draft.add(TYPENAME_FIELD)
            found = [
                KeyRename((*start, *path), key, handed.variable)
                for source, key in sources
                for path in _typed(source, sorted(self.graph.possible(above.node.type_name, above.node.graph)))
            ]
        return ContextInput(handed.variable, handed.type, tuple(found))

    def _sources(self, selections: Selections, position: Position) -> Iterator[tuple[Path, str]]:
        """The leaves of a selection: where they lie, and under which keys."""
        for item in selections:
            match item:
                case Fragment():
                    for path, key in self._sources(item.selections, position):
                        yield (f"|[{item.on}]", *path), key
                case Field():
                    key = self.names.key(position, item)
                    if not item.selections:
                        yield (), key
                    for path, inner in self._sources(item.selections, (*position, key)):
                        yield (key, *path), inner

    def _sent(self, entry: KeyMove, requires: Selections, at: _Cursor) -> _Inputs:
        sent = joined(
            (RequiresField("__typename"), *self._representation(merged((*entry.key, *requires)), at.position))
        )
        return {(name, entry.typename): sent for name in entry.types or (at.node.type_name,)}

    def _representation(self, selections: Selections, position: Position) -> tuple[RequiresSelection, ...]:
        return tuple(self._represented(item, position) for item in selections)

    def _represented(self, item: Field | Fragment, position: Position) -> RequiresSelection:
        match item:
            case Fragment():
                inner = self._representation(item.selections, position)
                return RequiresFragment(item.on, (RequiresField("__typename"), *inner))
            case Field():
                key = self.names.key(position, item)
                inner = self._representation(item.selections, (*position, key))
                return RequiresField(item.name, key if key != item.name else None, inner)


def _typed(path: Path, types: Iterable[str]) -> list[Path]:
    """A path that begins with the type of the object it's about: for each of the types, unless it says so itself."""
    return [path] if _begins_narrowed(path) else [(f"|[{name}]", *path) for name in types]


def _begins_narrowed(path: Path) -> bool:
    return bool(path) and path[0].startswith("|")


def _asked(branch: Branch) -> Iterator[Field | Fragment]:
    """What a branch asks for before it hops elsewhere."""
    for child in branch.branches.values():
        match child.step:
            case Take(field=item):
                yield replace(item, selections=tuple(_asked(child)))
            case Narrow() | Postpone():
                yield from _asked(child)
            case Rest(selections=selections):
                yield from selections


def answers_clash(inputs: Iterable[tuple[str, str | None]], output: Selections) -> bool:
    """Whether objects of different types, sent under one type's name, would get different fields under one key.

    All of them are answered alike, so that nothing in the answer tells whose field it is.
    """
    names = [sent_as for _, sent_as in inputs if sent_as]
    return len(names) > len(set(names)) and keys_clash(output)


def _common_guards(branch: Branch) -> Guards:
    """The conditions that all fields at the beginning of a branch are under."""
    found: Guards | None = None
    for child in branch.branches.values():
        match child.step:
            case Take(field=item):
                own = item.guards
            case Rest(selections=selections):
                own = common_guards(selections)
            case _:
                own = _common_guards(child)
        found = own if found is None else found & own
    return found or NO_GUARDS


def _owing(selections: Selections, owed: Guards) -> Selections:
    if not owed:
        return selections
    return tuple(
        replace(item, guards=item.guards | owed)
        if isinstance(item, Field)
        else replace(item, selections=_owing(item.selections, owed))
        for item in selections
    )


def _ends_narrowed(path: Path) -> bool:
    return bool(path) and path[-1].startswith("|")


def _narrowed_path(path: Path, types: frozenset[str]) -> Path:
    if _ends_narrowed(path):
        types &= frozenset(path[-1][2:-1].split(","))
        path = path[:-1]
    return (*path, f"|[{','.join(sorted(types))}]")


def item_is_leaf(branch: Branch) -> bool:
    """Whether a field has nothing below it."""
    return not branch.branches


def joined(items: Iterable[RequiresSelection]) -> tuple[RequiresSelection, ...]:
    """Join representations: what is named twice is sent once."""
    found: dict[object, RequiresSelection] = {}
    for item in items:
        key: object = item.type_condition if isinstance(item, RequiresFragment) else (item.response_key, item.name)
        known = found.get(key)
        found[key] = replace(item, selections=joined((*known.selections, *item.selections))) if known else item
    return tuple(found.values())


def _joined_inputs(known: _Inputs, more: _Inputs) -> _Inputs:
    both = dict(known)
    for key, sent in more.items():
        both[key] = joined((*both.get(key, (RequiresField("__typename"),)), *sent))
    return both


def clash(inputs: _Inputs) -> bool:
    """Whether one fetch can't send all this.

    Two different values under one name (a field for different arguments) can't be sent; and objects that are sent under
    one type's name will all be asked for the same, so that all have to send the same.
    """
    alike: dict[str, frozenset[RequiresSelection]] = {}
    for (_, sent_as), sent in inputs.items():
        sources: dict[tuple[str, ...], str] = {}
        if any(sources.setdefault(names, key) != key for names, key in _sources(sent, ())):
            return True
        if sent_as is not None and alike.setdefault(sent_as, frozenset(sent)) != frozenset(sent):
            return True
    return False


def _sources(items: Iterable[RequiresSelection], names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for item in items:
        match item:
            case RequiresFragment(selections=inner):
                yield from _sources(inner, names)
            case RequiresField():
                below = (*names, item.name)
                yield below, item.response_key
                yield from _sources(item.selections, below)
