"""The page on which somebody lets a device in (RFC 8628)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sqlalchemy import Select, select
from starlette.requests import Request
from starlette.responses import Response

from subgraphs.auth.errors import NotProven, TooSoon
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.oauth import DeviceCode, OAuthClient
from subgraphs.auth.rules import device as rules
from subgraphs.auth.rules.credentials import SessionStatus
from subgraphs.auth.service import clients, grants, throttling
from subgraphs.auth.web.authorize import described
from subgraphs.auth.web.house import House, SignedIn, address_of
from subgraphs.kit.work import Work


class Devices:
    """Entering a code, and saying yes or no."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def show(self, request: Request) -> Response:
        """The form for the code, or what the code's device asks for."""
        code = request.query_params.get("user_code", "")[:40]
        who = await self._who(request, code)
        if isinstance(who, Response):
            return who
        if not code:
            return self._page(request, who)
        try:
            return await self._asked(request, who, rules.entered(code))
        except (TooSoon, NotProven) as refused:
            return self._refused(request, who, refused)

    async def decide(self, request: Request) -> Response:
        """Yes or no."""
        fields = await self.house.form(request)
        code = rules.entered(fields.get("user_code", ""))
        who = await self._who(request, code)
        if isinstance(who, Response):
            return who
        allowed = fields.get("decision") == "allow"
        words = self.house.words(request, who.user)
        try:
            await self._known(request, who, code)
        except (TooSoon, NotProven) as refused:
            return self._refused(request, who, refused)
        async with self.house.begin(PLATFORM, "device", request) as work:
            row = await work.session.scalar(_waiting(code, work).with_for_update())
            if row is None:
                return self._page(request, who, words.device_unknown, 404)
            row.status = "APPROVED" if allowed else "DENIED"
            row.for_tenant_id, row.user_id, row.session_id = who.user.tenant_id, who.user.id, who.session.id
        text = words.device_done if allowed else words.device_denied
        return self.house.page(request, "done.html", user=who.user, title=words.device, text=text, link="", label="")

    async def _who(self, request: Request, code: str) -> SignedIn | Response:
        who = await self.house.who(request)
        if who is not None and who.session.status is SessionStatus.ACTIVE:
            return who
        here = quote(f"/auth/device?user_code={quote(code)}" if code else "/auth/device", safe="")
        return self.house.see(f"/auth/sign-in?continue={here}")

    async def _asked(self, request: Request, who: SignedIn, code: str) -> Response:
        """Show who asks for what."""
        row, client = await self._known(request, who, code)
        async with self.house.begin_as(who, "device", request) as work:
            has = (await grants.of(work, who.user)).permissions
        words = self.house.words(request, who.user)
        scopes = described(row.scope.split(), has, words)
        return self._page(request, who, client=client.name, scopes=scopes, code=rules.shown(code))

    async def _known(self, request: Request, who: SignedIn, code: str) -> tuple[DeviceCode, OAuthClient]:
        """The device that waits under a code, of a client that is for this user.

        Codes are short, so those that are wrong make the next one wait, whether they are asked about or answered.
        """
        counted = throttling.keys(
            account=f"device codes of {who.user.id}", address=address_of(request), known_browser=None
        )
        async with self.house.begin(PLATFORM, "device", request) as work:
            await throttling.attempt(work, counted)
        async with self.house.begin(PLATFORM, "device", request) as work:
            row = await work.session.scalar(_waiting(code, work))
        async with self.house.begin_as(who, "device", request) as work:
            client = await clients.find(work, row.client_id) if row else None
        if row is None or client is None:
            raise NotProven("There is no such code.")
        async with self.house.begin(PLATFORM, "device", request) as work:
            await throttling.succeeded(work, counted)
        return row, client

    def _refused(self, request: Request, who: SignedIn, refused: TooSoon | NotProven) -> Response:
        words = self.house.words(request, who.user)
        if isinstance(refused, TooSoon):
            return self._page(request, who, words.said("too_soon", seconds=refused.seconds), 429)
        return self._page(request, who, words.device_unknown, 404)

    def _page(
        self,
        request: Request,
        who: SignedIn,
        problem: str = "",
        status: int = 200,
        *,
        client: str = "",
        scopes: list[str] | None = None,
        code: str = "",
    ) -> Response:
        facts: dict[str, Any] = {"problem": problem, "client": client, "scopes": scopes or [], "code": code}
        return self.house.page(request, "device.html", status=status, user=who.user, **facts)


def _waiting(code: str, work: Work) -> Select[DeviceCode]:
    pending = DeviceCode.status == "PENDING"
    return select(DeviceCode).where(DeviceCode.user_code == code, pending, DeviceCode.expires_at > work.at)
