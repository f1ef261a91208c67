"""Signing in at a provider of others: ours is the other one here, since it speaks the same language."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from subgraphs.auth.models.people import User
from subgraphs.auth.models.rights import Role
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import people, upstream
from subgraphs.kit.errors import Forbidden, Invalid
from subgraphs.kit.work import Work
from tests.subgraphs.auth.browser import Browser
from tests.subgraphs.auth.conftest import PASSWORD, Auth
from tests.subgraphs.auth.serving import served
from tests.subgraphs.house import A, B


async def two(auth: Auth, origin: str, **more: Any) -> str:
    """Tenant A lets people in by tenant B's provider; the domain for which it speaks."""
    domain = f"{uuid4().hex[:8]}.example"
    back = f"{origin}{upstream.CALLBACK}"
    client, secret = await auth.app(tenant=B, redirect_uris=[back], first_party=True)
    async with auth.work(A) as job:
        plain = {"name": "Other", "group_claim": "amr", "role_mapping": {"pwd": "dispatcher"}, "domains": [domain]}
        await upstream.create(
            job,
            issuer=origin,
            client_id=client.client_id,
            client_secret=secret,
            **plain | more,
        )
    return domain


async def somebody(auth: Auth, domain: str) -> User:
    """A person of tenant B with an address of this domain."""
    user = await auth.person(tenant=B)
    await auth.service.rows("UPDATE user_account SET email = $1 WHERE id = $2", f"{user.id.hex[:12]}@{domain}", user.id)
    async with auth.work(B) as job:
        found = await job.find(User, user.id)
    assert found is not None
    return found


async def came_back(auth: Auth, user: User) -> Browser:
    """A browser that went to tenant B's provider, signed in there, and came back."""
    browser = auth.browser()
    await browser.open("/auth/company")
    await browser.send("/auth/company", email=user.email)
    where = re.search(r'class="button" href="([^"]+)"', browser.page.text)
    assert where, browser.page.text
    await browser.open(where[1].replace("&amp;", "&"))
    if browser.title == "Sign in":
        await browser.send("/auth/sign-in", email=user.email, password=PASSWORD)
    return browser


async def of_tenant_a(auth: Auth, email: str) -> list[dict[str, Any]]:
    return await auth.service.rows("SELECT * FROM user_account WHERE tenant_id = $1 AND email = $2", A, email)


async def test_somebody_new_becomes_a_user_with_the_roles_of_their_groups(database: str):
    async with served(database) as (auth, origin):
        async with auth.work() as job:
            for key in ("night_shift", "put_away"):
                job.add(Role(key=key, name=key, permissions=["tickets:read"], denied=[]))
        domain = await two(auth, origin, default_roles=["technician", "night_shift", "put_away"])
        await auth.service.rows("DELETE FROM role WHERE key = 'put_away'")
        user = await somebody(auth, domain)

        browser = await came_back(auth, user)
        title, page = browser.title, browser.page.text
        again = await came_back(auth, user)

        made = await of_tenant_a(auth, user.email)
        roles = await auth.service.rows(
            "SELECT role_key FROM role_assignment WHERE user_id = $1 ORDER BY 1", made[0]["id"]
        )

    assert title == "My account"
    assert "Tenant a" in page
    assert again.title == "My account"
    assert len(made) == 1
    assert (made[0]["kind"], made[0]["status"]) == ("STAFF", "ACTIVE")
    assert [row["role_key"] for row in roles] == ["dispatcher", "night_shift", "technician"]


async def test_nobody_comes_in_whom_the_provider_does_not_speak_for(database: str):
    async with served(database) as (auth, origin):
        domain = await two(auth, origin, creates_users=False)
        other = await two(auth, origin)
        stranger, elsewhere = await somebody(auth, domain), await somebody(auth, other)
        disabled = await somebody(auth, other)
        async with auth.work(A) as job:
            mirror = await people.create(
                job, email=disabled.email, display_name="X", kind=UserKind.STAFF, status=UserStatus.ACTIVE
            )
            await people.disable(job, mirror.id)

        refused = await came_back(auth, stranger)
        gone = await came_back(auth, disabled)
        browser = auth.browser()
        await browser.open("/auth/company")
        await browser.send("/auth/company", email=f"x@{uuid4().hex}.example")
        nobody = browser.page.status_code
        hijacked = auth.browser()
        await hijacked.open("/auth/company")
        await hijacked.send("/auth/company", email=elsewhere.email)
        where = re.search(r'class="button" href="([^"]+)"', hijacked.page.text)
        assert where
        state = re.search(r"state=([^&]+)", where[1])
        assert state
        victim = auth.browser()
        await victim.open("/auth/company")
        await victim.open(f"{upstream.CALLBACK}?code=x&state={state[1]}")

        rows = await of_tenant_a(auth, stranger.email)

    assert (refused.page.status_code, gone.page.status_code, nobody) == (401, 401, 404)
    assert victim.page.status_code == 401
    assert rows == []


async def test_a_provider_gives_no_role_that_its_maker_lacks(auth: Auth):
    def work_of(job: Work) -> Work:
        return replace(job, caller=replace(job.caller, kind="STAFF", scopes=frozenset({"tenant:admin"})))

    about = {
        "name": "P",
        "issuer": "https://login.example",
        "client_id": "x",
        "client_secret": "y",
        "domains": ["a.de"],
    }
    async with auth.work() as job:
        with pytest.raises(Forbidden):
            await upstream.create(work_of(job), **about, default_roles=["owner"])
        for issuer in ("http://login.example/x y", "ftp://login.example", 'https://login.example/"'):
            with pytest.raises(Invalid):
                await upstream.create(job, **about | {"issuer": issuer})
