"""What every page and endpoint of identity needs: settings, a way to begin work, the person's words, and safe answers."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from subgraphs.auth import handles
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.credentials import Session
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.credentials import HashCost
from subgraphs.auth.rules.people import UserStatus
from subgraphs.auth.service import clients, keys, sessions, sweeping
from subgraphs.auth.web import templates
from subgraphs.auth.web.words import Words, spoken
from subgraphs.kit import outside, sealing, work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Misconfigured, Settings
from subgraphs.kit.work import Work

_LARGEST_FORM = 100_000
_BROWSER_LIFE = timedelta(days=365)


class BadForm(Exception):
    """A form that is none of ours: too large, not decoded, or sent by somebody else's page."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who sits at the browser."""

    user: User
    session: Session


@dataclass(frozen=True, slots=True)
class House:
    """One process's view of identity."""

    settings: Settings
    engine: AsyncEngine
    clock: Clock
    issuer: str
    seal: sealing.Seal = field(repr=False)
    _furnished: list[bool] = field(default_factory=list, repr=False)
    """Whether this process has looked after what must be there."""

    @staticmethod
    def of(settings: Settings, engine: AsyncEngine, clock: Clock) -> House:
        """Check the settings; raises `Misconfigured` in words when something is missing or not safe."""
        issuer = settings.needed("issuer").rstrip("/")
        parts = urlsplit(issuer)
        if parts.path or parts.query or not parts.hostname:
            raise Misconfigured("PSA_ISSUER is an origin: https://psa.example.com, without anything behind it.")
        if parts.scheme != "https" and not outside.runs_on_loopback(settings):
            raise Misconfigured("PSA_ISSUER must be https; http is for a platform on 127.0.0.1 alone.")
        if not HashCost.of(settings.password_hashing).is_enough and not outside.runs_on_loopback(settings):
            raise Misconfigured(
                f"PSA_PASSWORD_HASHING={settings.password_hashing} is less than OWASP's minimum (m=19456,t=2,p=1);"
                " less is for a platform on 127.0.0.1 alone."
            )
        settings.needed("mail_url")
        return House(settings, engine, clock, issuer, sealing.of(settings))

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.issuer.startswith("https:")

    # --- work

    @asynccontextmanager
    async def begin(self, tenant: UUID, command: str, request: Request | None = None) -> AsyncIterator[Work]:
        """A transaction behind a tenant's wall, in nobody's name; it knows where the request came from."""
        correlation = request.headers.get("x-request-id") if request else None
        caller = replace(system(tenant, correlation=correlation), address=address_of(request) if request else None)
        async with work.begin(
            self.engine, caller, module="auth", command=command, clock=self.clock, settings=self.settings
        ) as begun:
            yield begun

    @asynccontextmanager
    async def begin_as(self, who: SignedIn, command: str, request: Request) -> AsyncIterator[Work]:
        """A transaction in the name of who is signed in."""
        caller = system(who.user.tenant_id, correlation=request.headers.get("x-request-id"))
        caller = replace(caller, subject=who.user.id, kind=who.user.kind.value, address=address_of(request))
        async with work.begin(
            self.engine, caller, module="auth", command=command, clock=self.clock, settings=self.settings
        ) as begun:
            yield begun

    async def keys(self) -> keys.Ring:
        """The signing keys, made if there are none yet."""
        async with self.begin(PLATFORM, "keys") as begun:
            if not self._furnished:
                await keys.alone(begun)
                await clients.keep_explorer(begun)
                await sweeping.begin(begun)
                self._furnished.append(True)
            return await keys.ensure(begun)

    def now(self) -> datetime:
        """This moment."""
        return self.clock()

    # --- who sits there

    async def who(self, request: Request) -> SignedIn | None:
        """Whoever has a session in this browser, complete or waiting for the second factor."""
        handle = request.cookies.get(self.cookie("session"), "")
        tenant = handles.tenant_of(handle)
        if tenant is None:
            return None
        async with self.begin(tenant, "session") as begun:
            session = await sessions.of_handle(begun, handle)
            user = await begun.find(User, session.user_id) if session else None
        if session is None or user is None or user.status is not UserStatus.ACTIVE:
            return None
        return SignedIn(user, session)

    # --- cookies

    def cookie(self, name: str) -> str:
        """A cookie's name; the prefix makes browsers insist that it was set by TLS."""
        return f"__Secure-psa-{name}" if self.secure else f"psa-{name}"

    def set_cookie(self, response: Response, name: str, value: str, *, lasts: timedelta | None = None) -> None:
        """Set a cookie that only we see, and only on our pages."""
        response.set_cookie(
            self.cookie(name),
            value,
            path="/auth",
            secure=self.secure,
            httponly=True,
            samesite="lax",
            max_age=int(lasts.total_seconds()) if lasts else None,
        )

    def drop_cookie(self, response: Response, name: str) -> None:
        """Let the browser forget a cookie."""
        response.delete_cookie(self.cookie(name), path="/auth", secure=self.secure, httponly=True, samesite="lax")

    def remember_browser(self, response: Response, user: User) -> None:
        """Mark a browser as one in which this account has signed in before."""
        text = f"{secrets.token_urlsafe(12)}.{handles.hashed(user.email)[:16]}"
        self.set_cookie(
            response, "browser", f"{text}.{self.seal.signature(text, purpose='browser')}", lasts=_BROWSER_LIFE
        )

    def known_browser(self, request: Request, account: str) -> str | None:
        """The browser's own name if this account has signed in here before."""
        text, _, signature = request.cookies.get(self.cookie("browser"), "").rpartition(".")
        name, _, whose = text.partition(".")
        if not self.seal.signed(text, signature, purpose="browser"):
            return None
        return name if whose == handles.hashed(account.strip().lower())[:16] else None

    # --- forms

    def form_token(self, request: Request) -> tuple[str, str]:
        """What ties a form to this browser: the cookie's value, and the field that must come back with it."""
        value = request.cookies.get(self.cookie("form"), "")
        if not 20 <= len(value) <= 100 or not value.isascii():
            value = secrets.token_urlsafe(24)
        return value, self.seal.signature(value, purpose="form")

    async def form(self, request: Request) -> dict[str, str]:
        """The fields of a form that one of our pages sent; raises `BadForm` otherwise."""
        fields = {name: values[0] for name, values in (await parameters(request)).items()}
        origin = request.headers.get("origin")
        if origin is not None and origin != self.issuer:
            raise BadForm("another origin")
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise BadForm("another site")
        value = request.cookies.get(self.cookie("form"), "")
        if not value or not self.seal.signed(value, fields.pop("form_token", ""), purpose="form"):
            raise BadForm("no token")
        return fields

    # --- answers

    def words(self, request: Request, user: User | None = None) -> Words:
        """The words of the person's language."""
        return spoken(user.locale if user else None, request.headers.get("accept-language"))

    def page(
        self,
        request: Request,
        name: str,
        /,
        *,
        status: int = 200,
        user: User | None = None,
        then: str = "",
        headers: Mapping[str, str] | None = None,
        **facts: Any,
    ) -> HTMLResponse:
        """A page of ours; `then` is where its form leads in the end, which the browser must know beforehand."""
        value, token = self.form_token(request)
        words = self.words(request, user)
        html = templates.render(name, words=words, form_token=token, issuer=self.issuer, user=user, then=then, **facts)
        response = HTMLResponse(html, status, headers={**_SAFE, "content-language": words.language, **(headers or {})})
        response.headers["content-security-policy"] = _policy(then)
        self.set_cookie(response, "form", value)
        return response

    def error_page(self, request: Request, status: int, *, title: str, text: str) -> HTMLResponse:
        """A page that says what went wrong."""
        return self.page(request, "error.html", status=status, title=title, text=text)

    def see(self, where: str) -> RedirectResponse:
        """Send the browser on, by GET."""
        return RedirectResponse(where, 303, headers={"cache-control": "no-store", "referrer-policy": "same-origin"})


