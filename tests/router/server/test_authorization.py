"""What callers may not see is neither fetched nor answered, by directive, by type, by policy, and through interfaces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from small_graph import Subgraph, uuid_of

from router.planner.access import Policies
from router.server.app import build
from router.server.authorization import Authorizer, BadHook, PolicyRequest
from router.server.config import Misconfigured, RouterConfig

OPEN = {"require_authentication": False}


def people() -> dict[str, Subgraph]:
    """Customers with parts that are shut, and a second subgraph that computes something from one of them."""
    crm = Subgraph(
        """
        type Query { customer: Customer customers: [Customer!]! vault: Vault me: Me @authenticated ping: String
          things: [Thing] pair: Pair locked: String! @authenticated }
        type Mutation { wipe: Int @authenticated note: Int }
        type Customer @key(fields: "id") {
          id: ID! name: String! phone: String @authenticated vat: String @requiresScopes(scopes: [["a", "b"], ["c"]])
          iban: String! @requiresScopes(scopes: [["bank"]]) score: Int @policy(policies: [["good"], ["fine", "ok"]])
          tier: Tier level: Level
        }
        enum Tier @authenticated { GOLD }
        scalar Level @requiresScopes(scopes: [["levels"]])
        type Vault @authenticated { gold: Int }
        type Me { name: String }
        interface Thing { id: ID! label: String }
        type Box implements Thing { id: ID! label: String size: Int }
        type Safe implements Thing @requiresScopes(scopes: [["safe"]]) { id: ID! label: String code: String }
        union Pair = Box | Safe
        """,
        {
            "customer": {"id": "1", **_CUSTOMER},
            "customers": [{"id": "1", **_CUSTOMER}, {"id": "2", **_CUSTOMER}],
            "vault": {"gold": 7},
            "me": {"name": "I"},
            "ping": "pong",
            "locked": "in",
            "wipe": 1,
            "note": 2,
            "things": [
                {"__typename": "Box", "id": "b", "label": "B", "size": 3},
                {"__typename": "Safe", "id": "s", "label": "S", "code": "0000"},
            ],
            "pair": {"__typename": "Safe", "id": "s", "label": "S", "code": "0000"},
        },
        {"Customer:1": _CUSTOMER, "Customer:2": _CUSTOMER},
    )
    risk = Subgraph(
        """
        type Query { unused: Int }
        type Customer @key(fields: "id") {
          id: ID! vat: String @external rating: String @requires(fields: "vat") @requiresScopes(scopes: [["a", "b"], ["c"]])
          tickets: [Ticket!]
        }
        type Ticket { title: String secret: String @authenticated }
        """,
        {},
        {
            "Customer:1": {"rating": "A", "tickets": [{"title": "T", "secret": "S"}, {"title": "U", "secret": "V"}]},
            "Customer:2": {"rating": "B", "tickets": []},
        },
    )
    return {"crm": crm, "risk": risk}


_CUSTOMER = {
    "name": "ACME", "phone": "110", "vat": "DE1", "iban": "DE02", "score": 5, "tier": "GOLD", "level": 9,
}  # fmt: skip


def _error(*path: str) -> dict[str, Any]:
    return {
        "message": "Unauthorized field or type",
        "path": list(path),
        "extensions": {"code": "UNAUTHORIZED_FIELD_OR_TYPE"},
    }


async def test_a_field_that_the_caller_may_not_see_is_null_with_an_error_and_never_fetched(small: Any) -> None:
    async with small(people()) as psa:
        body = await psa.ask("{ customer { name phone } }")

    assert body == {"data": {"customer": {"name": "ACME", "phone": None}}, "errors": [_error("customer", "phone")]}
    assert [("phone" in text) for text in psa.subgraphs["crm"].asked] == [False]


@pytest.mark.parametrize(
    ("field", "scope", "value"),
    [
        ("phone", "", "110"),
        ("vat", "a", None),
        ("vat", "a b", "DE1"),
        ("vat", "c", "DE1"),
        ("vat", "d", None),
        ("vat", "ab c2", None),
        ("tier", "", "GOLD"),
        ("level", "", None),
        ("level", "levels", 9),
        ("score", "", None),
        ("rating", "", None),
        ("rating", "c", "A"),
    ],
)
async def test_a_verified_token_opens_what_its_scopes_cover(
    small: Any, issuer: Any, field: str, scope: str, value: Any
) -> None:
    async with small(people(), authentication=issuer.settings()) as psa:
        body = await psa.ask(f"{{ customer {{ {field} }} }}", headers=issuer.bearer(scope=scope))
    asked = psa.subgraphs["crm"].asked + psa.subgraphs["risk"].asked

    assert body["data"] == {"customer": {field: value}}
    assert body.get("errors", []) == ([_error("customer", field)] if value is None else [])
    if value is None:
        assert not any(field in text or "vat" in text for text in asked)


async def test_whoever_says_nothing_is_anonymous_and_whoever_lies_is_refused(small: Any, issuer: Any) -> None:
    settings = {"authentication": issuer.settings(), "authorization": OPEN}
    async with small(people(), **settings) as psa:
        anonymous = await psa.ask("{ ping me { name } }")
        known = await psa.ask("{ ping me { name } }", headers=issuer.bearer(scope=""))
        liar = await psa.post("{ ping me { name } }", headers={"authorization": "Bearer nonsense"})
    async with small(people(), authentication=issuer.settings()) as psa:
        strict = await psa.post("{ ping }")

    assert anonymous == {"data": {"ping": "pong", "me": None}, "errors": [_error("me")]}
    assert known == {"data": {"ping": "pong", "me": {"name": "I"}}}
    assert [liar.status_code, strict.status_code] == [401, 401]


async def test_in_lists_there_is_one_error_for_the_field_and_not_one_for_each_element(small: Any) -> None:
    async with small(people()) as psa:
        body = await psa.ask("{ customers { name tickets { title secret } } }")

    assert body["errors"] == [_error("customers", "@", "tickets", "@", "secret")]
    assert body["data"]["customers"] == [
        {"name": "ACME", "tickets": [{"title": "T", "secret": None}, {"title": "U", "secret": None}]},
        {"name": "ACME", "tickets": []},
    ]


async def test_a_null_that_may_not_be_moves_up_without_a_second_error(small: Any) -> None:
    async with small(people()) as psa:
        object_gone = await psa.ask("{ ping customer { name iban } }")
        all_gone = await psa.ask("{ ping locked }")

    assert object_gone == {"data": {"ping": "pong", "customer": None}, "errors": [_error("customer", "iban")]}
    assert all_gone == {"data": None, "errors": [_error("locked")]}


async def test_an_object_of_which_nothing_may_be_seen_is_still_there(small: Any) -> None:
    async with small(people()) as psa:
        body = await psa.ask("{ customer { phone tickets { secret } } }")

    assert body["data"] == {"customer": {"phone": None, "tickets": [{"secret": None}, {"secret": None}]}}
    assert not any("phone" in text or "secret" in text for one in psa.subgraphs.values() for text in one.asked)


async def test_what_returns_a_type_that_is_shut_is_shut(small: Any) -> None:
    async with small(people()) as psa:
        body = await psa.ask("{ vault { gold } customer { tier level } }")

    assert body["data"] == {"vault": None, "customer": {"tier": None, "level": None}}
    assert [error["path"] for error in body["errors"]] == [["vault"], ["customer", "tier"], ["customer", "level"]]


async def test_a_mutation_that_is_shut_is_not_executed_and_its_neighbours_are(small: Any) -> None:
    async with small(people()) as psa:
        both = await psa.ask("mutation { wipe note }")
        alone = await psa.ask("mutation { wipe }")

    assert both == {"data": {"wipe": None, "note": 2}, "errors": [_error("wipe")]}
    assert alone == {"data": {"wipe": None}, "errors": [_error("wipe")]}
    assert [("wipe" in text) for text in psa.subgraphs["crm"].asked] == [False]


async def test_a_subscription_of_which_nothing_is_left_is_refused(small: Any) -> None:
    graph = people()
    graph["risk"].sdl += " type Subscription { alarms: Int @authenticated }"
    async with small(graph) as psa:
        answer = await psa.post("subscription { alarms }", headers={"accept": "text/event-stream, application/json"})

    assert "UNAUTHORIZED_FIELD_OR_TYPE" in answer.text
    assert psa.subgraphs["risk"].asked == []


async def test_what_is_deferred_is_withheld_too(small: Any) -> None:
    query = "{ ping customer { name ... @defer { phone iban tickets { title secret } } } }"
    accept = {"accept": "multipart/mixed;deferSpec=20220824"}
    async with small(people()) as psa:
        text = (await psa.post(query, headers=accept)).text
    asked = [one for subgraph in psa.subgraphs.values() for one in subgraph.asked]

    assert not any(word in one for one in asked for word in ("phone", "iban", "secret"))
    assert "110" not in text
    assert "DE02" not in text
    for path in (["customer", "phone"], ["customer", "iban"], ["customer", "tickets", "@", "secret"]):
        assert json.dumps(path, separators=(",", ":")) in text


async def test_aliases_and_fragments_hide_nothing(small: Any) -> None:
    query = """query($yes: Boolean = true) {
      name: customer { phone: name name: phone ...F ... @include(if: $yes) { x: phone } }
    } fragment F on Customer { y: phone ...G } fragment G on Customer { vat }"""
    async with small(people()) as psa:
        body = await psa.ask(query)

    assert body["data"] == {"name": {"phone": "ACME", "name": None, "y": None, "vat": None, "x": None}}
    assert sorted(error["path"][-1] for error in body["errors"]) == ["name", "vat", "x", "y"]


async def test_data_that_are_fetched_for_us_do_not_reach_the_client(small: Any) -> None:
    """A key that the client may not see goes along from subgraph to subgraph."""
    crm = Subgraph(
        'type Query { one: One } type One @key(fields: "id") { id: ID @authenticated name: String }',
        {"one": {"id": "1", "name": "N"}},
        {"One:1": {}},
    )
    more = Subgraph(
        'type Query { unused: Int } type One @key(fields: "id") { id: ID more: Int }', {}, {"One:1": {"more": 3}}
    )
    async with small({"crm": crm, "more": more}) as psa:
        body = await psa.ask("{ one { id name more } }")
    silent = {"directives": {"errors": {"response": "disabled"}}}
    async with small({"crm": crm, "more": more}, authorization=silent) as psa:
        unsaid = await psa.ask("{ one { id name more } }")

    assert body["data"] == {"one": {"id": None, "name": "N", "more": 3}}
    assert body["errors"] == [_error("one", "id")]
    assert unsaid == {"data": body["data"]}


async def test_through_an_interface_nobody_sees_what_is_shut_behind_it(small: Any, issuer: Any) -> None:
    query = "{ things { __typename label ... on Box { size } ... on Safe { code } } }"
    async with small(people(), authentication=issuer.settings()) as psa:
        few = await psa.ask(query, headers=issuer.bearer(scope=""))
        asked = [*psa.subgraphs["crm"].asked]
        many = await psa.ask(query, headers=issuer.bearer(scope="safe"))

    assert few["data"]["things"] == [
        {"__typename": "Box", "label": None, "size": 3},
        {"__typename": "Safe", "label": None, "code": None},
    ]
    assert [error["path"] for error in few["errors"]] == [["things", "@", "label"], ["things", "@", "code"]]
    assert not any("label" in text or "code" in text for text in asked)
    assert many["data"]["things"][1] == {"__typename": "Safe", "label": "S", "code": "0000"}


async def test_a_field_is_shown_when_one_way_to_it_is_open(small: Any) -> None:
    query = "{ things { label ... on Box { label } ... on Safe { label } } pair { ... on Safe { code } } }"
    async with small(people()) as psa:
        body = await psa.ask(query)

    assert body["data"] == {"things": [{"label": "B"}, {"label": None}], "pair": {"code": None}}
    assert [error["path"] for error in body["errors"]] == [["things", "@", "label"], ["pair", "code"]]


@pytest.mark.parametrize("where", ["extensions", "disabled"])
async def test_the_settings_say_where_it_is_reported(small: Any, where: str) -> None:
    settings = {"authorization": {"directives": {"errors": {"response": where}}}}
    async with small(people(), **settings) as psa:
        body = await psa.ask("{ ping me { name } }")

    assert body["data"] == {"ping": "pong", "me": None}
    assert "errors" not in body
    assert body.get("extensions") == ({"authorizationErrors": [_error("me")]} if where == "extensions" else None)


async def test_an_operation_is_refused_as_a_whole_when_the_settings_say_so(small: Any) -> None:
    async with small(people(), authorization={"directives": {"reject_unauthorized": True}}) as psa:
        refused = await psa.post("mutation { note wipe }")
        good = await psa.ask("{ ping }")

    assert refused.status_code == 403
    assert refused.json() == {"errors": [_error("wipe")], "data": None}
    assert good == {"data": {"ping": "pong"}}
    assert len(psa.subgraphs["crm"].asked) == 1


async def test_a_dry_run_only_says_what_it_would_do(small: Any) -> None:
    async with small(people(), authorization={"directives": {"dry_run": True}}) as psa:
        body = await psa.ask("{ me { name } }")
    async with small(people(), authorization={"directives": {"enabled": False}}) as psa:
        off = await psa.ask("{ me { name } }")

    assert body == {"data": {"me": {"name": "I"}}, "errors": [_error("me")]}
    assert off == {"data": {"me": {"name": "I"}}}


_calls: list[tuple[frozenset[str], Mapping[str, Any] | None]] = []


async def granting(policies: frozenset[str], request: PolicyRequest) -> set[str]:
    """Grant what the client's header names."""
    _calls.append((policies, request.claims))
    return set(request.headers.get("x-policies", "").split())


