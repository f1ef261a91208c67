"""Is the process alive, and may it get requests: for load balancers and for people.

Alive is whoever answers. Ready is who has a supergraph and doesn't mean to end. A subgraph that is down is no reason: the
others' fields are still there, and all routers would be taken out at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from router.server.reload import Graphs


@dataclass(slots=True)
class Ending:
    """Whether this process means to end; it still answers, but wants no new clients."""

    begun: bool = False


def routes(graphs: Graphs, ending: Ending, path: str) -> list[Route]:
    """Return the routes under all the names that load balancers know."""

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "UP"})

    async def ready(_request: Request) -> Response:
        up = graphs.current is not None and not ending.begun
        return JSONResponse({"status": "UP" if up else "DOWN"}, 200 if up else 503)

    async def health(request: Request) -> Response:
        return await (ready if "ready" in request.query_params else live)(request)

    return [
        *(Route(name, health) for name in dict.fromkeys(("/health", path))),
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/readiness", ready),
    ]
