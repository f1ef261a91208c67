"""Rubbish at every place of every command, nested ones and lists, too: a refusal that names a field, and never a fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_input_object_type,
)

from subgraphs.kit.graph import sdl
from subgraphs.kit.module import load
from tests.subgraphs.crm.asking import company, person, place

RUBBISH: dict[str, tuple[Any, ...]] = {
    "ID": ("123", "a\x00b", str(uuid4())),
    "Int": (-(2**31), 2**31 - 1),
    "Decimal": ("NaN", "1e40", "99999999999999999999"),
    "Date": ("0001-01-01", "9999-12-31"),
    "DateTime": ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-01-05T08:00:00"),
    "String": ("a\x00b", "x" * 30_000),
    "JSON": ({"a\x00": "b\x00"},),
}
PLAIN: dict[str, Any] = {
    "Int": 1, "Decimal": "1", "Date": "2026-04-01", "DateTime": "2026-01-05T08:00:00Z", "Boolean": False, "JSON": {},
    "String": "Plain",
}  # fmt: skip
SKIPPED = frozenset({"clientMutationId", "dryRun"})
AT_ONCE = 40


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    text = sdl(load("crm"))
    return build_schema(text, assume_valid=True, assume_valid_sdl=True)


@pytest.fixture(scope="module")
async def known(crm):
    customer = await company(crm, "Rubbish AG")
    site, contact = await place(crm, customer), await person(crm, customer)
    found = {"customerId": customer["id"], "siteId": site["id"], "contactId": contact["id"]}
    whose = {"customerId": customer["id"], "title": "Plain"}
    things = {
        "contract": {**whose, "type": "FLAT_RATE", "startDate": "2026-01-01"},
        "opportunity": whose,
        "quote": {**whose, "validUntil": "2026-12-31", "lines": [{"description": "x", "unitPrice": "1"}]},
    }
    for thing, given in things.items():
        name = thing.capitalize()
        text = f"mutation($i: Create{name}Input!) {{ create{name}(input: $i) {{ {thing} {{ id }} }} }}"
        found[f"{thing}Id"] = (await crm.data(text, i=given))[f"create{name}"][thing]["id"]
    return found


def _plain(kind: GraphQLInputType, name: str, known: dict[str, str]) -> Any:
    """A value that makes sense here."""
    inner = get_nullable_type(kind)
    if isinstance(inner, GraphQLList):
        return [_plain(inner.of_type, name, known)]
    if is_input_object_type(inner):
        return _filled(inner, known)
    if is_enum_type(inner):
        return next(iter(inner.values))
    if inner.name == "ID":
        return known.get(name) or known["customerId"]
    return PLAIN[inner.name]


def _filled(kind: GraphQLInputObjectType, known: dict[str, str]) -> dict[str, Any]:
    needed = {name for name, one in kind.fields.items() if isinstance(one.type, GraphQLNonNull)}
    return {name: _plain(one.type, name, known) for name, one in kind.fields.items() if name in needed - SKIPPED}


def _spoilt(kind: GraphQLInputType, name: str, known: dict[str, str]) -> Iterator[Any]:
    """Values of this type that are rubbish in one place."""
    inner = get_nullable_type(kind)
    if isinstance(inner, GraphQLList):
        yield from ([one] for one in _spoilt(inner.of_type, name, known))
    elif is_input_object_type(inner):
        for at, field in inner.fields.items():
            if at not in SKIPPED:
                yield from (_filled(inner, known) | {at: one} for one in _spoilt(field.type, at, known))
    elif not is_enum_type(inner):
        yield from RUBBISH.get(inner.name, ())


def _attempts(schema: GraphQLSchema, known: dict[str, str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    assert schema.mutation_type is not None
    for command, field in schema.mutation_type.fields.items():
        kind = get_named_type(field.args["input"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        own = next((known[name] for name in known if command.lower().endswith(name[:-2].lower())), None)
        for given in _spoilt(kind, "input", known | {"id": own or known["contractId"]}):
            yield command, kind.name, given


async def test_rubbish_is_refused_wherever_it_stands(crm, schema, known):
    """Each is tried by a dry run, so that nothing is left; many in one request, each in a transaction of its own."""
    attempts = list(_attempts(schema, known))
    faults: list[tuple[Any, ...]] = []
    for start in range(0, len(attempts), AT_ONCE):
        some = attempts[start : start + AT_ONCE]
        asked = ", ".join(f"$i{at}: {kind}!" for at, (_, kind, _) in enumerate(some))
        fields = " ".join(
            f"c{at}: {command}(input: $i{at}) {{ errors {{ code field }} }}" for at, (command, _, _) in enumerate(some)
        )
        variables = {f"i{at}": given | {"dryRun": True} for at, (_, _, given) in enumerate(some)}
        answer = await crm.ask(f"mutation({asked}) {{ {fields} }}", **variables)
        found = answer.get("errors", [])
        assert all("path" in one for one in found), found  # every value is one that its scalar lets through
        faults += [(*some[int(one["path"][0][1:])][::2], one["message"]) for one in found]
    assert [f"{command}: {given}" for command, given, _ in faults] == []
