"""Reads answers straight into what the client gets: all that the schema demands is checked while the bytes are read.

For each place of the operation (`places`) there is a class of records. Its fields are the client's, in the client's order and
under the client's names, and each has the type that the schema gives it:

    users { name reviews { stars product { upc price } } }

    User     name: str | None       reviews: list[Review | None] | None
    Review   stars: int (32 bits)   product: Product | None
    Product  upc: str               price: nothing yet, another service brings it

From such classes msgspec makes a decoder that is one loop in C: there is no dictionary in between, nothing is looked at twice, and
what comes out is what is written in the end. What is left for Python is what the services have to be asked next:

    bytes ──► records ──► find the entities (walk down to them, and nowhere else)
                              │  same key: one group; a group of mere leaves is one record, which all of them share
                              ▼
              bytes ──► records of entities ──► their fields are set in the records of the group ──► … ──► bytes

What an answer holds again and again is read and written once (`folding`).

An answer with anything that was not asked for, without something that was, or with a value of another type is not read at all:
`Unfit`, and the general executor answers the request from the same bytes. So a reading may be stricter than the schema (an `ID`
that is a number is right, and unfit); it is never laxer. Where that happens half of the time, or a place holds several types, the
visitors (`visitors`) do the same with objects as they come. Making the classes takes longer than a few requests save, so
only operations that come again have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, Union

import msgspec
import orjson
from graphql import GraphQLEnumType, GraphQLList, GraphQLOutputType, get_named_type, is_object_type
from msgspec import UNSET, Meta, Raw, Struct

from router.executor.compiled.folding import Folds, Tally, unfolding
from router.executor.compiled.places import Brought, Place, Variant
from router.executor.compiled.visitors import Column, Group, Tables, bare, kept_of, telling_of
from router.executor.projection import Selected

FREQUENT: Final = 8
"""An operation that ran so often gets classes of its own."""
_MOST_RECORDS: Final = 100
_ENTITIES: Final = "_entities"
_STRINGS: Final = frozenset({str})
_TYPENAME: Final = "__typename"

# What a decoder may read without doing anything to it: orjson and msgspec agree on whole numbers of 64 bits, and on all others.
_WHOLE = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_SCALARS: Final[Mapping[str, Any]] = {
    "String": str,
    "ID": str,
    "Boolean": bool,
    "Int": Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)],
    "Float": Union[_WHOLE, float],  # noqa: UP007 - an annotation is not a class
}
_ANY_SCALAR: Final = Union[str, _WHOLE, float, bool, None]  # noqa: UP007 - as above
"""A scalar of somebody's own, but for objects and lists."""
_NOTHING: Final = Annotated[int, Meta(ge=1, le=0)]
"""What another fetch brings: no value is one of these."""

Gather = Callable[[Column, Tables], None]
"""Puts the entities below some records into their groups."""
Take = Callable[[Column, Sequence[Sequence[Group]], Tables], None]
"""Adds records of entities to groups, each to those at its own index."""


class NotTyped(Exception):
    """This plan needs the visitors; the message says what for."""


