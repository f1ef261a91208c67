"""What is kept of answers: never more than is allowed, never somebody else's, and exactly gone when it has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import UUID

import httpx2
import pytest
from cached_graph import Kept, bare, shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from on_the_wire import OnTheWire
from small_graph import Subgraph

from codegen.rest import artifacts
from router.composition import compose
from router.federation.subgraph import SubgraphSource
from router.rest.routes import Lock
from router.rest.view import View

OTHER = "0190a000-0000-7000-8000-00000000000f"
KEY = "a-shared-key"
ON: dict[str, Any] = {
    "enabled": True,
    "debug": True,
    "subgraph": {"all": {"invalidation": {"enabled": True, "shared_key": KEY}}},
}
LIST = "query Shelf { products(first: 3) { id name stars } }"


async def test_the_second_time_nobody_is_asked_and_the_answer_says_how_long_it_is_good_for(
    small: Callable[..., Any],
) -> None:
    services = shop()
    async with small(services, response_cache=ON) as router:
        first = await router.post(LIST)
        second = await router.post(LIST.replace("Shelf", "Another"))

        assert first.json() == second.json()
        assert first.json()["data"]["products"][2] == {"id": "2", "name": "name 2", "stars": 2}
        assert [len(service.asked) for service in services.values()] == [1, 1]
        assert first.headers["cache-control"] == "max-age=60, public"
        assert first.headers["age"] == "0"


async def test_of_a_list_only_those_that_are_not_kept_are_asked_for_and_each_stands_in_its_place(
    small: Callable[..., Any],
) -> None:
    services = shop()
    async with small(services, response_cache=ON) as router:
        await router.ask("{ products(first: 3) { id stars } }")
        services["reviews"].entities = {"Product:0": {"stars": 100}}  # who is asked now, isn't there
        answer = await router.ask("{ products(first: 5) { id stars } }")

        assert [one["stars"] for one in answer["data"]["products"]] == [0, 1, 2, None, None]
        assert services["reviews"].wanted == [["0", "1", "2"], ["3", "4"]]
        again = await router.ask("{ products(first: 5) { id stars } }")
        assert again == answer
        assert services["reviews"].wanted[2:] == [["3", "4"]], "what isn't there isn't kept"


async def test_an_error_at_an_entity_keeps_its_place_and_nothing_of_that_answer_is_kept(
    small: Callable[..., Any],
) -> None:
    services = shop()
    async with small(services, response_cache=ON) as router:
        await router.ask("{ products(first: 2) { id stars } }")

        def fails(**_arguments: Any) -> Any:
            raise ValueError("no stars today")

        services["reviews"].entities = {**services["reviews"].entities, "Product:3": {"stars": fails}}
        answer = await router.post("{ products(first: 5) { id stars } }")

        assert [one["stars"] for one in answer.json()["data"]["products"]] == [0, 1, 2, None, 4]
        assert [error["path"] for error in answer.json()["errors"]] == [["products", 3, "stars"]]
        assert answer.headers["cache-control"] == "no-store"
        await router.ask("{ products(first: 5) { id stars } }")
        assert services["reviews"].wanted == [["0", "1"], ["2", "3", "4"], ["2", "3", "4"]]


async def test_mutations_and_answers_with_errors_are_asked_every_time(small: Callable[..., Any]) -> None:
    services = shop()
    async with small(services, response_cache=ON) as router:
        rename = 'mutation { rename(id: "1", name: "one") { id name stars } }'
        for _ in range(2):
            answered = await router.post(rename)
            assert answered.headers["cache-control"] == "no-store"
            assert (await router.post("{ broken }")).headers["cache-control"] == "no-store"

        assert [len(service.asked) for service in services.values()] == [4, 2]


@pytest.mark.parametrize(
    ("said", "asked", "told"),
    [
        ("max-age=60", 1, "max-age=60, public"),
        ("max-age=60, s-maxage=30", 1, "max-age=30, public"),
        ("no-store", 2, "no-store"),
        ("max-age=0", 2, "no-store"),
        ("no-cache, max-age=60", 2, "no-store"),
        ("private, max-age=60", 2, "max-age=60, private"),
        ("", 2, "no-store"),
    ],
)
async def test_the_service_says_how_long_and_for_whom(
    small: Callable[..., Any], said: str, asked: int, told: str
) -> None:
    services = shop()
    services["products"].answer_headers = [("cache-control", said)] if said else []
    async with small(services, response_cache=ON) as router:
        for _ in range(2):
            answer = await router.post("{ count }")

        assert (len(services["products"].asked), answer.headers["cache-control"]) == (asked, told)


async def test_what_is_older_than_its_time_when_it_comes_is_good_for_the_rest(small: Callable[..., Any]) -> None:
    services = shop()
    services["products"].answer_headers = [("cache-control", "max-age=60"), ("age", "40")]
    async with small(services, response_cache=ON) as router:
        answer = await router.post("{ products { id stars } }")

        assert (answer.headers["cache-control"], answer.headers["age"]) == ("max-age=60, public", "40")


@pytest.mark.parametrize(
    ("queries", "told"),
    [
        (["{ count }"], "max-age=60, public"),
        (["{ count }", "{ reviewed }"], "max-age=20, private"),
        (["{ count }", "{ broken }"], "no-store"),
        (["{ count }", "{ nothing }"], "no-store"),
        (["{ count }", "{ __typename }"], "no-store"),
        (["{ count }", 'mutation { rename(id: "1", name: "one") { id } }'], "no-store"),
    ],
)
async def test_a_batch_is_good_for_as_long_as_the_answer_in_it_that_ends_first(
    small: Callable[..., Any], queries: list[str], told: str
) -> None:
    services = shop()
    services["reviews"].answer_headers = [("cache-control", "max-age=20, private")]
    async with small(services, response_cache=ON, batching={"enabled": True}) as router:
        for _ in range(2):
            answer = await router.client.post("/graphql", json=[{"query": query} for query in queries])
            assert (len(answer.json()), answer.headers["cache-control"]) == (len(queries), told)


async def test_of_a_batch_that_wants_what_is_kept_each_says_for_itself_whether_it_is(small: Callable[..., Any]) -> None:
    async with small(shop(), response_cache=ON, batching={"enabled": True}) as router:
        await router.post("{ count }")
        batch = [{"query": "{ count }"}, {"query": "{ newest { id } }"}]
        answer = await router.client.post("/graphql", json=batch, headers={"cache-control": "only-if-cached"})

        assert answer.json()[0] == {"data": {"count": 6}}
        assert [error["extensions"]["code"] for error in answer.json()[1]["errors"]] == ["NOT_CACHED"]
        assert answer.headers["cache-control"] == "no-store"


async def test_a_batch_is_not_to_be_kept_where_nothing_is(small: Callable[..., Any]) -> None:
    async with small(shop(), batching={"enabled": True}) as router:
        answer = await router.client.post("/graphql", json=[{"query": "{ count }"}])

        assert answer.headers["cache-control"] == "no-store"


PARCELS = """
type Query {
  parcel(id: ID!): Parcel @tag(name: "partner") @cacheTag(format: "parcel-{$args.id}")
  parcels(limit: Int! = 50, offset: Int! = 0): [Parcel!]! @tag(name: "partner")
}
type Parcel @key(fields: "id") @tag(name: "partner") { id: ID! version: Int! colour: String }
"""


@dataclass
class Parcels(Kept):
    """A service that partners reach by REST."""

    @property
    def text(self) -> str:
        """What it registers."""
        return super().text.replace('"@cacheTag"', '"@cacheTag", "@tag"')

    def execute(self, body: dict[str, Any]) -> bytes:
        """Execute it without directives."""
        return Subgraph(bare(PARCELS.replace('@tag(name: "partner")', "")), self.roots).execute(body)


async def test_over_rest_an_answer_says_how_long_it_is_good_for_too(small: Callable[..., Any], tmp_path: Path) -> None:
    parcels = {"1": {"__typename": "Parcel", "id": "1", "version": 3, "colour": "red"}}
    service = Parcels(PARCELS, {"parcel": lambda **of: parcels.get(of["id"])})
    composed = compose.supergraph([SubgraphSource("parcels", "http://parcels", service.text)])
    assert isinstance(composed, compose.Composed), composed
    lock = artifacts.derived(View.of(composed.supergraph_sdl), Lock(1), {}, {})
    (tmp_path / "v1.lock.json").write_text(lock.dumps())
    async with small({"parcels": service}, response_cache=ON, rest={"folder": str(tmp_path)}) as router:
        first, second = [await router.client.get("/api/v1/parcels/1") for _ in range(2)]
        gone = await router.client.get("/api/v1/parcels/2")
        unchanged = await router.client.get("/api/v1/parcels/1", headers={"if-none-match": first.headers["etag"]})
        service.answer_headers = []
        unsaid = await router.client.get("/api/v1/parcels/1", headers={"cache-control": "no-cache"})
    async with small({"parcels": service}, rest={"folder": str(tmp_path)}) as router:
        uncached = await router.client.get("/api/v1/parcels/1")

    assert first.json()["colour"] == second.json()["colour"] == "red"
    assert (first.headers.get_list("cache-control"), first.headers["age"]) == (["max-age=60, public"], "0")
    assert second.headers["cache-control"].startswith("max-age=60")
    assert (unchanged.status_code, unchanged.headers["cache-control"]) == (304, "max-age=60, public")
    assert (gone.status_code, gone.headers.get_list("cache-control")) == (404, ["no-store"])
    assert [one.headers["cache-control"] for one in (unsaid, uncached)] == ["private, no-cache"] * 2
    assert len(service.asked) == 4


async def test_where_nothing_is_said_the_settings_say_how_long_and_off_is_off(small: Callable[..., Any]) -> None:
    services = shop()
    for service in services.values():
        service.answer_headers = []
    settings = {**ON, "subgraph": {"all": {"ttl": "30s"}, "subgraphs": {"reviews": {"enabled": False}}}}
    async with small(services, response_cache=settings) as router:
        assert (await router.post("{ count }")).headers["cache-control"] == "max-age=30, public"
        for _ in range(2):
            assert (await router.post(LIST)).headers["cache-control"] == "no-store"

        assert [len(service.asked) for service in services.values()] == [2, 2]


async def test_by_default_nothing_is_kept_and_there_is_no_place_to_invalidate_it(small: Callable[..., Any]) -> None:
    services = shop()
    async with small(services) as router:
        for _ in range(2):
            assert (await router.post(LIST)).headers["cache-control"] == "no-store"
        prepared_without = router.app.state.graphs.current.kept

        assert prepared_without is None
        assert [len(service.asked) for service in services.values()] == [2, 2]
        assert (await router.client.post("/invalidation", json=[])).status_code == 404


async def _invalidate(router: Any, *asked: dict[str, Any], key: str = KEY) -> Any:
    return await router.client.post("/invalidation", json=list(asked), headers={"authorization": key})


async def test_a_tag_takes_exactly_what_has_it(small: Callable[..., Any]) -> None:
    services = shop()
    async with small(services, response_cache=ON) as router:
        await router.ask(LIST)
        await router.ask('{ product(id: "2") { name } }')
        await router.ask('{ product(id: "4") { name } }')
        tag = {"kind": "cache_tag", "subgraphs": ["reviews"], "cache_tag": "reviews-1"}
        taken = await _invalidate(router, tag)
        assert (taken.status_code, taken.json()) == (202, {"count": 1})

        await router.ask(LIST)
        assert services["reviews"].wanted == [["0", "1", "2"], ["1"]]
        assert len(services["products"].asked) == 3, "what another service said stays"
        # The list has product 2 in it, and product(id: 2) its argument; product 4 is in neither.
        both = await _invalidate(router, {"kind": "cache_tag", "subgraphs": ["products"], "cache_tag": "product-2"})
        assert both.json() == {"count": 2}
        await router.ask('{ product(id: "4") { name } }')
        assert len(services["products"].asked) == 3
        # By what was not said (first: 3 is the default) and what always is.
        await router.ask("{ products { id } }")
        first = {"kind": "cache_tag", "subgraphs": ["products"], "cache_tag": "first-3"}
        assert (await _invalidate(router, first)).json() == {"count": 1}
        assert (await _invalidate(router, {**first, "cache_tag": "products"})).json() == {"count": 0}


async def test_whose_key_was_not_asked_for_goes_with_every_tag_that_could_be_its(small: Callable[..., Any]) -> None:
    services = shop()
    async with small(services, response_cache=ON) as router:
        await router.ask("{ newest { name } }")
        await router.ask("{ count }")
        product = {"kind": "cache_tag", "subgraphs": ["products"], "cache_tag": "product-1"}

        assert (await _invalidate(router, {**product, "cache_tag": "elsewhere"})).json() == {"count": 0}
        assert (await _invalidate(router, product)).json() == {"count": 1}


async def test_a_type_takes_what_could_have_one_in_it_and_a_subgraph_takes_all_of_its_own(
    small: Callable[..., Any],
) -> None:
    services = shop()
    async with small(services, response_cache=ON) as router:
        await router.ask("{ products { id stars } count }")
        await router.ask("{ count }")
        of_type = {"kind": "type", "subgraph": "products", "type": "Product"}
        assert (await _invalidate(router, of_type)).json() == {"count": 1}
        assert (await _invalidate(router, {**of_type, "subgraph": "reviews"})).json() == {"count": 3}
        assert (await _invalidate(router, {"kind": "subgraph", "subgraph": "products"})).json() == {"count": 1}


@pytest.mark.parametrize(
    ("body", "key", "status"),
    [
        ([{"kind": "subgraph", "subgraph": "products"}], "wrong", 401),
        ([{"kind": "subgraph", "subgraph": "products"}], "", 401),
        ([{"kind": "subgraph", "subgraph": "reviews"}], KEY, 401),
        ([{"kind": "planet", "subgraph": "products"}], KEY, 400),
        ({"kind": "subgraph", "subgraph": "products"}, KEY, 400),
    ],
)
async def test_who_has_no_key_or_makes_no_sense_invalidates_nothing(
    small: Callable[..., Any], body: Any, key: str, status: int
) -> None:
    services = shop()
    own = {"reviews": {"invalidation": {"shared_key": "another-key"}}}
    settings = {**ON, "subgraph": {**ON["subgraph"], "subgraphs": own}}
    async with small(services, response_cache=settings) as router:
        await router.ask(LIST)
        refused = await router.client.post("/invalidation", json=body, headers={"authorization": key})
        await router.ask(LIST)

        assert refused.status_code == status
        assert refused.json()["errors"][0]["message"]
        assert [len(service.asked) for service in services.values()] == [1, 1]


async def test_what_was_fetched_before_an_invalidation_and_comes_after_it_is_not_kept(
    small: Callable[..., Any],
) -> None:
    services = shop()
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def late(service: Any) -> tuple[int, bytes]:
        answer = service.execute(service.bodies[-1])  # as it is now
        arrived.set()
        await go_on.wait()
        return 200, answer

    services["products"].before = late
    async with small(services, response_cache=ON) as router, asyncio.TaskGroup() as group:
        begun = group.create_task(router.ask('{ product(id: "1") { name } }'))
        await arrived.wait()
        services["products"].before = None
        await router.ask('mutation { rename(id: "1", name: "new") { id } }')
        await _invalidate(router, {"kind": "cache_tag", "subgraphs": ["products"], "cache_tag": "product-1"})
        # Whoever asks now must not be given what is under way either: it's from before.
        joined = group.create_task(router.ask('{ product(id: "1") { name } }'))
        await asyncio.wait([joined], timeout=1)
        go_on.set()

        assert await begun == {"data": {"product": {"name": "name 1"}}}
        assert await joined == {"data": {"product": {"name": "new"}}}
        assert await router.ask('{ product(id: "1") { name } }') == {"data": {"product": {"name": "new"}}}


async def test_what_a_client_wants_of_caches_holds_for_it(small: Callable[..., Any]) -> None:
    services = shop()
    async with small(services, response_cache=ON) as router:

        async def ask(cache_control: str) -> tuple[int, int]:
            answer = await router.post("{ count }", headers={"cache-control": cache_control})
            return answer.status_code, len(services["products"].asked)

        assert await ask("only-if-cached") == (504, 0)
        assert await ask("no-store") == (200, 1)
        assert await ask("") == (200, 2), "no-store left nothing behind"
        assert await ask("only-if-cached") == (200, 2)
        assert await ask("max-age=30") == (200, 2)
        assert await ask("no-cache") == (200, 3)
        assert await ask("max-age=0") == (200, 4)
        assert await ask("min-fresh=61") == (200, 5)
        assert await ask("no-cache, only-if-cached") == (504, 5)


async def test_a_developer_who_asks_sees_what_was_decided(small: Callable[..., Any]) -> None:
    async with small(shop(), response_cache=ON) as router:
        asked = {"headers": {"apollo-cache-debugging": "true"}}
        first = (await router.ask("{ products(first: 1) { id stars } }", **asked))["extensions"]["apolloCacheDebugging"]
        second = (await router.ask("{ products(first: 1) { id stars } }", **asked))["extensions"][
            "apolloCacheDebugging"
        ]

        assert [(one["subgraphName"], one["kind"], one["status"], one["stored"]) for one in first["data"]] == [
            ("products", "rootFields", "miss", True),
            ("reviews", "entity", "miss", True),
        ]
        assert first["data"][1]["invalidationKeys"] == [
            "all",
            "reviews:*",
            "reviews:tag:reviews-0",
            "reviews:type:Product",
        ]
        assert [one["status"] for one in second["data"]] == ["hit", "hit"]
        assert "extensions" not in await router.ask("{ count }")


async def test_the_figures_say_what_happened(small: Callable[..., Any]) -> None:
    async with small(shop(), response_cache=ON) as router:
        await router.ask(LIST)
        await router.ask(LIST)
        await _invalidate(router, {"kind": "subgraph", "subgraph": "reviews"})
        lines = (await router.client.get("/metrics")).text.splitlines()
        figures = {
            line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
            for line in lines
            if line.startswith("apollo_router_response_cache")
        }

        def of(name: str, labels: str) -> float:
            found = [
                value
                for key, value in figures.items()
                if key.startswith(f"apollo_router_response_cache_{name}") and labels in key
            ]
            assert len(found) == 1, (name, figures)
            return found[0]

        assert of("hits", 'subgraph_name="reviews"') == 3
        assert of("misses", 'subgraph_name="reviews"') == 3
        assert of("stored", 'subgraph_name="products"') == 1
        assert of("hits", 'graphql_type_name="Query"') == 1
        assert of("invalidated", 'kind="subgraph"') == 3
        assert of("entries", "{") == 1


async def test_parts_that_come_later_come_from_what_is_kept_too(small: Callable[..., Any]) -> None:
    services = shop()
    query = "{ products(first: 2) { id ... @defer { stars } } }"
    accept = {"accept": "multipart/mixed;deferSpec=20220824, application/json"}
    async with small(services, response_cache=ON) as router:
        first = await router.post(query, headers=accept)
        second = await router.post(query, headers=accept)

        assert first.text.count('"stars"') == second.text.count('"stars"') == 2
        assert first.headers["cache-control"] == "no-store"
        assert [len(service.asked) for service in services.values()] == [1, 1]


async def test_the_express_lane_says_the_same(small: Callable[..., Any]) -> None:
    async with small(shop(), response_cache=ON) as router:
        for express in (True, False):
            transport = OnTheWire(router.app, express=express)
            async with httpx2.AsyncClient(transport=transport, base_url="http://router") as client:
                answer = await client.post("/graphql", json={"query": "{ count }"})
                only = {"cache-control": "only-if-cached"}
                missing = await client.post(
                    "/graphql", json={"query": f"{{ product(id: {express:d}) {{ id }} }}"}, headers=only
                )
                broken = await client.post("/graphql", json={"query": "{ broken }"})

            assert answer.headers["cache-control"].split(", ")[1] == "public"
            assert (missing.status_code, missing.json()["errors"][0]["extensions"]["code"]) == (504, "NOT_CACHED")
            assert broken.headers["cache-control"] == "no-store"


async def test_while_redis_is_away_everything_is_answered_and_nothing_invalidated(small: Callable[..., Any]) -> None:
    services = shop()
    away = {**ON, "storage": "redis", "redis": {"url": "redis://127.0.0.1:9/0"}}
    async with small(services, response_cache=away) as router:
        for _ in range(2):
            assert (await router.ask(LIST))["data"]["products"][1] == {"id": "1", "name": "name 1", "stars": 1}
        refused = await _invalidate(router, {"kind": "subgraph", "subgraph": "products"})

        assert [len(service.asked) for service in services.values()] == [2, 2]
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


async def test_routers_share_what_lies_in_redis_and_what_one_invalidates_is_gone_for_all(
    small: Callable[..., Any], redis_url: str
) -> None:
    services = shop()
    shared = {**ON, "storage": "redis", "redis": {"url": redis_url, "namespace": f"test-{token_hex(6)}", "timeout": 5}}
    async with small(services, response_cache=shared) as one, small(services, response_cache=shared) as other:
        assert await one.ask(LIST) == await other.ask(LIST)
        assert [len(service.asked) for service in services.values()] == [1, 1]
        tag = {"kind": "cache_tag", "subgraphs": ["reviews"], "cache_tag": "reviews-1"}
        assert (await _invalidate(one, tag)).json() == {"count": 1}
        await other.ask(LIST)

        assert services["reviews"].wanted == [["0", "1", "2"], ["1"]]


class TestWhoSeesWhat:
    """Callers share what is kept only if a service could not tell them apart."""

    QUERY = "{ count }"

    async def asked(self, small: Any, issuer: Any, said: str, *callers: dict[str, Any], **rule: Any) -> int:
        services = shop()
        services["products"].answer_headers = [("cache-control", said)]
        mine = {**ON, "subgraph": {"all": rule}}
        anybody = {"require_authentication": False}
        async with small(
            services, response_cache=mine, authentication=issuer.settings(), authorization=anybody
        ) as router:
            for caller in callers:
                headers = issuer.bearer(**caller) if caller else {}
                answer = await router.post(self.QUERY, headers=headers)
                assert answer.json() == {"data": {"count": 6}}
                assert ("private" in answer.headers["cache-control"]) == bool(caller or "private" in said)
        return len(services["products"].asked)

    async def test_one_caller_with_another_token_is_the_same_caller(self, small: Any, issuer: Any) -> None:
        one, another = {"iat": int(time.time()) - 2}, {"iat": int(time.time()) - 1}
        assert await self.asked(small, issuer, "max-age=60", one, {}, another) == 2
        assert await self.asked(small, issuer, "private, max-age=60", one, another) == 1

    @pytest.mark.parametrize("said", ["public, max-age=60", "private, max-age=60"])
    @pytest.mark.parametrize(
        "other", [{"tid": OTHER}, {"sub": OTHER}, {"scope": "customers:write"}, {"customers": []}, {"roles": []}]
    )
    async def test_who_differs_in_anything_that_the_service_sees_is_somebody_else(
        self, small: Any, issuer: Any, said: str, other: dict[str, Any]
    ) -> None:
        assert await self.asked(small, issuer, said, {"kind": "STAFF"}, {"kind": "STAFF", **other}) == 2

    async def test_what_is_said_to_be_shared_is_shared_within_a_tenant_and_private_stays_private(
        self, small: Any, issuer: Any
    ) -> None:
        one, colleague, stranger = {"kind": "STAFF"}, {"sub": OTHER}, {"tid": OTHER}
        rule = {"shared_by": ["scope", "customers"]}

        assert await self.asked(small, issuer, "max-age=60", one, colleague, stranger, **rule) == 2
        assert await self.asked(small, issuer, "private, max-age=60", one, colleague, stranger, one, **rule) == 3

    async def test_headers_that_are_passed_on_tell_callers_apart_and_others_do_not(self, small: Any) -> None:
        services = shop()
        rules = {"all": {"request": [{"propagate": {"named": "accept-language"}}]}}
        async with small(services, response_cache=ON, headers=rules) as router:
            for language in ("de", "en", "de"):
                await router.post(self.QUERY, headers={"accept-language": language, "x-other": language})

        assert len(services["products"].asked) == 2


PLACES = st.sampled_from(["0", "1", "2", "3", "4", "5"])
FIELDS = st.sampled_from(["name", "id name", "id stars", "name reviews { text }", "stars name reviews { id text }"])
STEPS = st.one_of(
    st.tuples(st.just("product"), PLACES, FIELDS),
    st.tuples(st.just("products"), st.sampled_from(["1", "3", "5"]), FIELDS),
    st.tuples(st.just("newest"), st.just(""), FIELDS),
    st.tuples(st.just("rename"), PLACES, st.text("abc", min_size=1, max_size=3)),
    st.tuples(st.just("rate"), PLACES, st.sampled_from(["1", "2", "3"])),
)


async def _play(router: Any, services: dict[str, Any], steps: Sequence[tuple[str, str, str]]) -> None:
    """What is answered is always what would be fetched; whatever changes something says so by its tags."""
    fresh = {"headers": {"cache-control": "no-store"}}
    for kind, place, what in steps:
        if kind == "rename":
            await router.ask(f'mutation {{ rename(id: "{place}", name: "{what}") {{ id }} }}')
            tag = {"kind": "cache_tag", "subgraphs": ["products"], "cache_tag": f"product-{place}"}
            assert (await _invalidate(router, tag)).status_code == 202
        elif kind == "rate":
            services["reviews"].entities[f"Product:{place}"] |= {"stars": int(what)}
            services["reviews"].entities[f"Product:{place}"]["reviews"][0]["text"] = what
            tag = {"kind": "cache_tag", "subgraphs": ["reviews"], "cache_tag": f"reviews-{place}"}
            assert (await _invalidate(router, tag)).status_code == 202
        else:
            arguments = {"product": f'(id: "{place}")', "products": f"(first: {place})", "newest": ""}[kind]
            query = f"{{ {kind}{arguments} {{ {what} }} }}"
            assert await router.ask(query) == await router.ask(query, **fresh)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14))
async def test_whatever_is_asked_and_changed_what_is_kept_is_what_would_be_fetched(
    small: Callable[..., Any],
    steps: list[tuple[str, str, str]],
) -> None:
    services = shop()
    async with small(services, response_cache=ON, access_log=False) as router:
        await _play(router, services, steps)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14), namespace=st.uuids())
async def test_so_it_is_where_redis_keeps_it(
    small: Callable[..., Any], redis_url: str, steps: list[tuple[str, str, str]], namespace: UUID
) -> None:
    services = shop()
    shared = {**ON, "storage": "redis", "redis": {"url": redis_url, "namespace": str(namespace), "timeout": 5}}
    async with small(services, response_cache=shared, access_log=False) as router:
        await _play(router, services, steps)
