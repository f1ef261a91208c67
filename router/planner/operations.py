"""The GraphQL text of a fetch, in the words of the subgraph that gets it.

Two object types of one subgraph may have fields of one name that are not of one shape (`String` here, `String!` there).
The supergraph allows an operation to ask for both, a subgraph does not: its fields of one response key must have one shape.
Such fields go out under an internal alias, and the fetch says how their keys are to be renamed when they come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from router.graph.build import QueryGraph
from router.graph.nodes import Node
from router.graph.selections import Field, Fragment, Guards, Selections, guard_text
from router.planner.query_plan import KeyRename, Path


@dataclass(slots=True)
class _Spot:
    """A field as it will be written: `conditions` are the type conditions between it and the field around it."""

    item: Field
    conditions: tuple[str, ...]
    parent: str
    type: str
    key: str
    inner: list[_Spot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Text:
    """A selection as text, with the renames that its internal aliases call for."""

    selection: str
    renames: tuple[KeyRename, ...]
    variables: frozenset[str]


def write(graph: QueryGraph, node: Node, selections: Selections) -> Text:
    """Write a selection for a subgraph; `node` is the type it is about (any type for representations)."""
    spots = list(_spots(graph, node, selections, ()))
    renames: list[KeyRename] = []
    _resolve(graph, [((), spots)], renames)
    return Text(_text(spots, 0), tuple(renames), frozenset(_variables(spots)))


def _spots(graph: QueryGraph, node: Node, selections: Selections, conditions: tuple[str, ...]) -> Iterator[_Spot]:
    for item in selections:
        match item:
            case Fragment():
                yield from _spots(graph, Node(item.on, node.graph), item.selections, (*conditions, item.on))
            case Field():
                type_text = _type(graph, node, item.name)
                target = Node(type_text.strip("[]!"), node.graph)
                inner = list(_spots(graph, target, item.selections, ()))
                yield _Spot(item, conditions, node.type_name, type_text, item.response_key, inner)


def _type(graph: QueryGraph, node: Node, name: str) -> str:
    if name == "__typename":
        return "String!"
    join = graph.supergraph.field_joins(node.type_name, name).get(node.graph)
    return join.type if join else "String"


def _resolve(graph: QueryGraph, levels: list[tuple[Path, list[_Spot]]], renames: list[KeyRename]) -> None:
    """Give aliases where spots of one key can't stand together; `levels` are selections that will be merged."""
    by_key: dict[str, list[tuple[Path, _Spot]]] = {}
    for path, spots in levels:
        for spot in spots:
            by_key.setdefault(spot.key, []).append((path, spot))
    taken = set(by_key)
    for key, found in list(by_key.items()):
        for number, group in enumerate(_standing_together(graph, found)):
            if number:
                alias = _free(key, taken)
                for path, spot in group:
                    spot.key = alias
                    renames.append(KeyRename((*path, *_conditions(graph, spot)), alias, key))
            below = [(_below(graph, path, spot, key), spot.inner) for path, spot in group if spot.inner]
            if below:
                _resolve(graph, below, renames)


def _standing_together(graph: QueryGraph, found: list[tuple[Path, _Spot]]) -> list[list[tuple[Path, _Spot]]]:
    groups: list[list[tuple[Path, _Spot]]] = []
    known: list[dict[object, _Spot]] = []  # of each group, one spot of a kind: the others of its kind fit where it does
    for entry in found:
        kind = (_shape(entry[1]), entry[1].item.identity, entry[1].parent)
        fitting = (
            number
            for number, kinds in enumerate(known)
            if kind in kinds or all(_compatible(graph, entry[1], other) for other in kinds.values())
        )
        number = next(fitting, len(groups))
        if number == len(groups):
            groups.append([])
            known.append({})
        groups[number].append(entry)
        known[number].setdefault(kind, entry[1])
    return groups


def _compatible(graph: QueryGraph, first: _Spot, second: _Spot) -> bool:
    if _shape(first) != _shape(second):
        return False
    if first.item.identity == second.item.identity:
        return True
    exclusive = not graph.is_abstract(first.parent) and not graph.is_abstract(second.parent)
    return exclusive and first.parent != second.parent


def _shape(spot: _Spot) -> str:
    """What must be equal: the whole type of a leaf, lists and nullability of an object."""
    return "".join(sign for sign in spot.type if sign in "[]!") if spot.item.selections else spot.type


def _free(key: str, taken: set[str]) -> str:
    number = 0
    while (alias := f"_{key}_alias_{number}") in taken:
        number += 1
    taken.add(alias)
    return alias


def _conditions(graph: QueryGraph, spot: _Spot) -> Path:
    return tuple(f"|[{','.join(sorted(graph.all_possible(name)))}]" for name in spot.conditions[-1:])


def _below(graph: QueryGraph, path: Path, spot: _Spot, key: str) -> Path:
    return (*path, *_conditions(graph, spot), key, *("@" * spot.type.count("[")))


def _variables(spots: Iterable[_Spot]) -> Iterator[str]:
    for spot in spots:
        yield from spot.item.variables
        if not _is_plain_typename(spot):
            yield from (name for name, _ in spot.item.guards)
        yield from _variables(spot.inner)


def _text(spots: list[_Spot], depth: int) -> str:
    """Write spots of one level, nesting those that share the next type condition."""
    typename: list[str] = []
    parts: list[str] = []
    groups: dict[str, list[_Spot]] = {}
    for spot in spots:
        if len(spot.conditions) > depth:
            groups.setdefault(spot.conditions[depth], []).append(spot)
        elif _is_plain_typename(spot):
            typename = ["__typename"]
        else:
            parts.append(_field_text(spot))
    parts += [f"... on {name} {_text(group, depth + 1)}" for name, group in groups.items()]
    return f"{{ {' '.join((*typename, *parts))} }}"


def _is_plain_typename(spot: _Spot) -> bool:
    """What the executor relies on is there under every condition, and once."""
    return spot.item.name == "__typename" and spot.key == "__typename"


def _field_text(spot: _Spot) -> str:
    item = spot.item
    alias = "" if spot.key == item.name else f"{spot.key}: "
    inner = f" {_text(spot.inner, 0)}" if spot.inner else ""
    here, around = _split(item.guards)
    text = f"{alias}{item.name}{item.arguments}{item.directives}{guard_text(here)}{inner}"
    for guard in around:
        text = f"...{guard_text(frozenset({guard}))} {{ {text} }}"
    return text


def _split(guards: Guards) -> tuple[Guards, list[tuple[str, bool]]]:
    """Of `@skip` and `@include` a field can have one each; what it is under besides has to stand around it."""
    here: dict[bool, tuple[str, bool]] = {}
    for guard in sorted(guards):
        here.setdefault(guard[1], guard)
    return frozenset(here.values()), sorted(guards - frozenset(here.values()))
