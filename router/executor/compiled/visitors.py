"""Visits the objects of a subgraph's answer, a place at a time: checked, in the client's order, and ready to be written.

What a visitor is for was found out before (`places`); here are only the loops that run for each request, and so they
are written for speed. An answer of a hundred reviews holds them in a dozen lists, but the visitor of reviews is called once,
with all of them: it looks at them field by field (a *column*), so that nearly all of the looping is done by the
interpreter's own C (`map`, `set`, `zip`) and a value costs a fraction of what a call for each object would take.

    [{id, body, product}, …]  ──►  column of id      all of them strings?
                                   column of body    all of them strings?
                                   column of product ──► the visitor of products, with all of them at once

Nobody here changes what a subgraph answered. What is assumed is checked: whatever is not as assumed (a null where none may stand, a
value of another type, a field that is missing) raises `Unfit`, and the general executor answers the request from the same
answers.

    create   makes objects of the answer from objects of a subgraph, all of the client's keys in them, in order
    fill     adds what an entity fetch brought to objects that another fetch created

Objects at which entity fetches start are gathered in groups: those that agree in everything that any representation
there needs. One group is one question to each of these fetches, and one answer for all its objects. Where an object has
nothing but leaves, all of them part of what tells the groups apart, its whole group shares one object of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Final

import orjson
from graphql import GraphQLList, GraphQLNonNull, GraphQLOutputType, is_object_type

from router.executor.compiled.places import Brought, NotCompiled, Place, Variant
from router.executor.nesting import depth
from router.executor.projection import UNFIT, Leaf, Selected

Json = dict[str, Any]
Column = list[Any]


class Tables(list[dict[Any, "Group"]]):
    """The groups of one run by place and key; beside them what stands in several spots of its answer."""

    __slots__ = ("folded",)

    def __init__(self, places: int) -> None:
        super().__init__([{} for _ in range(places)])
        self.folded: list[Folded] = []


Create = Callable[[Column, Tables], Column]
"""Makes objects of the answer from a list that holds nothing but objects of a subgraph."""
Fill = Callable[[Column, Sequence["Group"], Tables], None]
"""Adds entities to groups, each to the one at its own index."""
Complete = Callable[[Column, Tables], Column]
"""Completes the values of one field."""
Check = Callable[[Any], Any]


_SURELY_SHALLOW: Final = 50
_MOST_DISPLAYED: Final = 5
_NULL: Final = type(None)
_STRINGS: Final = frozenset({str})
_OBJECTS: Final = frozenset({dict})
_LISTS: Final = frozenset({list})
_LARGEST_INT: Final = 2**31 - 1
_LEAST_INT: Final = -(2**31)


class Unfit(Exception):
    """An answer is not what the fast path assumes; the general executor will say whose fault it is."""


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Folded:
    """A record that several owners hold under one name (`folding`)."""

    name: str
    record: Any
    owners: list[Any]


@dataclass(slots=True)
class Group:
    """Objects of one place that every entity fetch there answers alike; `known` is what representations are made of."""

    variant: str
    known: Json
    objects: list[Any] = field(default_factory=list)
    """What the client gets of it, dictionaries or records."""


@dataclass(frozen=True, slots=True)
class _Leaves:
    """A field without fields: its values as they are where all are of these types, checked one by one where not."""

    stored: str
    key: str
    column: Callable[[Column], Column]


@dataclass(frozen=True, slots=True)
class _Below:
    """A field that has fields."""

    stored: str
    key: str
    complete: Complete


class Visitors:
    """Builds visitors and keeps them: the same place and fetch always have the same."""

    def __init__(self) -> None:
        self._create: dict[tuple[int, int], Create] = {}

    def fill(self, variant: Variant, step: int) -> Fill:
        """Return what adds the answers of a fetch to groups of objects of this variant."""
        leaves, below = self._fields(variant, step)
        kept = kept_of(variant, step)
        check_type = variant.place.type is not variant.type and "__typename" in variant.brought[step].keys
        name = variant.type.name

        def fill(raws: Column, groups: Sequence[Group], tables: Tables) -> None:
            if set(map(type, raws)) != _OBJECTS or (check_type and any(raw["__typename"] != name for raw in raws)):
                raise Unfit
            for each in leaves:
                _put(each.key, each.column([raw[each.stored] for raw in raws]), groups)
            for one in below:
                _put(one.key, one.complete([raw[one.stored] for raw in raws], tables), groups)
            for key in kept:
                for raw, group in zip(raws, groups, strict=True):
                    group.known[key] = raw[key]

        return fill

    def create(self, place: Place, step: int) -> Create:
        """Return what makes objects of the answer, whatever their type."""
        known = self._create.get((place.index, step))
        if known is None:
            known = self._create[place.index, step] = self._new_create(place, step)
        return known

    def _new_create(self, place: Place, step: int) -> Create:
        if is_object_type(place.type):
            return self._create_variant(place.variants[place.type.name], step)
        by_name = {name: self._create_variant(variant, step) for name, variant in place.variants.items()}

        def create(raws: Column, tables: Tables) -> Column:
            names = [raw["__typename"] for raw in raws]
            if set(map(type, names)) != _STRINGS:
                raise Unfit
            if len(set(names)) == 1:
                return by_name[names[0]](raws, tables)
            # One by one, so that entities are met in the order in which they stand.
            return [by_name[name]([raw], tables)[0] for name, raw in zip(names, raws, strict=True)]

        return create

    def _create_variant(self, variant: Variant, step: int) -> Create:
        if not variant.possible:
            return _impossible
        plain = self._plain(variant, step)
        if not variant.place.is_target or not variant.kept:
            return plain
        return _gathering(variant, step, plain)

    def _plain(self, variant: Variant, step: int) -> Create:
        leaves, below = self._fields(variant, step)
        build = _building(blank(variant), [*(leaf.key for leaf in leaves), *(each.key for each in below)])

        def create(raws: Column, tables: Tables) -> Column:
            columns = [leaf.column([raw[leaf.stored] for raw in raws]) for leaf in leaves]
            columns += [each.complete([raw[each.stored] for raw in raws], tables) for each in below]
            return build(columns, len(raws))

        return create

    def _fields(self, variant: Variant, step: int) -> tuple[tuple[_Leaves, ...], tuple[_Below, ...]]:
        brought = variant.brought.get(step, Brought())
        leaves = tuple(_Leaves(selected.stored, selected.key, _leaf(selected)) for selected in brought.leaves)
        below = tuple(
            _Below(selected.stored, selected.key, _completed(_type_of(selected), self.create(place, step)))
            for selected, place in brought.below
        )
        return leaves, below


def _put(key: str, values: Column, groups: Sequence[Group]) -> None:
    for group, value in zip(groups, values, strict=True):
        for each in group.objects:
            each[key] = value


def _impossible(_raws: Column, _tables: Tables) -> Column:
    raise Unfit


def blank(variant: Variant) -> Json:
    """Return an object with all of the client's keys in order; `__typename` is known already."""
    return {selected.key: variant.type.name if selected.name == "__typename" else None for selected in variant.fields}


