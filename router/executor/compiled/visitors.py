"""Visits the objects of a subgraph's answer, each of them once: checked, in the client's order, and ready to be written.

What a visitor is for was found out before (`places`); here are only the loops that run for each request, and so they
are written for speed: closures over tuples, one dictionary per object, no function call for a value that has the
expected Python type. What they assume they check. Whatever is not as assumed (a null where none may stand, a value of
another type, a field that is missing) raises `Unfit`, and the general executor answers the request from the same answers.

    create   makes an object of the answer from an object of a subgraph, all of the client's keys in it, in order
    fill     adds what an entity fetch brought to objects that another fetch created

Objects at which entity fetches start are gathered in groups: those that agree in everything that any representation
there needs. One group is one question to each of these fetches, and one answer for all its objects. Where an object has
nothing but leaves, all of them part of what tells the groups apart, its whole group shares one object of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import orjson
from graphql import GraphQLList, GraphQLNonNull, GraphQLOutputType, is_object_type

from router.executor.compiled.places import Brought, NotCompiled, Place, Variant
from router.executor.nesting import depth
from router.executor.projection import UNFIT, Leaf, Selected

Json = dict[str, Any]
Tables = list[dict[Any, "Group"]]
Create = Callable[[Any, Tables], Json]
Fill = Callable[[Any, "Group", Tables], None]
Complete = Callable[[Any, Tables], Any]
Check = Callable[[Any], Any]


_SURELY_SHALLOW: Final = 50


class Unfit(Exception):
    """An answer is not what the fast path assumes; the general executor will say whose fault it is."""


@dataclass(slots=True)
class Group:
    """Objects of one place that every entity fetch there answers alike; `known` is what representations are made of."""

    variant: str
    known: Json
    objects: list[Json] = field(default_factory=list)


def no_tables(places: int) -> Tables:
    """Make the empty tables of one run, one for each place."""
    return [{} for _ in range(places)]


class Visitors:
    """Builds visitors and keeps them: the same place and fetch always have the same."""

    def __init__(self) -> None:
        self._create: dict[tuple[int, int], Create] = {}

    def fill(self, variant: Variant, step: int) -> Fill:
        """Return what adds the answer of a fetch to a group of objects of this variant."""
        leaves, below = self._fields(variant, step)
        kept = _kept(variant, step)
        check_type = variant.place.type is not variant.type and "__typename" in variant.brought[step].keys
        name = variant.type.name

        def fill(raw: Any, group: Group, tables: Tables) -> None:
            if raw.__class__ is not dict or (check_type and raw["__typename"] != name):
                raise Unfit
            part: Json = {}
            for stored, key, python_type, check in leaves:
                value = raw[stored]
                part[key] = value if value.__class__ is python_type else check(value)
            for stored, key, complete in below:
                part[key] = complete(raw[stored], tables)
            for key in kept:
                group.known[key] = raw[key]
            for each in group.objects:
                each.update(part)

        return fill

    def create(self, place: Place, step: int) -> Create:
        """Return what makes an object of the answer, whatever its type."""
        known = self._create.get((place.index, step))
        if known is None:
            known = self._create[place.index, step] = self._new_create(place, step)
        return known

    def _new_create(self, place: Place, step: int) -> Create:
        if is_object_type(place.type):
            return self._create_variant(place.variants[place.type.name], step)
        by_name = {name: self._create_variant(variant, step) for name, variant in place.variants.items()}

        def create(raw: Any, tables: Tables) -> Json:
            if raw.__class__ is not dict:
                raise Unfit
            return by_name[raw["__typename"]](raw, tables)

        return create

    def _create_variant(self, variant: Variant, step: int) -> Create:
        if not variant.possible:
            return _impossible
        plain = self._plain(variant, step)
        if not variant.place.is_target or not variant.kept:
            return plain
        return _gathering(variant, step, plain)

    def _plain(self, variant: Variant, step: int) -> Create:
        template = blank(variant)
        leaves, below = self._fields(variant, step)

        def create(raw: Any, tables: Tables) -> Json:
            if raw.__class__ is not dict:
                raise Unfit
            made = template.copy()
            for stored, key, python_type, check in leaves:
                value = raw[stored]
                made[key] = value if value.__class__ is python_type else check(value)
            for stored, key, complete in below:
                made[key] = complete(raw[stored], tables)
            return made

        def create_leaves(raw: Any, _tables: Tables) -> Json:
            if raw.__class__ is not dict:
                raise Unfit
            made = template.copy()
            for stored, key, python_type, check in leaves:
                value = raw[stored]
                made[key] = value if value.__class__ is python_type else check(value)
            return made

        return create if below else create_leaves

    def _fields(
        self, variant: Variant, step: int
    ) -> tuple[tuple[tuple[str, str, type, Check], ...], tuple[tuple[str, str, Complete], ...]]:
        brought = variant.brought.get(step, Brought())
        leaves = tuple((selected.stored, selected.key, *_leaf(selected)) for selected in brought.leaves)
        below = tuple(
            (selected.stored, selected.key, _completed(_type_of(selected), self.create(place, step)))
            for selected, place in brought.below
        )
        return leaves, below


def _impossible(_raw: Any, _tables: Tables) -> Json:
    raise Unfit


def blank(variant: Variant) -> Json:
    """Return an object with all of the client's keys in order; `__typename` is known already."""
    return {selected.key: variant.type.name if selected.name == "__typename" else None for selected in variant.fields}


