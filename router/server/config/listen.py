"""Settings: where the router listens."""

from __future__ import annotations

from pydantic import Field, IPvAnyNetwork

from router.server.config.section import Section


class Listen(Section):
    """Where the router listens."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    path: str = Field("/graphql", pattern="^/", description="Where GraphQL is, besides /graphql.")
    port: int = Field(4000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Networks of our own proxies: what they say in X-Forwarded-For of the client is believed."
    )
