"""Nobody takes over who may more: by their factors, an invitation, a program's secret, or a provider that speaks for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.scopes import ROLES
from subgraphs.auth.errors import NotProven
from subgraphs.auth.models.credentials import MfaFactor
from subgraphs.auth.models.people import User
from subgraphs.auth.models.upstream import IdentityProvider, UpstreamSignIn
from subgraphs.auth.rules.credentials import FactorKind
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import factors, grants, people, service_accounts, upstream
from subgraphs.kit.caller import Caller
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.house import but_refusals, staff

RESET = "mutation($i: ResetMfaInput!) { it: resetMfa(input: $i) { user { id } errors { code field } } }"
INVITE = "mutation($i: InviteUserInput!) { it: inviteUser(input: $i) { user { id } errors { code field } } }"
ROTATE = """mutation($i: ServiceAccountCommandInput!) {
    it: rotateServiceAccountSecret(input: $i) { serviceAccount { id } errors { code field } } }"""
PROVIDER = """mutation($i: CreateIdentityProviderInput!) {
    it: createIdentityProvider(input: $i) { identityProvider { id } errors { code field } } }"""
ROLE = "mutation($i: CreateRoleInput!) { it: createRole(input: $i) { role { id } errors { code field } } }"
GROW = "mutation($i: UpdateRoleInput!) { it: updateRole(input: $i) { role { id } errors { code field } } }"

TABLES = (
    *("user_account", "role_assignment", "mfa_factor", "factor_secret", "recovery_code", "mail_token", "session"),
    *("oauth_client", "identity_provider", "identity_provider_secret", "revocation", "job", "audit", "outbox"),
)


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


async def someone(auth: Auth, tenant: UUID, role: str, domain: str = "example.org", **about: Any) -> User:
    """Somebody with a role, and an app as a second factor."""
    async with auth.work(tenant) as job:
        plain = {"kind": UserKind.STAFF, "status": UserStatus.ACTIVE, "display_name": "Ada"}
        user = await people.create(job, email=f"{uuid4().hex[:10]}@{domain}", **plain | about)
        await grants.assign(job, user, role)
        job.add(MfaFactor(user_id=user.id, kind=FactorKind.TOTP, label="Phone", confirmed_at=job.at))
        await job.session.flush()
        await factors.new_recovery_codes(job, user.id)
    return user


def acting(user: User, role: str, **more: Any) -> Caller:
    return staff(user.tenant_id, **{"subject": user.id, "scopes": ROLES[role]} | more)


async def everything(auth: Auth) -> list[dict[str, Any]]:
    """What all tables hold, but for records of refusals."""
    hashes = (
        f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t{but_refusals(name)}) AS {name}"
        for name in TABLES
    )
    return await auth.service.rows(f"SELECT {', '.join(hashes)}")


async def refused(auth: Auth, asking: Caller, text: str, **values: Any) -> tuple[str, str]:
    """The code and the field of a refusal that changed nothing."""
    before = await everything(auth)
    answer = (await auth.service.data(text, asking, i=values))["it"]
    assert await everything(auth) == before
    [error] = answer["errors"]
    return error["code"], error["field"]


@pytest.mark.parametrize("theirs", ["owner", "accountant", "soc_analyst"])
async def test_factors_of_somebody_who_may_more_are_not_reset(auth: Auth, tenant: UUID, theirs: str):
    admin, user = await someone(auth, tenant, "admin"), await someone(auth, tenant, theirs)

    assert await refused(auth, acting(admin, "admin"), RESET, userId=str(user.id)) == ("FORBIDDEN", "userId")

    async with auth.work(tenant) as job:
        assert [one.label for one in await factors.of_user(job, user.id)] == ["Phone"]


async def test_factors_of_somebody_who_may_less_are_reset(auth: Auth, tenant: UUID):
    admin, user = await someone(auth, tenant, "admin"), await someone(auth, tenant, "technician")

    answer = await auth.service.data(RESET, acting(admin, "admin"), i={"userId": str(user.id)})

    assert answer == {"it": {"user": {"id": str(user.id)}, "errors": []}}
    async with auth.work(tenant) as job:
        assert await factors.of_user(job, user.id) == []


async def test_nobody_invites_somebody_who_may_or_sees_more(auth: Auth, tenant: UUID):
    admin = await someone(auth, tenant, "admin")
    given = {"email": f"{uuid4().hex[:10]}@example.org", "displayName": "Eve", "roles": ["owner"]}

    greedy = await refused(auth, acting(admin, "admin"), INVITE, **given)
    denied = acting(admin, "admin", denied=frozenset({uuid4()}))
    sees_more = await refused(auth, denied, INVITE, **given | {"roles": []})

    assert greedy == ("FORBIDDEN", "roleKey")
    assert sees_more == ("FORBIDDEN", "email")


async def test_a_program_that_may_more_keeps_its_secret(auth: Auth, tenant: UUID):
    admin = await someone(auth, tenant, "admin")
    async with auth.work(tenant) as job:
        program = await service_accounts.create(job, name="Sync", scopes=["tickets:read", "tickets:write"])
    limited = acting(admin, "admin", scopes=ROLES["admin"] - {"tickets:write"})

    assert await refused(auth, limited, ROTATE, id=str(program.id)) == ("FORBIDDEN", "id")


def provider(domain: str) -> dict[str, Any]:
    return {
        "name": "Mine",
        "issuer": "https://login.example",
        "clientId": "psa",
        "clientSecret": "secret",
        "domains": [domain],
    }


async def test_a_provider_speaks_for_nobody_who_may_more_than_who_sets_it_up(auth: Auth, tenant: UUID):
    domain = f"{uuid4().hex[:8]}.example"
    admin, owner = await someone(auth, tenant, "admin"), await someone(auth, tenant, "owner", domain)

    assert await refused(auth, acting(admin, "admin"), PROVIDER, **provider(domain)) == ("FORBIDDEN", "domains")

    answer = await auth.service.data(PROVIDER, acting(owner, "owner"), i=provider(domain))
    assert answer["it"]["errors"] == []


async def test_an_admins_provider_does_not_let_in_as_an_owner_who_came_later(auth: Auth, tenant: UUID):
    domain = f"{uuid4().hex[:8]}.example"
    admin = await someone(auth, tenant, "admin")
    made = await auth.service.data(PROVIDER, acting(admin, "admin"), i=provider(domain))
    owner, colleague = [await someone(auth, tenant, role, domain) for role in ("owner", "technician")]

    async def introduced(user: User) -> User | None:
        async with auth.work(tenant) as job:
            row = await job.take(IdentityProvider, UUID(made["it"]["identityProvider"]["id"]), field="id")
            said = {"sub": user.email, "email": user.email, "email_verified": True}
            return await upstream._introduced(job, row, said)

    with pytest.raises(NotProven):
        await introduced(owner)
    known = await introduced(colleague)

    assert known is not None
    assert known.id == colleague.id
    linked = await auth.service.rows("SELECT user_id FROM upstream_identity WHERE tenant_id = $1", tenant)
    assert [row["user_id"] for row in linked] == [colleague.id]


async def test_a_provider_gives_no_role_that_outgrew_its_maker(auth: Auth, tenant: UUID):
    domain, small = f"{uuid4().hex[:8]}.example", {"name": "Helper", "permissions": ["tickets:read"]}
    admin, owner = await someone(auth, tenant, "admin"), await someone(auth, tenant, "owner")
    made = await auth.service.data(ROLE, acting(owner, "owner"), i={"key": "helper", **small})
    mapped = provider(domain) | {"roleMapping": [{"group": "helpers", "role": "helper"}], "defaultRoles": ["helper"]}
    answer = await auth.service.data(PROVIDER, acting(admin, "admin"), i=mapped)
    assert answer["it"]["errors"] == []

    async def roles_of_somebody_new() -> list[str]:
        address = f"{uuid4().hex[:8]}@{domain}"
        async with auth.work(tenant) as job:
            row = await job.take(IdentityProvider, UUID(answer["it"]["identityProvider"]["id"]), field="id")
            said = {"sub": address, "email": address, "email_verified": True, "groups": ["helpers"]}
            user = await upstream._introduced(job, row, said)
            assert user is not None
            await upstream._follow_groups(job, row, user, said)
            return list((await grants.roles_of(job, [user.id]))[user.id])

    assert await roles_of_somebody_new() == ["helper"]
    more = {"id": made["it"]["role"]["id"], "permissions": ["tickets:read", "containment:approve"]}
    grown = await auth.service.data(GROW, acting(owner, "owner"), i=more)
    assert grown["it"]["errors"] == []
    assert await roles_of_somebody_new() == []


async def test_a_provider_of_an_admin_does_not_let_in_whom_it_knows_once_they_are_an_owner(auth: Auth, tenant: UUID):
    domain = f"{uuid4().hex[:8]}.example"
    admin, colleague = await someone(auth, tenant, "admin"), await someone(auth, tenant, "technician", domain)
    made = await auth.service.data(PROVIDER, acting(admin, "admin"), i=provider(domain))
    said = {"sub": colleague.email, "email": colleague.email, "email_verified": True}
    way = UpstreamSignIn(provider_id=UUID(made["it"]["identityProvider"]["id"]))

    async def comes() -> UUID:
        async with auth.work(tenant) as job:
            return (await upstream.user(job, way, said)).id

    assert [await comes(), await comes()] == [colleague.id, colleague.id]
    async with auth.work(tenant) as job:
        await grants.assign(job, await job.take(User, colleague.id, field="id"), "owner")
    with pytest.raises(NotProven):
        await comes()


async def test_a_provider_is_not_set_up_by_who_sees_only_some_customers(auth: Auth, tenant: UUID):
    owner, domain = await someone(auth, tenant, "owner"), f"{uuid4().hex[:8]}.example"
    for walls in ({"customers": frozenset({uuid4()})}, {"denied": frozenset({uuid4()})}):
        caller = replace(acting(owner, "owner"), **walls)
        assert await refused(auth, caller, PROVIDER, **provider(domain)) == ("FORBIDDEN", None)
