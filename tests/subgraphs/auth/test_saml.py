"""Signing in at a provider that speaks SAML, as browsers do it: there, back by another site's form, and in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from lxml import etree

from subgraphs.auth.service import saml
from tests.subgraphs.auth import saml_provider
from tests.subgraphs.auth.browser import Browser
from tests.subgraphs.auth.conftest import Auth
from tests.subgraphs.auth.saml_provider import Provider, asked
from tests.subgraphs.house import ISSUER, A, B, staff

IDP = Provider()
CREATE = """mutation ($input: CreateSamlIdentityProviderInput!) { createSamlIdentityProvider(input: $input) {
  identityProvider { id type issuer clientId signInUrl certificates claimsMapping { claim attribute } groupClaim
    roleMapping { group role } } errors { code field message } } }"""


async def known(auth: Auth, idp: Provider = IDP, **more: Any) -> str:
    """Let people of tenant A sign in at the provider; the domain for which it speaks."""
    domain = f"{uuid4().hex[:8]}.example"
    async with auth.work(A) as job:
        plain = {"name": "Kunde", "role_mapping": {"desk": "dispatcher"}, "default_roles": ["technician"]}
        await saml.create(job, metadata=idp.metadata, domains=[domain], **plain | more)
    return domain


async def left(auth: Auth, domain: str) -> tuple[Browser, dict[str, Any], str]:
    """A browser on its way, what a response to its request must say, and the state."""
    browser = auth.browser()
    await browser.open("/auth/company")
    await browser.send("/auth/company", email=f"x@{domain}")
    where = re.search(r'class="button" href="([^"]+)"', browser.page.text)
    assert where, browser.page.text
    request, state = asked(where[1].replace("&amp;", "&"))
    about = {
        "request": request.get("ID"),
        "audience": request.findtext("saml:Issuer", namespaces=saml_provider.NAMES),
        "receiver": request.get("AssertionConsumerServiceURL"),
        "at": auth.service.moment,
        "subject": uuid4().hex,
        "email": f"ada@{domain}",
    }
    return browser, about, state


async def post(auth: Auth, response: str, state: str, receiver: str) -> httpx2.Response:
    """The form of the provider's page: from another site, so without a cookie of ours."""
    auth.http.cookies.clear()
    headers = {"origin": "https://login.example", "sec-fetch-site": "cross-site"}
    return await auth.http.post(receiver, data={"SAMLResponse": response, "RelayState": state}, headers=headers)


async def everything(auth: Auth) -> dict[str, int]:
    tables = ("user_account", "upstream_identity", "used_assertion", "session", "role_assignment", "outbox")
    return {table: await auth.service.count(table) for table in tables}


async def test_somebody_new_becomes_a_user_with_the_roles_of_their_groups(auth: Auth):
    domain = await known(auth)
    browser, about, state = await left(auth, domain)

    answer = await post(auth, IDP.answer(**about, groups=["desk", "unknown"]), state, about["receiver"])
    await browser.open(answer.headers["location"])

    assert answer.status_code == 303
    assert browser.title == "Mein Konto"
    [user] = await auth.service.rows("SELECT * FROM user_account WHERE email = $1", f"ada@{domain}")
    roles = await auth.service.rows("SELECT role_key FROM role_assignment WHERE user_id = $1 ORDER BY 1", user["id"])
    assert (user["tenant_id"], user["display_name"], user["kind"], user["status"]) == (
        A,
        "Ada Kunde",
        "STAFF",
        "ACTIVE",
    )
    assert [row["role_key"] for row in roles] == ["dispatcher", "technician"]

    again, about_again, state = await left(auth, domain)
    about_again["subject"] = about["subject"]
    answer = await post(auth, IDP.answer(**about_again | {"email": "other@else.example"}), state, about["receiver"])
    await again.open(answer.headers["location"])
    roles = await auth.service.rows("SELECT role_key FROM role_assignment WHERE user_id = $1", user["id"])
    assert again.title == "Mein Konto"
    assert [row["role_key"] for row in roles] == ["technician"]


async def test_what_was_used_proves_nothing_again(auth: Auth):
    domain = await known(auth)
    browser, about, state = await left(auth, domain)
    response = IDP.answer(**about, assertion_id="_once")
    first = await post(auth, response, state, about["receiver"])
    before = await everything(auth)

    same_way = await post(auth, response, state, about["receiver"])
    _, other, other_state = await left(auth, domain)
    for_another_request = await post(auth, response, other_state, about["receiver"])
    same_assertion = await post(auth, IDP.answer(**other, assertion_id="_once"), other_state, about["receiver"])

    assert first.status_code == 303
    assert [one.status_code for one in (same_way, for_another_request, same_assertion)] == [401, 401, 401]
    assert await everything(auth) == before
    await browser.open(first.headers["location"])
    await browser.open(first.headers["location"])
    assert browser.page.status_code == 401


async def test_a_response_lets_in_the_browser_that_left_and_no_other(auth: Auth):
    domain = await known(auth)
    _, about, state = await left(auth, domain)
    answer = await post(auth, IDP.answer(**about), state, about["receiver"])
    before = await everything(auth)
    victim = auth.browser()
    await victim.open("/auth/company")

    await victim.open(answer.headers["location"])

    assert victim.page.status_code == 401
    assert await everything(auth) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "somebody@else.example"},
        {"email": ""},
        {"email": "no address"},
    ],
)
async def test_a_provider_speaks_for_its_domains_alone(auth: Auth, changes: dict[str, str]):
    domain = await known(auth)
    browser, about, state = await left(auth, domain)
    answer = await post(auth, IDP.answer(**about | changes), state, about["receiver"])
    before = await everything(auth)

    await browser.open(answer.headers["location"])

    assert browser.page.status_code == 401
    assert await everything(auth) == before


