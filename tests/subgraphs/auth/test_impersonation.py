"""Acting in somebody else's name: for a while, never upwards, never in secret, and without leaving anything behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.scopes import NOT_IN_ANOTHERS_NAME, ROLES
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import grants, tokens
from subgraphs.kit import caller as kit
from subgraphs.kit.caller import Caller
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.auth.test_rights import acting, done, refused, someone
from tests.subgraphs.auth.working import done as finished
from tests.subgraphs.auth.working import working

START = """mutation($i: StartImpersonationInput!) { it: startImpersonation(input: $i) {
    impersonation { id accessToken userId impersonatorId reason createdAt expiresAt endedAt } errors { code field } } }"""
STOP = """mutation($i: StopImpersonationInput!) { it: stopImpersonation(input: $i) {
    impersonation { endedAt accessToken } errors { code field } } }"""
REASON = "She cannot see her own tickets."


@pytest.fixture
async def tenant(auth: Auth) -> UUID:
    await auth.http.get("/auth/jwks.json")  # as the router does before it lets anybody in
    return uuid4()


async def started(auth: Auth, admin: User, user: User, **more: Any) -> dict[str, Any]:
    answer = await done(auth, acting(admin, "admin", **more), START, userId=str(user.id), reason=REASON)
    found: dict[str, Any] = answer["impersonation"]
    return found


async def in_their_name(auth: Auth, token: str) -> Caller:
    """Who the modules take the bearer of a token for."""
    return kit.from_claims((await auth.read(token)).claims)


async def test_a_token_says_in_whose_name_somebody_acts_and_who_it_is(auth: Auth, tenant: UUID):
    admin, user = await someone(auth, tenant, "admin"), await someone(auth, tenant, "technician")
    session = uuid4()

    found = await started(auth, admin, user, session=session)

    claims = (await auth.read(found["accessToken"])).claims
    assert (claims["sub"], claims["act"], claims["jti"]) == (str(user.id), {"sub": str(admin.id)}, found["id"])
    assert (claims["sid"], claims["roles"]) == (str(session), ["technician"])
    assert claims["exp"] - claims["iat"] == 15 * 60
    allowed = (ROLES["technician"] & grants.rules.common(ROLES["technician"], ROLES["admin"])) - NOT_IN_ANOTHERS_NAME
    assert set(claims["scope"].split()) == allowed
    assert (found["userId"], found["impersonatorId"], found["reason"]) == (str(user.id), str(admin.id), REASON)


async def test_both_names_stand_in_the_audit_and_both_are_told(auth: Auth, tenant: UUID):
    admin, user = await someone(auth, tenant, "admin"), await someone(auth, tenant, "technician")
    found = await started(auth, admin, user)
    caller = await in_their_name(auth, found["accessToken"])
    query = "{ mine: myImpersonations { id reason endedAt accessToken user { displayName } } }"
    others = await someone(auth, tenant, "technician")

    seen = (await auth.service.data(query, acting(user, "technician")))["mine"]
    unseen = (await auth.service.data(query, acting(others, "technician")))["mine"]
    everybodys = await auth.service.data("{ impersonations { id } }", acting(admin, "admin"))
    await auth.service.data(STOP, caller, i={"id": found["id"]})
    await done(auth, acting(admin, "admin"), STOP, id=found["id"])

    mine = {"id": found["id"], "reason": REASON, "endedAt": None, "accessToken": None, "user": {"displayName": "Ada"}}
    assert (seen, unseen, everybodys) == ([mine], [], {"impersonations": [{"id": found["id"]}]})
    notes = await auth.service.rows(
        "SELECT command, change, actor_id, impersonator_id FROM audit"
        " WHERE tenant_id = $1 AND change IN ('DONE', 'REFUSED') AND command LIKE '%Impersonation' ORDER BY id",
        tenant,
    )
    assert [tuple(row.values()) for row in notes] == [
        ("startImpersonation", "DONE", admin.id, None),
        ("stopImpersonation", "REFUSED", user.id, admin.id),
        ("stopImpersonation", "DONE", admin.id, None),
    ]
    told = await auth.service.rows(
        "SELECT type, envelope FROM outbox WHERE type LIKE 'impersonation.%' AND tenant_id = $1 ORDER BY position",
        tenant,
    )
    assert [row["type"] for row in told] == ["impersonation.started", "impersonation.ended"]
    assert all(str(admin.id) in str(row["envelope"]) and str(user.id) in str(row["envelope"]) for row in told)


async def test_what_would_outlast_it_is_refused(auth: Auth, tenant: UUID):
    admin, user = await someone(auth, tenant, "admin"), await someone(auth, tenant, "admin")
    caller = await in_their_name(auth, (await started(auth, admin, user))["accessToken"])
    before = await auth.service.count("mfa_factor"), await auth.service.count("api_key")

    enrol = "mutation($i: EnrollMfaInput!) { it: enrollMfa(input: $i) { errors { code } } }"
    key = "mutation($i: CreateApiKeyInput!) { it: createApiKey(input: $i) { errors { code } } }"
    answers = [
        await auth.service.data(enrol, caller, i={"label": "Mine"}),
        await auth.service.data(key, caller, i={"name": "Mine", "scopes": ["tickets:read"]}),
        await auth.service.data(START, caller, i={"userId": str(admin.id), "reason": REASON}),
    ]

    assert caller.impersonator == admin.id
    assert not caller.scopes & NOT_IN_ANOTHERS_NAME
    assert [[one["code"] for one in answer["it"]["errors"]] for answer in answers] == [["FORBIDDEN"]] * 3
    assert (await auth.service.count("mfa_factor"), await auth.service.count("api_key")) == before


@pytest.mark.parametrize("role", ["admin", "owner"])
async def test_nobody_acts_in_an_owners_name_not_even_another_owner(auth: Auth, tenant: UUID, role: str):
    asking, owner = await someone(auth, tenant, role), await someone(auth, tenant, "owner")

    code = await refused(auth, acting(asking, role), START, userId=str(owner.id), reason=REASON)

    assert code == ("FORBIDDEN", "userId")


async def test_nobody_acts_in_the_name_of_whoever_may_more_or_sees_more(auth: Auth, tenant: UUID):
    asking, accountant = await someone(auth, tenant, "dispatcher"), await someone(auth, tenant, "accountant")
    narrow = acting(asking, "dispatcher", scopes=ROLES["dispatcher"] | {"impersonate"})
    one_customer = acting(asking, "owner", customers=frozenset({uuid4()}))
    all_but_one = acting(asking, "owner", denied=frozenset({uuid4()}))
    given = {"userId": str(accountant.id), "reason": REASON}

    assert await refused(auth, narrow, START, **given) == ("FORBIDDEN", "userId")
    assert await refused(auth, one_customer, START, **given) == ("NOT_FOUND", "userId")
    assert await refused(auth, all_but_one, START, **given) == ("FORBIDDEN", "userId")


async def test_what_makes_no_sense_is_refused(auth: Auth, tenant: UUID):
    admin, user = await someone(auth, tenant, "admin"), await someone(auth, tenant, "technician")
    program = await someone(auth, tenant, kind=UserKind.SERVICE)
    gone = await someone(auth, tenant, "technician", status=UserStatus.INVITED)
    elsewhere = await someone(auth, uuid4(), "technician")
    asking, given = acting(admin, "admin"), {"userId": str(user.id), "reason": REASON}

    assert await refused(auth, asking, START, **given | {"userId": str(admin.id)}) == ("VALIDATION", "userId")
    assert await refused(auth, asking, START, **given | {"userId": str(program.id)}) == ("FORBIDDEN", "userId")
    assert await refused(auth, asking, START, **given | {"userId": str(gone.id)}) == ("PRECONDITION_FAILED", "userId")
    assert await refused(auth, asking, START, **given | {"userId": str(elsewhere.id)}) == ("NOT_FOUND", "userId")
    assert await refused(auth, asking, START, **given | {"reason": "because"}) == ("VALIDATION", "reason")
    assert await refused(auth, asking, START, **given | {"minutes": 16}) == ("VALIDATION", "minutes")
    assert await refused(auth, asking, START, **given | {"minutes": 0}) == ("VALIDATION", "minutes")
    assert await refused(auth, acting(admin, "admin", key=uuid4()), START, **given) == ("FORBIDDEN", None)
    assert await refused(auth, acting(admin, "admin", impersonator=uuid4()), START, **given) == ("FORBIDDEN", None)
    assert await refused(auth, acting(user, "technician"), START, **given) == ("FORBIDDEN", None)


async def test_it_ends_for_good_by_whoever_it_concerns(auth: Auth, tenant: UUID):
    admin, user = await someone(auth, tenant, "admin"), await someone(auth, tenant, "technician")
    other = await someone(auth, tenant, "technician")
    found = await started(auth, admin, user)
    assert await refused(auth, acting(other, "technician"), STOP, id=found["id"]) == ("NOT_FOUND", "id")
    async with auth.work(tenant) as job:
        assert await tokens.read_access_token(job, found["accessToken"])

    first = await done(auth, acting(user, "technician"), STOP, id=found["id"])
    again = await done(auth, acting(admin, "admin"), STOP, id=found["id"])

    async with auth.work(tenant) as job:
        assert await tokens.read_access_token(job, found["accessToken"]) is None
    assert first["impersonation"]["endedAt"] == again["impersonation"]["endedAt"] is not None
    ended = await auth.service.rows(
        "SELECT 1 FROM outbox WHERE type = 'impersonation.ended' AND tenant_id = $1", tenant
    )
    assert len(ended) == 1


async def test_it_falls_with_what_its_maker_may(auth: Auth, tenant: UUID):
    owner, admin = await someone(auth, tenant, "owner"), await someone(auth, tenant, "admin")
    user = await someone(auth, tenant, "technician")
    token = (await started(auth, admin, user))["accessToken"]

    revoke = "mutation($i: RoleAssignmentInput!) { it: revokeRole(input: $i) { errors { code } } }"
    await done(auth, acting(owner), revoke, userId=str(admin.id), roleKey="admin")

    async with auth.work(tenant) as job:
        assert await tokens.read_access_token(job, token) is None


async def test_when_its_time_is_up_that_is_told(auth: Auth, tenant: UUID):
    admin, user = await someone(auth, tenant, "admin"), await someone(auth, tenant, "technician")
    found = await started(auth, admin, user)
    stopped = await started(auth, admin, user)
    await done(auth, acting(admin, "admin"), STOP, id=stopped["id"])
    began = auth.service.moment
    await auth.service.rows("UPDATE job SET execute_after = now() WHERE entrypoint = 'auth.impersonation'")
    auth.service.moment = began + timedelta(minutes=15)
    async with working(auth):
        await finished(auth, "auth.impersonation")
    auth.service.moment = began

    told = await auth.service.rows(
        "SELECT envelope->'data'->>'impersonationId' AS id, envelope->'data'->>'reason' AS reason FROM outbox"
        " WHERE type = 'impersonation.ended' AND tenant_id = $1 ORDER BY position",
        tenant,
    )
    assert [tuple(row.values()) for row in told] == [(stopped["id"], "STOPPED"), (found["id"], "EXPIRED")]
