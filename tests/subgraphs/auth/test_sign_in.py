"""Signing in, with everything that people have, and against everything that others try."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pyotp
import pytest

from subgraphs.auth.models.credentials import Session
from subgraphs.auth.rules.credentials import MailPurpose, SessionStatus
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import factors, mails, passwords, people, sessions
from subgraphs.kit.errors import Invalid
from tests.subgraphs.auth.conftest import PASSWORD, Auth
from tests.subgraphs.house import ISSUER, A, B


async def secret_of(browser) -> str:
    """The key that the page shows for the app."""
    found = re.search(r'<p class="secret"><code>([A-Z2-7 ]+)</code>', browser.page.text)
    assert found
    return found[1].replace(" ", "")


async def with_app(auth: Auth, browser) -> tuple[str, list[str]]:
    """Enrol an authenticator app where somebody is signed in; its key, and the codes on paper."""
    await browser.open("/auth/enroll")
    await browser.send("/auth/enroll/totp", label="My telephone")
    secret = await secret_of(browser)
    await browser.send("/auth/enroll/totp/confirm", code=pyotp.TOTP(secret).at(auth.service.moment))
    codes = re.findall(r"<li><code>([a-z0-9-]+)</code>", browser.page.text)
    return secret, codes


async def second_step(auth: Auth, user):
    """A browser in which the password was right, and more is asked."""
    browser = auth.browser()
    await browser.open("/auth/sign-in")
    await browser.send("/auth/sign-in", email=user.email, password=PASSWORD)
    assert browser.title == "Second factor"
    return browser


@pytest.mark.parametrize("wrong", ["wrong", "", PASSWORD + " ", "x" * 5000])
async def test_a_wrong_password_opens_nothing(auth: Auth, wrong):
    user = await auth.person()
    browser = auth.browser()
    await browser.open("/auth/sign-in")

    await browser.send("/auth/sign-in", email=user.email, password=wrong)

    assert browser.page.status_code == 401
    assert "do not belong together" in browser.page.text
    assert "psa-session" not in browser.cookies


async def test_nobody_learns_who_is_known(auth: Auth):
    user = await auth.person()
    answers = []
    for email in (user.email, "nobody@example.org"):
        browser = auth.browser("192.0.2.250-x")
        await browser.open("/auth/sign-in")
        await browser.send("/auth/sign-in", email=email, password="wrong")
        without_tokens = re.sub(r'value="[^"]*"|data-options="[^"]*"', "", browser.page.text)
        answers.append((browser.page.status_code, without_tokens))

    assert answers[0] == answers[1]


async def test_failures_make_an_attacker_wait_and_not_the_owner(auth: Auth):
    user = await auth.person()
    owner = await auth.signed_in(user)
    await owner.send("/auth/sign-out")
    attacker = auth.browser()
    statuses = []
    for _ in range(6):
        await attacker.open("/auth/sign-in")
        await attacker.send("/auth/sign-in", email=user.email, password="wrong")
        statuses.append(attacker.page.status_code)
    await attacker.send("/auth/sign-in", email=user.email, password=PASSWORD)
    right_but_too_soon = attacker.page.status_code

    await owner.open("/auth/sign-in")
    await owner.send("/auth/sign-in", email=user.email, password=PASSWORD)
    auth.service.moment += timedelta(seconds=3)
    await attacker.open("/auth/sign-in")
    await attacker.send("/auth/sign-in", email=user.email, password="wrong")

    assert statuses == [401, 401, 401, 401, 401, 429]
    assert right_but_too_soon == 429
    assert "psa-session" not in attacker.cookies
    assert owner.title == "My account"
    assert attacker.page.status_code == 401  # the wait is over, and the next one is longer
    told = await auth.service.rows(
        "SELECT envelope->'data' AS data FROM outbox WHERE type = 'auth.login_failed_threshold'"
        " AND envelope->'data'->>'userId' = $1",
        str(user.id),
    )
    assert len(told) == 1


async def test_a_form_of_another_site_is_refused(auth: Auth):
    user = await auth.person()
    browser = auth.browser()
    await browser.open("/auth/sign-in")
    fields = browser.form("/auth/sign-in").fields | {"email": user.email, "password": PASSWORD}
    cookie = f"psa-form={browser.cookies['psa-form']}"

    async def send(more: dict[str, str], form: dict[str, str] = fields):
        return await auth.http.post("/auth/sign-in", data=form, headers={"cookie": cookie} | more)

    elsewhere = await send({"origin": "https://evil.example"})
    cross = await send({"sec-fetch-site": "cross-site"})
    without = await send({}, {**fields, "form_token": "x"})
    auth.http.cookies.clear()
    no_cookie = await auth.http.post("/auth/sign-in", data=fields)

    assert [one.status_code for one in (elsewhere, cross, without, no_cookie)] == [400, 400, 400, 400]
    assert all("psa-session" not in str(one.headers) for one in (elsewhere, cross, without, no_cookie))


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/auth//evil.example",
        "/auth/../x",
        "javascript:alert(1)",
    ],
)
async def test_signing_in_leads_to_our_own_pages_only(auth: Auth, where):
    browser = auth.browser()
    user = await auth.person()
    await browser.open("/auth/sign-in")
    form = browser.form("/auth/sign-in").fields

    await browser.send("/auth/sign-in", **{**form, "email": user.email, "password": PASSWORD, "continue": where})

    assert browser.title == "My account"


async def test_pages_are_closed_to_frames_scripts_and_caches(auth: Auth):
    browser = auth.browser()
    where, _ = auth.request((await auth.app())[0])

    await browser.open(where)

    headers = browser.page.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example;" in policy
    assert (headers["cache-control"], headers["x-frame-options"]) == ("no-store", "DENY")
    cookie = next(one for one in headers.get_list("set-cookie") if one.startswith("psa-form="))
    assert {"HttpOnly", "SameSite=lax", "Path=/auth"} <= {one.strip() for one in cookie.split(";")}
    assert not re.search(r"<script(?! src=)|\bon\w+=|style=", browser.page.text)


async def test_the_pages_speak_the_language_of_the_browser_and_then_of_the_user(auth: Auth):
    german = await auth.http.get("/auth/sign-in", headers={"accept-language": "fr, de-AT;q=0.8, en;q=0.5"})
    english = await auth.http.get("/auth/sign-in", headers={"accept-language": "fr"})

    assert '<html lang="de">' in german.text
    assert "<h1>Anmelden</h1>" in german.text
    assert "<h1>Sign in</h1>" in english.text


async def test_an_authenticator_app_is_asked_for_from_then_on(auth: Auth):
    user = await auth.person()
    browser = await auth.signed_in(user)
    secret, codes = await with_app(auth, browser)
    assert len(set(codes)) == 10
    used = pyotp.TOTP(secret).at(auth.service.moment)

    again = await second_step(auth, user)
    await again.send("/auth/second-factor", code=used)
    replayed = again.page.status_code
    await again.open("/auth/account")
    locked_out = again.title
    auth.service.moment += timedelta(seconds=30)
    await again.open("/auth/second-factor")
    await again.send("/auth/second-factor", code=pyotp.TOTP(secret).at(auth.service.moment))

    assert (replayed, locked_out) == (401, "Second factor")
    assert again.title == "My account"
    row = (await auth.service.rows("SELECT amr FROM session WHERE user_id = $1 ORDER BY created_at DESC", user.id))[0]
    assert row["amr"] == '["mfa", "otp", "pwd"]'


async def test_a_code_on_paper_works_once(auth: Auth):
    user = await auth.person()
    _, codes = await with_app(auth, await auth.signed_in(user))

    first, second = await second_step(auth, user), await second_step(auth, user)
    await first.send("/auth/second-factor", code=codes[0].upper().replace("-", " "))
    await second.send("/auth/second-factor", code=codes[0])

    assert first.title == "My account"
    assert second.page.status_code == 401


async def test_guessing_the_second_factor_becomes_slow(auth: Auth):
    user = await auth.person()
    await with_app(auth, await auth.signed_in(user))
    statuses = []
    for number in range(7):
        browser = await second_step(auth, user)
        await browser.send("/auth/second-factor", code=f"{number:06}")
        statuses.append(browser.page.status_code)

    assert statuses == [401] * 5 + [429] * 2


async def test_half_a_sign_in_opens_no_application(auth: Auth):
    user, (client, _) = await auth.person(), await auth.app()
    await with_app(auth, await auth.signed_in(user))
    browser = await second_step(auth, user)
    where, _ = auth.request(client)

    await browser.open(where)
    silent, _ = auth.request(client, prompt="none")
    assert browser.title == "Second factor"
    await browser.open(silent)

    assert browser.sent_to["error"] == "login_required"


async def test_a_role_that_needs_a_second_factor_enrols_before_anything_else(auth: Auth):
    user = await auth.person(role="owner")
    browser = auth.browser()
    await browser.open("/auth/sign-in")

    await browser.send("/auth/sign-in", email=user.email, password=PASSWORD)

    assert browser.title == "Set up a second factor"
    await browser.open("/auth/account")
    assert browser.title == "Set up a second factor"
    _, codes = await with_app(auth, browser)
    assert len(codes) == 10
    await browser.open("/auth/account")
    assert browser.title == "My account"
    await browser.send("/auth/account/factors", factor=browser.form("/auth/account/factors").fields.get("factor", ""))
    assert browser.page.status_code == 409


async def test_an_application_may_ask_for_a_second_factor(auth: Auth):
    user, (client, secret) = await auth.person(), await auth.app()
    browser = await auth.signed_in(user)
    totp, _ = await with_app(auth, browser)
    plain = await second_step(auth, user)
    auth.service.moment += timedelta(seconds=30)
    await plain.send("/auth/second-factor", code=pyotp.TOTP(totp).at(auth.service.moment))

    tokens = await auth.tokens(plain, client, secret, acr_values="aal2")

    claims = (await auth.read(tokens["id_token"])).claims
    assert (claims["acr"], claims["amr"]) == ("aal2", ["mfa", "otp", "pwd"])


async def test_a_stolen_or_guessable_password_is_not_chosen(auth: Auth):
    user = await auth.person(password=None)
    async with auth.work() as job:
        for bad in ("short", "passwordpassword", "qwertyuiop123", user.email, "aaaaaaaaaaaaaaa", "x" * 257):
            with pytest.raises(Invalid):
                await passwords.choose(job, user, bad)
        assert not await passwords.has_one(job, user.id)


async def test_secrets_are_kept_as_hashes_or_sealed(auth: Auth):
    user = await auth.person()
    browser = await auth.signed_in(user)
    secret, codes = await with_app(auth, browser)
    everything = ""
    for row in await auth.service.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
    ):
        everything += str(await auth.service.rows(f"SELECT * FROM {row['relname']}"))

    for hidden in (PASSWORD, secret, base64.b32decode(secret).hex(), codes[0], browser.cookies["psa-session"]):
        assert hidden not in everything
    assert "argon2id" in everything
    audited = str(await auth.service.rows("SELECT before, after FROM audit"))
    assert "argon2id" not in audited


async def test_somebody_who_works_for_two_chooses(auth: Auth):
    user = await auth.person(tenant=A)
    async with auth.work(B) as job:
        twin = await people.create(
            job, email=user.email, display_name="Ada B", kind=UserKind.STAFF, status=UserStatus.ACTIVE, locale="en"
        )
        await passwords.choose(job, twin, PASSWORD)
    browser = auth.browser()
    await browser.open("/auth/sign-in")
    await browser.send("/auth/sign-in", email=user.email, password=PASSWORD)
    assert "You are known in several places" in browser.page.text

    await browser.send("/auth/sign-in", email=user.email, password=PASSWORD, tenant=str(B))

    assert browser.title == "My account"
    assert "Tenant b" in browser.page.text


# --- links


async def link_for(auth: Auth, user, purpose: MailPurpose) -> str:
    """The link that the mail has, as the job that sends it makes it."""
    async with auth.work() as job:
        return await mails._link(job, user, purpose)


async def test_the_invited_choose_a_password_and_are_in(auth: Auth):
    async with auth.work() as job:
        user = await people.invite(
            job,
            email="new@example.org",
            display_name="Neu",
            kind=UserKind.STAFF,
            roles=["technician"],
            locale="en",
        )
    link = await link_for(auth, user, MailPurpose.INVITATION)
    browser, late = auth.browser(), auth.browser()
    await late.open(link)
    await browser.open(link)
    await browser.send("/auth/invitation", password="short")
    refused = browser.page.status_code

    await browser.send("/auth/invitation", password=PASSWORD)
    await late.send("/auth/invitation", password=PASSWORD + "!")

    assert refused == 400
    assert browser.title == "My account"
    assert late.page.status_code == 410
    rows = await auth.service.rows("SELECT status FROM user_account WHERE id = $1", user.id)
    assert rows == [{"status": "ACTIVE"}]
    queued = await auth.service.rows("SELECT payload FROM job WHERE entrypoint = 'auth.send_link'")
    assert any(str(user.id) in row["payload"].decode() for row in queued)


async def test_a_new_password_ends_every_session_and_every_token(auth: Auth):
    user, (client, secret) = await auth.person(), await auth.app()
    browser = await auth.signed_in(user)
    tokens = await auth.tokens(browser, client, secret)
    link = await link_for(auth, user, MailPurpose.RESET)
    other = auth.browser()
    await other.open(link)

    await other.send("/auth/reset", password="ganz neu am Deich 11")

    assert other.title == "My account"
    await browser.open("/auth/account")
    assert browser.title == "Sign in"
    assert (await auth.refreshed(client, secret, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    await other.open(link)
    assert other.page.status_code == 410


async def test_asking_for_a_link_tells_nobody_who_is_known(auth: Auth):
    user = await auth.person()
    pages = []
    for email in (user.email, "stranger@example.org"):
        browser = auth.browser()
        await browser.open("/auth/forgot")
        await browser.send("/auth/forgot", email=email)
        pages.append((browser.page.status_code, re.sub(r'value="[^"]*"', "", browser.page.text)))

    assert pages[0] == pages[1]
    queued = await auth.service.rows("SELECT payload FROM job WHERE entrypoint = 'auth.send_link'")
    assert sum(str(user.id) in row["payload"].decode() for row in queued) == 1


@pytest.mark.parametrize("change", ["expired", "other purpose", "forged"])
async def test_a_link_that_does_not_hold_opens_nothing(auth: Auth, change):
    user = await auth.person()
    link = await link_for(auth, user, MailPurpose.RESET)
    browser = auth.browser()
    if change == "expired":
        auth.service.moment += timedelta(minutes=31)
    path = {"other purpose": link.replace("/reset?", "/invitation?"), "forged": f"{link[:-3]}abc"}.get(change, link)

    await browser.open(path)

    assert browser.page.status_code == 410


# --- sessions


async def test_sessions_are_listed_and_end_where_one_is_not(auth: Auth):
    user, stranger = await auth.person(), await auth.person()
    here, there = await auth.signed_in(user), await auth.signed_in(user)
    theirs = (await auth.service.rows("SELECT id FROM session WHERE user_id = $1", user.id))[0]["id"]
    other = await auth.signed_in(stranger)
    await other.send("/auth/sign-out")
    other = await auth.signed_in(stranger)

    await here.open("/auth/account")
    assert here.page.text.count("Signed in since") == 2
    form = other.form("/auth/sign-out").fields
    other.page = await auth.http.post(
        "/auth/account/sessions",
        data={**form, "session": str(theirs)},
        headers={"cookie": "; ".join(f"{k}={v}" for k, v in other.cookies.items()), "origin": ISSUER},
    )
    await here.send("/auth/account/sessions", session="others")

    assert other.page.status_code == 404
    await there.open("/auth/account")
    await here.open("/auth/account")
    assert (there.title, here.title) == ("Sign in", "My account")


async def test_a_session_ends_when_nobody_uses_it(auth: Auth):
    browser = await auth.signed_in(await auth.person())
    auth.service.moment += timedelta(hours=1, minutes=59)
    await browser.open("/auth/account")
    used = browser.title
    auth.service.moment += timedelta(hours=2, minutes=1)

    await browser.open("/auth/account")

    assert (used, browser.title) == ("My account", "Sign in")


async def test_an_application_signs_out_and_the_others_are_told(auth: Auth):
    user = await auth.person()
    client, secret = await auth.app(
        post_logout_redirect_uris=["https://app.example/bye"], backchannel_logout_uri="https://app.example/logout"
    )
    browser = await auth.signed_in(user)
    tokens = await auth.tokens(browser, client, secret)
    where = f"/auth/logout?id_token_hint={tokens['id_token']}&state=s&post_logout_redirect_uri="

    await browser.open(f"{where}https%3A%2F%2Fapp.example%2Fbye")

    assert browser.page.headers["location"] == "https://app.example/bye?state=s"
    assert "psa-session" not in browser.cookies
    queued = await auth.service.rows("SELECT payload FROM job WHERE entrypoint = 'auth.backchannel_logout'")
    assert any(str(user.id) in row["payload"].decode() for row in queued)
    assert (await auth.refreshed(client, secret, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_signing_out_needs_a_yes_without_proof_and_leads_nowhere_unknown(auth: Auth):
    browser = await auth.signed_in(await auth.person())

    await browser.open("/auth/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.example")
    asked = browser.title
    await browser.send("/auth/sign-out")

    assert asked == "Sign out"
    assert "location" not in browser.page.headers
    assert "You are signed out." in browser.page.text


async def test_resetting_factors_ends_sessions_and_says_so(auth: Auth):
    user = await auth.person()
    browser = await auth.signed_in(user)
    await with_app(auth, browser)
    async with auth.work() as job:
        await factors.reset(job, user.id)

    await browser.open("/auth/account")

    assert browser.title == "Sign in"
    assert await auth.service.rows("SELECT 1 FROM mfa_factor WHERE user_id = $1", user.id) == []
    async with auth.work() as job:
        assert await sessions.of_user(job, user.id) == []
        rows = await job.session.scalars(Session.__table__.select().where(Session.user_id == user.id))
        assert rows.first() is not None
    assert SessionStatus.REVOKED.value in str(
        await auth.service.rows("SELECT status FROM session WHERE user_id = $1", user.id)
    )
