"""What other systems send: proved, kept once, told once."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx2
import pytest

from subgraphs.integrations.rules import signing
from subgraphs.kit.config import Settings
from tests.subgraphs.house import A, B, staff
from tests.subgraphs.integrations.conftest import Hub

CREATE = (
    "mutation ($input: CreateInboundEndpointInput!) { createInboundEndpoint(input: $input)"
    " { inboundEndpoint { id path secret version } errors { code message field } } }"
)
ROTATE = (
    "mutation ($id: ID!, $hours: Int!) { rotateInboundSecret(input: {id: $id, overlapHours: $hours})"
    " { inboundEndpoint { secret } errors { code message } } }"
)


async def opened(hub: Hub, **more: Any) -> dict[str, Any]:
    given = {"name": "monitoring", "auth": "HMAC", "signatureStyle": "STANDARD"} | more
    payload = (await hub.service.data(CREATE, input=given))["createInboundEndpoint"]
    assert payload["errors"] == []
    return payload["inboundEndpoint"]


async def sent(hub: Hub, endpoint: dict[str, Any], body: bytes = b'{"a": 1}', **changes: Any) -> httpx2.Response:
    """Send as Standard Webhooks signs."""
    timestamp = changes.pop("timestamp", int(hub.service.moment.timestamp()))
    proofs = signing.headers(
        [changes.pop("secret", endpoint["secret"])],
        identity=changes.pop("identity", "msg_1"),
        timestamp=timestamp,
        body=body,
    )
    headers = {**proofs, "content-type": "application/json", "authorization": "Bearer x", "cookie": "a=b", **changes}
    return await hub.service.client.post(endpoint["path"], content=body, headers=headers)


async def counts(hub: Hub) -> tuple[int, int]:
    return await hub.service.count("inbound_message"), (await hub.told()).count("webhook.received")


async def test_what_came_in_is_kept_and_told(hub: Hub) -> None:
    endpoint = await opened(hub)

    answer = await sent(hub, endpoint)

    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    shown = await hub.service.data(
        "query ($id: ID!) { inboundEndpoint(id: $id) { secret messages { id messageId contentType payload text headers"
        " endpoint { name } } } }",
        id=endpoint["id"],
    )
    assert shown["inboundEndpoint"]["secret"] is None
    (message,) = shown["inboundEndpoint"]["messages"]
    assert message["id"] == answer.json()["id"]
    assert (message["messageId"], message["payload"], message["text"]) == ("msg_1", {"a": 1}, None)
    assert {"authorization", "cookie"} & message["headers"].keys() == set()
    (event,) = await hub.service.rows("SELECT envelope FROM outbox WHERE type = 'webhook.received'")
    envelope = json.loads(event["envelope"])
    assert envelope["subject"] == f"InboundMessage/{message['id']}"
    assert envelope["data"]["payload"] == {"a": 1}
    assert envelope["data"]["endpointName"] == "monitoring"


async def test_the_same_message_has_one_effect_however_many_come_at_once(hub: Hub) -> None:
    endpoint = await opened(hub)

    answers = await asyncio.gather(*(sent(hub, endpoint) for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await counts(hub) == (1, 1)


async def test_without_an_id_the_same_content_counts_once_within_the_window(hub: Hub) -> None:
    endpoint = await opened(hub, auth="HEADER", header="X-Token", signatureStyle=None, replayWindowSeconds=60)
    headers = {"x-token": endpoint["secret"]}
    told = []
    for seconds in (0, 59, 1):
        hub.passes(seconds=seconds)
        answer = await hub.service.client.post(endpoint["path"], content=b"down", headers=headers)
        told.append(answer.status_code)

    assert told == [202, 200, 202]
    assert await counts(hub) == (2, 2)
    kept = await hub.service.rows("SELECT headers FROM inbound_message")
    assert endpoint["secret"] not in str(kept)


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"secret": "whsec_" + "A" * 43 + "="}, 401),
        ({"timestamp": 1}, 401),
        ({"body": b"x" * 1001}, 413),
        ({"body": b"x" * 300_000}, 413),
    ],
)
async def test_what_is_not_proved_or_too_large_is_neither_kept_nor_told(hub: Hub, how, status) -> None:
    endpoint = await opened(hub, maxBytes=1000)

    answer = await sent(hub, endpoint, **how)

    assert answer.status_code == status
    assert await counts(hub) == (0, 0)


async def test_a_path_that_names_nothing_is_not_there(hub: Hub) -> None:
    endpoint = await opened(hub)
    token = endpoint["path"].rpartition("/")[2]
    for wrong in ("x", "%00", token[:-1], token + "a", str(A), str(UUID(int=0))):
        answer = await hub.service.client.post(f"/webhooks/in/{wrong}", content=b"{}")
        assert answer.status_code == 404, wrong
    assert (await hub.service.client.get(endpoint["path"])).status_code == 405


async def test_an_endpoint_that_is_closed_or_deleted_is_not_there(hub: Hub) -> None:
    endpoint = await opened(hub)
    close = "mutation ($id: ID!, $on: Boolean!) { updateInboundEndpoint(input: {id: $id, active: $on}) { errors { code } } }"
    told = []
    for on in (False, True):
        await hub.service.data(close, id=endpoint["id"], on=on)
        told.append((await sent(hub, endpoint)).status_code)
    await hub.service.data(
        "mutation ($id: ID!) { deleteInboundEndpoint(input: {id: $id}) { errors { code } } }", id=endpoint["id"]
    )
    told.append((await sent(hub, endpoint)).status_code)

    assert told == [404, 202, 404]


async def test_while_a_secret_is_replaced_both_open(hub: Hub) -> None:
    endpoint = await opened(hub)
    answer = await hub.service.data(ROTATE, id=endpoint["id"], hours=1)
    new = answer["rotateInboundSecret"]["inboundEndpoint"]["secret"]
    told = []
    for minutes in (0, 60):
        hub.passes(minutes=minutes)
        for number, secret in enumerate((endpoint["secret"], new)):
            told.append((await sent(hub, endpoint, secret=secret, identity=f"{minutes}{number}")).status_code)

    assert told == [202, 202, 401, 202]


@pytest.mark.parametrize(
    ("body", "payload", "text"),
    [
        (b"<alert/>", None, "<alert/>"),
        (b"\xff\xfe", None, None),
        (b"", None, ""),
        (b'"\\u0000"', "\0", None),
        (b"[" * 5000, None, "[" * 5000),
        (b"nul\0l", None, "nul\0l"),
    ],
)
async def test_what_is_no_json_is_kept_too(hub: Hub, body, payload, text) -> None:
    endpoint = await opened(hub)

    answer = await sent(hub, endpoint, body)

    assert answer.status_code == 202
    (event,) = await hub.service.rows("SELECT envelope FROM outbox WHERE type = 'webhook.received'")
    data = json.loads(event["envelope"])["data"]
    assert (data["payload"], data["text"]) == (payload, text)
    assert (await hub.service.rows("SELECT body FROM inbound_message"))[0]["body"] == body


async def test_a_message_can_be_told_once_more(hub: Hub) -> None:
    endpoint = await opened(hub)
    message = (await sent(hub, endpoint)).json()["id"]

    said = await hub.service.data(
        "mutation ($id: ID!) { replayInboundMessage(input: {id: $id}) { inboundMessage { id } errors { code } } }",
        id=message,
    )

    assert said["replayInboundMessage"] == {"inboundMessage": {"id": message}, "errors": []}
    assert await counts(hub) == (1, 2)


async def test_on_our_own_outage_the_sender_is_asked_to_try_again(hub: Hub) -> None:
    from subgraphs.integrations import web  # noqa: PLC0415
    from subgraphs.kit import database  # noqa: PLC0415

    endpoint = await opened(hub)
    nowhere = database.engine("postgresql://nobody:x@127.0.0.1:1/none", application="test")
    (route,) = web.routes(Settings(), nowhere, lambda: hub.service.moment)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(route), base_url="http://x") as client:
        answer = await client.post(endpoint["path"], content=b"{}")
    await nowhere.dispose()

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"auth": "HMAC", "signatureStyle": None}, "signatureStyle"),
        ({"auth": "BASIC"}, "username"),
        ({"auth": "HEADER"}, "header"),
        ({"auth": "MTLS"}, "certificate"),
        ({"auth": "HEADER", "header": "no header"}, "header"),
        ({"maxBytes": 300_000}, "maxBytes"),
        ({"replayWindowSeconds": 0}, "replayWindowSeconds"),
        ({"secret": "short"}, "secret"),
        ({"name": " "}, "name"),
    ],
)
async def test_an_endpoint_that_nobody_could_use_is_not_opened(hub: Hub, given, field) -> None:
    plain = {"name": "x", "auth": "HMAC", "signatureStyle": "STANDARD"}
    payload = (await hub.service.data(CREATE, input=plain | given))["createInboundEndpoint"]

    assert payload["inboundEndpoint"] is None
    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("VALIDATION", field)]
    assert await hub.service.count("inbound_endpoint") == 0


async def test_nobody_elses_endpoint_is_seen_or_changed(hub: Hub) -> None:
    endpoint = await opened(hub)
    other = staff(B)
    seen = await hub.service.data(
        "query ($id: ID!) { inboundEndpoint(id: $id) { id } inboundEndpoints { id } }", other, id=endpoint["id"]
    )
    changed = await hub.service.data(ROTATE, other, id=endpoint["id"], hours=1)

    assert seen == {"inboundEndpoint": None, "inboundEndpoints": []}
    assert [error["code"] for error in changed["rotateInboundSecret"]["errors"]] == ["NOT_FOUND"]
    assert (await hub.service.rows("SELECT tenant_id FROM inbound_endpoint"))[0]["tenant_id"] == A
