"""What one tenant has opens nothing of another's, at every door of identity that is no graph.

A handle begins with its tenant's id, which is no secret: whoever writes another id in front of what they have looks behind
the other tenant's wall, and there is nothing that fits.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from subgraphs.auth.rules.credentials import MailPurpose
from subgraphs.auth.service import factors, mails, registration, scim, tokens
from subgraphs.kit.ids import uuid7
from tests.subgraphs.auth.conftest import BACK, DEVICE, Auth
from tests.subgraphs.house import A, B, but_refusals

_TABLES = (
    *("user_account", "session", "mfa_factor", "password", "oauth_client", "consent", "authorization_code"),
    *("refresh_token", "team", "team_member", "scim_token", "scim_resource", "initial_access_token", "revocation"),
)
_PREFIX = 22


def moved(handle: str, to: str) -> str:
    """The same handle, as if it were of the tenant of another one."""
    return to[:_PREFIX] + handle[_PREFIX:]


async def held(auth: Auth, tenant: UUID) -> Any:
    """All that identity holds of a tenant."""
    hashes = (
        f"(SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} t{but_refusals(name)} WHERE tenant_id = $1)"
        f" AS {name}"
        for name in _TABLES
    )
    return await auth.service.rows(f"SELECT {', '.join(hashes)}", tenant)


@pytest.fixture
async def theirs(auth: Auth) -> dict[str, str]:
    """What a tenant has, and somebody of it: handles, and ids."""
    user, (client, secret) = await auth.person(), await auth.app()
    browser = await auth.signed_in(user)
    got = await auth.tokens(browser, client, secret)
    code, verifier = await auth.code(browser, client)
    async with auth.work() as job:
        held = await tokens.read_access_token(job, got["access_token"])
        assert held is not None
        factor = await factors.offer_totp(job, user, "Phone")
        return {
            "client_id": client.client_id,
            "secret": secret,
            "access": got["access_token"],
            "refresh": got["refresh_token"],
            "code": code,
            "verifier": verifier,
            "session": held["sid"],
            "user": str(user.id),
            "email": user.email,
            "factor": str(factor.factor.id),
            "cookie": browser.cookies["psa-session"],
            "reset": (await mails._link(job, user, MailPurpose.RESET)).rpartition("=")[2],
            "scim": await scim.new_token(job),
            "initial": await registration.new_initial_token(job),
        }


async def test_a_client_of_another_tenant_gets_nothing_for_codes_and_tokens(auth: Auth, theirs: dict[str, str]):
    client, secret = await auth.app(tenant=B)
    mine = (client.client_id, secret)
    before = await held(auth, A)
    code = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": theirs["verifier"]}

    answers = [
        await auth.post("token", mine, code=theirs["code"], **code),
        await auth.post("token", mine, code=moved(theirs["code"], client.client_id), **code),
        await auth.post("token", mine, grant_type="refresh_token", refresh_token=theirs["refresh"]),
        await auth.post(
            "token", mine, grant_type="refresh_token", refresh_token=moved(theirs["refresh"], client.client_id)
        ),
        await auth.post("introspect", mine, token=theirs["access"]),
        await auth.post("introspect", mine, token=theirs["refresh"]),
        await auth.post("revoke", mine, token=theirs["access"]),
        await auth.post("revoke", mine, token=theirs["refresh"]),
        await auth.post("revoke", (moved(client.client_id, theirs["client_id"]), secret), token=theirs["refresh"]),
    ]

    said = [(answer.status_code, answer.json().get("error")) for answer in answers]
    assert set(said) == {(401, "invalid_client"), (400, "invalid_grant")}
    assert said[1] == said[3] == (400, "invalid_grant")
    assert await held(auth, A) == before


async def test_a_device_of_another_tenants_client_is_let_in_by_nobody_else(auth: Auth, theirs: dict[str, str]):
    asked = (await auth.post("device-authorization", (theirs["client_id"], theirs["secret"]), scope="openid")).json()
    browser = await auth.signed_in(await auth.person(tenant=B))
    form = browser.form("/auth/sign-out").fields

    await browser.open(asked["verification_uri_complete"])
    seen = browser.page.status_code, browser.page.text
    await browser._follow("POST", "/auth/device", {**form, "user_code": asked["user_code"], "decision": "allow"})
    answered = browser.page.status_code
    poll = await auth.post(
        "token", (theirs["client_id"], theirs["secret"]), grant_type=DEVICE, device_code=asked["device_code"]
    )

    assert (seen[0], answered) == (404, 404)
    assert "An app" not in seen[1]
    assert poll.json()["error"] == "authorization_pending"


async def test_cookies_links_and_registrations_are_worth_nothing_behind_another_wall(
    auth: Auth, theirs: dict[str, str]
):
    other, _ = await auth.app(tenant=B)
    before = await held(auth, A), await held(auth, B)
    browser = auth.browser()
    browser.cookies["psa-session"] = moved(theirs["cookie"], other.client_id)

    await browser.open("/auth/account")
    shown = browser.title
    links = [
        await auth.browser().open(f"/auth/{page}?token={moved(theirs['reset'], other.client_id)}")
        for page in ("reset", "invitation")
    ]
    links.append(await auth.browser().open(f"/auth/invitation?token={theirs['reset']}"))
    bearer = {"authorization": f"Bearer {moved(theirs['initial'], other.client_id)}"}
    registers = await auth.http.post("/auth/register", json={"redirect_uris": [BACK]}, headers=bearer)
    manages = [
        await auth.http.request(
            method, f"/auth/register/{theirs['client_id']}", headers={"authorization": f"Bearer {theirs['initial']}"}
        )
        for method in ("GET", "DELETE")
    ]
    provisions = await auth.http.get(
        "/scim/v2/Users", headers={"authorization": f"Bearer {moved(theirs['scim'], other.client_id)}"}
    )

    assert shown == "Sign in"
    assert [page.status_code for page in links] == [410, 410, 410]
    assert [registers.status_code, provisions.status_code, *(one.status_code for one in manages)] == [
        401,
        401,
        401,
        401,
    ]
    assert (await held(auth, A), await held(auth, B)) == before


async def test_somebodys_sessions_and_factors_are_ended_by_nobody_of_another_tenant(auth: Auth, theirs: dict[str, str]):
    browser = await auth.signed_in(await auth.person(tenant=B))
    form = browser.form("/auth/sign-out").fields
    before = await held(auth, A)

    ended = []
    for action, name in (("sessions", "session"), ("factors", "factor")):
        await browser._follow("POST", f"/auth/account/{action}", {**form, name: theirs[name]})
        ended.append(browser.page.status_code)
    await browser.open("/auth/account")

    assert ended == [404, 409]
    assert theirs["email"] not in browser.page.text
    assert await held(auth, A) == before


async def test_a_directory_of_another_tenant_finds_and_changes_nobody(auth: Auth, theirs: dict[str, str]):
    async with auth.work(B) as job:
        headers = {"authorization": f"Bearer {await scim.new_token(job)}", "content-type": "application/scim+json"}
    before = await held(auth, A)
    user, change = f"/scim/v2/Users/{theirs['user']}", {"userName": "x@example.org", "active": False}
    members = {"displayName": f"Team {uuid7()}", "members": [{"value": theirs["user"]}]}

    async def ask(method: str, path: str, said: Any = None) -> Any:
        return await auth.http.request(method, path, json=said, headers=headers)

    gone = [await ask(method, user, change if method == "PUT" else None) for method in ("GET", "PUT", "DELETE")]
    found = await ask("GET", f'/scim/v2/Users?filter=userName eq "{theirs["email"]}"')
    listed = await ask("GET", "/scim/v2/Users?count=200")
    group = await ask("POST", "/scim/v2/Groups", members)

    assert [one.status_code for one in gone] == [404, 404, 404]
    assert found.json()["totalResults"] == 0
    assert theirs["user"] not in listed.text
    assert group.json()["members"] == []
    assert await held(auth, A) == before


async def test_the_response_of_a_provider_is_taken_only_where_its_state_was_given(auth: Auth):
    state = {"RelayState": moved("x" * 65, "A" * _PREFIX), "SAMLResponse": "eA=="}

    answers = [await auth.http.post(f"/auth/saml/{tenant}/acs", data=state) for tenant in (A, B, "nonsense")]
    back = await auth.http.get(f"/auth/upstream/callback?state={state['RelayState']}&code=x")

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert back.status_code == 401
