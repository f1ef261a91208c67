"""The ways into identity that are no GraphQL: the provider's endpoints, and the pages for people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from subgraphs.auth.web import scim
from subgraphs.auth.web.account import Account
from subgraphs.auth.web.authorize import Authorize
from subgraphs.auth.web.company import Company
from subgraphs.auth.web.devices import Devices
from subgraphs.auth.web.discovery import Discovery
from subgraphs.auth.web.endpoints import Endpoints, preflight
from subgraphs.auth.web.enrolling import Enrolling
from subgraphs.auth.web.house import BadForm, House
from subgraphs.auth.web.leaving import Leaving
from subgraphs.auth.web.links import Links
from subgraphs.auth.web.registration import Registering
from subgraphs.auth.web.saml import Saml
from subgraphs.auth.web.sign_in import SignIn
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.errors import Refusal

Answer = Callable[[Request], Awaitable[Response]]

log = structlog.get_logger(__name__)


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> list[BaseRoute]:
    """All routes; raises `Misconfigured` when the settings would not be safe."""
    house = House.of(settings, engine, clock)
    return [*_programs(house), *_pages(house), *scim.routes(house)]


def _programs(house: House) -> list[BaseRoute]:
    endpoints, discovery, registering = Endpoints(house), Discovery(house), Registering(house)
    posted = {
        "/auth/token": endpoints.token,
        "/auth/revoke": endpoints.revoke,
        "/auth/introspect": endpoints.introspect,
        "/auth/device-authorization": endpoints.device,
    }
    return [
        Route("/.well-known/openid-configuration", discovery.metadata),
        Route("/.well-known/oauth-authorization-server", discovery.metadata),
        Route("/auth/jwks.json", discovery.jwks),
        *(Route(path, answer, methods=["POST"]) for path, answer in posted.items()),
        Route("/auth/register", registering.register, methods=["POST"]),
        Route("/auth/register/{client_id}", registering.look_after, methods=["GET", "PUT", "DELETE"]),
        Route("/auth/userinfo", endpoints.userinfo, methods=["GET", "POST"]),
        *(Route(path, preflight, methods=["OPTIONS"]) for path in (*posted, "/auth/userinfo")),
    ]


def _pages(house: House) -> list[BaseRoute]:
    sign_in = SignIn(house)
    enrolling, links = Enrolling(house, sign_in), Links(house, sign_in)
    account, devices = Account(house, enrolling), Devices(house)
    authorize, leaving, company = Authorize(house), Leaving(house), Company(house, sign_in)
    saml = Saml(house)
    pages: list[tuple[str, Answer | None, Answer | None]] = [
        ("/auth/authorize", authorize.__call__, authorize.__call__),
        ("/auth/consent", None, authorize.consent),
        ("/auth/sign-in", sign_in.show, sign_in.password),
        ("/auth/sign-in/passkey", None, sign_in.passkey),
        ("/auth/second-factor", sign_in.show_second, sign_in.second),
        ("/auth/enroll", enrolling.show, None),
        ("/auth/enroll/totp", None, enrolling.totp),
        ("/auth/enroll/totp/confirm", None, enrolling.confirm_totp),
        ("/auth/enroll/passkey", None, enrolling.passkey),
        ("/auth/account", account.show, None),
        ("/auth/account/sessions", None, account.end_sessions),
        ("/auth/account/factors", None, account.remove_factor),
        ("/auth/account/recovery", None, account.new_codes),
        ("/auth/account/password", account.show_password, account.change_password),
        ("/auth/forgot", links.show_forgot, links.forgot),
        ("/auth/invitation", links.show_invitation, links.accept),
        ("/auth/reset", links.show_reset, links.reset),
        ("/auth/device", devices.show, devices.decide),
        ("/auth/company", company.show, company.leave),
        ("/auth/upstream/callback", company.back, None),
        ("/auth/saml/{tenant}/metadata", saml.metadata, None),
        ("/auth/saml/{tenant}/acs", None, saml.receive),
        ("/auth/logout", leaving.logout, leaving.logout),
        ("/auth/sign-out", None, leaving.sign_out),
    ]
    found: list[BaseRoute] = [
        Route(path, _guarded(house, answer), methods=[method])
        for path, show, do in pages
        for method, answer in (("GET", show), ("POST", do))
        if answer is not None
    ]
    return [*found, *_static()]


def _guarded(house: House, answer: Answer) -> Answer:
    """Answer what is no form of ours, or makes no sense, with a page that says so."""

    async def guarded(request: Request) -> Response:
        words = house.words(request)
        try:
            return await answer(request)
        except BadForm as error:
            log.info("form.refused", reason=str(error), path=request.url.path)
            return house.error_page(request, 400, title=words.error, text=words.error_form)
        except Refusal as refused:
            return house.error_page(request, 400, title=words.error, text=refused.message)

    return guarded


def _static() -> list[BaseRoute]:
    kinds = {"pages.css": "text/css; charset=utf-8", "passkeys.js": "text/javascript; charset=utf-8"}
    return [Route(f"/auth/static/{name}", _file(name, kind)) for name, kind in kinds.items()]


def _file(name: str, kind: str) -> Answer:
    content = (files("subgraphs.auth.web") / "static" / name).read_bytes()
    headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}

    async def answer(request: Request) -> Response:
        del request
        return Response(content, media_type=kind, headers=headers)

    return answer
