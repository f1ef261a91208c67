"""A customer's manager looks after the people of their own company: those, and nobody and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.identity import CallerKind
from contracts.scopes import ROLES
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.people import UserKind
from subgraphs.auth.service import teams
from subgraphs.kit.caller import Caller, from_claims
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.auth.test_rights import ASSIGN, DISABLE, GRANT, INVITE, known, refused, someone
from tests.subgraphs.auth.test_rights import done as did

PEOPLE = """query($id: ID!) { users { id email roles } usersConnection { totalCount } colleagues { id }
    teams { name } user(id: $id) { id } sessions(userId: $id) { id } mfaFactors(userId: $id) { id } }"""
TEAM = "mutation($i: CreateTeamInput!) { it: createTeam(input: $i) { team { id } errors { code field } } }"
RESET = "mutation($i: ResetMfaInput!) { it: resetMfa(input: $i) { user { id } errors { code field } } }"


def claims(
    user: User, *customers: UUID, role: str = "portal_manager", kind: CallerKind = "CUSTOMER"
) -> Mapping[str, Any]:
    """What the router says of somebody."""
    return {
        "tid": str(user.tenant_id),
        "sub": str(user.id),
        "kind": kind,
        "roles": [role],
        "scope": " ".join(ROLES[role]),
        "customers": [str(one) for one in customers],
    }


def asking(auth: Auth, user: User, *customers: UUID) -> Caller:
    """The manager, as the module sees them."""
    return from_claims(claims(user, *customers), company=auth.service.module.company)


@pytest.fixture
async def tenant(auth: Auth) -> UUID:
    return uuid4()


@pytest.fixture
async def house(auth: Auth, tenant: UUID) -> tuple[UUID, UUID, User, User, User, User]:
    """Two customers; of the first a manager and a user, of the second a user; and somebody of the provider."""
    mine, theirs = await known(auth, tenant), await known(auth, tenant)
    manager = await someone(auth, tenant, "portal_manager", kind=UserKind.CUSTOMER, customer=mine)
    colleague = await someone(auth, tenant, "portal_user", kind=UserKind.CUSTOMER, customer=mine)
    stranger = await someone(auth, tenant, "portal_user", kind=UserKind.CUSTOMER, customer=theirs)
    technician = await someone(auth, tenant, "technician")
    async with auth.work(tenant) as job:
        await teams.create(job, name="Service desk", member_ids=[technician.id])
    return mine, theirs, manager, colleague, stranger, technician


async def test_a_manager_sees_the_people_of_their_company_and_nobody_else(auth: Auth, house):
    mine, _, manager, colleague, stranger, technician = house
    caller = asking(auth, manager, mine)

    seen = await auth.service.data(PEOPLE, caller, id=str(colleague.id))
    hidden = [await auth.service.data(PEOPLE, caller, id=str(one.id)) for one in (stranger, technician)]

    assert {one["id"] for one in seen["users"]} == {str(manager.id), str(colleague.id)}
    assert {one["email"] for one in seen["users"]} == {manager.email, colleague.email}
    assert (seen["usersConnection"]["totalCount"], seen["colleagues"], seen["teams"]) == (2, [], [])
    assert seen["user"] == {"id": str(colleague.id)}
    assert [one["user"] for one in hidden] == [None, None]


async def test_a_manager_invites_colleagues_and_gives_them_no_more_than_they_have(auth: Auth, house):
    mine, theirs, manager, colleague, stranger, technician = house
    caller, person = asking(auth, manager, mine), {"displayName": "Neu", "kind": "CUSTOMER", "customerId": str(mine)}

    def new(**more: Any) -> dict[str, Any]:
        return person | {"email": f"{uuid4().hex[:10]}@example.org", "roles": ["portal_user"]} | more

    for role in ("portal_user", "portal_manager"):
        assert (await did(auth, caller, INVITE, **new(roles=[role])))["user"]
    refusals = [
        await refused(auth, caller, INVITE, **new(customerId=str(theirs))),
        await refused(auth, caller, INVITE, **new(kind="STAFF", customerId=None, roles=["technician"])),
        await refused(auth, caller, INVITE, **new(kind="COMANAGED", roles=["comanaged_technician"])),
        await refused(auth, caller, INVITE, **new(kind="SERVICE", roles=[])),
        await refused(auth, caller, ASSIGN, userId=str(stranger.id), roleKey="portal_user"),
        await refused(auth, caller, ASSIGN, userId=str(colleague.id), roleKey="technician"),
        await refused(auth, caller, DISABLE, id=str(technician.id)),
        await refused(auth, caller, RESET, userId=str(stranger.id)),
        await refused(auth, caller, GRANT, userId=str(colleague.id), customerId=str(theirs)),
        await refused(auth, caller, TEAM, name="Ours", memberIds=[str(colleague.id)]),
    ]

    assert refusals == [
        ("FORBIDDEN", "customerId"),
        ("FORBIDDEN", "customerId"),
        ("FORBIDDEN", "roleKey"),
        ("VALIDATION", "kind"),
        ("NOT_FOUND", "userId"),
        ("ROLE_NOT_FITTING", "roleKey"),
        ("NOT_FOUND", "id"),
        ("NOT_FOUND", "userId"),
        ("NOT_FOUND", "customerId"),
        ("FORBIDDEN", None),
    ]
    assert (await did(auth, caller, DISABLE, id=str(colleague.id)))["user"] == {"status": "DISABLED"}


@pytest.mark.parametrize(
    "more", [{"customers": "*"}, {"kind": "STAFF"}, {"kind": "SERVICE"}, {"scope": "users:read.own"}]
)
def test_one_s_own_company_is_nothing_to_who_is_not_walled_in_by_it(more: dict[str, Any]):
    user = User(id=uuid4(), tenant_id=uuid4())

    assert from_claims({**claims(user, uuid4()), **more}, company=("users:read",)).holds("users:read") is False
    assert from_claims(claims(user, uuid4()), company=("users:read",)).holds("users:read") is True
    assert from_claims(claims(user, uuid4())).holds("users:read") is False
