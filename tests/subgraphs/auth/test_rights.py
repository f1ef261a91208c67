"""Who may give whom what: nobody what they lack, nobody beyond the customers they see, and the last owner stays."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest

from contracts.scopes import PERMISSIONS, ROLES
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import grants, people
from tests.subgraphs.house import but_refusals, staff

ASSIGN = "mutation($i: RoleAssignmentInput!) { it: assignRole(input: $i) { user { id roles } errors { code field } } }"
REVOKE = "mutation($i: RoleAssignmentInput!) { it: revokeRole(input: $i) { user { id roles } errors { code field } } }"
DISABLE = "mutation($i: UserCommandInput!) { it: disableUser(input: $i) { user { status } errors { code field } } }"
CREATE = (
    "mutation($i: CreateRoleInput!) { it: createRole(input: $i) { role { id key permissions } errors { code field } } }"
)
UPDATE = "mutation($i: UpdateRoleInput!) { it: updateRole(input: $i) { role { permissions } errors { code field } } }"
DELETE = "mutation($i: DeleteRoleInput!) { it: deleteRole(input: $i) { role { key } errors { code field } } }"
GRANT = """mutation($i: GrantCustomerAccessInput!) {
    it: grantCustomerAccess(input: $i) { customerAccess { mode } errors { code field } } }"""
DENY = """mutation($i: DenyCustomerAccessInput!) {
    it: denyCustomerAccess(input: $i) { customerAccess { mode } errors { code field } } }"""
INVITE = "mutation($i: InviteUserInput!) { it: inviteUser(input: $i) { user { id } errors { code field } } }"

TABLES = ("user_account", "role", "role_assignment", "customer_access", "api_key", "revocation", "audit", "outbox")


@pytest.fixture
async def tenant(auth):
    return uuid4()


async def someone(auth, tenant, *roles, kind=UserKind.STAFF, customer=None, status=UserStatus.ACTIVE):
    async with auth.work(tenant) as job:
        user = await people.create(
            job,
            email=f"{uuid4().hex[:10]}@example.org",
            display_name="Ada",
            kind=kind,
            customer_id=customer,
            status=status,
        )
        for role in roles:
            await grants.assign(job, user, role)
    return user


async def known(auth, tenant):
    """A customer that events have told of."""
    customer = uuid4()
    await auth.service.knows("Customer", customer, tenant=tenant)
    return customer


def acting(user, role="owner", **more):
    return staff(user.tenant_id, **{"subject": user.id, "scopes": ROLES[role]} | more)


async def done(auth, asking, text, **values):
    answer = (await auth.service.data(text, asking, i=values))["it"]
    assert answer["errors"] == [], answer
    return answer


async def everything(auth):
    """What all tables hold, but for records of refusals."""
    hashes = (
        f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t{but_refusals(name)}) AS {name}"
        for name in TABLES
    )
    return await auth.service.rows(f"SELECT {', '.join(hashes)}")


async def refused(auth, asking, text, **values):
    """The code and the field of a refusal that changed nothing."""
    before = await everything(auth)
    answer = (await auth.service.data(text, asking, i=values))["it"]
    assert await everything(auth) == before
    [error] = answer.pop("errors")
    assert list(answer.values()) == [None]
    return error["code"], error["field"]


async def roles_of(auth, user):
    async with auth.work(user.tenant_id) as job:
        return list((await grants.roles_of(job, [user.id]))[user.id])


async def granted(auth, user):
    async with auth.work(user.tenant_id) as job:
        return await grants.of(job, await job.take(type(user), user.id, field="id"))


# --- roles


async def test_what_a_role_denies_is_given_back_only_by_who_holds_it(auth, tenant):
    """A role may deny: to take it away, or to let it deny less, is to give; perhaps to oneself."""
    owner = await someone(auth, tenant, "owner")
    kept = {"permissions": [], "denied": ["payments:read"], "name": "No books"}
    role = (await done(auth, acting(owner), CREATE, key="no_books", **kept))["role"]
    keeper = {"permissions": ["users:write", "users:read", "roles:write"], "name": "Keeper"}
    await done(auth, acting(owner), CREATE, key="keeper", **keeper)
    clerk = await someone(auth, tenant, "accountant", "keeper", "no_books")
    asking = acting(clerk, scopes=(await granted(auth, clerk)).permissions)
    assert "payments:read" not in asking.scopes

    mine = {"userId": str(clerk.id), "roleKey": "no_books"}
    assert await refused(auth, asking, REVOKE, **mine) == ("FORBIDDEN", "roleKey")
    assert await refused(auth, asking, UPDATE, id=role["id"], denied=None) == ("FORBIDDEN", "denied")
    assert await refused(auth, asking, UPDATE, id=role["id"], denied=["dunning:read"]) == ("FORBIDDEN", "denied")

    await done(auth, asking, UPDATE, id=role["id"], denied=["payments:read", "dunning:read"])
    await done(auth, acting(owner), REVOKE, **mine)
    assert "payments:read" in (await granted(auth, clerk)).permissions


async def test_an_owner_gives_a_role_and_takes_it_again_and_both_are_told_and_recorded(auth, tenant):
    owner, user = await someone(auth, tenant, "owner"), await someone(auth, tenant, "technician")

    given = await done(auth, acting(owner), ASSIGN, userId=str(user.id), roleKey="dispatcher")
    taken = await done(auth, acting(owner), REVOKE, userId=str(user.id), roleKey="technician")

    assert given["user"]["roles"] == ["dispatcher", "technician"]
    assert taken["user"]["roles"] == ["dispatcher"]
    assert (await granted(auth, user)).permissions == ROLES["dispatcher"]
    told = await auth.service.rows("SELECT type FROM outbox WHERE tenant_id = $1 AND type LIKE 'user.role%'", tenant)
    noted = await auth.service.rows(
        "SELECT command FROM audit WHERE tenant_id = $1 AND change = 'DONE' AND actor_id = $2 ORDER BY position",
        tenant,
        owner.id,
    )
    revoked = await auth.service.rows("SELECT kind, subject FROM revocation WHERE tenant_id = $1", tenant)
    assert len(told) == 4
    assert [row["command"] for row in noted] == ["assignRole", "revokeRole"]
    assert [(row["kind"], row["subject"]) for row in revoked] == [("USER", str(user.id))]


async def test_nobody_gives_what_they_lack(auth, tenant):
    admin, user = await someone(auth, tenant, "admin"), await someone(auth, tenant, "technician")
    given = {"userId": str(user.id)}

    assert await refused(auth, acting(admin, "admin"), ASSIGN, **given, roleKey="accountant") == (
        "FORBIDDEN",
        "roleKey",
    )
    assert await refused(auth, acting(admin, "admin"), ASSIGN, **given, roleKey="owner") == ("FORBIDDEN", "roleKey")
    assert await refused(
        auth, acting(admin, "admin"), CREATE, key="bookkeeping", name="x", permissions=["invoices:approve"]
    ) == ("FORBIDDEN", "permissions")
    less = staff(tenant, subject=admin.id, scopes=frozenset({"users:write"}))
    assert await refused(auth, less, ASSIGN, **given, roleKey="read_only") == ("FORBIDDEN", "roleKey")


async def test_nobody_gives_what_they_lack_by_an_invitation(auth, tenant):
    admin = await someone(auth, tenant, "admin")
    new = {"email": "eve@example.org", "displayName": "Eve", "roles": ["owner"]}

    assert await refused(auth, acting(admin, "admin"), INVITE, **new) == ("FORBIDDEN", "roleKey")


async def test_a_role_that_gives_more_than_one_has_is_not_ones_to_change_or_to_give(auth, tenant):
    owner, admin = await someone(auth, tenant, "owner"), await someone(auth, tenant, "admin")
    user = await someone(auth, tenant, "read_only")
    made = await done(auth, acting(owner), CREATE, key="billing", name="Billing", permissions=["invoices:approve"])
    role = made["role"]["id"]

    assert await refused(auth, acting(admin, "admin"), UPDATE, id=role, permissions=[]) == ("FORBIDDEN", "id")
    assert await refused(auth, acting(admin, "admin"), ASSIGN, userId=str(user.id), roleKey="billing") == (
        "FORBIDDEN",
        "roleKey",
    )


async def test_a_role_that_loses_a_permission_loses_it_for_everybody_and_in_tokens(auth, tenant):
    owner, user = await someone(auth, tenant, "owner"), await someone(auth, tenant, "read_only")
    made = await done(auth, acting(owner), CREATE, key="desk", name="Desk", permissions=["tickets:write", "kb:write"])
    await done(auth, acting(owner), ASSIGN, userId=str(user.id), roleKey="desk")
    assert "tickets:write" in (await granted(auth, user)).permissions

    await done(auth, acting(owner), UPDATE, id=made["role"]["id"], permissions=["kb:write"], denied=["audit:read"])

    assert "tickets:write" not in (await granted(auth, user)).permissions
    assert await refused(auth, acting(owner), DELETE, id=made["role"]["id"]) == ("ROLE_IN_USE", "id")
    revoked = await auth.service.rows("SELECT subject FROM revocation WHERE tenant_id = $1", tenant)
    assert [row["subject"] for row in revoked] == [str(user.id)]
    await done(auth, acting(owner), REVOKE, userId=str(user.id), roleKey="desk")
    await done(auth, acting(owner), DELETE, id=made["role"]["id"])


async def test_what_a_role_denies_is_not_held_whatever_another_allows(auth, tenant):
    owner, user = await someone(auth, tenant, "owner"), await someone(auth, tenant, "technician")
    await done(auth, acting(owner), CREATE, key="no_notes", name="-", permissions=[], denied=["tickets:read_internal"])
    await done(auth, acting(owner), ASSIGN, userId=str(user.id), roleKey="no_notes")

    assert (await granted(auth, user)).permissions == ROLES["technician"] - {"tickets:read_internal"}


@pytest.mark.parametrize("permissions", [["*"], ["tickets:*"], ["tickets:fly"], ["tickets:read.nobody"]])
async def test_a_role_of_ones_own_has_no_wildcards(auth, tenant, permissions):
    owner = await someone(auth, tenant, "owner")

    code = await refused(auth, acting(owner), CREATE, key="wild", name="Wild", permissions=permissions)

    assert code == ("VALIDATION", "permissions")


async def test_two_roles_have_two_keys(auth, tenant):
    owner = await someone(auth, tenant, "owner")
    await done(auth, acting(owner), CREATE, key="twice", name="-", permissions=[])

    assert await refused(auth, acting(owner), CREATE, key="twice", name="-", permissions=[]) == (
        "ROLE_KEY_TAKEN",
        "key",
    )


async def test_nobody_is_invited_for_a_customer_that_is_not_there(auth, tenant):
    """Neither one that was never there, nor another tenant's; which look the same."""
    owner, theirs = await someone(auth, tenant, "owner"), await known(auth, uuid4())
    plain = {"email": "x@example.org", "displayName": "X", "kind": "CUSTOMER", "roles": ["portal_user"]}
    for customer in (theirs, uuid4()):
        assert await refused(auth, acting(owner), INVITE, **plain, customerId=str(customer)) == (
            "NOT_FOUND",
            "customerId",
        )