class _Answer(Struct, gc=False):
    """What the decoders of all fetches have in common."""

    errors: Any = None
    extensions: Any = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How the answers of one fetch are read."""

    record: type[Struct]
    """What it brings, of one entity or of the root."""
    decoder: msgspec.json.Decoder[Any]
    """Reads the answer to this fetch alone."""
    take: Take


@dataclass(slots=True)
class Typed:
    """The readings of a program by the number of the fetch; `unfit` counts how often one had to hand over, as against `ran`."""

    root: type[Struct]
    readings: Sequence[Reading]
    folds: Folds
    ran: int = 0
    unfit: int = 0
    _several: dict[tuple[int | None, ...], msgspec.json.Decoder[Any]] = field(default_factory=dict)

    @property
    def worthwhile(self) -> bool:
        """Whether it still is quicker to try."""
        return self.unfit < 8 or self.unfit * 2 < self.ran

    def several(self, numbers: tuple[int | None, ...]) -> msgspec.json.Decoder[Any]:
        """Return what reads an answer with several lists of entities (`_e0` …); None is one to be passed over."""
        decoder = self._several.get(numbers)
        if decoder is None:
            lists = [
                (f"_e{place}", msgspec.Raw if number is None else _list(self.readings[number].record))
                for place, number in enumerate(numbers)
            ]
            decoder = self._several[numbers] = _decoder(_record("Several", lists))
        return decoder


def typed(root: Variant, fetches: Sequence[tuple[Sequence[Variant], int, bool]], folds: Folds | None = None) -> Typed:
    """Make the readings of a program: of each fetch its variants, its step, and whether it asks for entities.

    Raises `NotTyped`.
    """
    folds = folds or Folds()
    records = _Records(folds)
    readings: list[Reading] = []
    match fetches:
        case [(_, step, False)]:  # one that brings everything: what is read is what is written
            record = records.whole(root, step)
            return Typed(record, [Reading(record, _decoder(record), _take_nothing)], folds)
    for variants, step, is_entities in fetches:
        if len(variants) != 1:
            raise NotTyped("entities of several types")
        variant = variants[0]
        record, decoder = records.brought(variant, step, is_entities=is_entities)
        readings.append(Reading(record, decoder, records.take(variant, step)))
    return Typed(records.whole(root, root.place.creator), readings, folds)


def _take_nothing(_records: Column, _groups: Sequence[Sequence[Group]], _tables: Tables) -> None:
    """Take what is there already."""


class _Records:
    """Makes the classes, and what is to be done with their records."""

    def __init__(self, folds: Folds) -> None:
        self._folds = folds
        self._wholes: dict[int, type[Struct]] = {}
        self._alike: dict[tuple[Any, ...], tuple[type[Struct], msgspec.json.Decoder[Any]]] = {}
        self._takes: dict[tuple[Any, ...], Take] = {}

    def whole(self, variant: Variant, step: int | None) -> type[Struct]:
        """Return the class of a place: all of the client's fields, of which `step` brings some."""
        known = self._wholes.get(variant.place.index)
        if known is None:
            if len(self._wholes) >= _MOST_RECORDS:
                raise NotTyped("too many places")
            fields = self._fields(variant, step, is_whole=True)
            known = self._wholes[variant.place.index] = _record(variant.type.name, fields)
        return known

    def brought(
        self, variant: Variant, step: int, *, is_entities: bool
    ) -> tuple[type[Struct], msgspec.json.Decoder[Any]]:
        """Return the class of what a fetch brings to objects that are there, and what reads answers of such.

        Where that is nothing but leaves it's the same for all that bring the same: an answer for several is read once.
        """
        fields, name = self._fields(variant, step, is_whole=False), variant.type.name
        own = (variant.place.index, step) if _has_below(variant, step) else None
        key = name, is_entities, own, *map(repr, fields)
        known = self._alike.get(key)
        if known is None:
            record = _record(name, fields)
            data = _record("Data", [(_ENTITIES, _list(record))]) if is_entities else record
            known = self._alike[key] = record, _decoder(data)
        return known

    def _fields(self, variant: Variant, step: int | None, *, is_whole: bool) -> list[tuple[Any, ...]]:
        brought = variant.brought.get(step, Brought()) if step is not None else Brought()
        types: dict[str, Any] = {selected.key: _type(selected, _leaf(selected)) for selected in brought.leaves}
        for selected, place in brought.below:
            record = self.whole(_only(place), step)
            types[selected.key] = Raw if place.index in self._folds.places else _type(selected, record)
        own_type = Literal[variant.type.name]  # type: ignore[name-defined]
        fields: list[tuple[Any, ...]] = []
        for selected in variant.fields:
            if selected.key != selected.stored:
                raise NotTyped("a field that the data have under another name")
            if selected.key in types:
                fields.append((selected.key, types[selected.key]))
            elif selected.name == _TYPENAME:
                fields.append((selected.key, own_type, variant.type.name))
            elif is_whole:
                fields.append((selected.key, _NOTHING, None))
        hidden = _hidden(variant, brought)
        if hidden and is_whole and not variant.place.is_target:
            raise NotTyped("a value object of which something is only asked for by the plan")
        return fields + [(key, own_type if key == _TYPENAME else Any) for key in hidden]

    def take(self, variant: Variant, step: int) -> Take:
        """Return what adds the records of a fetch to groups; the same for all that move nothing but the same leaves."""
        brought = variant.brought.get(step, Brought())
        gather = self.gather(variant, step)
        keys = [selected.key for selected in (*brought.leaves, *(selected for selected, _ in brought.below))]
        kept_keys = [key for key in kept_of(variant, step) if key != _TYPENAME]
        own = None if gather is None else (variant.place.index, step)
        moved = [(_named(key), attrgetter(_named(key))) for key in keys]
        kept = [(key, attrgetter(_named(key))) for key in kept_keys]

        def take(records: Column, groups: Sequence[Sequence[Group]], tables: Tables) -> None:
            if gather is not None:
                gather(records, tables)
            for name, get in moved:
                for value, same in zip(map(get, records), groups, strict=True):
                    for group in same:
                        for each in group.objects:
                            setattr(each, name, value)
            for key, get in kept:
                for value, same in zip(map(get, records), groups, strict=True):
                    for group in same:
                        group.known[key] = value

        return self._takes.setdefault((own, tuple(keys), tuple(kept_keys)), take)

    def gather(self, variant: Variant, step: int) -> Gather | None:
        """Return what finds the entities below records of this variant; None where there are none."""
        below = variant.brought.get(step, Brought()).below
        ways = [way for selected, place in below if (way := self._way(selected, place, step))]
        if len(ways) < 2:
            return ways[0] if ways else None

        def gather(records: Column, tables: Tables) -> None:
            for way in ways:
                way(records, tables)

        return gather

    def _way(self, selected: Selected, place: Place, step: int) -> Gather | None:
        variant, deep = _only(place), _lists(selected)
        below = self.gather(variant, step)
        grouped = _Grouped.of(variant, step) if place.is_target and variant.kept else None
        name = _named(selected.key)
        get = attrgetter(name)
        if grouped is not None and grouped.shares and not deep:
            return grouped.sharing(name, get)
        if below is None and grouped is None:
            return None
        find = _found(get, deep)
        if grouped is not None and _has_below(variant, step) and not deep:
            tally = self._folds.tally(place.index)
            if place.index in self._folds.places:
                nullable = bare(_type_of(selected))[1]
                find = unfolding(name, get, self.whole(variant, step), tally, nullable=nullable)
            else:
                grouped = replace(grouped, tally=tally)

        def way(records: Column, tables: Tables) -> None:
            there = find(records, tables)
            if below is not None and there:
                below(there, tables)
            if grouped is not None and there:
                grouped.gather(there, tables)

        return way