def _gathering(variant: Variant, step: int, plain: Create) -> Create:
    """Put every object that is made into its group."""
    table, name = variant.place.index, variant.type.name
    kept = _kept(variant, step)
    brought = variant.brought.get(step, Brought())
    if "__typename" not in kept:
        raise NotCompiled("objects without a type")
    telling = _telling(variant, brought, kept)
    if telling is None:
        return _gathering_each(table, name, kept, plain)
    tell = itemgetter(*telling)

    def create_shared(raw: Any, tables: Tables) -> Json:
        if raw.__class__ is not dict:
            raise Unfit
        key = tell(raw)
        try:
            group = tables[table].get(key)
        except TypeError:  # a value that no dictionary takes as a key
            key = orjson.dumps(key)
            group = tables[table].get(key)
        if group is not None:
            return group.objects[0]
        made = plain(raw, tables)
        tables[table][key] = Group(name, {each: raw[each] for each in kept}, [made])
        return made

    return create_shared


def _gathering_each(table: int, name: str, kept: tuple[str, ...], plain: Create) -> Create:
    def create(raw: Any, tables: Tables) -> Json:
        # The groups stand in the order in which their first object is met from above, as representations do.
        if raw.__class__ is not dict:
            raise Unfit
        known = {each: raw[each] for each in kept}
        key = orjson.dumps(known)
        group = tables[table].get(key)
        if group is None:
            group = tables[table][key] = Group(name, known)
        made = plain(raw, tables)
        group.objects.append(made)
        return made

    return create


def _telling(variant: Variant, brought: Brought, kept: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the keys by which equal objects are told, when sharing one object of the answer is safe."""
    if brought.below or len(variant.brought) < 2:
        return None
    keys = dict.fromkeys((*kept, *(selected.stored for selected in brought.leaves)))
    return tuple(keys) if len(keys) > 1 else None


def _kept(variant: Variant, step: int) -> tuple[str, ...]:
    return tuple(key for key, bringers in variant.kept.items() if step in bringers)


def _type_of(selected: Selected) -> GraphQLOutputType:
    if selected.type is None:
        raise NotCompiled("a meta field")
    return selected.type


def _leaf(selected: Selected) -> tuple[type, Check]:
    """Return the Python type that needs no further look, and what looks at all others."""
    inner, nullable = _bare(_type_of(selected))
    if isinstance(inner, GraphQLList):
        return _Never, _leaf_list(inner, selected.leaf, nullable=nullable)
    return _PYTHON_TYPES.get(inner.name, _Never), _leaf_check(selected.leaf, nullable=nullable)


def _bare(of: GraphQLOutputType) -> tuple[Any, bool]:
    """Return a type without its exclamation mark, and whether it had none."""
    return (of.of_type, False) if isinstance(of, GraphQLNonNull) else (of, True)


class _Never:
    """The type of no value: every value is checked."""


# Int is not here: it has a range. An enum's values are strings, but not every string is one of them.
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
    inner, inner_nullable = _bare(of.of_type)
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
    inner, nullable = _bare(of)
    if isinstance(inner, GraphQLList):
        return _completed_list(inner, create, nullable=nullable)

    def complete(value: Any, tables: Tables) -> Any:
        if value is None:
            if nullable:
                return None
            raise Unfit
        return create(value, tables)

    return complete


def _completed_list(of: GraphQLList[Any], create: Create, *, nullable: bool) -> Complete:
    item, item_nullable = _bare(of.of_type)
    if isinstance(item, GraphQLList):
        return _completed_lists(_completed(of.of_type, create), nullable=nullable)

    def complete(value: Any, tables: Tables) -> Any:
        if value.__class__ is list:
            if item_nullable:
                return [None if each is None else create(each, tables) for each in value]
            return [create(each, tables) for each in value]
        if value is None and nullable:
            return None
        raise Unfit

    return complete


def _completed_lists(each: Complete, *, nullable: bool) -> Complete:
    def complete(value: Any, tables: Tables) -> Any:
        if value.__class__ is list:
            return [each(item, tables) for item in value]
        if value is None and nullable:
            return None
        raise Unfit

    return complete