_SAFE = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
}


def _policy(then: str) -> str:
    """What a page may load and where its form may lead: browsers apply the latter to every redirect on the way."""
    leads = " ".join(filter(None, ("'self'", _origin_of_redirect(then))))
    return (
        f"default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
        f"form-action {leads}; frame-ancestors 'none'; base-uri 'none'"
    )


def _origin_of_redirect(then: str) -> str:
    """The origin of the redirect URI in an authorization request that goes on after this page."""
    try:
        redirect = parse_qs(urlsplit(then).query).get("redirect_uri", [""])[0]
        parts = urlsplit(redirect)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    host = parts.hostname or ""
    if parts.scheme in {"http", "https"} and host.replace(".", "").replace("-", "").isalnum():
        return f"{parts.scheme}://{host}{port}"
    return (
        f"{parts.scheme}:" if parts.scheme.replace(".", "").replace("-", "").isalnum() and "." in parts.scheme else ""
    )


def address_of(request: Request) -> str | None:
    """Where a request came from, as the router tells it; nobody else gets to us."""
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return told[:64] or (request.client.host if request.client else None)


async def parameters(request: Request) -> dict[str, list[str]]:
    """The fields of a form, each with all its values; raises `BadForm` when there is none, or a huge one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise BadForm("no form")
    return decoded(await body(request))


async def body(request: Request) -> bytes:
    """The request's body; raises `BadForm` when it is huge."""
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > _LARGEST_FORM:
            raise BadForm("too large")
    return bytes(received)


def decoded(text: bytes) -> dict[str, list[str]]:
    """What a form or a query says; raises `BadForm` when it is no text."""
    try:
        values = parse_qs(
            text.decode(), keep_blank_values=True, strict_parsing=False, errors="strict", max_num_fields=200
        )
    except ValueError as error:
        raise BadForm("not decoded") from error
    if any("\0" in one for name, given in values.items() for one in (name, *given)):
        raise BadForm("not text")
    return values


def inside(where: str | None) -> str:
    """A page of ours to go on with; anything else is the account page."""
    if where and where.startswith("/auth/") and where.isascii() and where.isprintable() and "\\" not in where:
        parts = urlsplit(where)
        if not parts.scheme and not parts.netloc and "//" not in parts.path and ".." not in parts.path:
            return where
    return "/auth/account"
