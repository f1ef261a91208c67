"""Identity as it runs in production, with two tenants, a few people, and clients of all kinds."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.credentials import Password
from subgraphs.auth.models.oauth import OAuthClient
from subgraphs.auth.models.people import Tenant, User
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import clients, grants, passwords, people
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.work import Work
from tests.subgraphs.auth.browser import Browser
from tests.subgraphs.house import ISSUER, A, B, Service, running

PASSWORD = "unter dem Birnbaum 47"
BACK = "https://app.example/back"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Auth:
    """The module, and what tests do with it again and again."""

    service: Service

    @property
    def http(self) -> httpx2.AsyncClient:
        """A client of the module's web."""
        return self.service.client

    @asynccontextmanager
    async def work(self, tenant: UUID = A) -> AsyncIterator[Work]:
        """A transaction of the module's own."""
        async with work.begin(
            self.service.engine,
            system(tenant),
            module="auth",
            command="test",
            settings=self.service.settings,
            clock=lambda: self.service.moment,
        ) as begun:
            yield begun

    async def person(self, *, tenant: UUID = A, role: str = "technician", password: str | None = PASSWORD) -> User:
        """Somebody new who may sign in."""
        async with self.work(tenant) as job:
            email = f"{uuid4().hex[:12]}@example.org"
            user = await people.create(
                job, email=email, display_name="Ada Brand", kind=UserKind.STAFF, status=UserStatus.ACTIVE, locale="en"
            )
            await grants.assign(job, user, role)
            if password:
                row = Password(user_id=user.id, hash=await passwords.hashed(password, job.settings), changed_at=job.at)
                job.session.add(row)
        return user

    async def app(self, *, tenant: UUID = A, **about: Any) -> tuple[OAuthClient, str]:
        """A client that belongs to somebody else, and its secret."""
        plain = {
            "name": "An app",
            "redirect_uris": [BACK],
            "scopes": ["openid", "profile", "email", "offline_access", "tickets:read", "customers:read"],
            "grant_types": ["authorization_code", "refresh_token", DEVICE],
        }
        async with self.work(tenant) as job:
            client, secret = await clients.create(job, **plain | about)
        return client, secret or ""

    def browser(self, address: str | None = None) -> Browser:
        """A browser that nobody has used."""
        address = address or f"192.0.2.{secrets.randbelow(250)}-{secrets.token_hex(3)}"
        return Browser(self.http, address, origin=self.service.settings.needed("issuer"))

    async def signed_in(self, user: User, password: str = PASSWORD) -> Browser:
        """A browser in which somebody has signed in."""
        browser = self.browser()
        await browser.open("/auth/sign-in")
        await browser.send("/auth/sign-in", email=user.email, password=password)
        assert browser.title == "My account", browser.page.text
        return browser

    def request(self, client: OAuthClient, **more: str) -> tuple[str, str]:
        """An authorization request, and the verifier that goes with it."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": BACK,
            "scope": "openid profile email offline_access tickets:read",
            "state": "xyz",
            "nonce": "n-1",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | more
        return f"/auth/authorize?{urlencode({name: value for name, value in query.items() if value})}", verifier

    async def code(self, browser: Browser, client: OAuthClient, **more: str) -> tuple[str, str]:
        """A code for a client, with the consent of whoever sits there, and its verifier."""
        where, verifier = self.request(client, **more)
        await browser.open(where)
        if browser.page.status_code == 200 and browser.title == "Allow access":
            await browser.send("/auth/consent", decision="allow")
        assert "code" in browser.sent_to, browser.page.text
        return browser.sent_to["code"], verifier

    async def post(self, path: str, secret: tuple[str, str] | None = None, **fields: str) -> httpx2.Response:
        """What a program asks."""
        return await self.http.post(f"{ISSUER}/auth/{path}", data=fields, auth=secret)

    async def tokens(self, browser: Browser, client: OAuthClient, secret: str, **more: str) -> dict[str, Any]:
        """The tokens that a client gets for a code."""
        code, verifier = await self.code(browser, client, **more)
        answer = await self.post(
            "token",
            (client.client_id, secret),
            grant_type="authorization_code",
            code=code,
            redirect_uri=BACK,
            code_verifier=verifier,
        )
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def refreshed(self, client: OAuthClient, secret: str, token: str, **more: str) -> httpx2.Response:
        """What a client gets for a refresh token."""
        return await self.post(
            "token", (client.client_id, secret), grant_type="refresh_token", refresh_token=token, **more
        )

    async def read(self, token: str) -> jwt.Token:
        """A JWT, verified with the keys that everybody may read."""
        keys = KeySet.import_key_set((await self.http.get(f"{ISSUER}/auth/jwks.json")).json())
        return jwt.decode(token, keys, algorithms=["ES256", "RS256"])


Begin = Callable[[], Awaitable[Auth]]


@pytest.fixture(scope="module")
async def auth(database: str) -> AsyncIterator[Auth]:
    """Identity with two tenants."""
    async with running("auth", database) as service:
        identity = Auth(service)
        service.client.base_url = httpx2.URL(ISSUER)
        for tenant, slug in ((A, "a"), (B, "b"), (PLATFORM, "platform")):
            async with identity.work(tenant) as job:
                made = await people.found_tenant(job, slug=slug, name=f"Tenant {slug}")
                assert isinstance(made, Tenant)
        yield identity
