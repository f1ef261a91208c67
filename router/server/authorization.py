"""What a caller may see: decides the conditions that an operation depends on, its policies by hooks in Python.

    conditions of the operation ──► @authenticated, @requiresScopes: from the verified token
    (router.planner.access)         @policy: all of a request in one call for each hook, within one deadline
                              ──► those that fail: the shape by which the operation is cached

A hook is `async def hook(policies: frozenset[str], request: PolicyRequest) -> Mapping[str, bool] | Collection[str]`. A
policy holds only when it says exactly so: an error, a late answer, or no answer shuts what depends on it.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

import structlog

from router.planner.access import Authenticated, Condition, Demand, Policies, Restricted, Scopes
from router.server.config.authorization import Authorization, Directives

CODE: Final = "UNAUTHORIZED_FIELD_OR_TYPE"
MESSAGE: Final = "Unauthorized field or type"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PolicyRequest:
    """What a hook may base its decision on; without `claims` nobody has said who they are."""

    claims: Mapping[str, Any] | None
    headers: Mapping[str, str] = field(default_factory=dict)


PolicyHook = Callable[[frozenset[str], PolicyRequest], Awaitable[Mapping[str, bool] | Collection[str]]]


class BadHook(Exception):
    """The settings name a hook that is none."""


class Authorizer:
    """Decides conditions for one request."""

    def __init__(self, hooks: Mapping[str, PolicyHook], timeout_seconds: float) -> None:
        self._hooks = hooks
        self._timeout = timeout_seconds

    @staticmethod
    def of(settings: Authorization) -> Authorizer:
        """Import the hooks; raises `BadHook`."""
        policies = settings.policies
        return Authorizer({name: _hook(path) for name, path in policies.hooks.items()}, policies.timeout_seconds)

    async def failed(self, needs: Demand, request: PolicyRequest) -> Demand:
        """Return the conditions that this caller does not meet."""
        scopes = scopes_of(request.claims or {})
        asked = frozenset(
            policy
            for condition in needs
            if isinstance(condition, Policies)
            for clause in condition.any_of
            for policy in clause
        )
        granted = await self._granted(asked, request) if asked else frozenset[str]()
        return frozenset(
            condition
            for condition in needs
            if not _met(condition, known=request.claims is not None, scopes=scopes, granted=granted)
        )

    def failed_now(self, needs: Demand, claims: Mapping[str, Any] | None) -> Demand | None:
        """Return the same where no policy has to be asked for; None where one has."""
        if any(isinstance(condition, Policies) for condition in needs):
            return None
        scopes, none = scopes_of(claims or {}), frozenset[str]()
        return frozenset(
            condition
            for condition in needs
            if not _met(condition, known=claims is not None, scopes=scopes, granted=none)
        )

    async def _granted(self, asked: frozenset[str], request: PolicyRequest) -> frozenset[str]:
        """Ask each hook once for all of its policies, all hooks at the same time."""
        by_hook: dict[str, set[str]] = {}
        for policy in asked:
            name = policy if policy in self._hooks else "*"
            if name in self._hooks:
                by_hook.setdefault(self._name(name), set()).add(policy)
            else:
                log.warning("policy.undecided", policy=policy)
        hooks = {self._name(name): hook for name, hook in self._hooks.items()}
        async with asyncio.TaskGroup() as group:
            asking = [
                group.create_task(self._ask(name, hooks[name], frozenset(policies), request))
                for name, policies in by_hook.items()
            ]
        return frozenset[str]().union(*(task.result() for task in asking))

    def _name(self, policy: str) -> str:
        hook = self._hooks[policy]
        return f"{getattr(hook, '__module__', '')}.{getattr(hook, '__qualname__', repr(hook))}"

    async def _ask(
        self, name: str, hook: PolicyHook, policies: frozenset[str], request: PolicyRequest
    ) -> frozenset[str]:
        try:
            async with asyncio.timeout(self._timeout):
                said = await hook(policies, request)
            return policies & _said_yes(said)
        except Exception:
            log.warning("policy.hook_failed", hook=name, policies=sorted(policies), exc_info=True)
            return frozenset()


def scopes_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes that a token grants: a text with blanks (RFC 8693) or a list, under either of the usual names."""
    match claims.get("scope", claims.get("scp")):
        case str() as text:
            return frozenset(text.split())
        case list() as listed:
            return frozenset(one for one in listed if isinstance(one, str))
        case _:
            return frozenset()


def _said_yes(said: Mapping[str, bool] | Collection[str]) -> frozenset[str]:
    if isinstance(said, Mapping):
        return frozenset(policy for policy, holds in said.items() if holds is True)
    if isinstance(said, str):
        raise TypeError("a hook answers with a mapping or a collection of policies")
    return frozenset(said)


def _met(condition: Condition, *, known: bool, scopes: frozenset[str], granted: frozenset[str]) -> bool:
    match condition:
        case Authenticated():
            return known
        case Scopes():
            return any(clause <= scopes for clause in condition.any_of)
        case Policies():
            return any(clause <= granted for clause in condition.any_of)
        case _:
            assert_never(condition)


def _hook(path: str) -> PolicyHook:
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        hook = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as fault:
        raise BadHook(f"{path} can't be imported: {fault}") from fault
    if not inspect.iscoroutinefunction(hook) and not inspect.iscoroutinefunction(getattr(hook, "__call__", None)):  # noqa: B004 - an object may be a hook too
        raise BadHook(f"{path} is no async function")
    found: PolicyHook = hook
    return found


def errors(restricted: Restricted) -> tuple[dict[str, Any], ...]:
    """What the client reads of what was withheld."""
    return tuple({"message": MESSAGE, "path": list(path), "extensions": {"code": CODE}} for path in restricted.paths)


def reported(found: tuple[dict[str, Any], ...], directives: Directives) -> dict[str, Any]:
    """Return where these errors go in an operation's answers, as its fields."""
    match directives.errors.response:
        case "errors":
            return {"errors": found}
        case "extensions":
            return {"extensions": {"authorizationErrors": list(found)}}
        case "disabled":
            return {}
        case _:
            assert_never(directives.errors.response)