def _found(get: Callable[[Any], Any], deep: int) -> Callable[[Column, Tables], Column]:
    """Return what finds the records that others hold, in so many lists."""

    def find(records: Column, _tables: Tables) -> Column:
        found: Iterable[Any] = map(get, records)
        for _ in range(deep):
            found = chain.from_iterable(filter(None, found))
        return list(filter(None, found))

    return find


@dataclass(frozen=True, slots=True)
class _Grouped:
    """A place where entity fetches start: what tells its records apart, and what representations are made of."""

    table: int
    name: str
    telling: tuple[Callable[[Any], Any], ...]
    kept: tuple[tuple[str, Callable[[Any], Any]], ...]
    hidden: tuple[str, ...]
    """What the client did not ask for: it is taken out of the record when the plan has it."""
    shares: bool
    tally: Tally | None = None
    """Where it is counted how often the same is gathered, if anybody wants to know."""

    @staticmethod
    def of(variant: Variant, step: int) -> _Grouped:
        """Return that of a place; `step` makes its objects."""
        brought, kept = variant.brought.get(step, Brought()), kept_of(variant, step)
        if not {selected.key for selected, _ in brought.below}.isdisjoint(kept):
            raise NotTyped("a key made of objects that the client gets")
        telling = telling_of(variant, brought, kept)
        # Everybody here is of one type: its decoder has seen to it.
        getters = {key: attrgetter(_named(key)) for key in (*kept, *(telling or ())) if key != _TYPENAME}
        return _Grouped(
            variant.place.index,
            variant.type.name,
            tuple(getters[key] for key in telling or kept if key != _TYPENAME),
            tuple((key, getters[key]) for key in kept if key != _TYPENAME),
            tuple(map(_named, _hidden(variant, brought))),
            telling is not None,
        )

    def gather(self, records: Column, tables: Tables) -> None:
        """Put records into their groups."""
        groups = tables[self.table]
        before = len(groups)
        for key, record in zip(self._keys(records), records, strict=True):
            group = groups.get(key)
            if group is None:
                groups[key] = self._group(record)
            else:
                group.objects.append(record)
                self._hide(record)
        if self.tally is not None:
            self.tally.seen += len(records)
            self.tally.distinct += len(groups) - before

    def sharing(self, name: str, get: Callable[[Any], Any]) -> Gather:
        """Return what lets all records that hold equal ones under `name` hold the same one."""
        table = self.table

        def gather(owners: Column, tables: Tables) -> None:
            records = list(map(get, owners))
            if not all(records):
                owners = [owner for owner, record in zip(owners, records, strict=True) if record is not None]
                records = list(filter(None, records))
            groups = tables[table]
            for owner, record, key in zip(owners, records, self._keys(records), strict=True):
                group = groups.get(key)
                if group is None:
                    groups[key] = self._group(record)
                else:
                    setattr(owner, name, group.objects[0])

        return gather

    def _group(self, record: Any) -> Group:
        known = {_TYPENAME: self.name}
        for key, get in self.kept:
            known[key] = get(record)
        self._hide(record)
        return Group(self.name, known, [record])

    def _hide(self, record: Any) -> None:
        for name in self.hidden:
            setattr(record, name, UNSET)

    def _keys(self, records: Column) -> Sequence[Any]:
        columns = [list(map(get, records)) for get in self.telling]
        if any(set(map(type, column)) != _STRINGS for column in columns):
            # To Python 1, 1.0 and true are equal; and there are values that no dictionary takes as a key.
            return [orjson.dumps(row) for row in zip(*columns, strict=True)]
        return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True)) or [()] * len(records)


