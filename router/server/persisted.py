"""From what a client sent to the text of its operation: by id from a manifest, by hash from memory, or as it is.

id, no text      in a manifest → its text     else APQ knows the hash → that text     else refused
hash and text    the hash is right → kept for the next time
text             registered or not? the safelist decides, for those clients for which it holds
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from router.server import manifests
from router.server.apq import Texts
from router.server.authorization import scopes_of
from router.server.client_name import client_name
from router.server.config import RouterConfig
from router.server.manifests import BadManifest, Manifests
from router.server.refusals import Refused
from router.server.request import GraphQLRequest
from router.server.watch import watch

if TYPE_CHECKING:
    from router.server.pipeline import Client

log = structlog.get_logger(__name__)

_LONGEST_ID: Final = 256


class Persisted:
    """The operations that need not be sent as text, and those that may be."""

    def __init__(self, config: RouterConfig) -> None:
        self._settings = config.persisted_queries
        enabled = config.apq.enabled
        self._apq = not self._settings.safelist.enabled if enabled is None else enabled
        self._texts = Texts(config.apq, config.redis)
        self._manifests = self._read() if self._settings.enabled else Manifests(())

    def _read(self) -> Manifests:
        return manifests.read(self._settings.local_manifests)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the manifests, and close the connections at the end."""
        async with asyncio.TaskGroup() as group:
            watched = self._settings.enabled and self._settings.hot_reload
            watching = group.create_task(watch(self._files, self._reload)) if watched else None
            try:
                yield
            finally:
                if watching:
                    watching.cancel()
                await self._texts.close()

    def _files(self) -> list[Path]:
        return [path for path, _ in manifests.files(self._settings.local_manifests)]

    async def _reload(self) -> None:
        try:
            self._manifests = await asyncio.to_thread(self._read)
        except BadManifest as fault:
            log.error("persisted_queries.kept_old", reason=str(fault))  # noqa: TRY400 - the reason says it all
        else:
            log.info("persisted_queries.reloaded", operations=len(self._manifests))

    @property
    def registered(self) -> tuple[str, ...]:
        """The texts of the manifests that are for everybody."""
        return self._manifests.everybodys

    def is_plain(self, request: GraphQLRequest) -> bool:
        """Whether a request is answered as it is, by its own text."""
        return bool(request.query) and request.document_id is None and not self._settings.enabled

    async def resolve(self, request: GraphQLRequest, client: Client) -> GraphQLRequest:
        """Return the request with its text; raises `Refused` when there is none, or it may not be."""
        if request.registered:  # the router's own text: a route of the REST interface
            return request
        if request.query:
            if request.document_id is None and not self._settings.enabled:
                return request
            return await self._given(request, client)
        if request.document_id is None or len(request.document_id) > _LONGEST_ID:
            raise Refused("BAD_REQUEST", "The parameter `query` must be a GraphQL document.")
        return await self._named(request, request.document_id, client)

    async def _named(self, request: GraphQLRequest, name: str, client: Client) -> GraphQLRequest:
        text = self._manifests.find(name, client_name(client.headers))
        if text is not None:
            return replace(request, query=text, registered=True)
        if self._apq:
            text = await self._texts.get(name)
            if text is None:
                raise Refused("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
            return self._allowed(replace(request, query=text), client)
        if self._settings.enabled:
            message = f"Persisted query '{name}' not found in the persisted query list"
            raise Refused("PERSISTED_QUERY_NOT_IN_LIST", message, operation_name=request.operation_name)
        # Clients know this message, and send the text the next time.
        raise Refused("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")

    async def _given(self, request: GraphQLRequest, client: Client) -> GraphQLRequest:
        name = request.document_id
        if name is not None and self._settings.enabled and not self._apq:
            message = "Sending a persisted query ID and a body in the same request is disallowed"
            raise Refused("CANNOT_SEND_PQ_ID_AND_BODY", message)
        allowed = self._allowed(request, client)
        if name is not None and self._apq:
            if manifests.digest(request.query) != name.lower():
                raise Refused("PERSISTED_QUERY_HASH_MISMATCH", "provided sha does not match query")
            await self._texts.put(name.lower(), request.query)
        return allowed

    def _allowed(self, request: GraphQLRequest, client: Client) -> GraphQLRequest:
        """Decide about a text that came from a client, now or earlier."""
        if not self._settings.enabled:
            return request
        known = self._manifests.knows(request.query)
        if not known and self._settings.log_unknown:
            log.warning(
                "persisted_queries.unknown",
                client=client_name(client.headers),
                **{"graphql.operation.name": request.operation_name},
                **{"graphql.operation.hash": manifests.digest(request.query)},
            )
        if self._safelisted(client):
            _check_safelisted(known=known, require_id=self._settings.safelist.require_id)
        return replace(request, registered=known)

    def _safelisted(self, client: Client) -> bool:
        """Whether only registered operations are for this client."""
        rules = self._settings.safelist
        if not rules.enabled:
            return False
        name, scopes = client_name(client.headers), _scopes(client)
        exempt = name in rules.exempt_clients or not scopes.isdisjoint(rules.exempt_scopes)
        everyone = not rules.only_clients and not rules.only_scopes
        meant = name in rules.only_clients or not scopes.isdisjoint(rules.only_scopes)
        return (everyone or meant) and not exempt


def _check_safelisted(*, known: bool, require_id: bool) -> None:
    if require_id:
        raise Refused(
            "PERSISTED_QUERY_ID_REQUIRED",
            "This endpoint does not allow freeform GraphQL requests; operations must be sent by ID in the persisted "
            "queries GraphQL extension.",
        )
    if not known:
        raise Refused("QUERY_NOT_IN_SAFELIST", "The operation body was not found in the persisted query safelist")


def _scopes(client: Client) -> frozenset[str]:
    return scopes_of(client.caller.claims) if client.caller else frozenset()
