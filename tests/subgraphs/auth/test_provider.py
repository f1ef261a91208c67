"""OAuth 2.1 and OpenID Connect: codes, tokens, and everything that must be refused."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from contracts.scopes import ROLES
from subgraphs.auth import handles
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import keys, people
from tests.subgraphs.auth.conftest import BACK, DEVICE, Auth
from tests.subgraphs.house import ISSUER, A, B


async def test_a_browser_comes_back_with_a_code_that_becomes_tokens(auth: Auth):
    user, (client, secret) = await auth.person(), await auth.app()
    browser = await auth.signed_in(user)

    tokens = await auth.tokens(browser, client, secret)

    assert browser.sent_to["iss"] == ISSUER
    assert browser.sent_to["state"] == "xyz"
    access, identity = await auth.read(tokens["access_token"]), await auth.read(tokens["id_token"])
    assert access.header["typ"] == "at+jwt"
    claims = access.claims
    assert (claims["iss"], claims["aud"], claims["sub"], claims["client_id"]) == (
        ISSUER,
        "psa",
        str(user.id),
        client.client_id,
    )
    assert (claims["tid"], claims["kind"], claims["roles"], claims["customers"]) == (
        str(A),
        "STAFF",
        ["technician"],
        "*",
    )
    assert claims["scope"] == "openid profile email offline_access tickets:read" == tokens["scope"]
    assert (identity.claims["aud"], identity.claims["nonce"], identity.claims["amr"]) == (
        client.client_id,
        "n-1",
        ["pwd"],
    )
    assert identity.header["alg"] == "RS256"
    assert identity.claims["sid"] == claims["sid"]


async def test_a_client_of_ours_gets_all_that_the_user_may_without_asking(auth: Auth):
    user = await auth.person()
    client, _ = await auth.app(tenant=PLATFORM, scopes=["*"], first_party=True, auth_method="none")
    browser = await auth.signed_in(user)
    where, verifier = auth.request(client, scope="openid")

    await browser.open(where)
    answer = await auth.post(
        "token",
        grant_type="authorization_code",
        client_id=client.client_id,
        code=browser.sent_to["code"],
        redirect_uri=BACK,
        code_verifier=verifier,
    )

    assert set(answer.json()["scope"].split()) == {"openid", *ROLES["technician"]}


async def test_nobody_gets_a_scope_that_the_user_lacks(auth: Auth):
    user, (client, secret) = await auth.person(role="read_only"), await auth.app(scopes=["openid", "users:write"])
    browser = await auth.signed_in(user)

    tokens = await auth.tokens(browser, client, secret, scope="openid users:write")

    assert tokens["scope"] == "openid"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
    ],
)
async def test_a_bad_request_goes_back_with_an_error_and_our_name(auth: Auth, change, error):
    client, _ = await auth.app()
    browser = auth.browser()
    where, _ = auth.request(client, **change)

    await browser.open(where)

    assert browser.page.headers["location"].startswith(f"{BACK}?")
    assert (browser.sent_to["error"], browser.sent_to["state"], browser.sent_to["iss"]) == (error, "xyz", ISSUER)


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "https://app.example/back/"},
        {"redirect_uri": "https://app.example.evil.example/back"},
        {"redirect_uri": "https://app.example/back?x=1"},
        {"redirect_uri": "https://app.example/back#x"},
        {"redirect_uri": 'https://evil.example/"><script>'},
        {"redirect_uri": "javascript:alert(1)"},
        {"client_id": "nobody"},
        {"client_id": ""},
    ],
)
async def test_a_browser_is_never_sent_where_the_client_is_not_at_home(auth: Auth, change):
    client, _ = await auth.app()
    browser = await auth.signed_in(await auth.person())
    where, _ = auth.request(client, **change)

    await browser.open(where)

    assert browser.page.status_code == 400
    assert "location" not in browser.page.headers
    assert browser.title == "That did not work"
    assert "<script>" not in browser.page.text


async def test_a_parameter_that_comes_twice_is_refused(auth: Auth):
    client, _ = await auth.app()
    where, _ = auth.request(client)

    browser = auth.browser()
    await browser.open(f"{where}&redirect_uri=https%3A%2F%2Fevil.example")

    assert browser.page.status_code == 400


async def recorded(auth: Auth, subject: UUID, action: str) -> list[tuple[str, str]]:
    """What the audit says of somebody: outcomes, and what was shown."""
    query = """SELECT change, COALESCE(after->>'what', after->>'methods') AS how FROM audit
        WHERE resource_id = $1 AND command = $2 ORDER BY id"""
    return [(row["change"], row["how"]) for row in await auth.service.rows(query, subject, action)]


async def test_a_code_works_once_and_a_second_time_takes_everything_back(auth: Auth):
    user, (client, secret) = await auth.person(), await auth.app()
    browser = await auth.signed_in(user)
    code, verifier = await auth.code(browser, client)
    ask = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier}
    first = (await auth.post("token", (client.client_id, secret), **ask)).json()

    second = await auth.post("token", (client.client_id, secret), **ask)

    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    refused = await auth.refreshed(client, secret, first["refresh_token"])
    assert refused.json()["error"] == "invalid_grant"
    await auth.post("token", (client.client_id, secret), **ask)
    assert await recorded(auth, user.id, "tokenReuse") == [("REFUSED", "authorization code")]
    told = await auth.post("introspect", (client.client_id, secret), token=first["access_token"])
    assert told.json() == {"active": False}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": "https://app.example/other"}, "invalid_grant"),
        ({"code": "nonsense"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_worth_nothing_without_all_that_belongs_to_it(auth: Auth, change, error):
    client, secret = await auth.app()
    browser = await auth.signed_in(await auth.person())
    code, verifier = await auth.code(browser, client)
    ask = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier}

    refused = await auth.post("token", (client.client_id, secret), **ask | change)

    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert "access_token" not in refused.json()


async def test_a_code_expires_within_a_minute(auth: Auth):
    client, secret = await auth.app()
    browser = await auth.signed_in(await auth.person())
    code, verifier = await auth.code(browser, client)
    auth.service.moment += timedelta(seconds=61)

    refused = await auth.post(
        "token",
        (client.client_id, secret),
        grant_type="authorization_code",
        code=code,
        redirect_uri=BACK,
        code_verifier=verifier,
    )

    assert refused.json()["error"] == "invalid_grant"


async def test_the_code_of_one_client_is_nothing_to_another(auth: Auth):
    (client, secret), (other, others) = await auth.app(), await auth.app()
    browser = await auth.signed_in(await auth.person())
    code, verifier = await auth.code(browser, client)
    ask = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier}

    refused = await auth.post("token", (other.client_id, others), **ask)
    taken = await auth.post("token", (client.client_id, secret), **ask)

    assert refused.json()["error"] == "invalid_grant"
    assert taken.status_code == 200


@pytest.mark.parametrize("secret", ["wrong", "", "\xff\xfe"])
async def test_a_client_without_its_secret_is_nobody(auth: Auth, secret):
    client, _ = await auth.app()

    refused = await auth.post("token", (client.client_id, secret), grant_type="refresh_token", refresh_token="x")

    assert refused.status_code in {400, 401}
    assert refused.json()["error"] == "invalid_client"


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(auth: Auth):
    client, secret = await auth.app()
    user = await auth.person()
    browser = await auth.signed_in(user)
    first = await auth.tokens(browser, client, secret)
    second = (await auth.refreshed(client, secret, first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]

    reused = await auth.refreshed(client, secret, first["refresh_token"])
    after = await auth.refreshed(client, secret, second["refresh_token"])

    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert (after.status_code, after.json()["error"]) == (400, "invalid_grant")
    assert await recorded(auth, user.id, "tokenReuse") == [("REFUSED", "refresh token")]


async def test_a_refresh_token_gives_less_when_less_is_asked_and_never_more(auth: Auth):
    client, secret = await auth.app()
    browser = await auth.signed_in(await auth.person())
    tokens = await auth.tokens(browser, client, secret, scope="openid offline_access tickets:read customers:read")

    less = (await auth.refreshed(client, secret, tokens["refresh_token"], scope="tickets:read")).json()
    more = await auth.refreshed(client, secret, less["refresh_token"], scope="tickets:read users:write")
    all_again = (await auth.refreshed(client, secret, less["refresh_token"])).json()

    assert less["scope"] == "tickets:read"
    assert more.json()["error"] == "invalid_scope"
    assert set(all_again["scope"].split()) == {"openid", "offline_access", "tickets:read", "customers:read"}


async def test_a_role_that_is_gone_is_gone_from_the_next_token(auth: Auth):
    user, (client, secret) = await auth.person(), await auth.app()
    tokens = await auth.tokens(await auth.signed_in(user), client, secret)
    await auth.service.rows("DELETE FROM role_assignment WHERE user_id = $1", user.id)

    after = (await auth.refreshed(client, secret, tokens["refresh_token"])).json()

    assert after["scope"] == "openid profile email offline_access"


async def test_whoever_is_disabled_gets_nothing_more(auth: Auth):
    user, (client, secret) = await auth.person(), await auth.app()
    browser = await auth.signed_in(user)
    tokens = await auth.tokens(browser, client, secret)
    async with auth.work() as job:
        await people.disable(job, user.id)

    refused = await auth.refreshed(client, secret, tokens["refresh_token"])
    told = await auth.post("introspect", (client.client_id, secret), token=tokens["access_token"])
    await browser.open("/auth/account")

    assert refused.json()["error"] == "invalid_grant"
    assert told.json() == {"active": False}
    assert browser.title == "Sign in"


async def test_a_service_account_gets_a_token_in_its_own_name(auth: Auth):
    async with auth.work() as job:
        user = await people.create(
            job, email="sync@service.example", display_name="Sync", kind=UserKind.SERVICE, status=UserStatus.ACTIVE
        )
    client, secret = await auth.app(
        user_id=user.id, grant_types=["client_credentials"], scopes=["tickets:read"], redirect_uris=[]
    )

    answer = (await auth.post("token", (client.client_id, secret), grant_type="client_credentials")).json()
    more = await auth.post("token", (client.client_id, secret), grant_type="client_credentials", scope="customers:read")

    claims = (await auth.read(answer["access_token"])).claims
    assert (claims["sub"], claims["kind"], claims["scope"]) == (str(user.id), "SERVICE", "tickets:read")
    assert "refresh_token" not in answer
    assert more.json()["error"] == "invalid_scope"
    for _ in range(2):
        await auth.post("token", (client.client_id, "wrong"), grant_type="client_credentials")
    assert await recorded(auth, user.id, "signIn") == [
        ("DONE", "client credentials"),
        ("REFUSED", "client credentials"),
    ]


async def test_a_client_proves_itself_with_its_own_key_once(auth: Auth):
    key = ECKey.generate_key("P-256", {"kid": "k"})
    client, _ = await auth.app(auth_method="private_key_jwt", jwks=KeySet([key]).as_dict(private=False))
    tokens = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    now = int(time.time())
    claims = {"iss": client.client_id, "sub": client.client_id, "aud": ISSUER, "exp": now + 60, "jti": "1"}
    good = jwt.encode({"alg": "ES256", "kid": "k"}, claims, key)
    forged = jwt.encode({"alg": "ES256", "kid": "k"}, claims | {"jti": "2"}, ECKey.generate_key("P-256", {"kid": "k"}))
    elsewhere = jwt.encode({"alg": "ES256", "kid": "k"}, claims | {"aud": "https://other.example", "jti": "3"}, key)
    ask = {**tokens, "grant_type": "refresh_token", "refresh_token": "x"}

    answers = [
        (await auth.post("token", client_assertion=one, **ask)).json()["error"]
        for one in (good, good, forged, elsewhere)
    ]

    assert answers == ["invalid_grant", "invalid_client", "invalid_client", "invalid_client"]
    remembered = await auth.service.rows(
        "SELECT 1 FROM used_assertion WHERE jti_hash = $1 AND extract(epoch FROM expires_at) = $2",
        handles.hashed(f"{client.client_id}/1"),
        now + 60 + 60,  # for as long as it is believed: to its end, and as much again as clocks may differ
    )
    assert len(remembered) == 1


async def test_a_client_takes_its_tokens_back(auth: Auth):
    client, secret = await auth.app()
    tokens = await auth.tokens(await auth.signed_in(await auth.person()), client, secret)
    other, others = await auth.app()

    not_theirs = await auth.post("introspect", (other.client_id, others), token=tokens["access_token"])
    before = await auth.post("introspect", (client.client_id, secret), token=tokens["access_token"])
    refused = await auth.post("revoke", (other.client_id, others), token=tokens["refresh_token"])
    done = await auth.post("revoke", (client.client_id, secret), token=tokens["refresh_token"])
    after = await auth.post("introspect", (client.client_id, secret), token=tokens["access_token"])
    unknown = await auth.post("revoke", (client.client_id, secret), token="nonsense")

    assert not_theirs.json() == {"active": False}
    assert before.json()["active"] is True
    assert (refused.status_code, done.status_code, unknown.status_code) == (400, 200, 200)
    assert after.json() == {"active": False}
    assert (await auth.refreshed(client, secret, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_userinfo_tells_what_the_scopes_allow(auth: Auth):
    user, (client, secret) = await auth.person(), await auth.app()
    browser = await auth.signed_in(user)
    tokens = await auth.tokens(browser, client, secret, scope="openid email")
    plain = await auth.tokens(browser, client, secret, scope="tickets:read")

    async def ask(token: str):
        return await auth.http.get("/auth/userinfo", headers={"authorization": f"Bearer {token}"})

    told, without, forged = await ask(tokens["access_token"]), await ask(plain["access_token"]), await ask("a.b.c")

    assert told.json() == {"sub": str(user.id), "email": user.email, "email_verified": True}
    assert (without.status_code, without.json()["error"]) == (403, "insufficient_scope")
    assert (forged.status_code, forged.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


ODD = (
    *({"tid": ["x"]}, {"tid": ""}, {"sub": ""}, {"sub": "x\n"}, {"sub": None}, {"scope": ["openid"]}, {"exp": "9"}),
    *({"exp": 1e300}, {"exp": True}, {"iat": None}, {"iat": 9_999_999_999}, {"nbf": 9_999_999_999}, {"nbf": "x"}),
    *({"iss": "https://evil.example"}, {"aud": "other"}, {"typ": "JWT"}, {"typ": "logout+jwt"}, {"jku": "https://x"}),
)


async def test_even_with_our_own_key_nothing_passes_that_we_would_not_write(auth: Auth):
    user, (client, secret) = await auth.person(), await auth.app()
    issued = await auth.tokens(await auth.signed_in(user), client, secret, scope="openid")
    good = await auth.read(issued["access_token"])
    async with auth.work(PLATFORM) as job:
        key = (await keys.ring(job)).current["ES256"]

    async def shown(change: dict[str, object]) -> tuple[int, bool]:
        head = {name: change.get(name, good.header.get(name)) for name in ("alg", "typ", "kid", "jku")}
        head = {name: value for name, value in head.items() if value is not None}
        claims = {**good.claims, **{name: value for name, value in change.items() if name not in head}}
        token = jwt.encode(head, claims, key, algorithms=["ES256"])
        told = await auth.http.get("/auth/userinfo", headers={"authorization": f"Bearer {token}"})
        asked = await auth.post("introspect", (client.client_id, secret), token=token)
        assert asked.status_code < 500, change
        return told.status_code, bool(asked.json().get("active"))

    assert await shown({}) == (200, True)
    assert {str(change): await shown(change) for change in ODD} == dict.fromkeys(map(str, ODD), (401, False))


async def test_a_device_waits_until_somebody_lets_it_in(auth: Auth):
    user = await auth.person()
    client, _ = await auth.app(tenant=PLATFORM, auth_method="none")
    browser = await auth.signed_in(user)
    asked = (await auth.post("device-authorization", client_id=client.client_id, scope="openid tickets:read")).json()
    poll = {"grant_type": DEVICE, "device_code": asked["device_code"], "client_id": client.client_id}

    waiting = await auth.post("token", **poll)
    hasty = await auth.post("token", **poll)
    await browser.open(asked["verification_uri_complete"])
    assert browser.title == "Connect a device"
    await browser.send("/auth/device", decision="allow")
    auth.service.moment += timedelta(seconds=11)
    tokens = await auth.post("token", **poll)
    again = await auth.post("token", **poll)

    assert (waiting.json()["error"], hasty.json()["error"]) == ("authorization_pending", "slow_down")
    claims = (await auth.read(tokens.json()["access_token"])).claims
    assert (claims["sub"], claims["tid"], claims["scope"]) == (str(user.id), str(A), "openid tickets:read")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_a_device_that_is_refused_or_too_late_gets_nothing(auth: Auth):
    client, _ = await auth.app(tenant=PLATFORM, auth_method="none")
    browser = await auth.signed_in(await auth.person())
    asked = [(await auth.post("device-authorization", client_id=client.client_id, scope="openid")).json() for _ in "ab"]
    await browser.open(asked[0]["verification_uri_complete"])
    await browser.send("/auth/device", decision="deny")
    polls = [{"grant_type": DEVICE, "device_code": one["device_code"], "client_id": client.client_id} for one in asked]

    denied = await auth.post("token", **polls[0])
    auth.service.moment += timedelta(seconds=601)
    late = await auth.post("token", **polls[1])

    assert (denied.json()["error"], late.json()["error"]) == ("access_denied", "expired_token")


async def test_codes_of_devices_cannot_be_guessed_by_asking_nor_by_answering(auth: Auth):
    client, _ = await auth.app(tenant=PLATFORM, auth_method="none")
    asked = (await auth.post("device-authorization", client_id=client.client_id, scope="openid")).json()
    browser = await auth.signed_in(await auth.person())
    guess = {**browser.form("/auth/sign-out").fields, "user_code": "BBBBBBBB", "decision": "deny"}

    said = []
    for _ in range(12):
        await browser._follow("POST", "/auth/device", guess)
        said.append(browser.page.status_code)
    await browser._follow("POST", "/auth/device", {**guess, "user_code": asked["user_code"]})

    assert (said[0], said[-1], browser.page.status_code) == (404, 429, 429)
    rows = await auth.service.rows("SELECT status FROM device_code WHERE client_id = $1", client.client_id)
    assert [row["status"] for row in rows] == ["PENDING"]


async def test_discovery_says_where_everything_is(auth: Auth):
    told = (await auth.http.get("/.well-known/openid-configuration")).json()
    same = (await auth.http.get("/.well-known/oauth-authorization-server")).json()

    assert told == same
    assert told["issuer"] == ISSUER
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told["authorization_response_iss_parameter_supported"] is True


async def test_keys_are_known_before_they_sign_and_after(auth: Auth):
    client, secret = await auth.app()
    browser = await auth.signed_in(await auth.person())
    before = (await auth.tokens(browser, client, secret))["access_token"]
    published = {key["kid"] for key in (await auth.http.get("/auth/jwks.json")).json()["keys"]}
    async with auth.work(PLATFORM) as job:
        await keys.rotate(job)
    auth.service.moment += timedelta(seconds=31)  # other processes look twice a minute

    after = (await auth.tokens(browser, client, secret))["access_token"]

    header = (await auth.read(after)).header
    assert header["kid"] != (await auth.read(before)).header["kid"]
    assert header["kid"] in published
    shown = (await auth.http.get("/auth/jwks.json")).json()["keys"]
    assert all(not {"d", "p", "q", "dp", "dq", "qi"} & key.keys() for key in shown)


async def test_tenants_have_doors_of_their_own(auth: Auth):
    client, _ = await auth.app(tenant=B)
    browser = await auth.signed_in(await auth.person(tenant=A))
    where, _ = auth.request(client)

    await browser.open(where)

    assert browser.title == "Sign in"
    assert "location" not in browser.page.headers
