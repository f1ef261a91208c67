"""Is the process alive, and may it get requests: for load balancers and for people."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from router.server.reload import Graphs


def routes(graphs: Graphs) -> list[Route]:
    """Return the routes under all the names that load balancers know.

    Ready means that there is a supergraph. A subgraph that is down is no reason: the others' fields are still there,
    and all routers would be taken out at once.
    """

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "UP"})

    async def ready(_request: Request) -> Response:
        up = graphs.current is not None
        return JSONResponse({"status": "UP" if up else "DOWN"}, 200 if up else 503)

    async def health(request: Request) -> Response:
        return await (ready if "ready" in request.query_params else live)(request)

    return [
        Route("/health", health),
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/readiness", ready),
    ]
