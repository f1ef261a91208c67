"""The authorization endpoint: an application sends a browser here, and the browser goes back with a code.

application ─► /auth/authorize ─┬─ not valid, and no address to trust ─► a page that says so
                                ├─ not valid ──────────────────────────► back, with an error
                                ├─ nobody signed in, or too long ago ──► sign in ─► here again
                                ├─ the user was never asked ───────────► consent ─► here again
                                └─ a code ─────────────────────────────► back, with the code and our name (RFC 9207)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from contracts.scopes import PERMISSIONS
from subgraphs.auth import handles
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.oauth.grants import equipped
from subgraphs.auth.oauth.server import Asked, Reply, Server, answered
from subgraphs.auth.rules.credentials import SessionStatus
from subgraphs.auth.service import clients, factors, grants, tokens
from subgraphs.auth.web.house import BadForm, House, SignedIn, decoded, parameters
from subgraphs.auth.web.words import Words
from subgraphs.kit.ids import uuid7
from subgraphs.kit.work import Work

_ONCE = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age", "response_mode",
    "code_challenge", "code_challenge_method", "acr_values",
)  # fmt: skip
Values = Mapping[str, list[str]]


class LoginRequired(OAuth2Error):
    """Nobody is signed in, and nobody may be asked."""

    error = "login_required"


class ConsentRequired(OAuth2Error):
    """The user has not allowed this, and may not be asked."""

    error = "consent_required"


class InteractionRequired(OAuth2Error):
    """The user has more to prove, and may not be asked."""

    error = "interaction_required"


class RequestNotSupported(OAuth2Error):
    """Requests as JWTs are not accepted."""

    error = "request_not_supported"


class Authorize:
    """The endpoint, and the page on which a user consents."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def __call__(self, request: Request) -> Response:
        """Judge a request, and find out what has to happen first."""
        try:
            query = request.scope["query_string"] if request.method == "GET" else None
            values = decoded(query) if query is not None else await parameters(request)
        except BadForm:
            return self._refused(request, "invalid_request")
        return await self._judged(request, values)

    async def consent(self, request: Request) -> Response:
        """What the user decided."""
        fields = await self.house.form(request)
        values = decoded(fields.get("request", "").encode())
        return await self._judged(request, values, decision=fields.get("decision"))

    async def _judged(self, request: Request, values: Values, decision: str | None = None) -> Response:
        await self.house.keys()
        who = await self.house.who(request)
        tenant = self._tenant(values, who)
        stranger = who is not None and who.user.tenant_id != tenant
        if stranger:
            who = None
        begun = (
            self.house.begin_as(who, "authorize", request) if who else self.house.begin(tenant, "authorize", request)
        )
        async with begun as work:
            step = _Step(self.house, request, values, work, who, decision, stranger=stranger)
            return await step.taken()

    def _tenant(self, values: Values, who: SignedIn | None) -> UUID:
        """Whose wall to look behind: that of the client, if it is a tenant's; else that of who is signed in."""
        of_client = handles.tenant_of((values.get("client_id") or [""])[0])
        if of_client is not None and of_client != PLATFORM:
            return of_client
        return who.user.tenant_id if who else PLATFORM

    def _refused(self, request: Request, error: str) -> Response:
        words = self.house.words(request)
        return self.house.error_page(request, 400, title=words.error, text=f"{words.error_request} {error}")


