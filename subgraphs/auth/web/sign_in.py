"""Signing in: an address and a password, or a passkey; then the second factor where there is one or must be one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from subgraphs.auth.errors import NotProven, TooSoon
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.people import Tenant, User
from subgraphs.auth.rules.credentials import Policy, SessionStatus
from subgraphs.auth.rules.people import UserStatus
from subgraphs.auth.service import factors, grants, passwords, people, sessions, throttling
from subgraphs.auth.web import challenges
from subgraphs.auth.web.house import House, SignedIn, address_of, inside
from subgraphs.kit import audit
from subgraphs.kit.ids import parsed
from subgraphs.kit.work import Work

_ACCOUNTS = 5
_SESSION_COOKIE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Known:
    """An account whose password was right."""

    tenant: UUID
    user: UUID
    name: str


class SignIn:
    """The pages of signing in."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def show(self, request: Request) -> Response:
        """The form; who is signed in already goes on, unless they are to prove themselves again."""
        then = inside(request.query_params.get("continue"))
        who = await self.house.who(request)
        again = request.query_params.get("again") is not None
        if who and not again:
            waits = who.session.status is SessionStatus.PENDING_MFA
            return self.house.see(f"/auth/second-factor?continue={quote(then, safe='')}" if waits else then)
        return await self.form(request, then, email=_hint(request, then))

    async def form(
        self,
        request: Request,
        then: str,
        *,
        email: str = "",
        problem: str = "",
        tenants: Sequence[Known] = (),
        status: int = 200,
        wait: int | None = None,
    ) -> Response:
        """The page with the form, and what was wrong with the last answer."""
        async with self.house.begin(PLATFORM, "challenge") as work:
            options, challenge = await factors.challenge(work)
        return self.house.page(
            request,
            "sign_in.html",
            status=status,
            then=then,
            email=email,
            problem=problem,
            tenants=[{"id": one.tenant, "name": one.name} for one in tenants],
            options=options,
            challenge=challenges.remembered(self.house, challenge, purpose="sign in"),
            headers={"retry-after": str(wait)} if wait else None,
        )

    async def password(self, request: Request) -> Response:
        """An address and a password."""
        house, fields = self.house, await self.house.form(request)
        then, email = inside(fields.get("continue")), fields.get("email", "")[:254]
        browser = house.known_browser(request, email)
        counted = throttling.keys(account=email, address=address_of(request), known_browser=browser)
        try:
            async with house.begin(PLATFORM, "signIn", request) as work:
                failures = await throttling.attempt(work, counted)
                accounts = await people.accounts(work, email)
        except TooSoon as refused:
            problem = house.words(request).said("too_soon", seconds=refused.seconds)
            return await self.form(request, then, email=email, problem=problem, status=429, wait=refused.seconds)
        right = await self._right(request, accounts, fields)
        if not right:
            await self._tell(request, accounts, failures)
            problem = house.words(request).wrong_password
            return await self.form(request, then, email=email, problem=problem, status=401)
        async with house.begin(PLATFORM, "signIn", request) as work:
            await throttling.succeeded(work, counted)
        if len(right) > 1:
            return await self.form(request, then, email=email, tenants=right)
        async with house.begin(right[0].tenant, "signIn", request) as work:
            user = await work.find(User, right[0].user)
            assert user is not None  # noqa: S101 - it was there a moment ago, and users are never deleted
            return await self.begin(request, work, user, then, amr=["pwd"])

    async def _right(
        self, request: Request, accounts: Sequence[tuple[UUID, UUID]], fields: dict[str, str]
    ) -> list[Known]:
        """The accounts that this password opens; who is unknown takes as long as who is known."""
        password, wanted = fields.get("password", ""), parsed(fields.get("tenant", ""))
        chosen = [one for one in accounts[:_ACCOUNTS] if wanted is None or one[0] == wanted]
        if not chosen:
            async with self.house.begin(PLATFORM, "signIn", request) as work:
                await passwords.is_right(work, None, password)
        right = []
        for tenant, identity in chosen:
            async with self.house.begin(tenant, "signIn", request) as work:
                is_right = await passwords.is_right(work, identity, password)
                user, house = await work.find(User, identity), await work.find(Tenant, tenant)
                if is_right and user and user.status is UserStatus.ACTIVE:
                    right.append(Known(tenant, identity, house.name if house else str(tenant)))
        return right

    async def _tell(self, request: Request, accounts: Sequence[tuple[UUID, UUID]], failures: int) -> None:
        for tenant, identity in accounts[:_ACCOUNTS]:
            async with self.house.begin(tenant, "signIn", request) as work:
                user = await work.find(User, identity)
                customer = user.customer_id if user else None
                address = address_of(request)
                await throttling.tell(work, failures, user=identity, customer=customer, address=address)

    async def begin(self, request: Request, work: Work, user: User, then: str, *, amr: Sequence[str]) -> Response:
        """Begin a session for a user who gave a first proof; a second one may be needed."""
        tenant = await work.find(Tenant, user.tenant_id)
        roles = frozenset((await grants.of(work, user)).roles)
        policy = Policy.of(tenant.settings if tenant else {})
        has_factor = bool(await factors.of_user(work, user.id))
        complete = "mfa" in amr or not (has_factor or policy.needs_second_factor(roles))
        agent = request.headers.get("user-agent")
        opened = await sessions.start(work, user, amr=amr, complete=complete, address=address_of(request), agent=agent)
        await work.session.flush()
        step = "second-factor" if has_factor else "enroll"
        response = self.house.see(then if complete else f"/auth/{step}?continue={quote(then, safe='')}")
        self.keep(response, opened)
        if complete:
            self.house.remember_browser(response, user)
        return response

    def keep(self, response: Response, opened: sessions.Opened) -> None:
        """Let the browser keep the session's handle."""
        self.house.set_cookie(response, "session", opened.handle, lasts=_SESSION_COOKIE)

    async def passkey(self, request: Request) -> Response:
        """A passkey, which is both proofs at once."""
        house, fields = self.house, await self.house.form(request)
        then = inside(fields.get("continue"))
        try:
            challenge = await challenges.recalled(house, fields.get("challenge", ""), purpose="sign in")
            answer = _answer(fields)
        except NotProven:
            answer, challenge = {}, ""
        tenant, identity = factors.whose_passkey(answer) or (PLATFORM, PLATFORM)
        async with house.begin(tenant, "signIn", request) as work:
            user = await work.find(User, identity)
            may = user is not None and user.status is UserStatus.ACTIVE
            if user and may and await factors.prove_passkey(work, user.id, answer, challenge):
                return await self.begin(request, work, user, then, amr=["hwk", "mfa", "user"])
            if user and challenge:
                await audit.note(
                    work, "signIn", outcome="REFUSED", resource="User", resource_id=user.id, customer=user.customer_id
                )
        return await self.form(request, then, problem=house.words(request).passkey_failed, status=401)

    # --- the second factor

    async def show_second(self, request: Request) -> Response:
        """The form for the second factor."""
        then = inside(request.query_params.get("continue"))
        who = await self.house.who(request)
        if who is None:
            return self.house.see(f"/auth/sign-in?continue={quote(then, safe='')}")
        return await self._second_form(request, who, then)

    async def _second_form(
        self, request: Request, who: SignedIn, then: str, *, problem: str = "", status: int = 200
    ) -> Response:
        async with self.house.begin_as(who, "secondFactor", request) as work:
            mine = await factors.of_user(work, who.user.id)
            options, challenge = await factors.challenge(work, who.user.id)
        if not mine:
            return self.house.see(f"/auth/enroll?continue={quote(then, safe='')}")
        has_passkey = any(one.kind.value == "PASSKEY" for one in mine)
        return self.house.page(
            request,
            "second_factor.html",
            status=status,
            user=who.user,
            then=then,
            problem=problem,
            options=options if has_passkey else "",
            challenge=challenges.remembered(self.house, challenge, purpose=f"session {who.session.id}"),
        )

    async def second(self, request: Request) -> Response:
        """Six digits, a recovery code, or a passkey."""
        house, fields = self.house, await self.house.form(request)
        then, who = inside(fields.get("continue")), await self.house.who(request)
        if who is None:
            return house.see(f"/auth/sign-in?continue={quote(then, safe='')}")
        words = house.words(request, who.user)
        counted = self._counted(request, who)
        try:
            async with house.begin(PLATFORM, "secondFactor", request) as work:
                failures = await throttling.attempt(work, counted)
        except TooSoon as refused:
            problem = words.said("too_soon", seconds=refused.seconds)
            return await self._second_form(request, who, then, problem=problem, status=429)
        proof = await self._proof(request, who, fields)
        if proof is None:
            async with house.begin_as(who, "secondFactor", request) as work:
                customer, address = who.user.customer_id, address_of(request)
                await throttling.tell(work, failures, user=who.user.id, customer=customer, address=address)
            return await self._second_form(request, who, then, problem=words.wrong_code, status=401)
        async with house.begin(PLATFORM, "secondFactor", request) as work:
            await throttling.succeeded(work, counted)
        return await self.finish(request, who, then, amr=proof)

    def _counted(self, request: Request, who: SignedIn) -> dict[str, int]:
        """Whoever comes here knows the password: from unknown browsers, failures count together, wherever they come from."""
        browser = self.house.known_browser(request, who.user.email)
        counted = throttling.keys(account=f"second factor of {who.user.id}", address="anywhere", known_browser=browser)
        return {key: free for key, free in counted.items() if free == 0}

    async def _proof(self, request: Request, who: SignedIn, fields: dict[str, str]) -> list[str] | None:
        """How the second proof was given, or None when it was not."""
        if fields.get("answer"):
            try:
                purpose = f"session {who.session.id}"
                challenge = await challenges.recalled(self.house, fields.get("challenge", ""), purpose=purpose)
                answer = _answer(fields)
            except NotProven:
                return None
            async with self.house.begin_as(who, "secondFactor", request) as work:
                return ["hwk", "user"] if await factors.prove_passkey(work, who.user.id, answer, challenge) else None
        code = fields.get("code", "")[:40]
        async with self.house.begin_as(who, "secondFactor", request) as work:
            if await factors.prove_totp(work, who.user.id, code):
                return ["otp"]
            return ["otp"] if await factors.prove_recovery_code(work, who.user.id, code) else None

    async def finish(self, request: Request, who: SignedIn, then: str, *, amr: Sequence[str]) -> Response:
        """Let a session in that gave its second proof."""
        async with self.house.begin_as(who, "signIn", request) as work:
            session = await work.take(type(who.session), who.session.id, field="session")
            user = await work.take(User, who.user.id, field="user")
            opened = await sessions.complete(work, session, user, amr=amr)
        response = self.house.see(then)
        self.keep(response, opened)
        self.house.remember_browser(response, who.user)
        return response


def _answer(fields: dict[str, str]) -> dict[str, Any]:
    try:
        answer = json.loads(fields.get("answer", ""))
    except (ValueError, RecursionError) as error:
        raise NotProven("The answer is no answer.") from error
    if not isinstance(answer, dict):
        raise NotProven("The answer is no answer.")
    return answer


def _hint(request: Request, then: str) -> str:
    """The address that the application has told us."""
    told = parse_qs(urlsplit(then).query).get("login_hint", [""])[0]
    return (request.query_params.get("login_hint") or told)[:254]