def _building(blank: Json, brought: Sequence[str]) -> Callable[[Sequence[Column], int], Column]:
    """Return what makes objects of columns: by a display of their keys where these are few, else by copies of a blank one."""
    keys = tuple(blank)
    if not brought or len(keys) > _MOST_DISPLAYED or len(brought) * 2 < len(keys):
        return _copying(blank, brought)
    display = _display(keys)
    if keys == tuple(brought):
        return lambda columns, _count: display(columns)
    numbers = {key: number for number, key in enumerate(brought)}

    def build(columns: Sequence[Column], count: int) -> Column:
        return display([columns[numbers[key]] if key in numbers else [blank[key]] * count for key in keys])

    return build


def _copying(blank: Json, brought: Sequence[str]) -> Callable[[Sequence[Column], int], Column]:
    copied = blank.copy

    def build(columns: Sequence[Column], count: int) -> Column:
        made = [copied() for _ in range(count)]
        for key, column in zip(brought, columns, strict=True):
            for one, value in zip(made, column, strict=True):
                one[key] = value
        return made

    return build


def _display(keys: tuple[str, ...]) -> Callable[[Sequence[Column]], Column]:
    """Return what makes objects of rows; Python has no quicker way than the display of a dictionary, and that has a length."""
    match keys:
        case (a,):
            return lambda columns: [{a: r} for r in columns[0]]
        case (a, b):
            return lambda columns: [{a: r, b: s} for r, s in zip(*columns, strict=True)]
        case (a, b, c):
            return lambda columns: [{a: r, b: s, c: t} for r, s, t in zip(*columns, strict=True)]
        case (a, b, c, d):
            return lambda columns: [{a: r, b: s, c: t, d: u} for r, s, t, u in zip(*columns, strict=True)]
        case (a, b, c, d, e):
            return lambda columns: [{a: r, b: s, c: t, d: u, e: v} for r, s, t, u, v in zip(*columns, strict=True)]
    return lambda columns: [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]