async def test_nothing_changes_when_a_response_is_refused(auth: Auth):
    domain, thief = await known(auth), Provider()
    _, about, state = await left(auth, domain)
    before = await everything(auth)
    elsewhere = about["receiver"].replace(str(A), str(B))

    answers = [
        await post(auth, thief.answer(**about), state, about["receiver"]),
        await post(auth, saml_provider.posted(IDP.said(**about)), state, about["receiver"]),
        await post(auth, IDP.answer(**about), state, elsewhere),
        await post(auth, IDP.answer(**about | {"receiver": elsewhere}), state, elsewhere),
        await post(auth, IDP.answer(**about), f"{state}x", about["receiver"]),
        await post(auth, IDP.answer(**about), "", about["receiver"]),
        await post(auth, "", state, about["receiver"]),
    ]
    auth.service.moment = about["at"] + timedelta(minutes=11)
    answers.append(await post(auth, IDP.answer(**about), state, about["receiver"]))
    auth.service.moment = about["at"]

    assert {one.status_code for one in answers} == {401}
    assert await everything(auth) == before


async def test_our_metadata_say_who_we_are_to_each_tenant_anew(auth: Auth):
    here = f"{ISSUER}/auth/saml/{A}"
    answer = await auth.http.get(f"{here}/metadata")
    root = etree.fromstring(answer.content)
    names = {"md": "urn:oasis:names:tc:SAML:2.0:metadata"}
    receiver = root.find("md:SPSSODescriptor/md:AssertionConsumerService", names)

    assert answer.headers["content-type"] == "application/samlmetadata+xml"
    assert root.get("entityID") == f"{here}/metadata"
    assert receiver is not None
    assert (receiver.get("Location"), receiver.get("Binding")) == (
        f"{here}/acs",
        "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
    )
    assert (await auth.http.get(f"{ISSUER}/auth/saml/nobody/metadata")).status_code == 404


async def test_an_administrator_writes_a_provider_down_and_changes_its_certificates(auth: Auth):
    domain, other = f"{uuid4().hex}.example", Provider()
    given = {
        "name": "Kunde",
        "domains": [domain],
        "metadata": IDP.metadata,
        "groupAttribute": "groups",
        "nameAttribute": "cn",
        "roleMapping": [{"group": "g", "role": "technician"}],
    }
    made = (await auth.service.data(CREATE, input=given))["createSamlIdentityProvider"]["identityProvider"]
    replaced = await auth.service.data(
        """mutation ($input: ReplaceSamlCertificatesInput!) { replaceSamlCertificates(input: $input) {
             identityProvider { certificates } errors { code } } }""",
        input={"id": made["id"], "certificates": [other.pem]},
    )
    _, about, state = await left(auth, domain)
    old = await post(auth, IDP.answer(**about), state, about["receiver"])
    new = await post(auth, other.answer(**about), state, about["receiver"])

    assert made == {
        "id": made["id"],
        "type": "SAML",
        "issuer": saml_provider.ENTITY,
        "clientId": f"{ISSUER}/auth/saml/{A}/metadata",
        "signInUrl": "https://login.example/sso?tenant=7",
        "certificates": [IDP.pem],
        "claimsMapping": [{"claim": "email", "attribute": saml_provider.EMAIL}, {"claim": "name", "attribute": "cn"}],
        "groupClaim": "groups",
        "roleMapping": [{"group": "g", "role": "technician"}],
    }
    assert replaced["replaceSamlCertificates"] == {"identityProvider": {"certificates": [other.pem]}, "errors": []}
    assert (old.status_code, new.status_code) == (401, 303)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metadata": "<x/>"}, "metadata"),
        ({"metadata": None}, "entityId"),
        ({"entityId": "no uri"}, "entityId"),
        ({"signInUrl": "javascript:alert(1)"}, "signInUrl"),
        ({"certificates": ["nonsense"]}, "certificates"),
        ({"domains": ["nonsense"]}, "domains"),
        ({"roleMapping": [{"group": "g", "role": "nonsense"}]}, "roleMapping"),
    ],
)
async def test_a_provider_that_makes_no_sense_is_not_written_down(auth: Auth, change: dict[str, Any], field: str):
    before = await auth.service.count("identity_provider")
    given = {"name": "K", "domains": ["a.example"], "metadata": IDP.metadata} | change

    answer = (await auth.service.data(CREATE, input=given))["createSamlIdentityProvider"]

    assert answer["identityProvider"] is None
    assert [(one["code"], one["field"]) for one in answer["errors"]] == [("VALIDATION", field)]
    assert await auth.service.count("identity_provider") == before


async def test_nobody_sets_up_a_provider_that_gives_more_than_they_have(auth: Auth):
    before = await auth.service.count("identity_provider")
    given = {"name": "K", "domains": ["a.example"], "metadata": IDP.metadata, "defaultRoles": ["owner"]}

    answer = await auth.service.data(CREATE, staff(scopes=frozenset({"tenant:admin"})), input=given)

    assert [one["code"] for one in answer["createSamlIdentityProvider"]["errors"]] == ["FORBIDDEN"]
    assert await auth.service.count("identity_provider") == before
