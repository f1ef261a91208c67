"""People and the contacts that they are, who changes them, and what colleagues see of each other."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from contracts.scopes import ROLES
from subgraphs.auth.rules.people import CustomerAccessMode, UserKind
from subgraphs.auth.service import factors, people, teams
from tests.subgraphs.auth.conftest import PASSWORD, Auth
from tests.subgraphs.auth.test_rights import acting, done, refused, someone
from tests.subgraphs.house import A, staff

INVITE = "mutation($i: InviteUserInput!) { it: inviteUser(input: $i) { user { id contactId } errors { code field } } }"
UPDATE = """mutation($i: UpdateUserInput!) { it: updateUser(input: $i) {
    user { id displayName contactId version skills weeklyHours } errors { code field } } }"""
PORTAL = """query($them: [_Any!]!) { _entities(representations: $them) { ... on Contact { portalUser { id } } } }"""


@pytest.fixture
async def tenant(auth: Auth) -> UUID:
    return uuid4()


async def customer_with_contact(auth: Auth, tenant: UUID) -> tuple[str, str]:
    customer, contact = uuid4(), uuid4()
    await auth.service.knows("Customer", customer, tenant=tenant)
    await auth.service.knows("Contact", contact, tenant=tenant, customer=customer)
    return str(customer), str(contact)


def guest(customer: str | None, contact: str) -> dict[str, object]:
    kind = "CUSTOMER" if customer else "STAFF"
    return {
        "email": f"{uuid4().hex}@kunde.example",
        "displayName": "Gesa",
        "kind": kind,
        "customerId": customer,
        "contactId": contact,
        "roles": ["portal_user"] if customer else [],
    }


async def test_a_portal_user_is_a_contact_of_the_customer_and_tokens_say_which(auth: Auth, tenant: UUID):
    owner = await someone(auth, tenant, "owner")
    customer, contact = await customer_with_contact(auth, tenant)

    made = (await done(auth, acting(owner), INVITE, **guest(customer, contact)))["user"]

    assert made["contactId"] == contact
    async with auth.work(tenant) as job:
        user = await job.take(type(owner), UUID(made["id"]), field="id")
        claims = (await people.grants.of(job, user)).claims(user, ["*"])
    assert claims["contact"] == contact
    them = [{"__typename": "Contact", "id": contact}, {"__typename": "Contact", "id": str(uuid4())}]
    found = (await auth.service.data(PORTAL, acting(owner), them=them))["_entities"]
    assert found == [{"portalUser": {"id": made["id"]}}, {"portalUser": None}]


async def test_a_contact_of_somebody_else_is_refused(auth: Auth, tenant: UUID):
    owner = await someone(auth, tenant, "owner")
    customer, contact = await customer_with_contact(auth, tenant)
    other, _ = await customer_with_contact(auth, tenant)
    of_another_tenant = await customer_with_contact(auth, uuid4())

    assert await refused(auth, acting(owner), INVITE, **guest(other, contact)) == ("VALIDATION", "contactId")
    assert await refused(auth, acting(owner), INVITE, **guest(None, contact)) == ("VALIDATION", "contactId")
    assert await refused(auth, acting(owner), INVITE, **guest(customer, of_another_tenant[1])) == (
        "NOT_FOUND",
        "contactId",
    )


async def test_a_contact_is_one_user_and_may_be_said_later(auth: Auth, tenant: UUID):
    owner = await someone(auth, tenant, "owner")
    customer, contact = await customer_with_contact(auth, tenant)
    first = await someone(auth, tenant, "portal_user", kind=UserKind.CUSTOMER, customer=UUID(customer))
    second = await someone(auth, tenant, "portal_user", kind=UserKind.CUSTOMER, customer=UUID(customer))

    said = (await done(auth, acting(owner), UPDATE, id=str(first.id), contactId=contact))["user"]

    assert said["contactId"] == contact
    given = {"id": str(second.id), "contactId": contact, "displayName": "Other"}
    assert await refused(auth, acting(owner), UPDATE, **given) == ("USER_CONTACT_TAKEN", "contactId")
    assert await refused(auth, acting(owner), INVITE, **guest(customer, contact)) == ("USER_CONTACT_TAKEN", "contactId")
    freed = (await done(auth, acting(owner), UPDATE, id=str(first.id), contactId=None))["user"]
    assert freed["contactId"] is None
    revoked = await auth.service.rows("SELECT subject FROM revocation WHERE tenant_id = $1", tenant)
    assert {row["subject"] for row in revoked} == {str(first.id)}


async def test_what_somebody_can_do_and_how_long_they_work_is_written_down(auth: Auth, tenant: UUID):
    owner, user = await someone(auth, tenant, "owner"), await someone(auth, tenant, "technician")
    asking, one = acting(owner), {"id": str(user.id)}

    async def described(**changes: object) -> tuple[object, object]:
        answer = (await done(auth, asking, UPDATE, **one, **changes))["user"]
        return answer["skills"], answer["weeklyHours"]

    assert await described() == ([], None)
    assert await described(skills=["  Linux ", "AD", "linux"], weeklyHours="38.505") == (["AD", "linux"], "38.51")
    assert await described(displayName="Ada", weeklyHours="168") == (["AD", "linux"], "168.00")
    for field, values in (
        ("skills", ([""], ["x" * 61], [f"s{number}" for number in range(51)])),
        ("weeklyHours", ("-0.01", "168.01", "NaN", "1e400")),
    ):
        for value in values:
            assert await refused(auth, asking, UPDATE, **one, **{field: value}) == ("VALIDATION", field), value
    assert await described(skills=None, weeklyHours=None) == ([], None)


async def test_when_a_contact_leaves_their_user_comes_in_no_more(auth: Auth, tenant: UUID):
    owner = await someone(auth, tenant, "owner")
    customer, contact = await customer_with_contact(auth, tenant)
    made = (await done(auth, acting(owner), INVITE, **guest(customer, contact)))["user"]

    for _ in range(2):
        async with auth.work(tenant) as job:
            await people.disable_contact(job, UUID(contact))

    [row] = await auth.service.rows("SELECT status FROM user_account WHERE id = $1", UUID(made["id"]))
    told = await auth.service.rows(
        "SELECT 1 FROM outbox WHERE type = 'user.disabled' AND envelope->>'subject' LIKE $1", f"%{made['id']}"
    )
    assert row["status"] == "DISABLED"
    assert len(told) == 1


async def test_an_owner_is_described_by_owners_alone(auth: Auth, tenant: UUID):
    owner, admin = await someone(auth, tenant, "owner"), await someone(auth, tenant, "admin")
    given = {"id": str(owner.id), "displayName": "Nobody"}

    assert await refused(auth, acting(admin, "admin"), UPDATE, **given) == ("FORBIDDEN", "id")
    assert (await done(auth, acting(owner), UPDATE, **given))["user"]["displayName"] == "Nobody"


async def test_colleagues_see_each_others_names_and_nothing_else(auth: Auth, tenant: UUID):
    me, colleague = await someone(auth, tenant, "technician"), await someone(auth, tenant, "technician")
    query = """query($them: [_Any!]!) { _entities(representations: $them) { ... on User { displayName %s } } }"""
    them = [{"__typename": "User", "id": str(colleague.id)}]
    asking = acting(me, "technician")

    assert await auth.service.data(query % "firstName", asking, them=them) == {
        "_entities": [{"displayName": "Ada", "firstName": None}]
    }
    for field in ("email", "locale", "timeZone", "lastLoginAt", "costRate", "roles", "weeklyHours"):
        answer = await auth.service.ask(query % field, asking, them=them)
        assert answer["data"] == {"_entities": [{"displayName": "Ada", field: None}]}
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await auth.service.data("{ me { email locale roles } }", asking) == {
        "me": {"email": me.email, "locale": "de-DE", "roles": ["technician"]}
    }


async def test_who_does_not_see_addresses_finds_nobody_by_them(auth: Auth, tenant: UUID):
    me, colleague = await someone(auth, tenant, "technician"), await someone(auth, tenant, "technician")
    await someone(auth, tenant, "portal_user", kind=UserKind.CUSTOMER, customer=uuid4())
    names = "query($s: String) { colleagues(search: $s) { id } }"
    addresses = "query($s: String!) { users(search: $s) { id } usersConnection(search: $s, first: 9) { nodes { id } } }"
    found = [{"id": str(colleague.id)}]

    by_address = await auth.service.data(names, acting(me, "technician"), s=colleague.email)
    by_name = await auth.service.data(names, acting(me, "technician"), s="ada")
    refused_list = await auth.service.ask("{ users { id } }", acting(me, "technician"))

    assert by_address == {"colleagues": []}
    assert sorted(one["id"] for one in by_name["colleagues"]) == sorted([str(me.id), str(colleague.id)])
    assert [error["extensions"]["code"] for error in refused_list["errors"]] == ["FORBIDDEN"]
    assert await auth.service.data(addresses, acting(me, "owner"), s=colleague.email) == {
        "users": found,
        "usersConnection": {"nodes": found},
    }


@pytest.mark.parametrize("role", ["portal_user", "comanaged_technician"])
async def test_people_of_customers_see_no_names_of_ours(auth: Auth, tenant: UUID, role: str):
    assert "users:read.names" not in ROLES[role]
    me, colleague = await someone(auth, tenant, "technician"), await someone(auth, tenant, "technician")

    answer = await auth.service.ask(
        "query($id: ID!) { user(id: $id) { displayName } }", acting(me, role), id=str(colleague.id)
    )

    assert answer["data"] == {"user": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


SEEN = """query($id: ID!) { user(id: $id) {
    teams { name } customerAccess { customerId mode includeChildren } mfaEnrolled roles } }"""
POLICY = """mutation($i: SetSignInPolicyInput!) { it: setSignInPolicy(input: $i) {
    tenant { version signInPolicy { mfaRequired mfaRoles } } errors { code field } } }"""


async def test_what_somebody_is_granted_is_seen_by_themselves_and_by_those_who_look_after_people(
    auth: Auth, tenant: UUID
):
    owner, user = await someone(auth, tenant, "owner"), await someone(auth, tenant, "technician")
    customer = uuid4()
    await auth.service.knows("Customer", customer, tenant=tenant)
    async with auth.work(tenant) as job:
        await teams.create(job, name="Service desk", member_ids=[user.id])
        await people.grants.say(job, user, customer, CustomerAccessMode.DENY, children=True)
        offer = await factors.offer_totp(job, user, "Phone")
        offer.factor.confirmed_at = job.at

    seen = (await auth.service.data(SEEN, acting(owner), id=str(user.id)))["user"]
    own = (await auth.service.data("{ me { customerAccess { mode } mfaEnrolled } }", acting(user, "technician")))["me"]
    other = (await auth.service.data("{ me { customerAccess { mode } mfaEnrolled } }", acting(owner)))["me"]
    colleague = await auth.service.ask("{ colleagues { id teams { name } mfaEnrolled } }", acting(user, "technician"))

    assert seen == {
        "teams": [{"name": "Service desk"}],
        "customerAccess": [{"customerId": str(customer), "mode": "DENY", "includeChildren": True}],
        "mfaEnrolled": True,
        "roles": ["technician"],
    }
    assert own == {"customerAccess": [{"mode": "DENY"}], "mfaEnrolled": True}
    assert other == {"customerAccess": [], "mfaEnrolled": False}
    by_id = {one["id"]: one for one in colleague["data"]["colleagues"]}
    assert by_id[str(owner.id)] == {"id": str(owner.id), "teams": [], "mfaEnrolled": None}
    assert {error["extensions"]["code"] for error in colleague["errors"]} == {"FORBIDDEN"}


async def test_who_needs_a_second_factor_is_said_by_administrators_and_asked_at_the_next_sign_in(auth: Auth):
    user = await auth.person()
    asking = staff(A)
    before = (await auth.service.data("{ tenant { version signInPolicy { mfaRequired mfaRoles } } }", asking))["tenant"]
    refusals = [
        await refused(auth, asking, POLICY, mfaRoles=["nobody"]),
        await refused(auth, asking, POLICY, mfaRequired=True, version=before["version"] + 7),
        await refused(auth, staff(A, scopes=ROLES["dispatcher"]), POLICY, mfaRequired=True),
        await refused(auth, staff(A, denied=frozenset({uuid4()})), POLICY, mfaRequired=True),
    ]

    told = (await done(auth, asking, POLICY, mfaRoles=["technician"]))["tenant"]
    browser = auth.browser()
    await browser.open("/auth/sign-in")
    await browser.send("/auth/sign-in", email=user.email, password=PASSWORD)
    after = (await done(auth, asking, POLICY, mfaRequired=False, mfaRoles=["owner", "admin"]))["tenant"]

    assert before["signInPolicy"] == {"mfaRequired": False, "mfaRoles": ["admin", "owner"]}
    assert refusals == [("VALIDATION", "mfaRoles"), ("CONFLICT", "version"), ("FORBIDDEN", None), ("FORBIDDEN", None)]
    assert told == {
        "version": before["version"] + 1,
        "signInPolicy": {"mfaRequired": False, "mfaRoles": ["technician"]},
    }
    assert browser.title == "Set up a second factor"
    assert after["signInPolicy"] == before["signInPolicy"]