def _gathering(variant: Variant, step: int, plain: Create) -> Create:
    """Put every object that is made into its group."""
    table, name = variant.place.index, variant.type.name
    alone = name if variant.place.type is variant.type else None
    kept = kept_of(variant, step)
    brought = variant.brought.get(step, Brought())
    if "__typename" not in kept:
        raise NotCompiled("objects without a type")
    telling = telling_of(variant, brought, kept)
    if telling is None:
        return _gathering_each(table, name, alone, kept, plain)

    def create_shared(raws: Column, tables: Tables) -> Column:
        groups, keys = tables[table], _keys(raws, alone, telling)
        # The first of those that are equal stands for them, in the order in which they are met from above.
        firsts: dict[Any, Any] = {}
        for key, raw in zip(keys, raws, strict=True):
            if key not in firsts:
                firsts[key] = raw
        new = [key for key in firsts if key not in groups]
        if new:
            found = [firsts[key] for key in new]
            for key, raw, made in zip(new, found, plain(found, tables), strict=True):
                groups[key] = Group(name, {each: raw[each] for each in kept}, [made])
        for key in firsts:
            firsts[key] = groups[key].objects[0]
        return [firsts[key] for key in keys]

    return create_shared


def _gathering_each(table: int, name: str, alone: str | None, kept: tuple[str, ...], plain: Create) -> Create:
    def create(raws: Column, tables: Tables) -> Column:
        # The groups stand in the order in which their first object is met from above, as representations do.
        groups, made = tables[table], plain(raws, tables)
        for key, raw, one in zip(_keys(raws, alone, kept), raws, made, strict=True):
            group = groups.get(key)
            if group is None:
                group = groups[key] = Group(name, {each: raw[each] for each in kept})
            group.objects.append(one)
        return made

    return create


def _keys(raws: Column, alone: str | None, telling: tuple[str, ...]) -> list[Any]:
    """Return for each object what tells it from others of its place; `alone` is the one type that stands there."""
    columns = []
    for each in telling:
        column = [raw[each] for raw in raws]
        if set(map(type, column)) != _STRINGS:
            # To Python 1, 1.0 and true are equal; and there are values that no dictionary takes as a key.
            return [orjson.dumps([raw[one] for one in telling]) for raw in raws]
        if each != "__typename" or column.count(alone) != len(column):
            columns.append(column)
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True)) or [()] * len(raws)


