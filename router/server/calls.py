"""What an operation's fetches have in common: what each service is told, when patience ends, and what is noted of the answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from graphql import OperationType
from starlette.datastructures import Headers

from router.executor import clock
from router.executor.fetch import Call, FetchRecord
from router.executor.headers import Names, Propagate, Returned, Rules, to_service
from router.executor.operation import Operation
from router.executor.transport import SubgraphResponse
from router.planner.query_plan import Fetch
from router.server.client_name import client_name, client_version
from router.server.config import RouterConfig
from router.server.demand_control import Bill
from router.server.metrics import Metrics
from router.server.request import GraphQLRequest

if TYPE_CHECKING:
    from router.server.authentication import Minter
    from router.server.pipeline import Client

_KEY: Final = "idempotency-key"
_REPLAYED: Final = Propagate(Names("idempotent-replayed"))
"""What a service says that answers the first result of a key again; whoever sent the key is told."""

Told = Callable[[str], Mapping[str, str]]
"""Which headers a service gets, all but the token that we sign."""


class Calls:
    """Makes the calls of operations, as header rules and budgets want them."""

    def __init__(self, config: RouterConfig, minter: Minter | None, metrics: Metrics) -> None:
        self._to_services, self._to_client = config.headers.to_services(), config.headers.to_client()
        self._of_keys = Rules((_REPLAYED, *self._to_client.for_all), self._to_client.by_service)
        self._forwarded = config.subgraphs.forwarded_headers
        self._seconds = config.request_timeout_seconds
        self._minter = minter
        self._metrics = metrics

    def adds_to(self, headers: Headers) -> bool:
        """Whether services are told anything besides the token and the trace."""
        return not self._to_services.is_empty or any(map(headers.get, self._forwarded))

    @property
    def returns(self) -> bool:
        """Whether clients are told anything of what services say in headers."""
        return not self._to_client.is_empty

    def told(self, client: Client, operation: Operation) -> Told:
        """What each service is told of the client's headers, and of the trace."""
        headers, facts = client.headers, client.facts
        forwarded = {name: headers[name] for name in self._forwarded if name in headers}
        traced = facts.trace.headers()
        rules, claims = self._to_services, client.caller.claims if client.caller else None
        by_service: dict[str, dict[str, str]] = {}

        def told(service: str) -> Mapping[str, str]:
            known = by_service.get(service)
            if known is None:
                own = rules.of(service)
                facts_known = partial(known_of, operation, headers)
                ruled = to_service(own, tuple(headers.items()), claims, facts_known) if own else {}
                known = by_service[service] = {**forwarded, **ruled, **traced}
            return known

        return told

    def call(
        self, request: GraphQLRequest, client: Client, operation: Operation, opened: Bill | None, told: Told
    ) -> Call:
        """Return what the executor needs to know of an operation's fetches."""
        facts, minter, caller = client.facts, self._minter, client.caller

        def headers_for(service: str) -> Mapping[str, str]:
            if opened is not None:
                opened.check_subgraph(service)
            if minter is None or caller is None:
                return told(service)
            # Not kept: it is good for a minute, and a subscription's events go on asking.
            return {**told(service), "authorization": f"Bearer {minter.token(caller, service)}"}

        def observe(record: FetchRecord) -> None:
            facts.fetches.append(record)
            self._metrics.fetched(record)

        rules = self._of_keys if _KEY in client.headers else self._to_client
        if rules.is_empty and opened is None:
            return Call(request.variables, headers_for, observe, self._deadline(operation))
        returned = Returned(rules)
        facts.returned.append(returned.lines)

        def received(node: Fetch, response: SubgraphResponse) -> None:
            returned.receive(node.service_name, response.headers)
            if opened is not None:
                opened.received(node, response)

        return Call(request.variables, headers_for, observe, self._deadline(operation), received)

    def _deadline(self, operation: Operation) -> float:
        """When the client's patience ends; that of a subscription doesn't."""
        if operation.definition.operation is OperationType.SUBSCRIPTION:
            return math.inf
        return clock.now() + self._seconds


def known_of(operation: Operation, headers: Headers) -> dict[str, str | None]:
    """Return what header rules may tell of a request, under the names that Apollo's router has for it."""
    return {
        "apollo::supergraph::operation_name": operation.name,
        "apollo::supergraph::operation_kind": operation.kind,
        "apollo::telemetry::client_name": client_name(headers),
        "apollo::telemetry::client_version": client_version(headers),
    }
