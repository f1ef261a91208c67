"""The life of an operation, whatever carried it here: read `prepare` from top to bottom, one step per line.

HTTP, WebSocket and REST all come through here (`http.py` and its neighbours know the wires), so that a limit, a check
or a cache that stands here holds on every way in. Whatever a step refuses is raised as `Refused`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from graphql import OperationType, get_variable_values
from starlette.datastructures import Headers

from router.executor import clock
from router.executor.caching.cache_control import Freshness
from router.executor.caching.cached import Asker, Cached
from router.executor.deferred import Deferred, Emit, deferring
from router.executor.execute import Begun, Result, begin, execute
from router.executor.fetch import Call
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.planner.query_plan import Subscription, pretty, to_json
from router.registry.usage import SeenOperations
from router.server import explain, limits
from router.server.access_log import Facts
from router.server.admission import Admission
from router.server.authorization import Authorizer, PolicyRequest
from router.server.calls import Calls, Told
from router.server.client_name import client_name
from router.server.config import RouterConfig
from router.server.demand_control import Bill, bill, weight
from router.server.head import Head
from router.server.known import Known, Talk
from router.server.limits import Warden
from router.server.metrics import Metrics
from router.server.override_labels import Draw
from router.server.persisted import Persisted
from router.server.rate_limit import RateLimiter
from router.server.refusals import NotNow, Refused
from router.server.reload import Graph, Graphs
from router.server.request import GraphQLRequest
from router.server.response_cache import ResponseCache
from router.server.sharing import Begin, Done, Joined, Sharing
from router.server.sharing import Returned as ReturnedLines

if TYPE_CHECKING:  # it brings all of cryptography along, which a router without authentication can do without
    from router.server.authentication import Authenticator, Caller, Minter
    from router.server.foreign_tokens import ForeignTokens

_EXPOSE_PLAN: Final = "apollo-expose-query-plan"
_MOST_VARIABLE_ERRORS: Final = 50
_MOST_KNOWN: Final = 4096

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """Both sides of identity: who is asking us, and whom we are when we ask others."""

    authenticator: Authenticator | ForeignTokens
    minter: Minter | None
    """Absent where subgraphs are others', who don't know our tokens."""


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Client:
    """Who sent an operation, and what came along with it.

    `may_write` is false where nothing may be changed; `deferring` is true where the answer may come in parts.
    """

    headers: Headers
    facts: Facts
    caller: Caller | None = None
    may_write: bool = True
    deferring: bool = False


Shared = Callable[[Callable[[], Coroutine[Any, Any, Result]]], Coroutine[Any, Any, Result]]


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Prepared:
    """An operation that passed every check and needs only to be run."""

    graph: Graph
    operation: Operation
    call: Call
    conditions: Mapping[str, Any]
    masking: Masking
    extensions: Mapping[str, Any] = field(default_factory=dict)
    """What the answer says besides data and errors."""
    dry_run: bool = False
    bill: Bill | None = None
    cached: Cached | None = None
    """What it finds of what is kept, where anything is."""
    around: Callable[[Coroutine[Any, Any, Result]], Coroutine[Any, Any, Result]] | None = None
    """Runs what answers it, where somebody wants to see the answer."""
    shared: Shared | None = None
    """Runs it together with equal ones, where that may be."""

    joined: Callable[[Begin, Done], Begun | Joined | None] | None = None
    """Begins it together with equal ones, where that may be."""

    @property
    def is_subscription(self) -> bool:
        """Whether its answer is a stream; one of whose root nothing may be seen is answered at once."""
        return isinstance(self.operation.plan.node, Subscription)

    @property
    def is_mutation(self) -> bool:
        """Whether it changes something, so that what was begun has to be finished."""
        return self.operation.definition.operation is OperationType.MUTATION

    @property
    def is_deferred(self) -> bool:
        """Whether it's to be answered in parts, by `deferred`."""
        return not self.dry_run and deferring(self.operation, self.conditions) is not None

    def deferred(self, emit: Emit) -> Deferred:
        """Run it and answer in parts."""
        return Deferred(self.operation, self.graph.services, self.call, self.conditions, self.masking, emit)

    def delivered(self, data: dict[str, Any] | None) -> None:
        """Count what came in parts; it's too late then to say so in the answer."""
        if self.bill:
            self.bill.answered(Result(data, []))

    def good_for(self, result: Result) -> Mapping[str, str]:
        """Say how long others may keep the answer; raises `Refused` when it should have been kept here and wasn't."""
        return self.freshness(result).headers()

    def freshness(self, result: Result) -> Freshness:
        """How long the answer is good for; raises `Refused` when it should have been kept here and wasn't."""
        if self.cached is not None and self.cached.missed:
            raise Refused("NOT_CACHED", "Only what is kept was asked for, and not all of it is.")
        if self.cached is None or result.errors:
            return Freshness(storable=False)
        return self.cached.freshness

    def execute(self) -> Coroutine[Any, Any, Result]:
        """Run it and answer once."""
        run = self._run() if self.shared is None else self.shared(self._run)
        return run if self.around is None else self.around(run)

    def begin(self, done: Done) -> Begun | Joined | None:
        """Run it and answer once, without a task; None where that can't be, and then nothing has begun."""
        if self.dry_run or self.bill is not None or self.around is not None:
            return None
        run = partial(
            begin,
            self.operation,
            self.graph.services,
            self.call,
            self.conditions,
            self.masking,
            bare=not self.extensions,
        )
        return run(done) if self.joined is None else self.joined(run, done)

    async def _run(self) -> Result:
        if self.dry_run:
            return Result(None, [])
        result = await execute(self.operation, self.graph.services, self.call, self.conditions, self.masking)
        return self.bill.answered(result) if self.bill else result