def telling_of(variant: Variant, brought: Brought, kept: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the keys by which equal objects are told, when sharing one object of the answer is safe."""
    if brought.below or len(variant.brought) < 2:
        return None
    keys = dict.fromkeys((*kept, *(selected.stored for selected in brought.leaves)))
    return tuple(keys) if len(keys) > 1 else None


def kept_of(variant: Variant, step: int) -> tuple[str, ...]:
    """Return the keys of what a fetch brings that representations are made of."""
    return tuple(key for key, bringers in variant.kept.items() if step in bringers)


def _type_of(selected: Selected) -> GraphQLOutputType:
    if selected.type is None:
        raise NotCompiled("a meta field")
    return selected.type


def _leaf(selected: Selected) -> Callable[[Column], Column]:
    """Return what checks the values of a field all at once; it gives the same list back where they are right as they are."""
    inner, nullable = bare(_type_of(selected))
    if isinstance(inner, GraphQLList):
        return _each(_leaf_list(inner, selected.leaf, nullable=nullable))
    check = _each(_leaf_check(selected.leaf, nullable=nullable))
    if inner.name == "Int":
        return _integers(check)
    python_type = _PYTHON_TYPES.get(inner.name)
    if python_type is None:
        return check
    right = frozenset({python_type, _NULL}) if nullable else frozenset({python_type})

    def column(values: Column) -> Column:
        return values if right.issuperset(map(type, values)) else check(values)

    return column


def _each(check: Check) -> Callable[[Column], Column]:
    return lambda values: list(map(check, values))


def _integers(check: Callable[[Column], Column]) -> Callable[[Column], Column]:
    """Look at integers all at once: an Int has a range."""

    def column(values: Column) -> Column:
        if set(map(type, values)) == {int} and min(values) >= _LEAST_INT and max(values) <= _LARGEST_INT:
            return values
        return check(values)

    return column


def bare(of: GraphQLOutputType) -> tuple[Any, bool]:
    """Return a type without its exclamation mark, and whether it had none."""
    return (of.of_type, False) if isinstance(of, GraphQLNonNull) else (of, True)


# An enum's values are strings, but not every string is one of them.
_PYTHON_TYPES: Mapping[str, type] = {"String": str, "ID": str, "Boolean": bool, "Float": float}


def _leaf_check(leaf: Leaf, *, nullable: bool) -> Check:
    def check(value: Any) -> Any:
        if value is None:
            if nullable:
                return None
            raise Unfit
        done = leaf(value)
        # A scalar of somebody's own may be any JSON. What could be too deep to be written is the general executor's to judge.
        if done is UNFIT or (done.__class__ in (dict, list) and depth(done) > _SURELY_SHALLOW):
            raise Unfit
        return done

    return check


def _leaf_list(of: GraphQLList[Any], leaf: Leaf, *, nullable: bool) -> Check:
    inner, inner_nullable = bare(of.of_type)
    each = (
        _leaf_list(inner, leaf, nullable=inner_nullable)
        if isinstance(inner, GraphQLList)
        else _leaf_check(leaf, nullable=inner_nullable)
    )

    def check(value: Any) -> Any:
        if value.__class__ is list:
            return [each(item) for item in value]
        if value is None and nullable:
            return None
        raise Unfit

    return check


def _completed(of: GraphQLOutputType, create: Create) -> Complete:
    """Return what completes a field whose value is an object, or lists of them."""
    inner, nullable = bare(of)
    if isinstance(inner, GraphQLList):
        return _unless_null(_completed_lists(_completed(inner.of_type, create)), _LISTS, nullable=nullable)
    return _unless_null(create, _OBJECTS, nullable=nullable)


def _unless_null(complete: Complete, right: frozenset[type], *, nullable: bool) -> Complete:
    """Complete what is there; nulls stay where they are, if they may be there."""
    with_nulls = right | {_NULL}

    def completed(values: Column, tables: Tables) -> Column:
        kinds = set(map(type, values))
        if kinds == right:
            return complete(values, tables)
        if not nullable or not kinds <= with_nulls:
            if kinds:
                raise Unfit
            return values
        there = [value for value in values if value is not None]
        return _with_nulls(values, complete(there, tables)) if there else values

    return completed


def _with_nulls(values: Column, made: Iterable[Any]) -> Column:
    following = iter(made)
    return [None if value is None else next(following) for value in values]


def _completed_lists(complete: Complete) -> Complete:
    """Complete the items of all lists at once, and give each list its own again."""

    def completed(lists: Column, tables: Tables) -> Column:
        items = list(chain.from_iterable(lists))
        following = iter(complete(items, tables))
        return [list(islice(following, length)) for length in map(len, lists)]

    return completed
