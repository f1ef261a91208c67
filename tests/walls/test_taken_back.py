"""What is taken back is over everywhere: keys, users, roles; at the router's door, and with it in every module."""

from __future__ import annotations

import json
import time
from uuid import UUID, uuid4

import pytest
from joserfc import jwt

from contracts.identity import CLOCK_LEEWAY_SECONDS, INTERNAL_TOKEN_SECONDS
from contracts.scopes import ROLES
from router.server import api_keys, revocations
from subgraphs.kit.caller import Caller
from tests.walls.platform import AUDIENCE, ISSUER

pytestmark = pytest.mark.timeout(900)  # whoever is first builds the platform

KEY = """mutation($i: CreateApiKeyInput!) { it: createApiKey(input: $i) { apiKey { id secret } errors { code } } }"""
REVOKE = """mutation($i: ApiKeyCommandInput!) { it: revokeApiKey(input: $i) { apiKey { id } errors { code } } }"""
INVITE = """mutation($i: InviteUserInput!) { it: inviteUser(input: $i) { user { id } errors { code } } }"""
ACTIVATE = """mutation($i: UserCommandInput!) { it: activateUser(input: $i) { user { id } errors { code } } }"""
DISABLE = """mutation($i: UserCommandInput!) { it: disableUser(input: $i) { user { id } errors { code } } }"""
ROLE = "mutation($i: RoleAssignmentInput!) { it: %s(input: $i) { user { id } errors { code } } }"
ASK = "{ customers { id } tickets: ticketsConnection { nodes { id } } }"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known is asked again with every request, so that no test waits for a clock."""
    monkeypatch.setattr(api_keys, "BELIEVED_SECONDS", -1.0)
    monkeypatch.setattr(api_keys, "_WRONG_ONES", 10_000)
    for name in ("EVERY_SECONDS", "PATIENCE_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(revocations, name, -1.0)


@pytest.fixture
def boss():
    return Caller(
        tenant=uuid4(), subject=UUID("0192f000-0000-7000-8000-0000000000ff"), kind="STAFF", scopes=ROLES["owner"]
    )


async def done(platform, boss, text, **values):
    answer = (await platform.data(boss, text, i=values))["it"]
    assert answer["errors"] == [], answer
    return next(value for name, value in answer.items() if name != "errors")


async def someone(platform, boss, role="technician"):
    new = {"email": f"{uuid4().hex[:8]}@example.org", "displayName": "Ada", "roles": [role]}
    user = (await done(platform, boss, INVITE, **new))["id"]
    await done(platform, boss, ACTIVATE, id=user)
    return user


async def made(platform, boss, owner, **values):
    plain = {"name": "sync", "scopes": ["customers:read", "tickets:read"], "ownerId": owner}
    return await done(platform, boss, KEY, **plain | values)


async def shown(platform, headers, query=ASK):
    response = await platform.clients["router"].post("/graphql", json={"query": query}, headers=headers)
    return response.status_code, response.json()


def bearer(key):
    return {"authorization": f"Bearer {key}"}


EMPTY = {"data": {"customers": [], "tickets": {"nodes": []}}}


async def test_a_key_opens_the_door_by_either_header_and_no_other(platform, boss, at_once):
    secret = (await made(platform, boss, await someone(platform, boss)))["secret"]

    assert await shown(platform, bearer(secret)) == (200, EMPTY)
    assert await shown(platform, {"x-api-key": secret}) == (200, EMPTY)
    assert (await shown(platform, {"x-api-key": secret, **bearer(secret)}))[0] == 401
    assert (await shown(platform, {"authorization": f"Basic {secret}"}))[0] == 401
    assert (await shown(platform, {"x-api-key": secret[:-1]}))[0] == 401


async def test_a_key_may_what_its_scopes_and_its_owner_may(platform, boss, at_once):
    secret = (await made(platform, boss, await someone(platform, boss), scopes=["customers:read"]))["secret"]

    _, answer = await shown(platform, bearer(secret))

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert answer["errors"][0]["path"] == ["tickets"]


async def test_a_revoked_key_is_refused(platform, boss, at_once):
    key = await made(platform, boss, await someone(platform, boss))
    assert (await shown(platform, bearer(key["secret"])))[0] == 200

    await done(platform, boss, REVOKE, id=key["id"])

    assert (await shown(platform, bearer(key["secret"])))[0] == 401


async def test_a_revoked_key_is_refused_although_its_exchange_is_still_believed(platform, boss, at_once, monkeypatch):
    """The list of what was taken back is what makes it end before the half minute is over."""
    monkeypatch.setattr(api_keys, "BELIEVED_SECONDS", 1e9)
    key = await made(platform, boss, await someone(platform, boss))
    assert (await shown(platform, bearer(key["secret"])))[0] == 200
    await done(platform, boss, REVOKE, id=key["id"])

    assert (await shown(platform, bearer(key["secret"])))[0] == 401


async def test_the_mutant_router_that_never_asks_what_was_taken_back_lets_it_in(platform, boss, monkeypatch):
    async def nothing(*_arguments):
        return False

    monkeypatch.setattr(revocations.Revocations, "hit", nothing)
    monkeypatch.setattr(api_keys, "_WRONG_ONES", 10_000)
    key = await made(platform, boss, await someone(platform, boss))
    assert (await shown(platform, bearer(key["secret"])))[0] == 200
    await done(platform, boss, REVOKE, id=key["id"])

    assert (await shown(platform, bearer(key["secret"])))[0] == 200


async def test_a_disabled_user_is_out_with_tokens_and_keys(platform, boss, at_once):
    """AT-AUTH-1."""
    user = await someone(platform, boss)
    key = (await made(platform, boss, user))["secret"]
    token = access_token(platform, boss.tenant, user)
    assert (await shown(platform, bearer(key)))[0] == (await shown(platform, bearer(token)))[0] == 200

    await done(platform, boss, DISABLE, id=user)

    assert (await shown(platform, bearer(key)))[0] == 401
    assert (await shown(platform, bearer(token)))[0] == 401


async def test_a_lost_role_is_lost_in_keys_at_once_and_old_tokens_are_refused(platform, boss, at_once):
    user = await someone(platform, boss, "dispatcher")
    await done(platform, boss, ROLE % "assignRole", userId=user, roleKey="accountant")
    key = (await made(platform, boss, user, scopes=["customers:read", "tickets:read_internal", "invoices:read"]))[
        "secret"
    ]
    token = access_token(platform, boss.tenant, user)
    assert (await shown(platform, bearer(token)))[0] == 200

    await done(platform, boss, ROLE % "revokeRole", userId=user, roleKey="accountant")

    assert (await shown(platform, bearer(token)))[0] == 401
    assert (await shown(platform, bearer(key), "{ customers { id } }"))[0] == 200


async def test_a_key_opens_only_from_where_it_may(platform, boss, at_once):
    user = await someone(platform, boss)
    here = (await made(platform, boss, user, ipAllowList=["127.0.0.1"]))["secret"]
    elsewhere = (await made(platform, boss, user, ipAllowList=["203.0.113.0/24"]))["secret"]

    assert (await shown(platform, bearer(here)))[0] == 200
    assert (await shown(platform, bearer(elsewhere)))[0] == 401
    # Nobody who is no proxy of ours says where a client is.
    assert (await shown(platform, {**bearer(elsewhere), "x-forwarded-for": "203.0.113.7"}))[0] == 401


async def test_an_internal_token_is_over_after_a_minute_at_most():
    assert INTERNAL_TOKEN_SECONDS + CLOCK_LEEWAY_SECONDS <= 60


async def test_wrong_keys_are_refused_without_asking_auth_again_and_again(platform, boss, monkeypatch):
    asked = 0
    ask = api_keys.ApiKeys._ask

    async def counted(self, digest, key):
        nonlocal asked
        asked += 1
        return await ask(self, digest, key)

    monkeypatch.setattr(api_keys.ApiKeys, "_ask", counted)
    good = (await made(platform, boss, await someone(platform, boss)))["secret"]
    assert (await shown(platform, bearer(good)))[0] == 200
    wrong = [good[:-4] + f"{number:04}" for number in range(60)]
    for key in [*wrong, *wrong[:5]]:
        assert (await shown(platform, bearer(key)))[0] in {401, 429}

    assert asked <= 21 + 1
    assert (await shown(platform, bearer(good)))[0] == 200


async def test_a_key_stands_in_no_log(platform, boss, heard, at_once):
    secret = (await made(platform, boss, await someone(platform, boss)))["secret"]
    await shown(platform, bearer(secret))
    await shown(platform, bearer(secret[:-1] + "x"))

    assert secret[20:] not in heard.getvalue()
    assert json.dumps(secret) not in heard.getvalue()


def access_token(platform, tenant, user):
    """What auth would issue for somebody, by the key that the platform trusts."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 600,
        "tid": str(tenant),
        "sub": user,
        "kind": "STAFF",
        "scope": "customers:read tickets:read",
        "customers": "*",
        "jti": str(uuid4()),
    }
    return jwt.encode({"alg": "ES256", "kid": platform.issuer.kid, "typ": "at+jwt"}, claims, platform.issuer)
