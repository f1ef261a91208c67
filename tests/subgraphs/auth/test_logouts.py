"""Clients are told when a session ends: with a token that any client can verify, at a server of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from subgraphs.auth.models.oauth import OAuthClient
from subgraphs.auth.models.people import User
from subgraphs.auth.service import sessions, sweeping
from tests.subgraphs.auth.browser import Browser
from tests.subgraphs.auth.conftest import BACK, Auth
from tests.subgraphs.auth.serving import served
from tests.subgraphs.auth.working import done, working
from tests.subgraphs.house import A

JOB = "auth.backchannel_logout"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Told:
    """A client's own server, which is told about logouts."""

    def __init__(self) -> None:
        self.uri = ""
        self.answers: list[int] = []
        self.requests: list[tuple[str, dict[str, list[str]]]] = []

    async def listen(self, request: Request) -> Response:
        """Keep what was posted; answer as told to, and otherwise well."""
        self.requests.append((request.headers["content-type"], parse_qs((await request.body()).decode())))
        return Response(status_code=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    receiver = Told()
    application = Starlette(routes=[Route("/logout", receiver.listen, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    receiver.uri = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/logout"
    yield receiver
    server.should_exit = True
    await serving


@asynccontextmanager
async def let_in(
    database: str, told: Told, scope: str = "openid offline_access", **about: Any
) -> AsyncIterator[tuple[Auth, Browser, User, OAuthClient, str]]:
    """Somebody who has signed in, and let a client in; the last is the access token that it got."""
    async with served(database) as (auth, origin):
        user = await auth.person()
        client, secret = await auth.app(backchannel_logout_uri=told.uri, **about)
        browser = await auth.signed_in(user)
        code, verifier = await auth.code(browser, client, scope=scope)
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": verifier}
        answer = await auth.http.post(f"{origin}/auth/token", data=fields, auth=(client.client_id, secret))
        assert answer.status_code == 200, answer.text
        yield auth, browser, user, client, answer.json()["access_token"]


async def judged(auth: Auth, told: Told, algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims of the one token that arrived, verified as any client does."""
    [(content_type, fields)] = told.requests
    assert content_type == "application/x-www-form-urlencoded"
    assert list(fields) == ["logout_token"]
    origin = auth.service.settings.needed("issuer")
    async with httpx2.AsyncClient(timeout=60) as http:
        found = (await http.get(f"{origin}/.well-known/openid-configuration")).json()
        keys = KeySet.import_key_set((await http.get(found["jwks_uri"])).json())
    assert (found["backchannel_logout_supported"], found["backchannel_logout_session_supported"]) == (True, True)
    token = jwt.decode(fields["logout_token"][0], keys, algorithms=[algorithm])
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": found["issuer"]}, exp={"essential": True}).validate(
        token.claims
    )
    return token.header, token.claims


async def test_signing_out_tells_a_client_with_a_signed_token(database: str, told: Told):
    async with let_in(database, told) as (auth, browser, user, client, _):
        [session] = await auth.service.rows("SELECT id FROM session WHERE user_id = $1", user.id)
        await browser.open("/auth/account")
        await browser.send("/auth/sign-out")
        assert told.requests == []
        async with working(auth):
            await done(auth, JOB)

        header, claims = await judged(auth, told, "RS256")

        assert (header["typ"], header["alg"]) == ("logout+jwt", "RS256")
        assert (claims["aud"], claims["sub"], claims["sid"]) == (client.client_id, str(user.id), str(session["id"]))
        assert claims["events"] == {EVENT: {}}
        assert claims["jti"]
        assert "nonce" not in claims  # what has one could pass for an id token
        assert claims["exp"] - claims["iat"] == 120


async def test_a_session_that_somebody_else_ends_is_told_too(database: str, told: Told):
    async with let_in(database, told, id_token_alg="ES256") as (auth, _, user, client, _):
        [session] = await auth.service.rows("SELECT id FROM session WHERE user_id = $1", user.id)
        async with auth.work() as job:
            await sessions.revoke_by_id(job, session["id"])
        async with working(auth):
            await done(auth, JOB)

        header, claims = await judged(auth, told, "ES256")

        assert header["alg"] == "ES256"
        assert (claims["aud"], claims["sid"]) == (client.client_id, str(session["id"]))


async def test_a_client_that_got_no_refresh_token_is_told_too(database: str, told: Told):
    about = {"scope": "openid", "grant_types": ["authorization_code"]}
    async with let_in(database, told, **about) as (auth, browser, user, client, _):
        auth.service.moment += timedelta(hours=2)
        async with auth.work() as job:
            await sweeping.sweep(job, A)
        auth.service.moment -= timedelta(hours=2)
        assert await auth.service.rows("SELECT 1 FROM refresh_token WHERE user_id = $1", user.id) == []
        await browser.open("/auth/account")
        await browser.send("/auth/sign-out")
        async with working(auth):
            await done(auth, JOB)

        _, claims = await judged(auth, told, "RS256")

        assert claims["aud"] == client.client_id


async def test_a_client_that_fails_is_told_again_and_one_that_refuses_is_not(database: str, told: Told):
    told.answers = [503, 400]
    async with let_in(database, told) as (auth, browser, _, _, _):
        await browser.open("/auth/account")
        await browser.send("/auth/sign-out")
        async with working(auth):
            await done(auth, JOB)

        assert len(told.requests) == 2
        assert told.answers == []
