"""API keys: shown once, kept as a hash, and never more than their owner at this moment."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from joserfc import jwt

from contracts.identity import INTERNAL_ISSUER, INTERNAL_TOKEN_TYPE
from contracts.scopes import ROLES
from subgraphs.auth.rules import api_keys as rules
from subgraphs.auth.rules.people import UserKind
from subgraphs.auth.service import grants, people
from tests.subgraphs.auth.test_rights import acting, done, refused, someone
from tests.subgraphs.house import SOMEBODY

FIELDS = "apiKey { id name prefix secret scopes customerIds ipAllowList rateLimit expiresAt lastUsedAt revokedAt }"
CREATE = f"mutation($i: CreateApiKeyInput!) {{ it: createApiKey(input: $i) {{ {FIELDS} errors {{ code field }} }} }}"
ROTATE = f"mutation($i: ApiKeyCommandInput!) {{ it: rotateApiKey(input: $i) {{ {FIELDS} errors {{ code field }} }} }}"
REVOKE = f"mutation($i: ApiKeyCommandInput!) {{ it: revokeApiKey(input: $i) {{ {FIELDS} errors {{ code field }} }} }}"


@pytest.fixture
async def tenant(auth):
    return uuid4()


@pytest.fixture
async def owner(auth, tenant):
    return await someone(auth, tenant, "owner")


async def made(auth, user, **values):
    plain = {"name": "sync", "scopes": ["tickets:read", "customers:read"]}
    return (await done(auth, acting(user), CREATE, **plain | values))["apiKey"]


def platform_token(auth, **claims):
    plain = {
        "iss": INTERNAL_ISSUER,
        "aud": "auth",
        "exp": int(time.time()) + 30,
        "tid": str(UUID(int=0)),
        "sub": str(UUID(int=0)),
        "kind": "SYSTEM",
    }
    return jwt.encode({"alg": "ES256", "kid": "test", "typ": INTERNAL_TOKEN_TYPE}, plain | claims, auth.service.key)


async def exchanged(auth, key, **claims):
    """What the router is told of a key; None when it opens nothing."""
    answer = await auth.http.post(
        "/internal/api-keys",
        json={"key": key},
        headers={"Authorization": f"Bearer {platform_token(auth, **claims)}"},
    )
    assert answer.status_code in {200, 404}, answer.text
    return answer.json() if answer.status_code == 200 else None


async def test_a_key_is_shown_once_and_kept_as_a_hash(auth, tenant, owner):
    key = await made(auth, owner)
    listed = (await auth.service.data("{ apiKeys { id secret prefix } }", acting(owner)))["apiKeys"]
    everywhere = await auth.service.rows(
        "SELECT string_agg(t::text, '') AS text FROM (SELECT to_jsonb(k) FROM api_key k UNION ALL SELECT to_jsonb(a)"
        " FROM audit a UNION ALL SELECT to_jsonb(o) FROM outbox o UNION ALL SELECT to_jsonb(i) FROM idempotency i) t"
    )

    assert re.fullmatch(r"psa_[a-z0-9]{10}_[A-Za-z0-9_-]{65}", key["secret"])
    assert key["secret"].startswith(f"psa_{key['prefix']}_")
    assert listed == [{"id": key["id"], "secret": None, "prefix": key["prefix"]}]
    assert key["secret"] not in everywhere[0]["text"]
    assert key["secret"][-43:] not in everywhere[0]["text"]


async def test_a_repeated_command_makes_one_key_and_shows_it_once(auth, owner):
    first = await made(auth, owner, clientMutationId="k1")
    again = await made(auth, owner, clientMutationId="k1")

    assert (again["id"], again["secret"]) == (first["id"], None)


async def test_a_key_stands_for_its_owner_with_what_both_have(auth, tenant, owner):
    key = await made(auth, owner, rateLimit=60, ipAllowList=["203.0.113.7", "10.0.0.0/8"])

    told = await exchanged(auth, key["secret"])

    assert told == {
        "claims": {
            "tid": str(tenant),
            "sub": str(owner.id),
            "kind": "STAFF",
            "roles": ["owner"],
            "scope": "customers:read tickets:read",
            "customers": "*",
            "deny": [],
            "key": key["id"],
        },
        "networks": ["203.0.113.7/32", "10.0.0.0/8"],
        "rateLimit": 60,
    }


async def test_an_owner_who_loses_a_role_takes_the_key_along(auth, tenant, owner):
    """AT-RBAC-5."""
    await someone(auth, tenant, "owner")
    key = await made(auth, owner, scopes=["invoices:approve", "tickets:read"])
    async with auth.work(tenant) as job:
        user = await job.take(type(owner), owner.id, field="id")
        await grants.assign(job, user, "technician")
        await grants.revoke(job, user, "owner")

    told = await exchanged(auth, key["secret"])

    assert told["claims"]["scope"] == "tickets:read"


async def test_a_key_sees_its_own_customers_as_far_as_its_owner_does(auth, tenant, owner):
    mine, other, hidden = uuid4(), uuid4(), uuid4()
    limited = await someone(auth, tenant, "read_only")
    async with auth.work(tenant) as job:
        user = await job.take(type(limited), limited.id, field="id")
        await grants.allow_customer(job, user, mine)
    wide = await made(auth, owner, customerIds=[str(mine)])
    narrow = await made(auth, owner, ownerId=str(limited.id), customerIds=[str(mine), str(other), str(hidden)])

    assert (await exchanged(auth, wide["secret"]))["claims"]["customers"] == [str(mine)]
    assert (await exchanged(auth, narrow["secret"]))["claims"]["customers"] == [str(mine)]


async def test_a_portal_users_key_is_no_more_than_the_portal_user(auth, tenant, owner):
    customer = uuid4()
    person = await someone(auth, tenant, "portal_user", kind=UserKind.CUSTOMER, customer=customer)
    key = await made(auth, owner, ownerId=str(person.id), scopes=["tickets:read", "assets:read", "audit:read"])

    claims = (await exchanged(auth, key["secret"]))["claims"]

    assert (claims["kind"], claims["customers"]) == ("CUSTOMER", [str(customer)])
    assert claims["scope"] == "assets:read.own tickets:read.own"


async def test_a_revoked_a_rotated_and_an_expired_key_open_nothing(auth, tenant, owner):
    one, two = await made(auth, owner), await made(auth, owner)
    three = await made(auth, owner, expiresAt=(auth.service.moment + timedelta(minutes=5)).isoformat())
    assert await exchanged(auth, three["secret"]) is not None

    revoked = (await done(auth, acting(owner), REVOKE, id=one["id"]))["apiKey"]
    rotated = (await done(auth, acting(owner), ROTATE, id=two["id"]))["apiKey"]
    auth.service.moment += timedelta(minutes=6)

    assert revoked["revokedAt"] is not None
    assert await exchanged(auth, one["secret"]) is None
    assert await exchanged(auth, two["secret"]) is None
    assert await exchanged(auth, rotated["secret"]) is not None
    assert await exchanged(auth, three["secret"]) is None
    told = await auth.service.rows("SELECT kind, subject FROM revocation WHERE tenant_id = $1 ORDER BY at", tenant)
    assert {(row["kind"], row["subject"]) for row in told} == {("KEY", one["id"]), ("KEY", two["id"])}


async def test_a_disabled_owners_key_opens_nothing(auth, tenant, owner):
    other = await someone(auth, tenant, "owner")
    key = await made(auth, other)
    async with auth.work(tenant) as job:
        await people.disable(job, other.id)

    assert await exchanged(auth, key["secret"]) is None


async def test_the_use_of_a_key_is_remembered_to_the_minute_and_is_no_change(auth, owner):
    key = await made(auth, owner)
    audited = await auth.service.count("audit")
    for seconds in (0, 30, 61):
        auth.service.moment = datetime.fromtimestamp(auth.service.moment.timestamp(), UTC) + timedelta(seconds=seconds)
        await exchanged(auth, key["secret"])
    row = (await auth.service.rows("SELECT version, last_used_at FROM api_key WHERE id = $1", UUID(key["id"])))[0]

    assert (row["version"], row["last_used_at"]) == (1, auth.service.moment)
    assert await auth.service.count("audit") == audited


@pytest.mark.parametrize("change", ["prefix", "secret", "tenant", "cut", "empty", "long", "foreign"])
async def test_a_wrong_key_opens_nothing(auth, tenant, owner, change):
    key = (await made(auth, owner))["secret"]
    wrong = {
        "prefix": f"psa_{'a' * 10}{key[14:]}",
        "secret": key[:-1] + ("A" if key[-1] != "A" else "B"),
        "tenant": rules.new(uuid4())[:37] + key[37:],
        "cut": key[:-1],
        "empty": "",
        "long": key * 50,
        "foreign": rules.new(tenant),
    }

    assert await exchanged(auth, wrong[change]) is None
    assert await exchanged(auth, key) is not None


@pytest.mark.parametrize(
    "claims", [{"kind": "STAFF"}, {"kind": "SERVICE"}, {"aud": "crm"}, {"iss": "https://auth.example"}]
)
async def test_only_the_platform_may_ask(auth, owner, claims):
    key = await made(auth, owner)
    token = platform_token(auth, **claims)

    for method, path in (("POST", "/internal/api-keys"), ("GET", "/internal/revocations")):
        answer = await auth.http.request(
            method, path, json={"key": key["secret"]}, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 401
        assert "claims" not in answer.text


async def test_what_was_taken_back_is_told_of_all_tenants(auth):
    since = auth.service.moment.timestamp()
    subjects = []
    for tenant in (uuid4(), uuid4()):
        owner = await someone(auth, tenant, "owner")
        key = await made(auth, owner)
        await done(auth, acting(owner), REVOKE, id=key["id"])
        subjects.append(key["id"])
    headers = {"Authorization": f"Bearer {platform_token(auth)}"}

    answer = (await auth.http.get(f"/internal/revocations?since={since}", headers=headers)).json()
    later = (await auth.http.get(f"/internal/revocations?since={since + 10_000}", headers=headers)).json()

    assert set(subjects) <= {one["subject"] for one in answer["revoked"]}
    assert {"kind", "subject", "at", "expiresAt"} == set(answer["revoked"][0])
    assert later["revoked"] == []


# --- making them


async def test_nobody_makes_a_key_that_may_more_than_they_do(auth, tenant, owner):
    admin = await someone(auth, tenant, "admin")
    asking = acting(admin, "admin")

    assert await refused(auth, asking, CREATE, name="x", scopes=["invoices:approve"]) == ("FORBIDDEN", "scopes")
    assert await refused(auth, asking, CREATE, name="x", scopes=["*"]) == ("VALIDATION", "scopes")
    assert await refused(auth, asking, CREATE, name="x", scopes=[], ownerId=str(owner.id)) == ("FORBIDDEN", "ownerId")
    assert await refused(auth, acting(admin, "technician"), CREATE, name="x", scopes=["tickets:read"]) == (
        "FORBIDDEN",
        None,
    )


async def test_a_key_makes_no_keys_and_gives_no_roles_beyond_its_own(auth, tenant, owner):
    user = await someone(auth, tenant, "read_only")
    async with auth.work(tenant) as job:
        from_key = acting(owner, key=uuid4())
        assert job.caller.subject != SOMEBODY
    token = auth.service.token(from_key, key=str(from_key.key), scope="apikeys:write users:write kb:read")
    text = CREATE, {"name": "more", "scopes": ["kb:read"]}
    assign = (
        "mutation($i: RoleAssignmentInput!) { it: assignRole(input: $i) { user { id } errors { code field } } }",
        {"userId": str(user.id), "roleKey": "owner"},
    )

    for query, values in (text, assign):
        answer = await auth.http.post(
            "/graphql",
            json={"query": query, "variables": {"i": values}},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert [error["code"] for error in answer.json()["data"]["it"]["errors"]] == ["FORBIDDEN"]
    assert await auth.service.rows("SELECT 1 FROM api_key WHERE tenant_id = $1", tenant) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"ipAllowList": ["somewhere"]}, "ipAllowList"),
        ({"rateLimit": 0}, "rateLimit"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt"),
        ({"customerIds": ["123"]}, "customerIds"),
        ({"name": " "}, "name"),
    ],
)
async def test_what_a_key_is_limited_to_makes_sense(auth, owner, values, field):
    given = {"name": "x", "scopes": ["tickets:read"]} | values

    assert await refused(auth, acting(owner), CREATE, **given) == ("VALIDATION", field)


def test_the_owner_role_holds_what_these_tests_give():
    assert {"apikeys:write", "invoices:approve"} <= ROLES["owner"]


# --- service accounts

ACCOUNT = """mutation($i: CreateServiceAccountInput!) { it: createServiceAccount(input: $i) {
    serviceAccount { id clientId userId secret scopes ipAllowList } errors { code field } } }"""
SECRET = """mutation($i: ServiceAccountCommandInput!) { it: rotateServiceAccountSecret(input: $i) {
    serviceAccount { secret previousSecretUntil } errors { code field } } }"""


async def token(auth, account, secret):
    """What the token endpoint answers to a service account."""
    return await auth.post("token", (account["clientId"], secret), grant_type="client_credentials")


async def test_a_service_account_may_what_was_listed_of_what_programs_may(auth, tenant, owner):
    customer = uuid4()
    await auth.service.knows("Customer", customer, tenant=tenant)
    given = {"name": "RMM", "scopes": ["assets:read", "assets:write"], "customerIds": [str(customer)]}
    made_ = (await done(auth, acting(owner), ACCOUNT, **given, ipAllowList=["203.0.113.0/24"]))["serviceAccount"]

    claims = (await auth.read((await token(auth, made_, made_["secret"])).json()["access_token"])).claims

    assert (claims["kind"], claims["scope"]) == ("SERVICE", "assets:read assets:write")
    assert (claims["customers"], claims["net"]) == ([str(customer)], ["203.0.113.0/24"])
    for scopes in (["users:write"], ["tickets:read_internal"], ["audit:read"], ["*"], []):
        assert await refused(auth, acting(owner), ACCOUNT, name="x", scopes=scopes) == ("VALIDATION", "scopes")
    less = acting(owner, "technician", scopes=frozenset({"apikeys:write", "tickets:read"}))
    assert await refused(auth, less, ACCOUNT, name="x", scopes=["assets:write"]) == ("FORBIDDEN", "scopes")


async def test_an_old_secret_is_accepted_for_a_day_more(auth, owner):
    account = (await done(auth, acting(owner), ACCOUNT, name="RMM", scopes=["assets:read"]))["serviceAccount"]
    rotated = (await done(auth, acting(owner), SECRET, id=account["id"]))["serviceAccount"]

    assert (await token(auth, account, rotated["secret"])).status_code == 200
    auth.service.moment += timedelta(hours=23)
    assert (await token(auth, account, account["secret"])).status_code == 200
    auth.service.moment += timedelta(hours=2)
    assert (await token(auth, account, account["secret"])).status_code == 401
    assert (await token(auth, account, rotated["secret"])).status_code == 200


# --- what an hour costs


async def test_what_an_hour_costs_is_shown_to_those_who_may_see_costs_and_the_rest_is_answered(auth, tenant, owner):
    """AT-RBAC-6."""
    person = await someone(auth, tenant, "technician")
    text = "mutation($i: SetCostRateInput!) { it: setCostRate(input: $i) { user { id } errors { code field } } }"
    await done(auth, acting(owner), text, id=str(person.id), costRate="61.50")
    query = "query($id: ID!) { user(id: $id) { id costRate } }"
    without = acting(owner, scopes=ROLES["owner"] - {"costs:read"})

    shown = await auth.service.data(query, acting(owner), id=str(person.id))
    hidden = await auth.service.ask(query, without, id=str(person.id))

    assert shown["user"]["costRate"] == "61.5000"
    assert hidden["data"] == {"user": {"id": str(person.id), "costRate": None}}
    assert [(error["path"], error["extensions"]["code"]) for error in hidden["errors"]] == [
        (["user", "costRate"], "FORBIDDEN")
    ]
    assert await refused(auth, without, text, id=str(person.id), costRate="1") == ("FORBIDDEN", None)