async def test_people_of_a_customer_get_nothing_internal(auth, tenant):
    owner = await someone(auth, tenant, "owner")
    outside = await someone(auth, tenant, "portal_user", kind=UserKind.CUSTOMER, customer=uuid4())
    made = await done(auth, acting(owner), CREATE, key="outer", name="-", permissions=["tickets:read"])
    await done(auth, acting(owner), CREATE, key="inner", name="-", permissions=["tickets:read_internal"])
    given = {"userId": str(outside.id)}

    assert await refused(auth, acting(owner), ASSIGN, **given, roleKey="technician") == ("ROLE_NOT_FITTING", "roleKey")
    assert await refused(auth, acting(owner), ASSIGN, **given, roleKey="inner") == ("ROLE_NOT_FITTING", "roleKey")
    await done(auth, acting(owner), ASSIGN, **given, roleKey="outer")
    assert await refused(
        auth, acting(owner), UPDATE, id=made["role"]["id"], permissions=["tickets:read", "tickets:read_internal"]
    ) == ("ROLE_IN_USE", "permissions")


# --- owners


async def test_the_last_owner_stays(auth, tenant):
    owner = await someone(auth, tenant, "owner")
    await someone(auth, tenant, "owner", status=UserStatus.INVITED)  # who never came in cannot let anybody in

    assert await refused(auth, acting(owner), REVOKE, userId=str(owner.id), roleKey="owner") == ("LAST_OWNER", "userId")
    assert await refused(auth, acting(owner), DISABLE, id=str(owner.id)) == ("LAST_OWNER", "userId")


