"""Plans walked over services that answer well, and over services that don't."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import parse
from structlog.testing import capture_logs

from router.executor.redaction import Masking
from router.executor.types import RuntimeTypes
from router.planner.planner import Planner
from router.planner.query_plan import (
    Condition,
    Fetch,
    Flatten,
    KeyRename,
    Parallel,
    PlanNode,
    RequiresField,
    RequiresFragment,
    Sequence,
)

SEED = """query { customer(id: "123") { name tickets(status: "open") { id title } assets { name __typename } } }"""
SEED = SEED.replace('(status: "open")', "")

CUSTOMER_KEY = (RequiresFragment("Customer", (RequiresField("__typename"), RequiresField("id"))),)


def entities(service: str, selection: str, path: tuple[str, ...], key: Any = CUSTOMER_KEY, **more: Any) -> Flatten:
    operation = (
        "query($representations: [_Any!]!) { _entities(representations: $representations) { ... on Customer "
        + selection
        + " } }"
    )
    return Flatten(path, Fetch(service, operation, requires=key, **more))


SEED_PLAN = Sequence(
    (
        Fetch("crm", '{ customer(id: "123") { __typename id name } }'),
        Parallel(
            (
                entities("tickets", "{ tickets { id title } }", ("customer",)),
                entities("assets", "{ assets { __typename name } }", ("customer",)),
            )
        ),
    )
)

CRM = {"data": {"customer": {"__typename": "Customer", "id": "123", "name": "ACME"}}}
TICKETS = {"data": {"_entities": [{"tickets": [{"title": "Printer", "id": "1"}]}]}}
ASSETS = {"data": {"_entities": [{"assets": [{"__typename": "Server", "name": "srv-1"}]}]}}


async def test_three_services_answer_one_query_in_the_clients_order(graph: Any) -> None:
    graph.serves("crm", CRM)
    tickets = graph.serves("tickets", TICKETS)
    graph.serves("assets", ASSETS)

    result = await graph.run(SEED, SEED_PLAN)

    assert result.errors == []
    assert result.data == {
        "customer": {
            "name": "ACME",
            "tickets": [{"id": "1", "title": "Printer"}],
            "assets": [{"name": "srv-1", "__typename": "Server"}],
        }
    }
    assert list(result.data["customer"]) == ["name", "tickets", "assets"]
    assert list(result.data["customer"]["tickets"][0]) == ["id", "title"]
    assert tickets.asked[0]["variables"] == {"representations": [{"__typename": "Customer", "id": "123"}]}
    assert sorted((record.service, record.outcome) for record in graph.records) == [
        ("assets", "OK"),
        ("crm", "OK"),
        ("tickets", "OK"),
    ]


async def never(_request: Any) -> Any:
    await asyncio.sleep(60)


def raises(_request: Any) -> Any:
    raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("respond", "code"),
    [
        (None, "UPSTREAM_UNAVAILABLE"),
        (raises, "UPSTREAM_UNAVAILABLE"),
        (never, "UPSTREAM_TIMEOUT"),
        (b"<html>", "UPSTREAM_MALFORMED"),
        (b"[]", "UPSTREAM_MALFORMED"),
        (b"{}", "UPSTREAM_MALFORMED"),
        (b'{"data": 7}', "UPSTREAM_MALFORMED"),
        (b'{"data": {"_entities": null}}', "UPSTREAM_MALFORMED"),
        (b'{"data": {"_entities": []}}', "UPSTREAM_MALFORMED"),
        (b'{"data": {"_entities": [{}, {}]}}', "UPSTREAM_MALFORMED"),
        (b'{"data": {"_entities": [7]}}', "UPSTREAM_MALFORMED"),
        (b"\xff" * 20, "UPSTREAM_MALFORMED"),
        (b'{"data": {"_entities": [{"tickets": ' + b"[" * 900 + b"]" * 900 + b"}]}}", "UPSTREAM_MALFORMED"),
        (b'{"data": {"_entities": [{"tickets": [' + b" " * 200_000 + b"]}]}}", "UPSTREAM_MALFORMED"),
    ],
)
async def test_a_failed_fetch_nulls_its_own_fields_with_one_error(graph: Any, respond: Any, code: str) -> None:
    graph.max_answer_bytes, graph.timeout_seconds = 100_000, 0.2
    graph.serves("crm", CRM)
    graph.serves("assets", ASSETS)
    if respond is not None:
        graph.serves("tickets", respond)

    result = await graph.run(SEED, SEED_PLAN)

    assert result.data == {
        "customer": {"name": "ACME", "tickets": None, "assets": [{"name": "srv-1", "__typename": "Server"}]}
    }
    assert len(result.errors) == 1
    assert result.errors[0]["path"] == ["customer", "tickets"]
    assert result.errors[0]["extensions"]["service"] == "tickets"
    assert result.errors[0]["extensions"]["code"] == code


async def test_a_failed_root_fetch_names_the_root_field(graph: Any) -> None:
    tickets = graph.serves("tickets", TICKETS)

    result = await graph.run(SEED, SEED_PLAN)

    assert result.data == {"customer": None}
    assert [(error["path"], error["extensions"]["code"]) for error in result.errors] == [
        (["customer"], "UPSTREAM_UNAVAILABLE")
    ]
    assert tickets.asked == []


async def test_a_non_null_field_of_a_failed_fetch_nulls_its_parent_without_a_second_error(graph: Any) -> None:
    graph.serves("crm", CRM)
    plan = Sequence((SEED_PLAN.nodes[0], entities("tickets", "{ ticketCount }", ("customer",))))

    result = await graph.run('{ customer(id: "123") { name ticketCount } }', plan)

    assert result.data == {"customer": None}
    assert [error["path"] for error in result.errors] == [["customer", "ticketCount"]]


CUSTOMERS = [{"__typename": "Customer", "id": id_, "name": f"C{id_}"} for id_ in ("1", "2", "1", "3")]


def count_tickets(request: dict[str, Any]) -> Any:
    found = request["variables"]["representations"]
    return {"data": {"_entities": [{"ticketCount": int(one["id"]) * 10} for one in found]}}


COUNT_PLAN = Sequence(
    (Fetch("crm", "{ customers { __typename id } }"), entities("tickets", "{ ticketCount }", ("customers", "@")))
)


async def test_the_same_entity_is_asked_for_once_and_stands_everywhere(graph: Any) -> None:
    graph.serves("crm", {"data": {"customers": CUSTOMERS}})
    tickets = graph.serves("tickets", count_tickets)

    result = await graph.run("{ customers { ticketCount } }", COUNT_PLAN)

    assert [one["ticketCount"] for one in result.data["customers"]] == [10, 20, 10, 30]
    assert [one["id"] for one in tickets.asked[0]["variables"]["representations"]] == ["1", "2", "3"]


async def test_entities_travel_in_bounded_batches(graph: Any) -> None:
    graph.max_representations = 2
    graph.serves("crm", {"data": {"customers": CUSTOMERS}})
    tickets = graph.serves("tickets", count_tickets)

    result = await graph.run("{ customers { ticketCount } }", COUNT_PLAN)

    assert [one["ticketCount"] for one in result.data["customers"]] == [10, 20, 10, 30]
    assert sorted(len(one["variables"]["representations"]) for one in tickets.asked) == [1, 2]


async def test_several_failed_batches_are_one_failed_fetch(graph: Any) -> None:
    graph.max_representations = 1
    graph.serves("crm", {"data": {"customers": CUSTOMERS}})

    result = await graph.run("{ customers { ticketCount } }", COUNT_PLAN)

    assert result.data is None
    assert [error["path"] for error in result.errors] == [["customers", 0, "ticketCount"]]


async def test_null_objects_and_null_keys_are_not_asked_for(graph: Any) -> None:
    rows = [None, {"__typename": "Customer", "id": None}, {"__typename": "Customer", "id": "3"}]
    graph.serves("tickets", {"data": {"ticket": {"owners": rows}}})
    crm = graph.serves("crm", lambda _request: {"data": {"_entities": [{"name": "Three"}]}})
    plan = Sequence(
        (
            Fetch("tickets", "{ ticket { owners { __typename id } } }"),
            entities("crm", "{ name }", ("ticket", "owners", "@")),
        )
    )

    await graph.run('{ ticket(id: "1") { id } }', plan)

    assert crm.asked[0]["variables"]["representations"] == [{"__typename": "Customer", "id": "3"}]


async def test_a_key_that_is_null_in_part_is_sent_and_one_that_is_all_null_is_not() -> None:
    key = frozenset({("id",), ("org", "id")})
    types = RuntimeTypes(keys={("crm", "Customer"): (key,)})

    assert types.keyed("crm", {"__typename": "Customer", "id": "1", "org": {"id": None}})
    assert types.keyed("crm", {"__typename": "Customer", "id": None, "org": {"id": "7"}})
    assert not types.keyed("crm", {"__typename": "Customer", "id": None, "org": None})


async def test_no_representation_means_no_request(graph: Any) -> None:
    graph.serves("crm", {"data": {"customers": []}})
    tickets = graph.serves("tickets", count_tickets)

    result = await graph.run("{ customers { ticketCount } }", COUNT_PLAN)

    assert result.data == {"customers": []}
    assert result.errors == []
    assert tickets.asked == []


async def test_an_error_of_an_entity_is_found_where_the_client_sees_the_entity(graph: Any) -> None:
    graph.serves("crm", {"data": {"customers": CUSTOMERS}})
    graph.serves(
        "tickets",
        {
            "data": {"_entities": [{"tickets": []}, {"tickets": None}, {"tickets": []}]},
            "errors": [{"message": "No.", "path": ["_entities", 1, "tickets"], "extensions": {"code": "FORBIDDEN"}}],
        },
    )
    plan = Sequence((COUNT_PLAN.nodes[0], entities("tickets", "{ tickets { id } }", ("customers", "@"))))

    result = await graph.run("{ customers { tickets { id } } }", plan)

    assert result.data == {"customers": [{"tickets": []}, {"tickets": None}, {"tickets": []}, {"tickets": []}]}
    assert result.errors == [
        {
            "message": "No.",
            "path": ["customers", 1, "tickets"],
            "extensions": {"code": "FORBIDDEN", "service": "tickets"},
        }
    ]


async def test_errors_without_path_or_code_are_kept(graph: Any) -> None:
    graph.masking = Masking(of_all=True)
    graph.serves("crm", {"data": None, "errors": [{"message": "One."}, {"message": "Two.", "path": "nonsense"}]})

    result = await graph.run('{ customer(id: "1") { name } }', SEED_PLAN.nodes[0])

    assert result.data == {"customer": None}
    assert [(error["message"], error["path"], error["extensions"]) for error in result.errors] == [
        ("One.", ["customer"], {"code": "DOWNSTREAM_SERVICE_ERROR", "service": "crm"}),
        ("Two.", ["customer"], {"code": "DOWNSTREAM_SERVICE_ERROR", "service": "crm"}),
    ]


async def test_a_code_that_is_no_text_is_not_passed_on(graph: Any) -> None:
    graph.masking = Masking(of_all=True)
    error = {"message": 7, "path": ["customer"], "extensions": {"code": {"a": 1}, "more": [1]}}
    graph.serves("crm", {"data": {"customer": None}, "errors": [error]})

    result = await graph.run('{ customer(id: "1") { name } }', SEED_PLAN.nodes[0])

    assert result.errors == [
        {
            "message": "The service gave no message.",
            "path": ["customer"],
            "extensions": {"code": "DOWNSTREAM_SERVICE_ERROR", "more": [1], "service": "crm"},
        }
    ]


async def test_an_entity_that_an_error_took_explains_all_its_nulls(graph: Any) -> None:
    graph.serves("crm", CRM)
    graph.serves(
        "tickets", {"data": {"_entities": [None]}, "errors": [{"message": "No.", "path": ["_entities", 0, "tickets"]}]}
    )
    plan = Sequence((SEED_PLAN.nodes[0], entities("tickets", "{ tickets { id } ticketCount }", ("customer",))))

    result = await graph.run('{ customer(id: "123") { name tickets { id } ticketCount } }', plan)

    assert result.data == {"customer": None}
    assert [error["path"] for error in result.errors] == [["customer", "tickets"]]


async def test_details_of_an_internal_error_stay_inside(graph: Any) -> None:
    graph.serves(
        "crm",
        {
            "data": {"customer": None},
            "errors": [
                {
                    "message": "SELECT password FROM users",
                    "path": ["customer"],
                    "extensions": {"code": "INTERNAL_SERVER_ERROR", "stacktrace": ["line 1"]},
                }
            ],
        },
    )

    with capture_logs() as lines:
        result = await graph.run('{ customer(id: "1") { name } }', SEED_PLAN.nodes[0])

    assert [line["error.message"] for line in lines] == ["SELECT password FROM users"]
    assert result.errors == [
        {
            "message": "The service crm met an internal error.",
            "path": ["customer"],
            "extensions": {"code": "INTERNAL_SERVER_ERROR", "service": "crm"},
        }
    ]


async def test_what_a_service_was_not_asked_for_replaces_nothing(graph: Any) -> None:
    graph.serves("crm", CRM)
    more = {"tickets": [], "name": "MINE NOW", "id": "666", "__typename": "Ticket"}
    graph.serves("tickets", {"data": {"_entities": [more]}})
    graph.serves("assets", ASSETS)

    result = await graph.run(SEED, SEED_PLAN)

    assert result.data == {
        "customer": {"name": "ACME", "tickets": [], "assets": [{"name": "srv-1", "__typename": "Server"}]}
    }
    assert result.errors == []


async def test_an_internal_alias_of_one_type_goes_back_though_the_answer_does_not_name_the_type(graph: Any) -> None:
    graph.serves("crm", CRM)
    graph.serves("tickets", {"data": {"_entities": [{"alias_0": [{"id": "1", "title": None}]}]}})
    plain = entities(
        "tickets",
        "{ alias_0: tickets { id title } }",
        ("customer",),
        output_rewrites=(KeyRename(("|[Customer]",), "alias_0", "tickets"),),
    )

    result = await graph.run('{ customer(id: "123") { tickets { id title } } }', Sequence((SEED_PLAN.nodes[0], plain)))

    assert result.data == {"customer": {"tickets": [{"id": "1", "title": None}]}}
    assert result.errors == []


async def test_an_internal_alias_goes_back_to_its_name_in_data_and_in_error_paths(graph: Any) -> None:
    graph.serves("crm", CRM)
    graph.serves(
        "tickets",
        {
            "data": {"_entities": [{"alias_0": [{"id": "1", "title": None}]}]},
            "errors": [{"message": "No title.", "path": ["_entities", 0, "alias_0", 0, "title"]}],
        },
    )
    plain = entities(
        "tickets",
        "{ alias_0: tickets { id title } }",
        ("customer",),
        output_rewrites=(KeyRename((), "alias_0", "tickets"),),
    )

    result = await graph.run('{ customer(id: "123") { tickets { id title } } }', Sequence((SEED_PLAN.nodes[0], plain)))

    assert result.data == {"customer": {"tickets": [{"id": "1", "title": None}]}}
    assert [error["path"] for error in result.errors] == [["customer", "tickets", 0, "title"]]


@pytest.mark.parametrize(("wanted", "asked"), [(True, 1), (False, 0)])
async def test_a_condition_switches_a_fetch(graph: Any, wanted: bool, asked: int) -> None:  # noqa: FBT001 - parametrised
    graph.serves("crm", CRM)
    tickets = graph.serves("tickets", TICKETS)
    plan = Sequence((SEED_PLAN.nodes[0], Condition("t", SEED_PLAN.nodes[1].nodes[0])))
    query = 'query($t: Boolean!) { customer(id: "123") { name tickets @include(if: $t) { id } } }'

    result = await graph.run(query, plan, {"t": wanted})

    assert len(tickets.asked) == asked
    assert list(result.data["customer"]) == (["name", "tickets"] if wanted else ["name"])


async def test_parallel_branches_wait_for_each_other_and_not_in_turn(graph: Any) -> None:
    meeting = asyncio.Barrier(2)

    def waiting(answer: Any) -> Any:
        async def respond(_request: Any) -> Any:
            await meeting.wait()
            return answer

        return respond

    graph.serves("crm", CRM)
    graph.serves("tickets", waiting(TICKETS))
    graph.serves("assets", waiting(ASSETS))

    result = await graph.run(SEED, SEED_PLAN)

    assert result.errors == []


ASSET_KEY = (
    RequiresFragment("Server", (RequiresField("__typename"), RequiresField("id"))),
    RequiresFragment("Laptop", (RequiresField("__typename"), RequiresField("id"))),
)


def asset_plan(path: tuple[str, ...]) -> PlanNode:
    operation = "query($representations: [_Any!]!) { _entities(representations: $representations) { ... on Server { cpus } ... on Laptop { owner } } }"
    return Sequence(
        (
            Fetch("assets", "{ customer { assets { __typename id name } } }"),
            Flatten(path, Fetch("assets", operation, requires=ASSET_KEY)),
        )
    )


@pytest.mark.parametrize(
    ("step", "asked"),
    [(("@",), ["1", "2"]), (("@", "|[Server]"), ["1"]), (("@|[Server]",), ["1"]), (("@", "|[Asset]"), ["1", "2"])],
)
async def test_type_conditions_choose_the_objects(graph: Any, step: tuple[str, ...], asked: list[str]) -> None:
    assets = [{"__typename": "Server", "id": "1"}, {"__typename": "Laptop", "id": "2"}, {"__typename": "X", "id": "3"}]

    def respond(request: dict[str, Any]) -> Any:
        if "representations" not in request["variables"]:
            return {"data": {"customer": {"assets": assets}}}
        return {"data": {"_entities": [{"cpus": 8} for _ in request["variables"]["representations"]]}}

    service = graph.serves("assets", respond)

    await graph.run(
        '{ customer(id: "1") { assets { ... on Server { cpus } } } }', asset_plan(("customer", "assets", *step))
    )

    assert [one["id"] for one in service.asked[1]["variables"]["representations"]] == asked


async def test_a_root_fetch_below_a_mutation_is_merged_where_the_query_stands(graph: Any) -> None:
    graph.serves("crm", {"data": {"renameCustomer": {"query": {"__typename": "Query"}}}})
    graph.serves("tickets", {"data": {"ticket": {"title": "Printer"}}})
    plan = Sequence(
        (
            Fetch("crm", "mutation { renameCustomer { query { __typename } } }", "mutation"),
            Flatten(("renameCustomer", "query"), Fetch("tickets", "{ ticket { title } }")),
        )
    )
    query = 'mutation { renameCustomer(id: "1", name: "N") { query { ticket(id: "1") { title } } } }'

    result = await graph.run(query, plan)

    assert result.data == {"renameCustomer": {"query": {"ticket": {"title": "Printer"}}}}


async def test_what_cannot_be_asked_for_after_a_failure_needs_no_error_of_its_own(graph: Any) -> None:
    """The name is required for the count; the name's fetch fails; the count is non-null: one error, not two."""
    graph.serves("tickets", {"data": {"ticket": {"owner": {"__typename": "Customer", "id": "1"}}}})
    needs_name = (
        RequiresFragment("Customer", (RequiresField("__typename"), RequiresField("id"), RequiresField("name"))),
    )
    plan = Sequence(
        (
            Fetch("tickets", "{ ticket { owner { __typename id } } }"),
            entities("crm", "{ name }", ("ticket", "owner")),
            entities("tickets", "{ ticketCount }", ("ticket", "owner"), needs_name),
        )
    )

    result = await graph.run('{ ticket(id: "1") { owner { ticketCount } } }', plan)

    assert result.data == {"ticket": {"owner": None}}
    assert [(error["path"], error["extensions"]["service"]) for error in result.errors] == [
        (["ticket", "owner"], "crm")
    ]


