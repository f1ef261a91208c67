"""Signing in at a provider of others: the page that asks for the address, the way there, and the way back."""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.responses import Response

from subgraphs.auth import handles
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.service import upstream
from subgraphs.auth.service.upstream import Choice
from subgraphs.auth.web.house import House, inside
from subgraphs.auth.web.sign_in import SignIn
from subgraphs.kit.ids import parsed

log = structlog.get_logger(__name__)


class Company:
    """The pages of signing in with a company's own accounts."""

    def __init__(self, house: House, sign_in: SignIn) -> None:
        self.house = house
        self._sign_in = sign_in

    async def show(self, request: Request) -> Response:
        """The form for the address."""
        return self._page(request, inside(request.query_params.get("continue")))

    async def leave(self, request: Request) -> Response:
        """Find the provider that speaks for an address, and send the browser there."""
        fields = await self.house.form(request)
        then, email = inside(fields.get("continue")), fields.get("email", "")[:254]
        async with self.house.begin(PLATFORM, "signIn", request) as work:
            found = await upstream.for_address(work, email)
        wanted = parsed(fields.get("provider", ""))
        chosen = [one for one in found if wanted is None or one.provider == wanted]
        if not chosen:
            problem = self.house.words(request).company_unknown
            return self._page(request, then, email=email, problem=problem, status=404)
        if len(chosen) > 1:
            return self._page(request, then, email=email, choices=chosen)
        return await self._leave(request, chosen[0], then, email)

    async def _leave(self, request: Request, choice: Choice, then: str, email: str) -> Response:
        browser = request.cookies.get(self.house.cookie("form"), "")
        try:
            async with self.house.begin(choice.tenant, "signIn", request) as work:
                where = await upstream.leave(work, choice.provider, browser=browser, leads_to=then, hint=email)
        except upstream.Trouble as trouble:
            return self._failed(request, choice.name, trouble)
        response = self.house.see(where)
        # A page in between, since browsers hold a form's page responsible for where the form leads in the end.
        words = self.house.words(request)
        page = self.house.page(
            request,
            "done.html",
            title=words.company,
            text=words.said("company_leave", name=choice.name),
            link=response.headers["location"],
            label=words.said("continue"),
        )
        page.headers["refresh"] = f"0; url={where}"
        return page

    async def back(self, request: Request) -> Response:
        """Whoever comes back is let in, if the provider vouches for them."""
        given = request.query_params
        state, browser = given.get("state", ""), request.cookies.get(self.house.cookie("form"), "")
        try:
            async with self.house.begin(handles.tenant_of(state) or PLATFORM, "signIn", request) as work:
                way = await upstream.come_back(work, state, browser=browser)
            async with self.house.begin(way.tenant_id, "signIn", request) as work:
                said = await upstream.claims(work, way, given.get("code", ""), given.get("iss"))
                user = await upstream.user(work, way, said)
                amr = said.get("amr")
                proven = ["mfa"] if isinstance(amr, list) and "mfa" in amr else []
                return await self._sign_in.begin(request, work, user, way.leads_to, amr=["fed", *proven])
        except upstream.Trouble as trouble:
            return self._failed(request, "", trouble)

    def _failed(self, request: Request, name: str, trouble: BaseException) -> Response:
        log.info("upstream.failed", reason=str(trouble))
        words = self.house.words(request)
        return self.house.error_page(
            request, 401, title=words.error, text=words.said("upstream_failed", name=name or words.company_there)
        )

    def _page(
        self,
        request: Request,
        then: str,
        *,
        email: str = "",
        problem: str = "",
        status: int = 200,
        choices: list[Choice] | None = None,
    ) -> Response:
        return self.house.page(
            request,
            "company.html",
            status=status,
            then=then,
            email=email,
            problem=problem,
            choices=[{"id": one.provider, "name": one.name} for one in choices or ()],
        )
