"""The account page: where one is signed in, what one proves it with, and the password."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from subgraphs.auth.errors import TooSoon
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.people import Tenant, User
from subgraphs.auth.rules.credentials import SessionStatus
from subgraphs.auth.service import account, factors, passwords, sessions, throttling
from subgraphs.auth.web.enrolling import Enrolling
from subgraphs.auth.web.house import House, SignedIn, address_of
from subgraphs.kit.errors import Refusal
from subgraphs.kit.ids import parsed


class Account:
    """The account page and what can be done there."""

    def __init__(self, house: House, enrolling: Enrolling) -> None:
        self.house = house
        self._enrolling = enrolling

    async def show(self, request: Request) -> Response:
        """The page."""
        who = await self._who(request)
        if isinstance(who, Response):
            return who
        return await self._page(request, who)

    async def _who(self, request: Request) -> SignedIn | Response:
        who = await self.house.who(request)
        if who is None:
            return self.house.see("/auth/sign-in")
        return who if who.session.status is SessionStatus.ACTIVE else self.house.see("/auth/second-factor")

    async def _page(
        self, request: Request, who: SignedIn, *, problem: str = "", notice: str = "", status: int = 200
    ) -> Response:
        async with self.house.begin_as(who, "account", request) as work:
            tenant = await work.find(Tenant, who.user.tenant_id)
            open_ = await sessions.of_user(work, who.user.id)
            mine = await factors.of_user(work, who.user.id)
            codes_left = await factors.recovery_codes_left(work, who.user.id)
        said = _Moments(who.user)
        return self.house.page(
            request,
            "account.html",
            status=status,
            user=who.user,
            tenant=tenant.name if tenant else "",
            problem=problem,
            notice=notice,
            codes_left=codes_left,
            open=[
                {
                    "id": one.id,
                    "agent": one.agent,
                    "address": one.address,
                    "since": said.at(one.created_at),
                    "this": one.id == who.session.id,
                }
                for one in open_
            ],
            factors=[
                {"id": one.id, "label": one.label, "kind": one.kind.value, "used": said.at(one.last_used_at)}
                for one in mine
            ],
        )

    async def end_sessions(self, request: Request) -> Response:
        """Sign out somewhere else."""
        fields, who = await self.house.form(request), await self._who(request)
        if isinstance(who, Response):
            return who
        wanted = fields.get("session", "")
        try:
            async with self.house.begin_as(who, "revokeSession", request) as work:
                if wanted == "others":
                    await sessions.revoke_all(work, who.user.id, reason="REVOKED", but=who.session.id)
                else:
                    await sessions.revoke_by_id(work, parsed(wanted), of=who.user.id)
        except Refusal as refused:
            return await self._page(request, who, problem=refused.message, status=404)
        return self.house.see("/auth/account")

    async def remove_factor(self, request: Request) -> Response:
        """Take a factor away, unless it is the last one where one is needed."""
        fields, who = await self.house.form(request), await self._enrolling.allowed(request, "/auth/account")
        if isinstance(who, Response):
            return who
        try:
            async with self.house.begin_as(who, "removeMfa", request) as work:
                await factors.remove(work, who.user.id, parsed(fields.get("factor", "")))
                await account.refuse_without(work, who.user)
        except Refusal as refused:
            return await self._page(request, who, problem=refused.message, status=409)
        return self.house.see("/auth/account")

    async def new_codes(self, request: Request) -> Response:
        """New codes on paper."""
        await self.house.form(request)
        who = await self._enrolling.allowed(request, "/auth/account")
        if isinstance(who, Response):
            return who
        async with self.house.begin_as(who, "newRecoveryCodes", request) as work:
            codes = await factors.new_recovery_codes(work, who.user.id)
        return self.house.page(request, "recovery.html", user=who.user, then="/auth/account", codes=codes)

    # --- the password

    async def show_password(self, request: Request) -> Response:
        """The form."""
        who = await self._who(request)
        return who if isinstance(who, Response) else self._password_page(request, who)

    def _password_page(self, request: Request, who: SignedIn, problem: str = "", status: int = 200) -> Response:
        words = self.house.words(request, who.user)
        return self.house.page(
            request,
            "password.html",
            status=status,
            user=who.user,
            heading=words.password_change,
            text="",
            problem=problem,
            action="/auth/account/password",
            link="",
            email=who.user.email,
            ask_old=True,
        )

    async def change_password(self, request: Request) -> Response:
        """A new password for the old one; every other session ends."""
        fields, who = await self.house.form(request), await self._who(request)
        if isinstance(who, Response):
            return who
        words = self.house.words(request, who.user)
        browser = self.house.known_browser(request, who.user.email)
        counted = throttling.keys(account=who.user.email, address=address_of(request), known_browser=browser)
        try:
            async with self.house.begin(PLATFORM, "changePassword", request) as work:
                await throttling.attempt(work, counted)
        except TooSoon as refused:
            problem = words.said("too_soon", seconds=refused.seconds)
            return self._password_page(request, who, problem, 429)
        try:
            async with self.house.begin_as(who, "changePassword", request) as work:
                if not await passwords.is_right(work, who.user.id, fields.get("old_password", "")):
                    return self._password_page(request, who, words.wrong_password, 401)
                await passwords.choose(work, who.user, fields.get("password", ""))
                await sessions.revoke_all(work, who.user.id, reason="PASSWORD_CHANGED", but=who.session.id)
        except Refusal as refused:
            return self._password_page(request, who, refused.message, 400)
        async with self.house.begin(PLATFORM, "changePassword", request) as work:
            await throttling.succeeded(work, counted)
        return await self._page(request, who, notice=words.password_changed)


class _Moments:
    """Moments as a user reads them, in their own time zone."""

    def __init__(self, user: User) -> None:
        self._zone = ZoneInfo(user.time_zone)
        self._shape = "%d.%m.%Y %H:%M" if user.locale.startswith("de") else "%Y-%m-%d %H:%M"

    def at(self, moment: datetime | None) -> str:
        return moment.astimezone(self._zone).strftime(self._shape) if moment else ""