async def test_introspection_is_answered_beside_data(graph: Any) -> None:
    graph.serves("crm", CRM)
    query = """query($n: String!) { __typename customer(id: "123") { name } ...Meta }
      fragment Meta on Query { __schema { queryType { name } } t: __type(name: $n) { kind } }"""

    result = await graph.run(query, SEED_PLAN.nodes[0], {"n": "Tier"})

    assert result.errors == []
    assert result.data == {
        "__typename": "Query",
        "customer": {"name": "ACME"},
        "__schema": {"queryType": {"name": "Query"}},
        "t": {"kind": "ENUM"},
    }
    assert list(result.data) == ["__typename", "customer", "__schema", "t"]


async def test_only_variables_that_a_fetch_uses_and_the_client_sent_are_passed(graph: Any) -> None:
    crm = graph.serves("crm", CRM)
    fetch = Fetch("crm", "query($id: ID!, $x: Int = 1) { customer(id: $id) { name } }", variable_usages=("id", "x"))

    await graph.run("query($id: ID!, $y: Int) { customer(id: $id) { name } }", fetch, {"id": "123", "y": 2})

    assert crm.asked[0]["variables"] == {"id": "123"}


async def test_an_alias_called_as_the_type_stands_beside_the_type_in_data_and_in_error_paths(graph: Any) -> None:
    query = '{ customer(id: "1") { type: __typename __typename: tickets { id title } } }'
    graph.serves("crm", {"data": {"customer": {"__typename": "Customer", "id": "1"}}})
    tickets = [{"__typename": "Ticket", "id": None, "title": "Printer"}]
    graph.serves("tickets", {"data": {"_entities": [{"_0__typename": tickets}]}})
    document = parse(query)
    plan = Planner(graph.supergraph).plan(document)

    result = await graph.run(query, plan.node)

    assert result.data == {"customer": {"type": "Customer", "__typename": None}}
    assert [error["path"] for error in result.errors] == [["customer", "__typename", 0, "id"]]