async def test_the_last_owner_is_not_walled_in(auth, tenant):
    """Who sees only some customers makes no roles and lets nobody see the others: with nobody above them, for good."""
    owner, one = await someone(auth, tenant, "owner"), await known(auth, tenant)
    for command in (GRANT, DENY):
        assert await refused(auth, acting(owner), command, userId=str(owner.id), customerId=str(one)) == (
            "LAST_OWNER",
            "userId",
        )
    assert (await granted(auth, owner)).customers is None

    other = await someone(auth, tenant, "owner")
    await done(auth, acting(owner), DENY, userId=str(other.id), customerId=str(one))
    assert await refused(auth, acting(owner), DISABLE, id=str(owner.id)) == ("LAST_OWNER", "userId")
    await done(auth, acting(owner), DISABLE, id=str(other.id))


async def test_owners_are_denied_nothing_by_no_role(auth, tenant):
    """A role that denies would be a way for somebody below to leave the tenant without anybody who may everything."""
    owner, user = await someone(auth, tenant, "owner"), await someone(auth, tenant, "technician")
    nothing = {"name": "-", "permissions": ["kb:read"]}
    one = (await done(auth, acting(owner), CREATE, key="plain", **nothing))["role"]
    await done(auth, acting(owner), CREATE, key="gag", **nothing, denied=["users:write"])
    await done(auth, acting(owner), ASSIGN, userId=str(owner.id), roleKey="plain")

    gagging = {"id": one["id"], "denied": ["users:write"]}
    assert await refused(auth, acting(await someone(auth, tenant), "admin"), UPDATE, **gagging) == (
        "ROLE_IN_USE",
        "denied",
    )
    assert await refused(auth, acting(owner), UPDATE, **gagging) == ("ROLE_IN_USE", "denied")
    mine = {"userId": str(owner.id), "roleKey": "gag"}
    assert await refused(auth, acting(owner), ASSIGN, **mine) == ("ROLE_NOT_FITTING", "roleKey")
    await done(auth, acting(owner), ASSIGN, userId=str(user.id), roleKey="gag")
    theirs = {"userId": str(user.id), "roleKey": "owner"}
    assert await refused(auth, acting(owner), ASSIGN, **theirs) == ("ROLE_NOT_FITTING", "roleKey")
    assert (await granted(auth, owner)).permissions == ROLES["owner"]