def _has_below(variant: Variant, step: int) -> bool:
    return step in variant.brought and bool(variant.brought[step].below)


def _hidden(variant: Variant, brought: Brought) -> list[str]:
    """Return what a fetch brings that the client did not ask for."""
    return sorted(brought.keys - {selected.stored for selected in variant.fields})


def _only(place: Place) -> Variant:
    if not is_object_type(place.type):
        raise NotTyped("a place of several types")
    return place.variants[place.type.name]


def _type(selected: Selected, named: Any) -> Any:
    """Return the type of a field whose values are, or whose lists hold, values of `named`."""
    return _wrapped(_type_of(selected), named)


def _type_of(selected: Selected) -> GraphQLOutputType:
    if selected.type is None:
        raise NotTyped("a meta field")
    return selected.type


def _wrapped(of: GraphQLOutputType, named: Any) -> Any:
    inner, nullable = bare(of)
    one: Any = _list(_wrapped(inner.of_type, named)) if isinstance(inner, GraphQLList) else named
    return one | None if nullable else one


def _list(of: Any) -> Any:
    return list[of]


def _leaf(selected: Selected) -> Any:
    of: Any = get_named_type(selected.type)
    if isinstance(of, GraphQLEnumType):
        return Literal[tuple(of.values)]
    return _SCALARS.get(of.name, _ANY_SCALAR)


def _lists(selected: Selected) -> int:
    """Return in how many lists the objects of a field lie."""
    of, deep = bare(_type_of(selected))[0], 0
    while isinstance(of, GraphQLList):
        of, deep = bare(of.of_type)[0], deep + 1
    return deep


def _named(key: str) -> str:
    """Return the attribute that holds a key: not every name of GraphQL is one that Python takes."""
    return f"v_{key}"


def _record(name: str, fields: Iterable[tuple[Any, ...]]) -> type[Struct]:
    """Make a class; a field is its key, its type, and what it holds if it's missing, unless it must not be."""
    made = [
        (_named(key), of, msgspec.field(name=key, default=default[0]) if default else msgspec.field(name=key))
        for key, of, *default in fields
    ]
    return msgspec.defstruct(name, made, kw_only=True, gc=False, eq=False, forbid_unknown_fields=True)


def _decoder(data: type[Struct]) -> msgspec.json.Decoder[Any]:
    answer = msgspec.defstruct("Answer", [("data", data)], bases=(_Answer,), kw_only=True, gc=False)
    return msgspec.json.Decoder(answer)
