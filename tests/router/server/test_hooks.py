"""Hooks on the way of a request: they refuse, add, change, are late, and are not in the way when there are none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from small_graph import Subgraph

from router.server.app import build
from router.server.config import Misconfigured, RouterConfig
from router.server.hooks import Answer, Asked, Fetched, Fetching, Refuse, Request
from router.server.testing_hooks import HookHarness

CALLS: list[tuple[str, Any]] = []


class Watching:
    """Has all hooks; what comes first leaves something for what comes later."""

    async def on_request(self, request: Request) -> None:
        CALLS.append(("request", request.headers.get("x-who")))
        request.context["who"] = request.headers.get("x-who")
        request.response_headers["x-seen"] = "yes"

    async def on_operation(self, _request: Request, operation: Asked) -> None:
        CALLS.append(("operation", (operation.name, operation.kind, dict(operation.variables))))

    async def on_subgraph_request(self, request: Request, fetch: Fetching) -> None:
        CALLS.append(("fetching", fetch.service))
        fetch.headers["x-for"] = str(request.context["who"])

    async def on_subgraph_response(self, _request: Request, fetched: Fetched) -> None:
        CALLS.append(("fetched", (fetched.service, fetched.data)))

    async def on_response(self, request: Request, answer: Answer) -> None:
        CALLS.append(("response", answer.data))
        answer.data = {**(answer.data or {}), "who": request.context["who"]}


class Refusing:
    """Says no at three stages."""

    async def on_request(self, request: Request) -> None:
        if request.headers.get("x-who") == "nobody":
            raise Refuse("NOBODY", "Not you.", status=418, hint="go")

    async def on_operation(self, _request: Request, operation: Asked) -> None:
        if operation.kind == "mutation":
            raise Refuse("READ_ONLY", "Nothing can be changed.")

    async def on_subgraph_request(self, request: Request, _fetch: Fetching) -> None:
        if request.headers.get("x-who") == "stranger":
            raise Refuse("NOT_FOR_STRANGERS", "No.")


class Late:
    """Never comes to an end."""

    async def on_operation(self, _request: Request, _operation: Asked) -> None:
        await asyncio.sleep(30)


class Unknown:
    """Has a misspelt hook."""

    async def on_reqeust(self, _request: Request) -> None: ...


class NotAsync:
    """Has a hook that nobody can wait for."""

    def on_request(self, _request: Request) -> None: ...


@pytest.fixture(autouse=True)
def _forget() -> None:
    CALLS.clear()


def crm() -> Subgraph:
    return Subgraph("type Query { a: Int b: Int } type Mutation { c: Int }", {"a": 1, "b": 2, "c": 3})


def hook(name: type, **more: Any) -> dict[str, Any]:
    return {"path": f"{__name__}.{name.__name__}", **more}


async def test_hooks_see_every_stage_and_share_what_they_learn(small: Any) -> None:
    subgraph = crm()
    async with small({"crm": subgraph}, hooks=[hook(Watching)]) as router:
        response = await router.post(
            "query Q($x: Boolean!) { a @include(if: $x) }", variables={"x": True}, headers={"x-who": "anna"}
        )

    assert response.json() == {"data": {"a": 1, "who": "anna"}}
    assert response.headers["x-seen"] == "yes"
    assert subgraph.headers[0]["x-for"] == "anna"
    assert CALLS == [
        ("request", "anna"),
        ("operation", ("Q", "query", {"x": True})),
        ("fetching", "crm"),
        ("fetched", ("crm", {"a": 1})),
        ("response", {"a": 1}),
    ]


async def test_requests_at_the_same_time_do_not_mix(small: Any) -> None:
    async with small({"crm": crm()}, hooks=[hook(Watching)]) as router, asyncio.TaskGroup() as group:
        tasks = [group.create_task(router.ask("{ a }", headers={"x-who": str(n)})) for n in range(20)]

    assert [task.result() for task in tasks] == [{"data": {"a": 1, "who": str(n)}} for n in range(20)]


async def test_a_hook_refuses_with_its_own_code_and_nothing_is_fetched(small: Any) -> None:
    subgraph = crm()
    async with small({"crm": subgraph}, hooks=[hook(Refusing)]) as router:
        nobody = await router.post("{ a }", headers={"x-who": "nobody"})
        mutation = await router.post("mutation { c }")
        stranger = await router.ask("{ a }", headers={"x-who": "stranger"})
        asked = len(subgraph.asked)
        fine = await router.ask("{ a }")

    assert (nobody.status_code, nobody.json()["errors"]) == (
        418,
        [{"message": "Not you.", "extensions": {"code": "NOBODY", "hint": "go"}}],
    )
    assert (mutation.status_code, mutation.json()["errors"][0]["extensions"]["code"]) == (403, "READ_ONLY")
    assert stranger["data"] == {"a": None}
    assert stranger["errors"][0]["extensions"] == {
        "code": "HOOK_REFUSED",
        "service": "crm",
        "reason": "NOT_FOR_STRANGERS: No.",
    }
    assert asked == 0
    assert fine == {"data": {"a": 1}}


@pytest.mark.parametrize(("on_error", "codes"), [("closed", ["HOOK_FAILED"]), ("open", [])])
async def test_a_late_hook_ends_the_request_or_is_passed_over(small: Any, on_error: str, codes: list[str]) -> None:
    async with small({"crm": crm()}, hooks=[hook(Late, timeout=0.05, on_error=on_error)]) as router:
        answer = await router.ask("{ a }")

    assert [error["extensions"]["code"] for error in answer.get("errors", [])] == codes
    assert answer.get("data") == (None if codes else {"a": 1})


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (f"{__name__}.Unknown", "has on_reqeust; hooks are on_request"),
        (f"{__name__}.NotAsync", "on_request is no async function"),
        (f"{__name__}.crm", "has no hooks"),
        ("nowhere.Nothing", "can't be used"),
        ("nothing", "can't be used"),
    ],
)
def test_what_is_no_hook_is_found_at_the_start(path: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=reason):
        build(RouterConfig.model_validate({"hooks": [{"path": path}]}))


async def test_nothing_is_in_the_way_without_hooks(small: Any) -> None:
    async with small({"crm": crm()}) as router:
        assert type(router.app.state.graphs.current.services.transport).__module__ != "router.server.hooks"


async def test_the_harness_calls_hooks_without_a_router() -> None:
    harness = HookHarness(Watching(), Refusing(), headers={"X-Who": "stranger"})

    assert await harness.arrive() is None
    refused = await harness.operation("M", "mutation")
    assert refused is not None
    assert refused.code == "READ_ONLY"
    assert harness.request.context == {"who": "stranger"}
    with pytest.raises(Refuse, match="No"):
        await harness.subgraph_request("crm")
    assert (await harness.response({"a": 1})).data == {"a": 1, "who": "stranger"}