async def test_of_two_owners_who_leave_at_once_one_stays(auth, tenant):
    for _ in range(5):
        first, second = await someone(auth, tenant, "owner"), await someone(auth, tenant, "owner")
        answers = await asyncio.gather(
            auth.service.data(REVOKE, acting(first), i={"userId": str(second.id), "roleKey": "owner"}),
            auth.service.data(DISABLE, acting(second), i={"id": str(first.id)}),
        )
        codes = sorted([error["code"] for error in one["it"]["errors"]] for one in answers)

        assert codes == [[], ["LAST_OWNER"]]
        tenant = uuid4()


async def test_an_admin_changes_no_owner(auth, tenant):
    admin, owner = await someone(auth, tenant, "admin"), await someone(auth, tenant, "owner")
    await someone(auth, tenant, "owner")
    asking = acting(admin, "admin")

    assert await refused(auth, asking, DISABLE, id=str(owner.id)) == ("FORBIDDEN", "id")
    assert await refused(auth, asking, REVOKE, userId=str(owner.id), roleKey="owner") == ("FORBIDDEN", "userId")
    assert await refused(auth, asking, ASSIGN, userId=str(owner.id), roleKey="technician") == ("FORBIDDEN", "userId")
    assert await refused(auth, asking, DENY, userId=str(owner.id), customerId=str(uuid4())) == ("FORBIDDEN", "userId")


