"""The house rules: what is true of every module, asked of each; a new module is asked without a line of its own."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
)

from contracts.scopes import PERMISSIONS
from subgraphs import MODULES
from subgraphs.kit import database, graph, migrate, tenancy
from subgraphs.kit.commands import COMMAND
from subgraphs.kit.module import load
from tests.subgraphs.house import staff

ROOT = Path(__file__).parents[2]
FEDERATION = ("_Service", "_Entity", "_Any")

every_module = pytest.mark.parametrize("name", MODULES)


@functools.cache
def types(name: str) -> dict[str, object]:
    """The types of a module's subgraph that are its own."""
    schema = graph.schema(load(name))._schema
    return {key: kind for key, kind in schema.type_map.items() if "__" not in key and key not in FEDERATION}


def fields(name: str):
    """Every field of every object type: `(type, field name, field, whether the type is another module's)`."""
    foreign = {one.__name__ for one in load(name).extends}
    for key, kind in types(name).items():
        if isinstance(kind, GraphQLObjectType):
            for field_name, field in kind.fields.items():
                if not field_name.startswith("_"):
                    yield kind, field_name, field, key in foreign


def is_list_of_objects(kind: object) -> bool:
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    return isinstance(kind, GraphQLList) and is_composite_type(get_named_type(kind))


def test_there_are_modules():
    assert MODULES


@every_module
def test_its_name_is_the_same_word_everywhere(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]

    assert load(name).name == name
    assert name in extras
    assert any(f"psa-platform[{name}" in line or f",{name}" in line for line in extras["local"])
    for contract in project["tool"]["importlinter"]["contracts"]:
        lists = [one for key in ("containers", "modules", "source_modules") for one in contract.get(key, ())]
        if any(one.startswith("subgraphs.tickets") for one in lists):
            assert any(one.startswith(f"subgraphs.{name}") for one in lists), contract["name"]


@every_module
def test_its_sdl_is_the_contract(name):
    assert (ROOT / "contracts" / "graph" / f"{name}.graphql").read_text() == graph.sdl(load(name))


@every_module
def test_everything_that_a_client_sees_is_described(name):
    foreign = {one.__name__ for one in load(name).extends}
    mute = [
        key
        for key, kind in types(name).items()
        if key not in foreign and key in own_words(name) and not kind.description
    ]
    for kind, field_name, field, is_foreign in fields(name):
        if not field.description and not (is_foreign and field_name == "id"):
            mute.append(f"{kind.name}.{field_name}")
    for key, kind in types(name).items():
        members = (
            kind.fields
            if isinstance(kind, GraphQLInputObjectType)
            else kind.values
            if isinstance(kind, GraphQLEnumType)
            else {}
        )
        mute += [f"{key}.{member}" for member, value in members.items() if not value.description]

    assert mute == []


def own_words(name: str) -> set[str]:
    """The types that somebody wrote, in contrast to the specification's scalars and Relay's connections."""
    return {
        key
        for key, kind in types(name).items()
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType | GraphQLEnumType)
    }


@every_module
def test_every_list_of_objects_ends(name):
    endless = [
        f"{kind.name}.{field_name}"
        for kind, field_name, field, _ in fields(name)
        if is_list_of_objects(field.type)
        and not kind.name.endswith(("Connection", "Payload"))
        and not ("limit" in field.args and 1 <= (field.args["limit"].default_value or 0) <= 200)
    ]

    assert endless == []


@every_module
def test_an_outage_of_it_never_empties_what_others_answer(name):
    strict = [
        f"{kind.name}.{field_name}"
        for kind, field_name, field, is_foreign in fields(name)
        if is_foreign and field_name != "id" and isinstance(field.type, GraphQLNonNull)
    ]

    assert strict == []


@every_module
def test_every_mutation_is_a_command_that_can_be_repeated_and_refused(name, record_property):
    mutation = types(name).get("Mutation")
    assert isinstance(mutation, GraphQLObjectType)
    record_property("figure", json.dumps({"module": name, "mutations": len(mutation.fields)}))
    for field_name, field in mutation.fields.items():
        resolver = field.extensions["strawberry-definition"].base_resolver.wrapped_func
        given, payload = get_named_type(field.args["input"].type), get_named_type(field.type)

        assert getattr(resolver, COMMAND, None) in PERMISSIONS, field_name
        assert list(field.args) == ["input"], field_name
        assert "clientMutationId" in given.fields, field_name
        assert str(payload.fields["errors"].type) == "[UserError!]!", field_name
        assert len(payload.fields) == 2, field_name
        assert all(not isinstance(one.type, GraphQLNonNull) for key, one in payload.fields.items() if key != "errors")


