"""Links from mails: accepting an invitation, and choosing a new password."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from subgraphs.auth import handles
from subgraphs.auth.errors import LinkSpent, TooSoon
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.credentials import MailPurpose
from subgraphs.auth.rules.people import UserStatus
from subgraphs.auth.service import mails, passwords, people, sessions, throttling
from subgraphs.auth.web.house import House, address_of
from subgraphs.auth.web.sign_in import SignIn
from subgraphs.kit.errors import Invalid

_ACCOUNTS = 5


class Links:
    """The pages behind links."""

    def __init__(self, house: House, sign_in: SignIn) -> None:
        self.house = house
        self._sign_in = sign_in

    async def show_forgot(self, request: Request) -> Response:
        """The form that asks for the address."""
        return self.house.page(request, "forgot.html", problem="")

    async def forgot(self, request: Request) -> Response:
        """Send a link, or do nothing, and say the same: who asks learns nothing about who is known."""
        house, fields = self.house, await self.house.form(request)
        email, words = fields.get("email", "")[:254], self.house.words(request)
        counted = throttling.keys(account=f"link for {email}", address=address_of(request), known_browser=None)
        try:
            async with house.begin(PLATFORM, "forgotPassword", request) as work:
                await throttling.attempt(work, counted)
                accounts = await people.accounts(work, email)
        except TooSoon as refused:
            problem = words.said("too_soon", seconds=refused.seconds)
            return house.page(request, "forgot.html", status=429, problem=problem)
        for tenant, identity in accounts[:_ACCOUNTS]:
            async with house.begin(tenant, "forgotPassword", request) as work:
                user = await work.find(User, identity)
                if user and user.status is UserStatus.ACTIVE:
                    await mails.send_link(work, user, MailPurpose.RESET)
        facts: dict[str, Any] = {"title": words.password_choose, "text": words.forgot_sent, "link": "", "label": ""}
        return house.page(request, "done.html", **facts)

    async def show_invitation(self, request: Request) -> Response:
        """Welcome."""
        return await self._show(request, MailPurpose.INVITATION)

    async def show_reset(self, request: Request) -> Response:
        """A new password."""
        return await self._show(request, MailPurpose.RESET)

    async def _show(self, request: Request, purpose: MailPurpose) -> Response:
        handle = request.query_params.get("token", "")
        try:
            async with self.house.begin(_tenant(handle), "link", request) as work:
                user = await mails.follow(work, handle, purpose, use=False)
        except LinkSpent:
            return self._spent(request)
        return self._page(request, purpose, handle, user)

    def _page(self, request: Request, purpose: MailPurpose, handle: str, user: User, problem: str = "") -> Response:
        words = self.house.words(request, user)
        invited = purpose is MailPurpose.INVITATION
        return self.house.page(
            request,
            "password.html",
            status=400 if problem else 200,
            user=user,
            heading=words.said("invitation", name=user.display_name) if invited else words.password_choose,
            text=words.said("invitation_text", email=user.email) if invited else "",
            problem=problem,
            action="/auth/invitation" if invited else "/auth/reset",
            link=handle,
            email=user.email,
            ask_old=False,
        )

    def _spent(self, request: Request) -> Response:
        words = self.house.words(request)
        return self.house.error_page(request, 410, title=words.error, text=words.link_spent)

    async def accept(self, request: Request) -> Response:
        """The invited choose a password, and are in."""
        return await self._choose(request, MailPurpose.INVITATION)

    async def reset(self, request: Request) -> Response:
        """A new password; every session ends, and a second factor stays what it was."""
        return await self._choose(request, MailPurpose.RESET)

    async def _choose(self, request: Request, purpose: MailPurpose) -> Response:
        house, fields = self.house, await self.house.form(request)
        handle, seen = fields.get("token", ""), None
        try:
            async with house.begin(_tenant(handle), "choosePassword", request) as work:
                seen = await mails.follow(work, handle, purpose, use=True)
                user = await work.take(User, seen.id, field="user")
                await passwords.choose(work, user, fields.get("password", ""))
                if purpose is MailPurpose.INVITATION:
                    await people.activate(work, user.id)
                else:
                    await sessions.revoke_all(work, user.id, reason="PASSWORD_CHANGED")
                await work.session.flush()
                return await self._sign_in.begin(request, work, user, "/auth/account", amr=["pwd"])
        except LinkSpent:
            return self._spent(request)
        except Invalid as refused:
            # The transaction is undone, and with it that the link was used.
            return await self._again(request, purpose, handle, refused.message)

    async def _again(self, request: Request, purpose: MailPurpose, handle: str, problem: str) -> Response:
        try:
            async with self.house.begin(_tenant(handle), "link", request) as work:
                user = await mails.follow(work, handle, purpose, use=False)
        except LinkSpent:
            return self._spent(request)
        return self._page(request, purpose, handle, user, problem)


def _tenant(handle: str) -> UUID:
    return handles.tenant_of(handle) or PLATFORM