class Pipeline:
    """Turns a GraphQL request into an operation that is ready to run."""

    watched = False
    """Whether somebody sees each answer, and each fetch that belongs to it."""

    def __init__(
        self,
        config: RouterConfig,
        graphs: Graphs,
        identity: Identity | None,
        metrics: Metrics,
        limiter: RateLimiter,
        draw: Draw = random.random,
    ) -> None:
        self.config = config
        self._authorizer = Authorizer.of(config.authorization)
        self.persisted = Persisted(config)
        self.admission = Admission(config.overload)
        self._sharing = Sharing(metrics.shared, config.traffic_shaping.shares)
        errors = config.include_subgraph_errors
        self._errors_of_all, self._errors_by_service = errors.for_all(), errors.by_service()
        shown, anybody = config.expose_query_plan, config.authentication is None and config.jwt is None
        self._shows_plans = anybody if shown is None else shown
        self._graphs = graphs
        self._identity = identity
        self._metrics = metrics
        self._limiter = limiter
        self._draw = draw
        self._calls = Calls(config, identity.minter if identity else None, metrics)
        self.seen: SeenOperations | None = None
        """Where it is noted what clients send, if it matters to anybody."""
        self.cache: ResponseCache | None = None
        """Where answers of subgraphs are kept, if they are."""

    @property
    def warden(self) -> Warden:
        """Who decides what comes of requests beyond a limit."""
        return self._graphs.gate.warden

    @property
    def asks_who(self) -> bool:
        """Whether it matters who is asking."""
        return self._identity is not None

    async def identify(self, headers: Headers, facts: Facts) -> Caller | None:
        """Find out who is asking; raises `Refused` when that can't be told."""
        if self._identity is None:
            return None
        required = self.config.authorization.require_authentication
        try:
            caller = await self._identity.authenticator.identified(headers, facts.address or None, required=required)
        except Refused:
            await self._limiter.failed(facts)
            raise
        if caller is not None:
            facts.tenant, facts.caller = caller.tenant, caller.subject
        return caller

    async def count(self, client: Client) -> None:
        """Count a request that is answered without an operation; raises `Refused` when it's one too many."""
        await self._limiter.take(client.caller, client.headers, client.facts)

    async def prepare(self, request: GraphQLRequest, client: Client, *, again: bool = False) -> Prepared:
        """Find or make the plan, and check everything that can be checked before anything is fetched.

        `again` is what was asked before and goes on under another schema: it counts as no new request.
        """
        graph = self._graphs.needed()
        if not again and not self._limiter.weighs_cost:
            await self._limiter.take(client.caller, client.headers, client.facts)
        request = await self.persisted.resolve(request, client)
        labels = graph.labels.active(self._draw)
        if request.variables:
            limits.check_variables(request.variables, self.warden, registered=request.registered)
        operation = await _find(graph, request, labels, client, self._authorizer)
        conditions = self._admitted(operation, request, client)
        if self._limiter.weighs_cost:
            await self._limiter.take(client.caller, client.headers, client.facts, weight(operation, conditions))
        return self._prepared(graph, operation, request, client, conditions)

    def known_now(self, request: GraphQLRequest, headers: Headers, address: str | None) -> Known | None:
        """Return all that a request needs if it's there already, without anything being counted; else None.

        Then `prepare_now` does at once what `identify` and `prepare` do for all others.
        """
        graph, limiter = self._graphs.current, self._limiter
        if graph is None or not self.persisted.is_plain(request):
            return None
        # Heads that are equal are one, so that its number will do.
        key = (headers.number if isinstance(headers, Head) else 0, request.query, request.operation_name, address)
        kept = graph.known.get(key)
        if kept is not None and (kept.caller is None or self._still(kept.caller)):
            return kept
        plain = not limiter.weighs_cost and type(self) is Pipeline
        known = self._found_now(graph, request, headers, address) if plain else None
        if known is not None and known.usual and key[0] and not request.registered and not graph.labels.shares:
            if len(graph.known) >= _MOST_KNOWN:
                graph.known.clear()
            graph.known[key] = known
        return known

    def _found_now(self, graph: Graph, request: GraphQLRequest, headers: Headers, address: str | None) -> Known | None:
        caller = None
        if self._identity is not None:
            try:
                required = self.config.authorization.require_authentication
                caller = self._identity.authenticator.identified_now(headers, address, required=required)
            except NotNow:
                return None
        labels = graph.labels.active(self._draw)
        decide = partial(self._authorizer.failed_now, claims=caller.claims if caller else None)
        operation = graph.operations.find_now(
            request.query, request.operation_name, labels, decide, registered=request.registered
        )
        return Known(graph, operation, caller, self._is_usual(operation, headers)) if operation is not None else None

    def _still(self, caller: Caller) -> bool:
        return self._identity is not None and self._identity.authenticator.still(caller)

    def _is_usual(self, operation: Operation, headers: Headers) -> bool:
        """Whether nobody looks on, keeps books, or adds anything to what is asked or answered."""
        said = operation.measured or operation.withheld or operation.extensions or self._calls.adds_to(headers)
        wanted = headers.get(_EXPOSE_PLAN) or headers.get(explain.HEADER)
        kept = self.cache is not None or self.config.demand_control.enabled or self._calls.returns
        is_query = operation.definition.operation is OperationType.QUERY
        return is_query and not (said or wanted or kept or self.config.authorization.policies.hooks)

    @property
    def counts_now(self) -> bool:
        """Whether requests are counted without waiting for anybody."""
        return self._limiter.counts_here

    def prepare_now(
        self, request: GraphQLRequest, client: Client, known: Known, *, is_counted: bool = False
    ) -> Prepared:
        """Check everything that can be checked before anything is fetched; raises `Refused`.

        Where `counts_now` doesn't hold, `count` has to be waited for first.
        """
        facts, caller, operation = client.facts, known.caller, known.operation
        facts.tenant, facts.caller = known.tenant, known.subject
        if not is_counted:
            self._limiter.take_now(caller, client.headers, facts)
        facts.operation_name = request.operation_name
        if request.variables:
            limits.check_variables(request.variables, self.warden, registered=request.registered)
        facts.operation_name, facts.operation_type = known.name, known.kind
        facts.operation_hash = operation.digest
        if not known.usual or known.takes_variables or self.seen is not None:
            conditions = self._admitted(operation, request, client)
        else:
            conditions = {}  # a usual one is allowed, and there's nothing else that may be wrong
        if not known.usual:
            return self._prepared(known.graph, operation, request, client, conditions)
        talk = Talk(facts, caller, self._identity.minter if self._identity else None, self._metrics.fetched)
        deadline = clock.now() + self.config.request_timeout_seconds
        call = Call(request.variables, talk.headers, talk.observe, deadline, told=talk.told)
        masking = Masking(facts.trace.trace_id, self._errors_of_all, self._errors_by_service)
        prepared = Prepared(known.graph, operation, call, conditions, masking)
        self._share(prepared, client, ())
        return prepared

    def _admitted(self, operation: Operation, request: GraphQLRequest, client: Client) -> Mapping[str, Any]:
        """Check an operation for this client; return the coerced variables."""
        if self.seen is not None and operation.digest is not None:
            name = client_name(client.headers)
            self.seen.record(operation.digest, operation.name, operation.kind, operation.text, name)
        self._check(operation, client)
        return _coerced(operation, request, hide_suggestions=not self._graphs.gate.field_suggestions)

    def _prepared(
        self,
        graph: Graph,
        operation: Operation,
        request: GraphQLRequest,
        client: Client,
        conditions: Mapping[str, Any],
    ) -> Prepared:
        opened = bill(self.config.demand_control, operation, conditions, client.facts, self._metrics.cost)
        told = self._calls.told(client, operation)
        returned_before = len(client.facts.returned)
        call = self._calls.call(request, client, operation, opened, told)
        masking = Masking(client.facts.trace.trace_id, self._errors_of_all, self._errors_by_service)
        shown = self._plan_shown(operation, client.headers)
        extensions = {**operation.extensions, **shown} if shown or operation.extensions else {}
        if opened is not None and self.config.demand_control.include_extension_metadata:
            extensions["cost"] = opened.extension
        dry_run = bool(shown) and client.headers[_EXPOSE_PLAN] == "dry-run"
        cached = self._cached(graph, operation, client, told, extensions)
        if cached is not None:
            call = replace(call, cache=cached)
        call, extensions = self._traced(call, extensions, client)
        prepared = Prepared(graph, operation, call, conditions, masking, extensions, dry_run, opened, cached)
        self._share(prepared, client, client.facts.returned[returned_before:])
        return prepared

    def _share(self, prepared: Prepared, client: Client, returned: ReturnedLines) -> None:
        """Let it run together with equal ones, where nobody watches it or keeps books of it."""
        operation = prepared.operation
        watched = self.watched or prepared.call.traced is not None
        alone = watched or prepared.bill is not None or prepared.cached is not None
        if alone or operation.definition.operation is not OperationType.QUERY:
            return
        key = self._sharing.key(operation, prepared.call.variables, client.caller, client.headers)
        if key is not None:
            prepared.shared = partial(self._sharing.run, key, client.facts, returned)
            prepared.joined = partial(self._sharing.begin, key, client.facts, returned)

    def _check(self, operation: Operation, client: Client) -> None:
        if operation.withheld:
            self._log_withheld(operation, client)
        if operation.definition.operation is OperationType.MUTATION:
            self._check_way(client)
        if operation.measured:
            self.warden.count(operation.measured)

    def _check_way(self, client: Client) -> None:
        """Refuse a mutation where nothing may be changed."""
        if not client.may_write:
            raise Refused("MUTATION_FORBIDDEN", "Mutations can only be sent over HTTP POST.", headers={"allow": "POST"})
        if self.config.forbid_mutations:
            raise Refused("MUTATION_FORBIDDEN", "Mutations are forbidden.")

    def _log_withheld(self, operation: Operation, client: Client) -> None:
        if self.config.authorization.directives.errors.log:
            paths = [".".join(path) for path in operation.withheld]
            log.info("operation.withheld", paths=paths, **{"trace.id": client.facts.trace.trace_id})

    def _plan_shown(self, operation: Operation, headers: Headers) -> dict[str, Any]:
        if not self._shows_plans or headers.get(_EXPOSE_PLAN) not in ("true", "dry-run"):
            return {}
        return {"apolloQueryPlan": {"object": to_json(operation.plan), "text": pretty(operation.plan)}}

    def _traced(self, call: Call, extensions: dict[str, Any], client: Client) -> tuple[Call, dict[str, Any]]:
        if not self._shows_plans or client.headers.get(explain.HEADER) != "true":
            return call, extensions
        trace = explain.Trace(kept=call.cache is not None)
        return replace(call, traced=trace.watch), {**extensions, explain.EXTENSION: trace.extension}

    def _cached(
        self, graph: Graph, operation: Operation, client: Client, told: Told, extensions: dict[str, Any]
    ) -> Cached | None:
        if self.cache is None or graph.kept is None or operation.definition.operation is not OperationType.QUERY:
            return None
        claims = client.caller.claims if client.caller is not None else None
        signed = claims is not None and self._identity is not None and self._identity.minter is not None
        # The token that is signed for the caller stands for its claims.
        unsaid = client.facts.trace.headers().keys() | ({"authorization"} if signed else set())

        def asker(service: str) -> Asker:
            passed_on = {name: value for name, value in told(service).items() if name not in unsaid}
            return Asker(passed_on, claims if signed else None, claims)

        return self.cache.cached(graph.kept, client.headers, asker, extensions)