@every_module
def test_every_event_that_it_declares_is_told_somewhere(name):
    source = "".join(path.read_text() for path in (ROOT / "subgraphs" / name).rglob("*.py"))
    declared = {event.__name__: event for event in load(name).events}

    assert declared
    assert [event for event in declared if f"events.{event}(" not in source] == []
    assert all(event.type.count(".") == 1 and event.__doc__ for event in declared.values())


@every_module
def test_it_knows_no_neighbour(name):
    others = [other for other in MODULES if other != name]
    program = (
        f"import sys, subgraphs.kit.module as m; m.load({name!r});"
        f"print([k for k in sys.modules if k.startswith(tuple('subgraphs.' + o for o in {others!r})) or k.startswith('router')])"
    )

    assert (
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout.strip()
        == "[]"
    )


@every_module
async def test_its_walls_have_no_breach(start, name):
    service = await start(name)

    async with service.engine.connect() as connection:
        assert await tenancy.breaches(connection) == []
    tables = await service.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
        " AND relname <> 'alembic_version' AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    assert tables == []


@every_module
async def test_its_migrations_run_once_and_leave_what_is_there(start, name):
    service = await start(name)
    before = await service.rows("SELECT version_num FROM alembic_version ORDER BY 1")
    await service.knows("Customer", uuid4())
    known = await service.count("reference")

    assert await migrate.upgrade(name, service.settings.needed("database_owner_url")) == []

    assert await service.rows("SELECT version_num FROM alembic_version ORDER BY 1") == before
    assert await service.count("reference") == known


@every_module
async def test_its_runtime_role_can_neither_read_the_outbox_nor_change_a_table(start, name):
    service = await start(name)
    engine = database.engine(service.settings.needed("database_url"), application="test")
    for forbidden in (
        "SELECT * FROM outbox",
        "DELETE FROM outbox",
        "DELETE FROM audit",
        "UPDATE audit SET command = 'x'",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE audit DISABLE ROW LEVEL SECURITY",
        "SET ROLE postgres",
    ):
        async with engine.connect() as connection:
            with pytest.raises(Exception, match="permission denied|must be owner"):
                await connection.exec_driver_sql(forbidden)
    await engine.dispose()


@every_module
async def test_references_of_one_kind_take_one_statement(start, statements, name):
    service = await start(name)
    entities = graph.schema(load(name))._schema.type_map["_Entity"].types
    for entity in entities:
        query = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on {entity.name} {{ id }} }} }}"
        representations = [{"__typename": entity.name, "id": str(uuid4())} for _ in range(20)]

        with statements(service) as seen:
            await service.data(query, staff(), r=representations)

        assert sum("FROM" in statement for statement in seen) <= 1, (entity.name, seen)


def _of_each(entity) -> str:
    """Every field of an entity that can be asked for without an argument."""
    asked = []
    for name, field in entity.fields.items():
        if not any(is_required_argument(argument) for argument in field.args.values()):
            below = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
            asked.append(f"{name} {below}")
    return " ".join(asked)


@every_module
async def test_whatever_is_asked_of_many_references_takes_as_many_statements_as_of_two(start, statements, name):
    """Also what nobody knows is looked up: a list that is asked for once for each of its owners shows here."""
    service = await start(name)
    for entity in graph.schema(load(name))._schema.type_map["_Entity"].types:
        query = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on {entity.name} {{ {_of_each(entity)} }} }} }}"
        taken = []
        for many in (2, 12):
            keys = [{"__typename": entity.name, "id": str(uuid4())} for _ in range(many)]
            with statements(service) as seen:
                found = await service.ask(query, staff(), r=keys)
            taken.append(seen)
            if not any((found["data"] or {}).get("_entities") or ()):
                break  # it is its own, and unknown

        assert len(taken[0]) == len(taken[-1]), (entity.name, Counter(taken[-1]) - Counter(taken[0]))


@every_module
async def test_without_a_token_it_answers_nobody(start, name):
    service = await start(name)

    refused = await service.client.post("/graphql", json={"query": "{ __typename }"})
    alive = await service.client.get("/health/live")

    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert (alive.status_code, alive.json()) == (200, {"status": "UP"})