# --- customers


async def test_from_the_first_customer_on_no_other_is_seen_and_a_denied_one_never(auth, tenant):
    owner, user = await someone(auth, tenant, "owner"), await someone(auth, tenant, "technician")
    one, two = [await known(auth, tenant) for _ in "ab"]
    assert (await granted(auth, user)).customers is None

    await done(auth, acting(owner), GRANT, userId=str(user.id), customerId=str(one))
    await done(auth, acting(owner), GRANT, userId=str(user.id), customerId=str(two))
    assert (await granted(auth, user)).customers == {one, two}
    await done(auth, acting(owner), DENY, userId=str(user.id), customerId=str(two))

    assert (await granted(auth, user)).customers == {one}
    assert (await granted(auth, user)).denied == {two}
    assert await refused(auth, acting(owner), DENY, userId=str(user.id), customerId=str(one)) == (
        "PRECONDITION_FAILED",
        "customerId",
    )


async def test_children_are_seen_as_the_events_of_customers_tell(auth, tenant):
    owner, user = await someone(auth, tenant, "owner"), await someone(auth, tenant, "technician")
    holding, branch, other = await known(auth, tenant), uuid4(), uuid4()
    async with auth.work(tenant) as job:
        await grants.learn_parent(job, branch, holding)
        await grants.learn_parent(job, other, None)

    await done(auth, acting(owner), GRANT, userId=str(user.id), customerId=str(holding), includeChildren=True)

    assert (await granted(auth, user)).customers == {holding, branch}

    async with auth.work(tenant) as job:
        await grants.learn_parent(job, other, holding)
        await grants.learn_parent(job, other, holding)
    query = "SELECT envelope->'data' AS data FROM outbox WHERE tenant_id = $1 AND type = 'user.access_changed' ORDER BY position"
    told = [json.loads(row["data"]) for row in await auth.service.rows(query, tenant)]
    assert [one["userId"] for one in told] == [str(user.id)] * 2
    assert [set(one["customers"]) for one in told] == [
        {str(holding), str(branch)},
        {str(holding), str(branch), str(other)},
    ]


async def test_who_sees_only_some_customers_gives_no_other_and_changes_nobody_who_sees_more(auth, tenant):
    mine, other = uuid4(), uuid4()
    limited = await someone(auth, tenant, "owner")
    staff_member = await someone(auth, tenant, "read_only")
    theirs, both = [await someone(auth, tenant, "portal_user", kind=UserKind.CUSTOMER, customer=mine) for _ in "ab"]
    async with auth.work(tenant) as job:
        await grants.allow_customer(job, await job.take(type(both), both.id, field="id"), other)
    asking = acting(limited, customers=frozenset({mine}))
    manager = {"roleKey": "portal_manager"}

    assert await refused(auth, asking, ASSIGN, userId=str(staff_member.id), roleKey="sales") == ("NOT_FOUND", "userId")
    assert await refused(auth, asking, ASSIGN, userId=str(both.id), **manager) == ("FORBIDDEN", "userId")
    assert await refused(auth, asking, GRANT, userId=str(theirs.id), customerId=str(other)) == (
        "NOT_FOUND",
        "customerId",
    )
    assert await refused(auth, asking, CREATE, key="mine", name="-", permissions=[]) == ("FORBIDDEN", None)
    await done(auth, asking, ASSIGN, userId=str(theirs.id), **manager)

    denying = acting(limited, denied=frozenset({other}))
    assert await refused(auth, denying, ASSIGN, userId=str(staff_member.id), roleKey="sales") == ("FORBIDDEN", "userId")


async def test_the_systems_roles_and_the_tenants_own_are_listed_together(auth, tenant):
    owner = await someone(auth, tenant, "owner")
    await done(auth, acting(owner), CREATE, key="own_one", name="Own", permissions=["kb:read"])

    listed = (await auth.service.data("{ roles(limit: 200) { key system permissions } }", acting(owner)))["roles"]

    assert [one["key"] for one in listed] == [*ROLES, "own_one"]
    assert {one["key"] for one in listed if one["system"]} == set(ROLES)
    assert set(listed[0]["permissions"]) == set(PERMISSIONS)
