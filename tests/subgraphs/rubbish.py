"""Rubbish at every place of every command of a module, nested ones and lists, too: how it is made, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
)

from subgraphs.kit.graph import sdl
from subgraphs.kit.module import load

RUBBISH: dict[str, tuple[Any, ...]] = {
    "ID": ("123", "a\x00b", str(uuid4())),
    "Int": (-(2**31), 2**31 - 1),
    "Decimal": ("NaN", "1e40", "-99999999999999999999"),
    "Date": ("0001-01-01", "9999-12-31"),
    "DateTime": ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
    "String": ("a\x00b", "", "x" * 30_000),
    "JSON": ({"a\x00": "b\x00"},),
}
PLAIN: dict[str, Any] = {
    "Int": 1, "Decimal": "1", "Date": "2026-04-01", "DateTime": "2026-01-05T08:00:00Z", "Boolean": False, "JSON": {},
    "String": "Plain",
}  # fmt: skip
SKIPPED = frozenset({"clientMutationId", "dryRun"})
AT_ONCE = 40

Values = Mapping[str, Any]
"""What makes sense at a place: by command, by the name of the field, or by both with a dot between."""


def _plain(kind: GraphQLInputType, name: str, known: Values) -> Any:
    """A value that makes sense here."""
    inner = get_nullable_type(kind)
    if isinstance(inner, GraphQLList):
        return known[name] if isinstance(known.get(name), list) else [_plain(inner.of_type, name, known)]
    if name in known:
        return known[name]
    if is_input_object_type(inner):
        return _filled(inner, known)
    if is_enum_type(inner):
        return next(iter(inner.values))
    return str(uuid4()) if inner.name == "ID" else PLAIN[inner.name]


def _filled(kind: GraphQLInputObjectType, known: Values) -> dict[str, Any]:
    needed = {name for name, one in kind.fields.items() if isinstance(one.type, GraphQLNonNull)}
    return {name: _plain(one.type, name, known) for name, one in kind.fields.items() if name in needed - SKIPPED}


def _spoilt(kind: GraphQLInputType, known: Values) -> Iterator[Any]:
    """Values of this type that are rubbish in one place."""
    inner = get_nullable_type(kind)
    if isinstance(inner, GraphQLList):
        yield from ([one] for one in _spoilt(inner.of_type, known))
    elif is_input_object_type(inner):
        for at, field in inner.fields.items():
            if at not in SKIPPED:
                yield from (_filled(inner, known) | {at: one} for one in _spoilt(field.type, known))
    elif not is_enum_type(inner):
        yield from RUBBISH.get(inner.name, ())


def attempts(module: str, known: Values) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every command with its input type, and an input that is rubbish in one place and right everywhere else."""
    schema = build_schema(sdl(load(module)), assume_valid=True, assume_valid_sdl=True)
    assert schema.mutation_type is not None
    for command, field in schema.mutation_type.fields.items():
        kind = get_named_type(field.args["input"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        own = {name.partition(".")[2]: value for name, value in known.items() if name.startswith(f"{command}.")}
        for given in _spoilt(kind, {**known, **own}):
            yield command, kind.name, given


async def faults(service: Any, module: str, known: Values) -> list[str]:
    """What is no refusal but a fault; each is tried by a dry run, so that nothing is left, many in one request."""
    every = list(attempts(module, known))
    found: list[str] = []
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        asked = ", ".join(f"$i{at}: {kind}!" for at, (_, kind, _) in enumerate(some))
        fields = " ".join(
            f"c{at}: {command}(input: $i{at}) {{ errors {{ code field }} }}" for at, (command, _, _) in enumerate(some)
        )
        variables = {f"i{at}": given | {"dryRun": True} for at, (_, _, given) in enumerate(some)}
        errors = (await service.ask(f"mutation({asked}) {{ {fields} }}", **variables)).get("errors", [])
        assert all("path" in one for one in errors), errors  # every value is one that its scalar lets through
        for one in errors:
            command, _, given = some[int(one["path"][0][1:])]
            found.append(f"{command}: {_short(given)}: {one['message']}")
    return found


def _short(given: Mapping[str, Any]) -> str:
    return str({name: f"{value[:20]}…" if isinstance(value, str) else value for name, value in given.items()})
