"""A subscription, event by event: the stream brings the root of the answer, the rest is fetched as for any query.

    stream ──► event ──► root of the answer ──► entity fetches of `rest` ──► projection ──► what the client gets

The plan is a `Subscription` node: `primary` is what the stream is opened with, `rest` what each event still needs. Events
don't know each other: each has its own data and its own errors, and a service that fails for one may serve the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.executor.errors import Faults
from router.executor.execute import Result, finish
from router.executor.fetch import Call, Run, Services, body_of, take
from router.executor.operation import Operation
from router.executor.redaction import Masking
from router.executor.spending import Spending
from router.executor.streams import StreamRequest
from router.executor.transport import Malformed, SubgraphResponse, Unavailable
from router.planner.query_plan import Subscription


def stream_of(operation: Operation) -> Subscription:
    """Return the plan of a subscription: its one stream, and what each event needs beside it."""
    node = operation.plan.node
    if not isinstance(node, Subscription):
        raise TypeError("only a subscription has a stream")
    return node


def opening(operation: Operation, services: Services, call: Call) -> StreamRequest:
    """Return the request that opens the stream; raises `Unavailable` when nobody knows where to send it."""
    primary = stream_of(operation).primary
    url = services.urls.get(primary.service_name)
    if not url:
        raise Unavailable("the service has no address")
    body = body_of(primary, {}, call.variables)
    if not isinstance(body, bytes):
        raise Malformed("a stream can't be opened with a file")
    return StreamRequest(primary.service_name, url, body, call.headers(primary.service_name))


async def respond(
    event: SubgraphResponse,
    operation: Operation,
    services: Services,
    call: Call,
    conditions: Mapping[str, Any],
    masking: Masking,
) -> Result:
    """Make of one event what the client asked for."""
    plan = stream_of(operation)
    # What an operation may cost holds for each event.
    spending = Spending(services.spending, operation.demand)
    run = Run(operation, services, call, conditions, Faults(masking, [*operation.errors]), spending)
    take(plan.primary, run.found(()), event, run)
    # Without a root there is nothing that entities could be fetched for.
    return await finish(run, plan.rest if event.data is not None else None)
