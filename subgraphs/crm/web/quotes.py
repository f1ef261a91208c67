"""The page on which a customer answers a quote without signing in: whoever has the link may, once, and until its last day.

/quotes/<tenant>/<token>    GET shows the quote, and notes that it was looked at
POST accepts or declines it, with a name; from where, the router says
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from urllib.parse import parse_qs
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.crm.models.sales import Quote
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.quotes import QuoteStatus
from subgraphs.crm.service import quote_files, quotes
from subgraphs.crm.service.quote_lines import lines_of
from subgraphs.crm.web import page
from subgraphs.crm.web.page import STYLE_HASH, Entered
from subgraphs.crm.web.words import WORDS, Language, language
from subgraphs.kit import work
from subgraphs.kit.caller import system
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.errors import Invalid, Refusal
from subgraphs.kit.ids import parsed
from subgraphs.kit.work import Work

_HEADERS = {
    "cache-control": "private, no-store",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_LONGEST_TOKEN = 100
_LARGEST_FORM = 50_000
_MOST_FIELDS = 300

_PROBLEMS = {"name": "no_name", "confirm": "no_confirm"}

Form = dict[str, list[str]]


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """The one page."""

    def begin(tenant: UUID, request: Request, command: str) -> AbstractAsyncContextManager[Work]:
        caller = replace(system(tenant), address=request.headers.get("x-forwarded-for"))
        return work.begin(engine, caller, module="crm", command=command, clock=clock, settings=settings)

    async def show(request: Request) -> Response:
        tenant, token = _link(request)
        if tenant is None:
            return _nothing(request)
        async with begin(tenant, request, "viewQuote") as job:
            quote = await _open(job, token)
            if quote is None:
                return _nothing(request)
            if quote.status is QuoteStatus.SENT:
                await quotes.view_quote(job, quote.id)
            return await _asking(job, request, quote, Entered(), 200)

    async def answer(request: Request) -> Response:
        tenant, token = _link(request)
        form = _fields(await request.body())
        accepts = _text(form, "answer") == "accept"
        if tenant is None or _text(form, "answer") not in {"accept", "decline"}:
            return _nothing(request)
        try:
            async with begin(tenant, request, "acceptQuote" if accepts else "rejectQuote") as job:
                quote = await _open(job, token)
                if quote is None:
                    return _nothing(request)
                return await _answered(job, request, quote, form, accepts=accepts)
        except Refusal as refusal:
            return await _again(functools.partial(begin, tenant, request), request, token, form, refusal)

    return [
        Route("/quotes/{tenant}/{token}", show, methods=["GET"]),
        Route("/quotes/{tenant}/{token}", answer, methods=["POST"]),
    ]


def _link(request: Request) -> tuple[UUID | None, str]:
    token: str = request.path_params["token"]
    return (parsed(request.path_params["tenant"]) if len(token) <= _LONGEST_TOKEN else None), token


async def _open(job: Work, token: str) -> Quote | None:
    """The quote behind the link, if it still can be answered."""
    quote = await quotes.behind(job, token)
    return None if quote is None or await quotes.is_over(job, quote) else quote


async def _answered(job: Work, request: Request, quote: Quote, form: Form, *, accepts: bool) -> Response:
    name, reason = _text(form, "name"), _text(form, "reason")
    if not name.strip():
        raise Invalid("name must be given.", field="name")
    if accepts and _text(form, "confirm") != "yes":
        # Enter in the field of the name presses the first button: nobody accepts by that.
        raise Invalid("confirm must be yes.", field="confirm")
    if accepts:
        wanted = form.get("option", [])
        done = await quotes.accept_quote(job, quote.id, name=name, options=wanted)
    else:
        done = await quotes.reject_quote(job, quote.id, reason=reason, name=name)
    spoken = await _language(job, request, quote)
    key = "accepted" if accepts else "declined"
    paper = rules.Paper.ACCEPTED if accepts else rules.Paper.SENT
    file = quote_files.link(job, done.id, done.file_secret, paper)
    shown = page.answered(done, lines_of(done), spoken, key=key, by=name.strip(), file=file)
    return HTMLResponse(shown, 200, _HEADERS)


async def _again(
    begin: functools.partial[AbstractAsyncContextManager[Work]],
    request: Request,
    token: str,
    form: Form,
    refusal: Refusal,
) -> Response:
    """The page once more, with what was entered and what is wrong with it."""
    async with begin("read") as job:
        quote = await _open(job, token)
        if quote is None:
            return _nothing(request)
        words = WORDS[await _language(job, request, quote)]
        entered = Entered(
            name=_text(form, "name"),
            reason=_text(form, "reason"),
            options=frozenset(form.get("option", [])),
            problem=words[_PROBLEMS.get(refusal.field or "", "wrong")],
        )
        return await _asking(job, request, quote, entered, 422)


async def _asking(job: Work, request: Request, quote: Quote, entered: Entered, status: int) -> Response:
    customer = await quotes.customer_of(job, quote)
    spoken = await _language(job, request, quote)
    file = f"/quotes/{request.path_params['tenant']}/{request.path_params['token']}/pdf"
    shown = page.asking(quote, lines_of(quote), customer.name if customer else "", spoken, entered, file=file)
    return HTMLResponse(shown, status, _HEADERS)


async def _language(job: Work, request: Request, quote: Quote) -> Language:
    customer = await quotes.customer_of(job, quote)
    return _spoken(request, customer.language if customer else None)


def _spoken(request: Request, customers: str | None) -> Language:
    return language(request.query_params.get("lang"), request.headers.get("accept-language", ""), customers)


def _nothing(request: Request) -> Response:
    return HTMLResponse(page.nothing(_spoken(request, None)), 404, _HEADERS)


def _fields(body: bytes) -> Form:
    """What a browser sends of a form; a body that is none has no fields."""
    if len(body) > _LARGEST_FORM:
        return {}
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}


def _text(form: Form, name: str) -> str:
    return (form.get(name) or [""])[0]
