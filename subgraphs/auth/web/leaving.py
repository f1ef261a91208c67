"""Signing out: by the person, or by an application that asks for it (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from authlib.common.urls import add_params_to_uri
from starlette.requests import Request
from starlette.responses import Response

from subgraphs.auth import handles
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.credentials import Session
from subgraphs.auth.service import clients, sessions, tokens
from subgraphs.auth.web.house import BadForm, House, SignedIn, decoded, parameters


@dataclass(frozen=True, slots=True)
class Wish:
    """What an application asked for, as far as it can be trusted."""

    session: str | None = None
    """The session that its id token was issued in: who can show it need not be asked."""
    then: str | None = None
    """Where the browser goes afterwards: an address that the application registered."""


class Leaving:
    """The pages of signing out."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def logout(self, request: Request) -> Response:
        """An application sends the browser here."""
        try:
            query = request.scope["query_string"] if request.method == "GET" else None
            given = decoded(query) if query is not None else await parameters(request)
        except BadForm:
            given = {}
        values = {name: one[0] for name, one in given.items() if one}
        wish, who = await self._wish(values), await self.house.who(request)
        if who is None:
            return self._gone(request, wish)
        if wish.session == str(who.session.id):
            return await self._ended(request, who, wish)
        return self.house.page(
            request, "sign_out.html", user=who.user, then=_as_redirect(wish), request=urlencode(values)
        )

    async def sign_out(self, request: Request) -> Response:
        """The person says so."""
        fields = await self.house.form(request)
        given = decoded(fields.get("request", "").encode())
        wish = await self._wish({name: one[0] for name, one in given.items()})
        who = await self.house.who(request)
        return self._gone(request, wish) if who is None else await self._ended(request, who, wish)

    async def _ended(self, request: Request, who: SignedIn, wish: Wish) -> Response:
        async with self.house.begin_as(who, "signOut", request) as work:
            session = await work.take(Session, who.session.id, field="session")
            await sessions.revoke(work, session, reason="SIGNED_OUT")
        return self._gone(request, wish)

    def _gone(self, request: Request, wish: Wish) -> Response:
        if wish.then:
            response: Response = self.house.see(wish.then)
        else:
            words = self.house.words(request)
            facts: dict[str, Any] = {
                "title": words.sign_out,
                "text": words.signed_out,
                "link": "/auth/sign-in",
                "label": words.sign_in,
            }
            response = self.house.page(request, "done.html", **facts)
        self.house.drop_cookie(response, "session")
        return response

    async def _wish(self, values: Mapping[str, str]) -> Wish:
        claims = await self._hint(values.get("id_token_hint"))
        client_id = str(claims.get("aud", "")) if claims else values.get("client_id", "")
        if claims and values.get("client_id", client_id) != client_id:
            return Wish()
        then = await self._registered(client_id, values.get("post_logout_redirect_uri"))
        if then and values.get("state"):
            then = add_params_to_uri(then, [("state", values["state"])])
        return Wish(str(claims["sid"]) if claims and "sid" in claims else None, then)

    async def _hint(self, token: str | None) -> dict[str, object] | None:
        """The claims of an id token of ours, also of one that has expired."""
        if not token:
            return None
        async with self.house.begin(PLATFORM, "logout") as work:
            return await tokens.verified(work, token, "JWT")

    async def _registered(self, client_id: str, where: str | None) -> str | None:
        tenant: UUID | None = handles.tenant_of(client_id)
        if tenant is None or not where:
            return None
        async with self.house.begin(tenant, "logout") as work:
            client = await clients.find(work, client_id)
        return where if client and where in client.post_logout_redirect_uris else None


def _as_redirect(wish: Wish) -> str:
    """Where the form leads in the end, for the page's policy."""
    return f"?{urlencode({'redirect_uri': wish.then})}" if wish.then else ""
