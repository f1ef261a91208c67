"""Cross-origin resource sharing: tells browsers which pages of other origins may read our answers.

A page's origin is compared with the policies in their order, and the first that fits decides. Whatever happens, `Vary`
names the origin: a cache that keeps the answer to one page must not give it to another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from router.server.config.cors import Cors, CorsPolicy
from router.server.head import head_of

_LONGEST_ORIGIN = 512


@dataclass(frozen=True, slots=True)
class Rule:
    """What the pages of some origins may do, complete."""

    origins: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]
    credentials: bool
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    methods: tuple[str, ...]
    max_age: float | None
    wildcard: bool = False

    def fits(self, origin: str) -> bool:
        """Whether this is the rule for an origin."""
        return self.wildcard or origin in self.origins or any(pattern.fullmatch(origin) for pattern in self.patterns)

    def granted(self, origin: str) -> dict[str, str]:
        """Return the headers that every answer for this origin has."""
        granted = {"access-control-allow-origin": "*" if self.wildcard else origin}
        if self.credentials:
            granted["access-control-allow-credentials"] = "true"
        if self.exposed:
            granted["access-control-expose-headers"] = ", ".join(self.exposed)
        return granted

    def preflight(self, origin: str, asked: str) -> dict[str, str]:
        """Return the headers of the answer to a browser that asks beforehand."""
        granted = self.granted(origin) | {"access-control-allow-methods": ", ".join(self.methods)}
        headers = ", ".join(self.headers) or asked
        if headers:
            granted["access-control-allow-headers"] = headers
        if self.max_age is not None:
            granted["access-control-max-age"] = str(int(self.max_age))
        return granted


class Origins:
    """The rules in their order: what the pages of an origin may do."""

    def __init__(self, settings: Cors) -> None:
        self._rules = _rules(settings)

    def rule(self, origin: str) -> Rule | None:
        """Return the first rule that fits, if any does."""
        if not origin or len(origin) > _LONGEST_ORIGIN:
            return None
        return next((rule for rule in self._rules if rule.fits(origin)), None)


class CrossOrigin:
    """Wraps the application: answers what browsers ask beforehand, and marks every other answer."""

    def __init__(self, app: ASGIApp, settings: Cors) -> None:
        self._app = app
        self._origins = Origins(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; lifespan and WebSocket messages pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = head_of(scope)
        origin = headers.get("origin", "")
        rule = self._origins.rule(origin)
        if scope["method"] == "OPTIONS" and origin and "access-control-request-method" in headers:
            await self._preflight(rule, origin, headers)(scope, receive, send)
            return
        granted = rule.granted(origin) if rule else {}

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered.update(granted)
                answered.add_vary_header("origin")
            await send(message)

        await self._app(scope, receive, marked)

    def _preflight(self, rule: Rule | None, origin: str, headers: Headers) -> Response:
        asked = headers.get("access-control-request-headers", "")
        granted = rule.preflight(origin, asked) if rule else {}
        vary = "origin, access-control-request-method, access-control-request-headers"
        return Response(status_code=200, headers={**granted, "vary": vary})


def _rules(settings: Cors) -> Sequence[Rule]:
    rules = [_rule(policy, settings) for policy in settings.policies]
    if settings.allow_any_origin:
        shared = settings.allow_headers, settings.expose_headers, settings.methods, settings.max_age
        rules.append(Rule(frozenset(), (), False, *shared, wildcard=True))  # noqa: FBT003 - refused with credentials
    return rules


def _rule(policy: CorsPolicy, settings: Cors) -> Rule:
    credentials = settings.allow_credentials if policy.allow_credentials is None else policy.allow_credentials
    return Rule(
        frozenset(policy.origins),
        tuple(re.compile(expression) for expression in policy.match_origins),
        credentials,
        policy.allow_headers or settings.allow_headers,
        policy.expose_headers or settings.expose_headers,
        settings.methods if policy.methods is None else policy.methods,
        settings.max_age if policy.max_age is None else policy.max_age,
    )