class _Step:
    """One visit of a browser at the endpoint."""

    def __init__(
        self,
        house: House,
        request: Request,
        values: Values,
        work: Work,
        who: SignedIn | None,
        decision: str | None,
        *,
        stranger: bool,
    ) -> None:
        self.house, self.request, self.work = house, request, work
        self.values, self.who, self.decision = dict(values), who, decision
        self.server: Server = equipped(Server(work))
        self.grant: Any = None
        self._stranger = stranger
        """Whether somebody of another tenant sits there, for whom this client is not."""
        self.asked = Asked("GET", f"{house.issuer}/auth/authorize", values, request.headers)

    async def taken(self) -> Response:
        """Do what has to be done next."""
        reply = await answered(self.server, self._validated)
        if reply is not None:
            return self._back(reply)
        client, scopes = self.grant.request.client.row, self.grant.request.scope.split()
        missing = await self._missing(client, scopes)
        if missing is not None:
            return missing
        assert self.who is not None  # noqa: S101 - nobody would be missing
        if self.decision == "allow":
            await clients.allow(self.work, self.who.user.id, client, scopes)
        elif self.decision != "deny" and await self._must_ask(client, scopes):
            return await self._ask(client, scopes)
        denied = self.decision == "deny"
        nonce = self.asked.payload.data.get("nonce")
        holder = None if denied else tokens.Holder(self.who.user, uuid7(), self.who.session, nonce)
        return self._back(await answered(self.server, lambda server: self._issued(server, holder)))

    def _validated(self, server: Server) -> Reply | None:
        for name in _ONCE:
            if len(self.values.get(name, [])) > 1:
                raise InvalidRequestError(f"Multiple '{name}' in request.")
        self.grant = server.get_consent_grant(self.asked)
        self._check_extras()
        return None

    def _check_extras(self) -> None:
        data = self.asked.payload.data
        if "request" in data or "request_uri" in data:
            raise self._error(RequestNotSupported)
        if data.get("response_mode", "query") != "query":
            raise self._error(InvalidRequestError, "Unsupported 'response_mode'")
        if "none" in self._prompts and len(self._prompts) > 1:
            raise self._error(InvalidRequestError, "Invalid 'prompt' parameter.")
        if not data.get("max_age", "0").isdigit() or len(data.get("max_age", "0")) > 9:
            raise self._error(InvalidRequestError, "Invalid 'max_age' parameter.")

    def _issued(self, server: Server, holder: tokens.Holder | None) -> Reply:
        reply: Reply = server.create_authorization_response(self.grant.request, grant_user=holder, grant=self.grant)
        return reply

    @property
    def _prompts(self) -> list[str]:
        return self.asked.payload.data.get("prompt", "").split()

    def _error(self, kind: type[OAuth2Error], description: str | None = None) -> OAuth2Error:
        state = self.asked.payload.state
        return kind(description=description, redirect_uri=self.grant.redirect_uri, state=state)

    # --- what has to be proven first

    async def _missing(self, client: Any, scopes: list[str]) -> Response | None:
        """Where to send the browser before a code can be issued; None when nothing is missing."""
        silent = "none" in self._prompts
        if self.who is None or self.who.session.status is not SessionStatus.ACTIVE:
            return self._fails(LoginRequired) if silent else self._sign_in(again=self._stranger)
        if self._too_long_ago():
            return self._fails(LoginRequired) if silent else self._sign_in(again=True)
        if "aal2" in self._wanted_acr and tokens.acr(self.who.session.amr) != "aal2":
            return self._fails(InteractionRequired) if silent else await self._second_factor()
        if silent and not await clients.consented(self.work, self.who.user.id, client, scopes):
            return self._fails(ConsentRequired)
        return None

    def _too_long_ago(self) -> bool:
        assert self.who is not None  # noqa: S101 - asked after that
        if {"login", "select_account"} & set(self._prompts) and self.decision is None:
            return True
        limit = self.asked.payload.data.get("max_age")
        age = self.work.at - self.who.session.authenticated_at
        # Whoever comes back from signing in is there within seconds, whatever was asked for.
        return limit is not None and age > max(timedelta(seconds=int(limit)), timedelta(seconds=30))

    @property
    def _wanted_acr(self) -> list[str]:
        return self.asked.payload.data.get("acr_values", "").split()

    def _sign_in(self, *, again: bool = False) -> Response:
        extra = "again=1&" if again else ""
        return self.house.see(f"/auth/sign-in?{extra}continue={quote(self._here(), safe='')}")

    async def _second_factor(self) -> Response:
        assert self.who is not None  # noqa: S101 - asked after that
        step = "second-factor" if await factors.of_user(self.work, self.who.user.id) else "enroll"
        return self.house.see(f"/auth/{step}?continue={quote(self._here(), safe='')}")

    def _here(self) -> str:
        """This request again, without the wish for a sign-in that is being granted."""
        values = {name: given[0] for name, given in self.values.items() if given}
        rest = [one for one in self._prompts if one not in {"login", "select_account"}]
        values.pop("prompt", None)
        if rest:
            values["prompt"] = " ".join(rest)
        return f"/auth/authorize?{urlencode(values)}"

    def _fails(self, kind: type[OAuth2Error]) -> Response:
        return self._back(Reply(*self._error(kind)()))

    # --- consent

    async def _must_ask(self, client: Any, scopes: list[str]) -> bool:
        assert self.who is not None  # noqa: S101 - asked after that
        asked = "consent" in self._prompts and not client.first_party
        return asked or not await clients.consented(self.work, self.who.user.id, client, scopes)

    async def _ask(self, client: Any, scopes: list[str]) -> Response:
        assert self.who is not None  # noqa: S101 - asked after that
        user = self.who.user
        has = (await grants.of(self.work, user)).permissions
        here = self._here()
        return self.house.page(
            self.request,
            "consent.html",
            user=user,
            then=here,
            client=client.name,
            scopes=described(scopes, has, self.house.words(self.request, user)),
            request=here.partition("?")[2],
        )

    # --- the way back

    def _back(self, reply: Reply) -> Response:
        if reply.location is None:
            words = self.house.words(self.request)
            said = dict(reply.body) if isinstance(reply.body, dict | list) else {}
            text = f"{words.error_request} {said.get('error', '')} {said.get('error_description', '')}"
            return self.house.error_page(self.request, 400, title=words.error, text=text.strip())
        where = add_params_to_uri(reply.location, [("iss", self.house.issuer)])
        status = 303 if self.request.method == "POST" else 302
        return RedirectResponse(where, status, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})


def described(scopes: list[str], has: frozenset[str], words: Words) -> list[str]:
    """What scopes mean, in words; permissions that the user does not have are not mentioned, since they are not given."""
    if tokens.EVERYTHING in scopes:
        scopes = [*scopes, *sorted(has)]
    said = [words.said(f"scope_{one}") for one in scopes if one in tokens.OPENID_SCOPES]
    return said + [PERMISSIONS[one] for one in scopes if one in PERMISSIONS and one in has]
