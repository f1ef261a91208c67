"""Setting up a second factor: an authenticator app or a passkey, and the codes for the day when it is lost."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import segno
from starlette.requests import Request
from starlette.responses import Response

from subgraphs.auth.errors import NotProven
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.credentials import SessionStatus
from subgraphs.auth.service import factors
from subgraphs.auth.web import challenges
from subgraphs.auth.web.house import House, SignedIn, inside
from subgraphs.auth.web.sign_in import SignIn
from subgraphs.kit.errors import NotFound, Refusal
from subgraphs.kit.ids import parsed

FRESH = timedelta(minutes=15)
"""How long ago somebody may have proven who they are, to change what they prove it with."""


class Enrolling:
    """The pages of setting up."""

    def __init__(self, house: House, sign_in: SignIn) -> None:
        self.house = house
        self._sign_in = sign_in

    async def allowed(self, request: Request, then: str) -> SignedIn | Response:
        """Who may change their factors now: whoever proved themselves a moment ago, with all that they have."""
        who = await self.house.who(request)
        if who is None:
            return self.house.see(f"/auth/sign-in?continue={quote(then, safe='')}")
        async with self.house.begin_as(who, "factors", request) as work:
            has_factor = bool(await factors.of_user(work, who.user.id))
        if has_factor and who.session.status is SessionStatus.PENDING_MFA:
            return self.house.see(f"/auth/second-factor?continue={quote(then, safe='')}")
        if self.house.now() - who.session.authenticated_at > FRESH:
            return self.house.see(f"/auth/sign-in?again=1&continue={quote(then, safe='')}")
        return who

    async def show(self, request: Request) -> Response:
        """The choice."""
        then = inside(request.query_params.get("continue"))
        who = await self.allowed(request, f"/auth/enroll?continue={quote(then, safe='')}")
        return who if isinstance(who, Response) else await self._choice(request, who, then)

    async def _choice(
        self, request: Request, who: SignedIn, then: str, problem: str = "", status: int = 200
    ) -> Response:
        try:
            async with self.house.begin_as(who, "factors", request) as work:
                options, challenge = await factors.passkey_options(work, who.user)
        except Refusal as refused:
            return self.house.error_page(request, 409, title=self.house.words(request).error, text=refused.message)
        return self.house.page(
            request,
            "enroll.html",
            status=status,
            user=who.user,
            then=then,
            problem=problem,
            needed=who.session.status is SessionStatus.PENDING_MFA,
            options=options,
            challenge=challenges.remembered(self.house, challenge, purpose=f"enroll {who.session.id}"),
        )

    async def totp(self, request: Request) -> Response:
        """Begin with an app: show what it must know."""
        fields = await self.house.form(request)
        then = inside(fields.get("continue"))
        who = await self.allowed(request, "/auth/enroll")
        if isinstance(who, Response):
            return who
        try:
            async with self.house.begin_as(who, "enrollMfa", request) as work:
                user = await work.take(User, who.user.id, field="user")
                offer = await factors.offer_totp(work, user, fields.get("label", ""))
        except Refusal as refused:
            return await self._choice(request, who, then, refused.message, 400)
        return self._picture(request, who, then, str(offer.factor.id), offer.secret, offer.uri)

    def _picture(
        self, request: Request, who: SignedIn, then: str, factor: str, secret: str, uri: str, problem: str = ""
    ) -> Response:
        picture = segno.make(uri, error="m").svg_data_uri(scale=5, border=2, light="#ffffff", dark="#000000")
        grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        return self.house.page(
            request,
            "totp.html",
            status=401 if problem else 200,
            user=who.user,
            then=then,
            problem=problem,
            factor=factor,
            secret=grouped,
            picture=picture,
        )

    async def confirm_totp(self, request: Request) -> Response:
        """The code that the app shows."""
        fields = await self.house.form(request)
        then, factor = inside(fields.get("continue")), parsed(fields.get("factor", ""))
        who = await self.allowed(request, "/auth/enroll")
        if isinstance(who, Response):
            return who
        words = self.house.words(request, who.user)
        try:
            async with self.house.begin_as(who, "enrollMfa", request) as work:
                await factors.confirm_totp(work, who.user.id, factor, fields.get("code", "")[:40])
        except NotProven:
            async with self.house.begin_as(who, "enrollMfa", request) as work:
                secret = await factors.totp_secret(work, who.user.id, factor)
                uri = factors.totp_uri(who.user, secret, work)
            return self._picture(request, who, then, str(factor), secret, uri, words.wrong_code)
        except NotFound:
            return self.house.see("/auth/enroll")
        return await self._enrolled(request, who, then, ["otp"])

    async def passkey(self, request: Request) -> Response:
        """The passkey that the browser made."""
        fields = await self.house.form(request)
        then = inside(fields.get("continue"))
        who = await self.allowed(request, "/auth/enroll")
        if isinstance(who, Response):
            return who
        try:
            purpose = f"enroll {who.session.id}"
            challenge = await challenges.recalled(self.house, fields.get("challenge", ""), purpose=purpose)
            async with self.house.begin_as(who, "enrollMfa", request) as work:
                answer, label = fields.get("answer", ""), fields.get("label", "")
                await factors.add_passkey(work, who.user, answer, challenge, label)
        except Refusal as refused:
            return await self._choice(request, who, then, refused.message, 400)
        return await self._enrolled(request, who, then, ["hwk", "user"])

    async def _enrolled(self, request: Request, who: SignedIn, then: str, amr: list[str]) -> Response:
        """Let who had to enrol go on, and give the first factor its codes on paper."""
        async with self.house.begin_as(who, "enrollMfa", request) as work:
            first = len(await factors.of_user(work, who.user.id)) == 1
            codes = await factors.new_recovery_codes(work, who.user.id) if first else []
        on = await self._sign_in.finish(request, who, then, amr=amr)
        if not codes:
            return on
        page = self.house.page(request, "recovery.html", user=who.user, then=then, codes=codes)
        page.raw_headers.extend(one for one in on.raw_headers if one[0] == b"set-cookie")
        return page