async def late(policies: frozenset[str], _request: PolicyRequest) -> set[str]:
    """Grant everything, after everybody has left."""
    await asyncio.sleep(60)
    return set(policies)


async def broken(_policies: frozenset[str], _request: PolicyRequest) -> set[str]:
    """Fail."""
    raise ValueError("the database is away")


async def odd(policies: frozenset[str], _request: PolicyRequest) -> dict[str, Any]:
    """Answer what is nearly a yes."""
    return dict.fromkeys(policies, "yes")


def _hooked(name: str) -> dict[str, Any]:
    return {"authorization": {"policies": {"hooks": {"*": f"{__name__}.{name}"}, "timeout_seconds": 0.05}}}


@pytest.mark.parametrize(
    ("granted", "value"), [("good", 5), ("fine ok", 5), ("fine", None), ("", None), ("other good", 5)]
)
async def test_policies_are_decided_by_a_hook_once_for_a_request(small: Any, granted: str, value: int | None) -> None:
    _calls.clear()
    async with small(people(), **_hooked("granting")) as psa:
        body = await psa.ask("{ customer { score again: score } customers { score } }", headers={"x-policies": granted})

    assert body["data"]["customer"] == {"score": value, "again": value}
    assert _calls == [(frozenset({"good", "fine", "ok"}), None)]