async def _find(
    graph: Graph, request: GraphQLRequest, labels: frozenset[str], client: Client, authorizer: Authorizer
) -> Operation:
    facts = client.facts
    facts.operation_name = request.operation_name
    asking = PolicyRequest(client.caller.claims if client.caller else None, client.headers)
    decide = partial(authorizer.failed, request=asking)
    operation = await graph.operations.find(
        request.query,
        request.operation_name,
        labels,
        decide,
        registered=request.registered,
        deferring=client.deferring,
        stage=facts.trace.stage,
    )
    facts.operation_name, facts.operation_type = operation.name, operation.kind
    facts.operation_hash = operation.digest
    return operation


def _coerced(operation: Operation, request: GraphQLRequest, *, hide_suggestions: bool) -> Mapping[str, Any]:
    """Check the variables; the subgraphs get what the client sent, the conditions of the plan get these."""
    if not operation.definition.variable_definitions:
        return {}
    coerced = get_variable_values(
        operation.schema,
        operation.definition.variable_definitions,
        dict(request.variables),
        max_errors=_MOST_VARIABLE_ERRORS,
        hide_suggestions=hide_suggestions,
    )
    if isinstance(coerced, list):
        raise Refused.because("BAD_USER_INPUT", coerced)
    return coerced.coerced
