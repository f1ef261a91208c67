"""Rate limits: who is counted together, what they are told, and what nobody can do to anybody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from small_graph import Subgraph, uuid_of

PING = "{ __typename }"


def graph() -> dict[str, Subgraph]:
    return {"crm": Subgraph("type Query { ping: String }", {"ping": "pong"})}


async def statuses(psa: Any, times: int, headers: dict[str, str], query: str = PING) -> list[int]:
    return [(await psa.post(query, headers=headers)).status_code for _ in range(times)]


async def test_a_thousand_calls_in_a_minute_pass_and_the_next_one_does_not(small: Any, issuer: Any) -> None:
    """AT-GW-1."""
    key, other = issuer.bearer(sub=uuid_of("key-1")), issuer.bearer(sub=uuid_of("key-2"))
    async with small(graph(), authentication=issuer.settings()) as psa:
        passed = [code for _ in range(20) for code in await asyncio.gather(*(_status(psa, key) for _ in range(50)))]
        refused = await psa.post(PING, headers=key)
        unaffected = await psa.post(PING, headers=other)

    assert passed == [200] * 1000
    assert refused.status_code == 429
    assert refused.json()["errors"] == [
        {"message": "Your request has been rate limited", "extensions": {"code": "REQUEST_RATE_LIMITED"}}
    ]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"default";q=1000;w=60'
    assert refused.headers["ratelimit"].startswith('"default";r=0;t=')
    assert unaffected.status_code == 200
    assert unaffected.headers["ratelimit"] == '"default";r=999;t=60'
    assert "retry-after" not in unaffected.headers


async def _status(psa: Any, headers: dict[str, str]) -> int:
    status: int = (await psa.post(PING, headers=headers)).status_code
    return status


async def test_a_new_token_is_no_new_minute_and_a_tenant_not_another_ones(small: Any, issuer: Any) -> None:
    settings = {"authentication": issuer.settings(), "rate_limit": {"limit": 2}}
    async with small(graph(), **settings) as psa:
        same = [await _status(psa, issuer.bearer(sub=uuid_of("a"), jti=str(number))) for number in range(3)]
        elsewhere = await _status(psa, issuer.bearer(sub=uuid_of("a"), tid="0190a000-0000-7000-8000-00000000000f"))

    assert (same, elsewhere) == ([200, 200, 429], 200)


async def test_quotas_by_key_before_client_before_tenant(small: Any, issuer: Any) -> None:
    tenant = "0190a000-0000-7000-8000-00000000000f"
    overrides = {
        "keys": {uuid_of("vip"): {"limit": 4}},
        "clients": {"batch": {"limit": 1, "window": "2m"}},
        "tenants": {tenant: {"limit": 3}},
    }
    settings = {"authentication": issuer.settings(), "rate_limit": {"limit": 2, "overrides": overrides}}
    batch = {"apollographql-client-name": "batch"}
    async with small(graph(), **settings) as psa:
        by_key = await statuses(psa, 5, issuer.bearer(sub=uuid_of("vip"), tid=tenant) | batch)
        by_client = await statuses(psa, 2, issuer.bearer(sub=uuid_of("b"), tid=tenant) | batch)
        by_tenant = await statuses(psa, 4, issuer.bearer(sub=uuid_of("c"), tid=tenant))
        by_default = await statuses(psa, 3, issuer.bearer(sub=uuid_of("d")))
        told = await psa.post(PING, headers=issuer.bearer(sub=uuid_of("e")) | batch)

    assert by_key == [200] * 4 + [429]
    assert by_client == [200, 429]
    assert by_tenant == [200] * 3 + [429]
    assert by_default == [200] * 2 + [429]
    assert told.headers["ratelimit-policy"] == '"client";q=1;w=120'


async def test_who_does_not_say_who_they_are_is_counted_by_address(small: Any, issuer: Any) -> None:
    anonymous = {"authorization": {"require_authentication": False}}
    settings = {"authentication": issuer.settings(), "rate_limit": {"limit": 2}}
    async with small(graph(), **settings, **anonymous) as psa:
        unknown = await statuses(psa, 3, {})
        known = await statuses(psa, 1, issuer.bearer())
    async with small(graph()) as psa:
        nobody_is_asked = (await psa.client.post("/graphql", json={"query": "{ __typename }"})).headers
    async with small(graph(), rate_limit={"limit": 2}) as psa:
        written = await statuses(psa, 3, {})
    async with small(graph(), rate_limit={"limit": 2, "by_address": False}) as psa:
        nobody_is_counted = await statuses(psa, 3, {})
    async with small(graph(), rate_limit={"limit": 2, "by_address": True, "enabled": False}) as psa:
        off = await statuses(psa, 3, {})

    assert (unknown, known) == ([200, 200, 429], [200])
    assert "ratelimit" not in nobody_is_asked
    assert (written, nobody_is_counted, off) == ([200, 200, 429], [200] * 3, [200] * 3)


async def test_tokens_that_are_no_proof_count_for_their_address_and_harm_nobody_there(small: Any, issuer: Any) -> None:
    settings = {"authentication": issuer.settings(), "rate_limit": {"failed_authentication": {"limit": 3}}}
    async with small(graph(), **settings) as psa:
        guessed = await statuses(psa, 5, {"authorization": "Bearer guess"})
        neighbour = await psa.post(PING, headers=issuer.bearer())
        more = await psa.post(PING, headers={"authorization": "Bearer guess"})

    assert guessed == [401, 401, 401, 429, 429]
    assert neighbour.status_code == 200
    assert neighbour.headers["ratelimit"] == '"default";r=999;t=60'
    assert 1 <= int(more.headers["retry-after"]) <= 60


async def test_each_operation_of_a_batch_counts(small: Any, issuer: Any) -> None:
    settings = {"authentication": issuer.settings(), "rate_limit": {"limit": 3}, "batching": {"enabled": True}}
    async with small(graph(), **settings) as psa:
        answer = await psa.client.post("/graphql", json=[{"query": PING}] * 5, headers=issuer.bearer())

    codes = [one["errors"][0]["extensions"]["code"] if "errors" in one else "OK" for one in answer.json()]
    assert sorted(codes) == ["OK"] * 3 + ["REQUEST_RATE_LIMITED"] * 2
    assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_nothing_is_fetched_for_whoever_is_refused_and_the_status_can_be_apollos(small: Any, issuer: Any) -> None:
    settings = {"authentication": issuer.settings(), "rate_limit": {"limit": 1, "refusal_status": 503}}
    async with small(graph(), **settings) as psa:
        codes = await statuses(psa, 3, issuer.bearer(), "{ ping }")

    assert codes == [200, 503, 503]
    assert len(psa.subgraphs["crm"].asked) == 1


async def test_all_clients_together_can_have_a_limit_and_each_subgraph_one(small: Any) -> None:
    limits = {"capacity": 2, "interval": "60s"}
    async with small(graph(), traffic_shaping={"router": {"global_rate_limit": limits}}) as psa:
        codes = await statuses(psa, 3, {})
    async with small(graph(), traffic_shaping={"all": {"global_rate_limit": limits}}) as psa:
        bodies = [await psa.ask("{ ping }") for _ in range(3)]

    assert codes == [200, 200, 429]
    assert [body["data"]["ping"] for body in bodies] == ["pong", "pong", None]
    assert bodies[2]["errors"][0]["extensions"]["code"] == "REQUEST_RATE_LIMITED"
    assert len(psa.subgraphs["crm"].asked) == 2


async def test_a_redis_that_is_not_there_stops_nobody(small: Any, issuer: Any) -> None:
    settings = {
        "authentication": issuer.settings(),
        "rate_limit": {"limit": 2},
        "redis": {"url": "redis://127.0.0.1:1/0"},
    }
    async with small(graph(), **settings) as psa:
        codes = await statuses(psa, 3, issuer.bearer(), "{ ping }")

    assert codes == [200, 200, 429]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"window": "0s"}, {"refusal_status": 418}])
async def test_settings_that_make_no_sense_are_refused(small: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        async with small(graph(), rate_limit=wrong):
            pass
