"""Operations that are known by a hash or an id: APQ, manifests of three forms, and the safelist."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from fakeredis import TcpFakeServer
from pydantic import ValidationError

from router.server.app import build
from router.server.config import Misconfigured, RouterConfig

GRAPHQL = "application/graphql-response+json"
QUERY = '{ customer(id: "123") { name } }'
ANSWER = {"data": {"customer": {"name": "ACME"}}}
OTHER = "{ __typename }"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def apq(text: str | None, digest: str = sha(QUERY)) -> dict[str, Any]:
    body: dict[str, Any] = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    return body if text is None else {**body, "query": text}


async def post(psa: Any, body: Any, **headers: str) -> Any:
    return await psa.client.post("/graphql", json=body, headers={"accept": GRAPHQL, **headers})


def fault(response: Any) -> tuple[int, str, str]:
    error = response.json()["errors"][0]
    return response.status_code, error["extensions"]["code"], error["message"]


async def test_a_hash_is_unknown_then_learned_then_enough(platform: Any) -> None:
    async with platform() as psa:
        first = await post(psa, apq(None))
        second = await post(psa, apq(QUERY))
        third = await post(psa, apq(None))
        by_get = await psa.client.get("/graphql", params={"extensions": json.dumps(apq(None)["extensions"])})
        legacy = await psa.client.post("/graphql", json=apq(None, "00"))

    assert fault(first) == (200, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
    assert first.json()["data"] is None
    assert first.headers["cache-control"] == "no-store"
    assert second.json() == third.json() == by_get.json() == ANSWER
    assert legacy.status_code == 200


async def test_a_hash_of_another_text_is_refused_and_nothing_is_learned(platform: Any) -> None:
    async with platform() as psa:
        wrong = await post(psa, apq(OTHER))
        after = await post(psa, apq(None))

    assert fault(wrong) == (400, "PERSISTED_QUERY_HASH_MISMATCH", "provided sha does not match query")
    assert fault(after)[1] == "PERSISTED_QUERY_NOT_FOUND"


async def test_without_apq_clients_learn_to_send_the_text(platform: Any) -> None:
    async with platform(apq={"enabled": False}) as psa:
        hash_only = await post(psa, apq(None))
        with_text = await post(psa, apq(QUERY))

    assert fault(hash_only)[1:] == ("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
    assert with_text.json() == ANSWER


async def test_old_texts_go_when_there_are_too_many(platform: Any) -> None:
    async with platform(apq={"entries": 1}) as psa:
        await post(psa, apq(QUERY))
        await post(psa, apq(OTHER, sha(OTHER)))
        gone = await post(psa, apq(None))

    assert fault(gone)[1] == "PERSISTED_QUERY_NOT_FOUND"


async def test_routers_share_texts_through_redis_and_go_on_alone_without_it(platform: Any) -> None:
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    redis = {"url": f"redis://127.0.0.1:{server.server_address[1]}/0", "timeout_seconds": 5}
    try:
        async with platform(redis=redis) as one, platform(redis=redis) as other:
            await post(one, apq(QUERY))
            shared = await post(other, apq(None))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    async with platform(redis={**redis, "timeout_seconds": 0.2}) as alone:
        unknown = await post(alone, apq(None))
        learned = await post(alone, apq(QUERY))
        known = await post(alone, apq(None))

    assert shared.json() == learned.json() == known.json() == ANSWER
    assert fault(unknown)[1] == "PERSISTED_QUERY_NOT_FOUND"


APOLLO = {
    "format": "apollo-persisted-query-manifest",
    "version": 1,
    "operations": [
        {"id": "one", "name": "One", "type": "query", "body": QUERY},
        {"id": "mine", "name": "Mine", "type": "query", "body": OTHER, "clientName": "app"},
    ],
}


def manifest(folder: Path, content: Any, name: str = "manifest.json") -> str:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(file)


@pytest.mark.parametrize(
    ("content", "name", "document_id"),
    [
        (APOLLO, "m.json", "one"),
        ({"one": QUERY}, "m.json", "one"),
        ([["one", QUERY], ["two", OTHER]], "m.json", "one"),
        (QUERY + "\n", "one.graphql", sha(QUERY + "\n")),
        (QUERY + "\n", "one.graphql", sha(QUERY)),
        ({sha(QUERY): QUERY}, "m.json", f"sha256:{sha(QUERY)}"),
    ],
)
async def test_every_form_of_manifest_is_understood(
    platform: Any, tmp_path: Path, content: Any, name: str, document_id: str
) -> None:
    settings = {"enabled": True, "local_manifests": [manifest(tmp_path, content, name)]}
    async with platform(persisted_queries=settings) as psa:
        answers = [
            await post(psa, {"documentId": document_id}),
            await post(psa, {"doc_id": document_id}),
            await post(psa, apq(None, document_id)),
            await psa.client.get("/graphql", params={"documentId": document_id}),
        ]

    assert [answer.json() for answer in answers] == [ANSWER] * 4


async def test_an_operation_of_one_client_is_not_anothers(platform: Any, tmp_path: Path) -> None:
    settings = {"enabled": True, "local_manifests": [manifest(tmp_path, APOLLO)]}
    async with platform(persisted_queries=settings, apq={"enabled": False}) as psa:
        mine = await post(psa, {"documentId": "mine"}, **{"apollographql-client-name": "app"})
        other = await post(psa, {"documentId": "mine", "operationName": "Mine"}, **{"graphql-client-name": "web"})

    assert mine.json() == {"data": {"__typename": "Query"}}
    assert fault(other)[:2] == (404, "PERSISTED_QUERY_NOT_IN_LIST")
    assert other.json()["errors"][0]["extensions"]["operation_name"] == "Mine"


def safelisted(folder: Path, **safelist: Any) -> dict[str, Any]:
    settings = {"enabled": True, "local_manifests": [manifest(folder, APOLLO)]}
    return {"persisted_queries": {**settings, "safelist": {"enabled": True, **safelist}}}


async def test_a_safelist_lets_only_registered_operations_pass(platform: Any, tmp_path: Path) -> None:
    async with platform(**safelisted(tmp_path)) as psa:
        by_id = await post(psa, {"documentId": "one"})
        by_text = await post(psa, {"query": QUERY})
        spaced = await post(psa, {"query": '# words\nquery {\n  customer(id: "123") { name }\n}'})
        unknown = await post(psa, {"query": "{ headers }"})
        both = await post(psa, {"query": QUERY, "documentId": "one"})
        missing = await post(psa, {"documentId": "two"})
        asked = len(psa.modules["crm"].requests)

    assert by_id.json() == by_text.json() == spaced.json() == ANSWER
    assert fault(unknown)[:2] == (403, "QUERY_NOT_IN_SAFELIST")
    assert fault(both)[:2] == (400, "CANNOT_SEND_PQ_ID_AND_BODY")
    assert fault(missing)[:2] == (404, "PERSISTED_QUERY_NOT_IN_LIST")
    assert asked == 3


async def test_a_safelist_may_want_ids_only(platform: Any, tmp_path: Path) -> None:
    async with platform(**safelisted(tmp_path, require_id=True)) as psa:
        by_id = await post(psa, {"documentId": "one"})
        by_text = await post(psa, {"query": QUERY})

    assert by_id.json() == ANSWER
    assert fault(by_text)[:2] == (400, "PERSISTED_QUERY_ID_REQUIRED")


@pytest.mark.parametrize(
    ("rules", "client", "passes"),
    [
        ({"exempt_clients": ["dev"]}, "dev", True),
        ({"exempt_clients": ["dev"]}, "app", False),
        ({"only_clients": ["app"]}, "app", False),
        ({"only_clients": ["app"]}, "dev", True),
    ],
)
async def test_a_safelist_can_depend_on_the_client(
    platform: Any, tmp_path: Path, rules: Any, client: str, *, passes: bool
) -> None:
    async with platform(**safelisted(tmp_path, **rules)) as psa:
        response = await post(psa, {"query": OTHER + " #"}, **{"apollographql-client-name": client})
        free = await post(psa, {"query": "{ t: __typename }"}, **{"apollographql-client-name": client})

    assert response.status_code == 200
    assert (free.status_code == 200) is passes


@pytest.mark.parametrize(
    ("rules", "scope", "passes"),
    [
        ({"exempt_scopes": ["graph:explore"]}, "a graph:explore", True),
        ({"exempt_scopes": ["graph:explore"]}, "a", False),
        ({"only_scopes": ["partner"]}, "partner", False),
        ({"only_scopes": ["partner"]}, "a", True),
    ],
)
async def test_a_safelist_can_depend_on_scopes_which_cannot_be_forged(
    platform: Any, tmp_path: Path, issuer: Any, rules: Any, scope: str, *, passes: bool
) -> None:
    async with platform(**safelisted(tmp_path, **rules), authentication=issuer.settings()) as psa:
        free = await post(psa, {"query": "{ t: __typename }"}, **issuer.bearer(scope=scope))

    assert (free.status_code == 200) is passes


async def test_registered_operations_can_be_exempt_from_limits(platform: Any, tmp_path: Path) -> None:
    wide = "{ a: __typename b: __typename }"
    settings = {"enabled": True, "local_manifests": [manifest(tmp_path, {"wide": wide})]}
    limits = {"aliases": 1, "exempt_registered": ["aliases"]}
    async with platform(persisted_queries=settings, limits=limits) as psa:
        registered = await post(psa, {"documentId": "wide"})
        as_text = await post(psa, {"query": wide})
        other = await post(psa, {"query": "{ a: __typename c: __typename }"})

    assert registered.json() == as_text.json() == {"data": {"a": "Query", "b": "Query"}}
    assert fault(other)[1] == "MAX_ALIASES_LIMIT"


async def test_a_changed_manifest_is_read_again_and_a_broken_one_keeps_the_old(platform: Any, tmp_path: Path) -> None:
    settings = {"enabled": True, "local_manifests": [manifest(tmp_path, {"one": OTHER})]}
    async with platform(persisted_queries=settings, apq={"enabled": False}) as psa:
        before = await post(psa, {"documentId": "new"})
        manifest(tmp_path, "{ broken")
        await asyncio.sleep(1.2)
        broken = await post(psa, {"documentId": "one"})
        manifest(tmp_path, {"new": QUERY})
        async with asyncio.timeout(60):
            while (after := await post(psa, {"documentId": "new"})).status_code != 200:
                await asyncio.sleep(0.1)

    assert before.status_code == 404
    assert broken.json() == {"data": {"__typename": "Query"}}
    assert after.json() == ANSWER


@pytest.mark.parametrize("content", ["{", "7", '{"format": "x"}', '[["a"]]', '{"a": 1}'])
def test_a_broken_manifest_is_no_start(tmp_path: Path, content: str) -> None:
    settings = {"enabled": True, "local_manifests": [manifest(tmp_path, content)]}

    with pytest.raises(Misconfigured, match=r"manifest\.json"):
        build(RouterConfig.model_validate({"persisted_queries": settings}))


@pytest.mark.parametrize(
    "settings",
    [
        {"persisted_queries": {"safelist": {"enabled": True}}},
        {"persisted_queries": {"enabled": True, "safelist": {"require_id": True}}},
        {"apq": {"enabled": True}, "persisted_queries": {"enabled": True, "safelist": {"enabled": True}}},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: Any) -> None:
    with pytest.raises(ValidationError):
        RouterConfig.model_validate(settings)
