"""The ways in that are no GraphQL: the page on which a quote is answered, the quote on paper, the file of an export, and files for imports; each behind a link that is a secret."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import BaseRoute

from subgraphs.crm.web import exports, papers, quotes, uploads
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings


def routes(settings: Settings, engine: AsyncEngine, clock: Clock) -> Sequence[BaseRoute]:
    """All of them."""
    return [route for way in (papers, quotes, exports, uploads) for route in way.routes(settings, engine, clock)]