@pytest.mark.parametrize("hook", ["late", "broken", "odd"])
async def test_a_hook_that_does_not_say_yes_in_time_shuts(small: Any, hook: str) -> None:
    async with small(people(), **_hooked(hook)) as psa:
        body = await psa.ask("{ ping customer { score } }")

    assert body["data"] == {"ping": "pong", "customer": {"score": None}}
    assert not any("score" in text for text in psa.subgraphs["crm"].asked)


async def test_each_policy_can_have_its_own_hook() -> None:
    authorizer = Authorizer({"a": granting, "*": broken}, 1.0)
    needs = frozenset({Policies(frozenset({frozenset({"a"})})), Policies(frozenset({frozenset({"b"})}))})

    failed = await authorizer.failed(needs, PolicyRequest(None, {"x-policies": "a b"}))

    assert failed == {Policies(frozenset({frozenset({"b"})}))}


@pytest.mark.parametrize("path", ["nowhere.at_all", "json.dumps", "json.missing", "x"])
def test_a_hook_that_is_none_is_refused_at_the_start(path: str) -> None:
    with pytest.raises(Misconfigured, match="hooks"):
        build(RouterConfig.model_validate({"authorization": {"policies": {"hooks": {"*": path}}}}))
    with pytest.raises(BadHook):
        Authorizer.of(
            RouterConfig.model_validate({"authorization": {"policies": {"hooks": {"*": path}}}}).authorization
        )


async def test_plans_are_kept_by_what_may_be_seen_and_not_by_who_sees_it(small: Any, issuer: Any) -> None:
    async with small(people(), authentication=issuer.settings()) as psa:
        operations = psa.app.state.graphs.current.operations
        for scope, subject in (("a", "1"), ("a x", "2"), ("b", "3"), ("a b", "4"), ("c", "5"), ("c y", "6")):
            await psa.ask("{ customer { vat } }", headers=issuer.bearer(scope=scope, sub=uuid_of(subject)))
        shapes = len(operations._ready._ready)
        kept = [await operations.find("{ ping }", None) for _ in range(2)]

    assert shapes == 2
    assert kept[0] is kept[1]
