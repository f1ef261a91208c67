"""Your own async functions on the way of a request: they may refuse it, add headers, and hand things to each other.

    on_request             a request came: its headers, nothing read yet
    on_operation           an operation is understood: its name, kind, variables, who is asking
    on_subgraph_request    a fetch is about to go out: its headers may be changed
    on_subgraph_response   an answer of a subgraph came
    on_response            the answer is complete: data and errors may be changed

An object has any of these methods and no others; settings name it (`hooks: [{path: acme.hooks.Audit}]`), and several are called
in their order. `raise Refuse("CODE", "why")` refuses: the request as a whole, or the fields of that fetch. All hooks of one
request share its `Request`, whose `context` is theirs. A hook that fails or takes longer than its `timeout` ends the
request with HOOK_FAILED, or is passed over with a line in the log, as `on_error` says.

    class Maintenance:
        async def on_operation(self, request: Request, operation: Asked) -> None:
            if operation.kind == "mutation" and request.headers.get("x-preview"):
                raise Refuse("PREVIEW_IS_READ_ONLY", "Nothing can be changed in a preview.", status=403)

        async def on_subgraph_request(self, request: Request, fetch: Fetching) -> None:
            fetch.headers["x-region"] = "eu"

Where no hook is registered, nothing of this is in the way. `testing_hooks.HookHarness` calls hooks without a router. What is
answered in parts or as a stream has no `on_response`.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Coroutine, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.datastructures import Headers

from router.executor.execute import Result
from router.executor.transport import SubgraphRequest, SubgraphResponse, Transport, TransportFailure
from router.server.access_log import Facts
from router.server.config.hooks import HookSettings, OnError
from router.server.pipeline import Client, Pipeline, Prepared
from router.server.refusals import Refused
from router.server.request import GraphQLRequest

if TYPE_CHECKING:  # at run time it brings all of cryptography along
    from router.server.authentication import Caller

log = structlog.get_logger(__name__)

STAGES: Final = ("on_request", "on_operation", "on_subgraph_request", "on_subgraph_response", "on_response")


class Refuse(Exception):
    """Raised by a hook: no. The code is the hook's own."""

    def __init__(self, code: str, message: str, *, status: int = 403, **extensions: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.extensions = code, message, status, extensions


class BadHooks(Exception):
    """The settings name something that has no hooks."""


@dataclass(slots=True)
class Request:
    """One request of a client; `context` belongs to the hooks, `response_headers` go out with the answer."""

    headers: Mapping[str, str]
    trace_id: str
    response_headers: dict[str, str]
    claims: Mapping[str, Any] | None = None
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation that is about to be run."""

    name: str | None
    kind: str
    hash: str | None
    variables: Mapping[str, Any]


@dataclass(slots=True)
class Fetching:
    """One request to a subgraph; `headers` may be changed."""

    service: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a subgraph answered."""

    service: str
    data: dict[str, Any] | None
    errors: tuple[Mapping[str, Any], ...]
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Answer:
    """The answer to a client, which may be changed in place."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]]


class _Forbidden(TransportFailure):
    """A hook refused a fetch."""

    code = "HOOK_REFUSED"


@dataclass(frozen=True, slots=True)
class _Registered:
    path: str
    hooks: Any
    timeout: float
    on_error: OnError

    async def call(self, stage: str, *given: Any) -> None:
        """Call one hook, if there is one for this stage."""
        hook = getattr(self.hooks, stage, None)
        if hook is None:
            return
        try:
            async with asyncio.timeout(self.timeout):
                await hook(*given)
        except Refuse:
            raise
        except Exception as fault:
            log.warning("hook.failed", hook=f"{self.path}.{stage}", on_error=self.on_error, exc_info=True)
            if self.on_error == "closed":
                raise HookFailed(self.path) from fault


class HookFailed(Exception):
    """A hook without which nothing may go on has failed."""


class Hooks:
    """All registered hooks, in their order."""

    def __init__(self, registered: Iterable[_Registered]) -> None:
        self._registered = tuple(registered)

    @staticmethod
    def of(settings: Iterable[HookSettings]) -> Hooks:
        """Import them; raises `BadHooks`."""
        return Hooks(_Registered(one.path, _imported(one.path), one.timeout, one.on_error) for one in settings)

    @staticmethod
    def around(*hooks: object, timeout: float = 1.0, on_error: OnError = "closed") -> Hooks:
        """Register objects directly."""
        return Hooks(
            _Registered(type(one).__name__, _checked(one, type(one).__name__), timeout, on_error) for one in hooks
        )

    @property
    def sees_fetches(self) -> bool:
        """Whether any of them has something to say about fetches."""
        stages = ("on_subgraph_request", "on_subgraph_response")
        return any(hasattr(one.hooks, stage) for one in self._registered for stage in stages)

    async def call(self, stage: str, *given: Any) -> None:
        """Call a stage's hooks one after the other; raises `Refuse` or `HookFailed`."""
        for one in self._registered:
            await one.call(stage, *given)

    async def ask(self, stage: str, *given: Any) -> None:
        """Do the same for the request as a whole: raises `Refused`."""
        try:
            await self.call(stage, *given)
        except Refuse as refuse:
            refused = Refused("HOOK_REFUSED", refuse.message, status=refuse.status, **refuse.extensions)
            refused.errors[0]["extensions"]["code"] = refuse.code
            raise refused from None
        except HookFailed:
            raise Refused("HOOK_FAILED", "A step of the router's own configuration failed.") from None


_AT_WORK: ContextVar[Request | None] = ContextVar("hooks of this request", default=None)


class HookedPipeline(Pipeline):
    """The pipeline where hooks are registered."""

    watched = True

    def __init__(self, hooks: Hooks, *others: Any) -> None:
        super().__init__(*others)
        self.hooks = hooks

    async def identify(self, headers: Headers, facts: Facts) -> Caller | None:
        """Let hooks see the request first."""
        request = Request(headers, facts.trace.trace_id, facts.headers)
        _AT_WORK.set(request)
        await self.hooks.ask("on_request", request)
        caller = await super().identify(headers, facts)
        request.claims = caller.claims if caller else None
        return caller

    async def prepare(self, request: GraphQLRequest, client: Client, *, again: bool = False) -> Prepared:
        """Let hooks see the operation, and the answer."""
        prepared = await super().prepare(request, client, again=again)
        at_work = self._at_work(client)
        operation = prepared.operation
        asked = Asked(operation.name, operation.kind, operation.digest, request.variables)
        await self.hooks.ask("on_operation", at_work, asked)

        async def around(run: Coroutine[Any, Any, Result]) -> Result:
            _AT_WORK.set(at_work)
            result = await run
            answer = Answer(result.data, result.errors)
            await self.hooks.ask("on_response", at_work, answer)
            return Result(answer.data, answer.errors)

        return replace(prepared, around=around)

    def _at_work(self, client: Client) -> Request:
        known = _AT_WORK.get()
        if known is not None and known.headers is client.headers:
            return known
        # Another wire than HTTP: its operations come in tasks of their own.
        claims = client.caller.claims if client.caller else None
        made = Request(client.headers, client.facts.trace.trace_id, client.facts.headers, claims)
        _AT_WORK.set(made)
        return made


class HookedTransport:
    """What carries fetches, where hooks are registered."""

    def __init__(self, inner: Transport, hooks: Hooks) -> None:
        self._inner = inner
        self._hooks = hooks

    async def send(self, request: SubgraphRequest, deadline: float) -> SubgraphResponse:
        """Send one request, if the hooks let it."""
        at_work = _AT_WORK.get()
        if at_work is None:
            return await self._inner.send(request, deadline)
        fetching = Fetching(request.service, request.url, dict(request.headers))
        await self._ask("on_subgraph_request", at_work, fetching)
        response = await self._inner.send(replace(request, headers=fetching.headers), deadline)
        fetched = Fetched(request.service, response.data, response.errors, response.headers)
        await self._ask("on_subgraph_response", at_work, fetched)
        return response

    async def _ask(self, stage: str, *given: Any) -> None:
        try:
            await self._hooks.call(stage, *given)
        except Refuse as refuse:
            raise _Forbidden(f"{refuse.code}: {refuse.message}") from None
        except HookFailed:
            raise _Forbidden("a hook failed") from None


def _imported(path: str) -> object:
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
        return _checked(found() if isinstance(found, type) else found, path)
    except (ImportError, AttributeError, ValueError, TypeError) as fault:
        raise BadHooks(f"{path} can't be used: {fault}") from fault


def _checked(hooks: object, path: str) -> object:
    own = {name: getattr(hooks, name) for name in dir(hooks) if name.startswith("on_")}
    unknown = sorted(own.keys() - set(STAGES))
    if unknown or not own:
        raise BadHooks(f"{path} has {', '.join(unknown) or 'no hooks'}; hooks are {', '.join(STAGES)}")
    for name, hook in own.items():
        if not inspect.iscoroutinefunction(hook):
            raise BadHooks(f"{path}.{name} is no async function")
    return hooks
